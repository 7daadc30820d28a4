"""Forms of the receivables room. The forms of statements and reminders live in the address, like *Prepare*."""

from dataclasses import replace
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    DateField,
    DecimalField,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from crm_mail.receivables.dunning import LAST_LEVEL, Rules
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.settings import MAX_COMMENT, Choices
from crm_mail.receivables.statements import Layout

_REQUIRED = InputRequired(_l("Enter a value."))


class CutOffForm(Form):
    """The day as of which reminders are worked out."""

    as_of = DateField(_l("Cut-off date"), [DataRequired(_l("Enter the date."))])

    @property
    def day(self) -> date:
        """The cut-off date of a valid form."""
        assert isinstance(self.as_of.data, date)
        return self.as_of.data

    @classmethod
    def of_address(cls, today: date) -> "CutOffForm":
        """The form as the address has it, today unless it says another day."""
        form = cls(request.args if "as_of" in request.args else None)
        if "as_of" not in request.args:
            form.as_of.data = today
        return form


class StatementForm(CutOffForm):
    """What statements are made."""

    layout = RadioField(
        _l("Layout"),
        default=Layout.OPEN_ITEMS.value,
        choices=[
            SelectChoice(Layout.OPEN_ITEMS.value, _l("Open items: what is still to be paid")),
            SelectChoice(
                Layout.MOVEMENTS.value, _l("Movements: opening balance and every line of the period")
            ),
        ],
    )
    from_on = DateField(_l("Movements from"), [Optional()])
    sent = RadioField(
        _l("Sent before"),
        default="never",
        choices=[
            SelectChoice("never", _l("Only statements that a recipient was never sent")),
            SelectChoice("all", _l("Also the same statement again; each such message carries a warning")),
        ],
    )

    @classmethod
    def of_address(cls, today: date) -> "StatementForm":
        """The form as the address has it."""
        form = cls(request.args if "as_of" in request.args else None)
        if "as_of" not in request.args:
            form.as_of.data = today
        form.layout.data = form.layout.data or Layout.OPEN_ITEMS.value
        form.sent.data = form.sent.data or "never"
        return form

    def validate_from_on(self, field: Any) -> None:
        """The period must not begin after it ends."""
        if self.as_of.data and field.data and field.data > self.as_of.data:
            raise ValidationError(_("The first day lies after the cut-off date."))


class LedgerForm(FlaskForm):
    """A list of open items or movements, as a file or as copied cells."""

    file = FileField(_l("File"), description=_l("CSV, TSV, Excel, OpenDocument or JSON."))
    cells = TextAreaField(
        _l("Or cells copied from a spreadsheet"), description=_l("With the row of column names.")
    )


class SourceForm(FlaskForm):
    """A database from which a list is read."""

    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=80)])
    url = PasswordField(
        _l("Address of the database"),
        [Length(max=1000)],
        description=_l(
            "Kept encrypted and never shown. Empty: the one that is kept. Use a user who may only read."
        ),
    )
    query = TextAreaField(
        _l("Query"),
        [DataRequired(_l("Enter the query."))],
        description=_l(
            "One SELECT; name its columns as a file would. :company is the company's code, :today the day."
        ),
    )
    kind = SelectField(
        _l("What the list holds"),
        choices=[
            SelectChoice(Kind.OPEN_ITEMS.value, _l("Open items")),
            SelectChoice(Kind.MOVEMENTS.value, _l("Movements")),
        ],
    )
    is_complete = BooleanField(_l("The list is complete"), default=True)


def _days(label: Any, **arguments: Any) -> IntegerField:
    return IntegerField(label, [Optional()], **arguments)


class SettingsForm(FlaskForm):
    """What a company decides on statements and reminders; the rules check the values."""

    comment = TextAreaField(
        _l("Comment on statements"),
        [Length(max=MAX_COMMENT)],
        description=_l("Printed on every account statement, for example bank details or opening hours."),
    )
    bank = StringField(_l("Bank"), [Length(max=120)])
    iban = StringField(_l("IBAN"), [Length(max=60)])
    business_rate = DecimalField(
        _l("Interest for businesses (percent a year)"),
        [_REQUIRED],
        places=2,
        description=_l(
            "Reference rate of the ECB plus 8 points (D.Lgs. 231/2002); it changes every half-year."
        ),
    )
    consumer_rate = DecimalField(
        _l("Interest for consumers (percent a year)"),
        [_REQUIRED],
        places=2,
        description=_l("The legal rate. A customer without a VAT number counts as a consumer."),
    )
    lump_sum = DecimalField(
        _l("Lump sum (EUR)"), [_REQUIRED], places=2, description=_l("For businesses, on letters in euro.")
    )
    lump_sum_per_document = BooleanField(
        _l("The lump sum is asked for each late document, not once per letter")
    )
    charges_from_level = SelectField(
        _l("Interest and lump sum"),
        coerce=int,
        choices=[
            *(SelectChoice(n, _l("From level %(level)s", level=n)) for n in range(1, LAST_LEVEL + 1)),
            SelectChoice(LAST_LEVEL + 1, _l("Never")),
        ],
    )
    minimum = DecimalField(_l("No reminder below"), [_REQUIRED], places=2)
    days_between = IntegerField(_l("Days between two reminders"), [_REQUIRED])
    pay_within_days = IntegerField(_l("Days to pay, from the date of the letter"), [_REQUIRED])
    level_0 = _days(_l("Level 0, days before the due date"))
    level_1 = _days(_l("Level 1 (friendly), days late"))
    level_2 = _days(_l("Level 2 (firm), days late"))
    level_3 = _days(_l("Level 3 (formal notice), days late"))
    level_4 = _days(_l("Level 4 (before a lawyer), days late"))

    @classmethod
    def of(cls, choices: Choices) -> "SettingsForm":
        """The form filled with what is kept."""
        rules = choices.rules
        values = {name: getattr(rules, name) for name in _RULES}
        values |= {f"level_{n}": days for n, days in enumerate(rules.level_days)}
        return cls(data=values | {"comment": choices.comment, "bank": choices.bank, "iban": choices.iban})

    def read(self) -> Choices:
        """What the person chose; call it on a valid form."""
        values = {name: self[name].data for name in _RULES}
        levels = tuple(self[f"level_{n}"].data for n in range(LAST_LEVEL + 1))
        rules = replace(Rules(), **values, level_days=levels)
        return Choices(rules, self.comment.data or "", self.bank.data or "", self.iban.data or "")


_RULES = (
    *("business_rate", "consumer_rate", "lump_sum", "lump_sum_per_document", "charges_from_level"),
    *("minimum", "days_between", "pay_within_days"),
)
