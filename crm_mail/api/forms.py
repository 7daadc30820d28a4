"""Forms of keys."""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.api.keys import LONGEST_DAYS, MOST_PER_MINUTE, USUAL_PER_MINUTE, KeyValues
from crm_mail.companies.models import Company
from crm_mail.permissions import Permission

_REQUIRED = DataRequired(_l("Fill in this field."))


def scope_words() -> dict[Permission, str]:
    """The scopes as a person calls them."""
    return {
        Permission.DOCUMENTS_SEE: _("Read documents, runs, messages and receipts"),
        Permission.DOCUMENTS_MANAGE: _("Bring documents in, and tell of events"),
        Permission.CONTACTS_SEE: _("Read customers, suppliers and contacts"),
        Permission.CONTACTS_MANAGE: _("Add and change customers, suppliers, contacts and subscriptions"),
        Permission.OUTBOX_PREPARE: _("Prepare runs"),
        Permission.OUTBOX_REVIEW: _("See runs under review"),
        Permission.OUTBOX_COMMIT: _("Let runs go: messages are sent"),
        Permission.SCHEDULES_SEE: _("Read events"),
    }


class KeyForm(FlaskForm):
    """A new key."""

    name = StringField(
        _l("For which source"),
        [_REQUIRED, Length(max=80)],
        description=_l("Such as: ERP, till 3. Its events and its lines in the audit carry this name."),
    )
    scopes = SelectMultipleField(
        _l("What it may do"),
        [_REQUIRED],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Never more than you may do yourself at that moment."),
    )
    company_ids = SelectMultipleField(
        _l("For which companies"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("None ticked: all that you work for."),
    )
    clearance = SelectField(_l("Privacy levels it sees"), coerce=int)
    days = IntegerField(
        _l("Days until it expires"),
        [_REQUIRED, NumberRange(1, LONGEST_DAYS, _l("Give a number of days from 1 to 730."))],
        default=365,
    )
    per_minute = IntegerField(
        _l("Requests a minute"),
        [_REQUIRED, NumberRange(1, MOST_PER_MINUTE, _l("Give a number from 1 to 100,000."))],
        default=USUAL_PER_MINUTE,
    )

    def offer(
        self, scopes: Sequence[Permission], companies: Sequence[Company], levels: Sequence[tuple[int, str]]
    ) -> None:
        """What this person can give."""
        words = scope_words()
        self.scopes.choices = [SelectChoice(one.value, words[one]) for one in scopes]
        self.company_ids.choices = [SelectChoice(one.id, f"{one.code} {one.name}") for one in companies]
        self.clearance.choices = [SelectChoice(level, label) for level, label in levels]

    def read(self) -> KeyValues:
        """What was chosen; call it on a valid form."""
        return KeyValues(
            self.name.data or "",
            tuple(self.scopes.data or ()),
            self.days.data or 0,
            tuple(self.company_ids.data or ()),
            self.clearance.data,
            self.per_minute.data or 0,
        )
