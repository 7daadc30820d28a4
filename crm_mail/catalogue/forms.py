"""Forms of the catalogue."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from crm_mail.companies.models import Company


class EntryForm(FlaskForm):
    """Single entry (RP-2, RP-3)."""

    company = SelectField(_l("Company"), choices=[], validate_choice=False)
    code = StringField(_l("Customer number"), [Length(max=60)])
    emails = StringField(
        _l("E-mail addresses"),
        [Length(max=4000)],
        description=_l("Several with ; between them. Empty: the customer's own address."),
    )

    def offer(self, companies: list[Company], chosen: Company | None) -> None:
        """The companies to choose from."""
        self.company.choices = [(one.code, f"{one.code} · {one.name}") for one in companies]
        if chosen is not None and not self.company.data:
            self.company.data = chosen.code


class PasteForm(FlaskForm):
    """Many rows as copied columns or as a file (RP-7)."""

    company = SelectField(_l("Company of rows that name none"), choices=[], validate_choice=False)
    cells = TextAreaField(
        _l("Columns copied from Excel"),
        description=_l("Company, customer number, e-mails; several e-mails with ; between them."),
    )
    file = FileField(_l("Or a file"), description=_l("CSV, TSV, Excel or OpenDocument."))

    def offer(self, companies: list[Company], chosen: Company | None) -> None:
        """The companies to choose from."""
        empty: list[Any] = [("", "–")]
        self.company.choices = empty + [(one.code, f"{one.code} · {one.name}") for one in companies]
        if chosen is not None and self.company.data is None:
            self.company.data = chosen.code
