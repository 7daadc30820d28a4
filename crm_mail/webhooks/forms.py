"""Form of an endpoint."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.webhooks.models import ASKED, Topic, WebhookEndpoint
from crm_mail.webhooks.service import EndpointValues

_REQUIRED = DataRequired(_l("Fill in this field."))


def topic_words() -> dict[Topic, str]:
    """What can be told, in words."""
    return {
        Topic.MESSAGE_SENT: _("A message was sent"),
        Topic.MESSAGE_FAILED: _("A message failed"),
        Topic.MESSAGE_BOUNCED: _("A message came back"),
        Topic.MESSAGE_DELIVERED: _("A message was delivered, by receipt"),
        Topic.RUN_FINISHED: _("A run has finished"),
        Topic.TEST: _("Trial"),
    }


class EndpointForm(FlaskForm):
    """Where another program listens, and what it wants to know."""

    name = StringField(_l("Name"), [_REQUIRED, Length(max=80)])
    url = StringField(
        _l("Address"), [_REQUIRED, Length(max=500)], description=_l("Such as https://erp.example/crm-mail")
    )
    topics = SelectMultipleField(
        _l("What it is told"),
        [_REQUIRED],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    clearance = SelectField(
        _l("Privacy levels it is told of"),
        coerce=int,
        description=_l("Never more than you see yourself. Names, addresses and texts are never part of it."),
    )
    is_active = BooleanField(_l("Switched on"), default=True)

    def offer(self, clearance: int, labels: list[str]) -> None:
        """The choices of this person."""
        words = topic_words()
        self.topics.choices = [SelectChoice(topic.value, words[topic]) for topic in ASKED]
        self.clearance.choices = [SelectChoice(level, labels[level]) for level in range(clearance + 1)]

    def show(self, endpoint: WebhookEndpoint) -> None:
        """Fill the form with what is kept."""
        self.name.data, self.url.data = endpoint.name, endpoint.url
        self.topics.data = endpoint.topics.split()
        self.clearance.data, self.is_active.data = endpoint.clearance, endpoint.is_active

    def read(self) -> EndpointValues:
        """What was chosen; call it on a valid form."""
        return EndpointValues(
            self.name.data or "",
            self.url.data or "",
            tuple(self.topics.data or ()),
            self.clearance.data,
            bool(self.is_active.data),
        )
