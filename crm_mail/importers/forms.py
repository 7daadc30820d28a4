"""Forms of the importers room."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    DateField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length

from crm_mail.web.type_names import type_names

TABLES = ".csv,.tsv,.txt,.xlsx,.xls,.ods"
INVOICES = ".xml,.p7m,.pdf,.zip"


class TableForm(FlaskForm):
    """A table of contacts as a file."""

    file = FileField(_l("File"), description=_l("CSV, TSV, Excel or OpenDocument."))


class PasteForm(FlaskForm):
    """A table of contacts as copied cells."""

    cells = TextAreaField(
        _l("Cells copied from a spreadsheet"), description=_l("With the row of column names.")
    )


class InvoicesForm(FlaskForm):
    """Electronic invoices as files."""

    files = MultipleFileField(
        _l("Electronic documents"),
        description=_l(
            "FatturaPA (XML or signed .p7m) and its receipts, CFDI, UBL, CII, PDF with data inside (Factur-X, "
            "ZUGFeRD), Easyfatt, pain.001, SIFEN; ZIP archives of them. Several at once."
        ),
    )


def type_choices() -> list[Any]:
    """Every document type."""
    return [SelectChoice(value, label) for value, label in type_names().items()]


class PdfForm(FlaskForm):
    """Any PDF with a few typed fields."""

    file = FileField(_l("PDF file"))
    type = SelectField(_l("Document type"), choices=type_choices)
    number = StringField(_l("Number"), validators=[DataRequired(_l("Enter the number.")), Length(max=60)])
    date = DateField(_l("Date"), validators=[InputRequired(_l("Enter the date."))])
    party = StringField(
        _l("Customer or supplier"),
        validators=[DataRequired(_l("Say for whom the document is."))],
        description=_l("Code, name or VAT number."),
    )
