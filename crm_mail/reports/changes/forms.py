"""Form of a notice of changes, and the words of what it tells."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.delivery.addresses import split_addresses
from crm_mail.reports.changes.kinds import ChangeKind, ChangeWay
from crm_mail.reports.changes.models import ChangeRule
from crm_mail.reports.changes.rules import MOST_MINUTES, RuleRefused, RuleValues
from crm_mail.web.forms import LANGUAGES

_REQUIRED = DataRequired(_l("Fill in this field."))
_CHOSEN = DataRequired(_l("Choose at least one."))


def kind_words() -> dict[str, str]:
    """The kinds of records, in words."""
    return {
        ChangeKind.PARTIES: _("Customers and suppliers"),
        ChangeKind.CONTACTS: _("Contacts"),
        ChangeKind.DOCUMENTS: _("Documents"),
        ChangeKind.TEXTS: _("Texts and layouts"),
        ChangeKind.ACCOUNTS: _("Sender accounts"),
        ChangeKind.RIGHTS: _("Users and rights"),
        ChangeKind.SETTINGS: _("Settings"),
    }


def way_words() -> dict[str, str]:
    """What was done to a record, in words."""
    return {
        ChangeWay.ADDED: _("Added"),
        ChangeWay.CHANGED: _("Changed"),
        ChangeWay.DELETED: _("Deleted or taken out of use"),
    }


class ChangeRuleForm(FlaskForm):
    """Who is told of what."""

    name = StringField(_l("Name"), [_REQUIRED, Length(max=80)], description=_l("Stands in the subject."))
    kinds = SelectMultipleField(
        _l("Records"),
        [_CHOSEN],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    ways = SelectMultipleField(
        _l("What was done to them"),
        [_CHOSEN],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        default=[ChangeWay.CHANGED.value, ChangeWay.DELETED.value],
    )
    addresses = TextAreaField(
        _l("Addresses"), [_REQUIRED, Length(max=6000)], description=_l("One on each line, at most 20.")
    )
    language = SelectField(
        _l("Language"), choices=[SelectChoice(value, label) for value, label in LANGUAGES.items()]
    )
    every_minutes = IntegerField(
        _l("Minutes between two notices"),
        [NumberRange(1, MOST_MINUTES, _l("From 1 to 1440."))],
        default=5,
        description=_l("All that changes within them is one mail."),
    )
    clearance = SelectField(
        _l("Contacts told by name"),
        coerce=int,
        description=_l(
            "Up to this privacy level, never more than you see yourself. Of the others it is only said that a "
            "confidential contact was changed."
        ),
    )
    is_on = BooleanField(_l("Switched on"), default=True)

    def offer(self, levels: list[str]) -> None:
        """The choices of this person: one for each level up to the own one."""
        self.kinds.choices = [SelectChoice(value, label) for value, label in kind_words().items()]
        self.ways.choices = [SelectChoice(value, label) for value, label in way_words().items()]
        self.clearance.choices = [SelectChoice(level, label) for level, label in enumerate(levels)]

    def show(self, rule: ChangeRule, highest: int) -> None:
        """Fill the form with what is kept."""
        for name in RuleValues.__slots__:
            self[name].data = getattr(rule, name)
        self.addresses.data = "\n".join(rule.addresses)
        self.clearance.data = min(rule.clearance, highest)

    def read(self) -> RuleValues:
        """What was typed; call it on a valid form."""
        return RuleValues(
            (self.name.data or "").strip(),
            tuple(self.kinds.data or ()),
            tuple(self.ways.data or ()),
            tuple(dict.fromkeys(split_addresses((self.addresses.data or "").replace("\n", ";")))),
            self.language.data,
            self.every_minutes.data or 5,
            self.clearance.data,
            bool(self.is_on.data),
        )

    def refuse(self, refused: RuleRefused) -> None:
        """Show what the service refused beside its field."""
        words = _("“%(value)s” is no e-mail address.", value=refused.value) if refused.value else ""
        field = self[refused.field]
        field.errors = [*field.errors, words or _("This value is not possible.")]
