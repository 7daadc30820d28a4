"""Forms of the importers room."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    DateField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from crm_mail.importers.folders.settings import MOST_MINUTES
from crm_mail.importers.models import Afterwards
from crm_mail.web.type_names import type_names

TABLES = ".csv,.tsv,.txt,.xlsx,.xls,.ods"
INVOICES = ".xml,.p7m,.pdf,.json,.zip"


class TableForm(FlaskForm):
    """A table of contacts as a file."""

    file = FileField(_l("File"), description=_l("CSV, TSV, Excel or OpenDocument."))


class PasteForm(FlaskForm):
    """A table of contacts as copied cells."""

    cells = TextAreaField(
        _l("Cells copied from a spreadsheet"), description=_l("With the row of column names.")
    )


class SalesForm(FlaskForm):
    """A sales list, as a file or as copied cells."""

    file = FileField(_l("File"), description=_l("CSV, TSV, Excel, OpenDocument or JSON."))
    cells = TextAreaField(
        _l("Or cells copied from a spreadsheet"), description=_l("With the row of column names.")
    )


class InvoicesForm(FlaskForm):
    """Electronic invoices as files."""

    files = MultipleFileField(
        _l("Electronic documents"),
        description=_l(
            "FatturaPA (XML or signed .p7m) and its receipts, CFDI, UBL, CII, PDF with data inside (Factur-X, "
            "ZUGFeRD), Easyfatt, pain.001, SIFEN, canonical JSON; ZIP archives of them. Several at once: a PDF and "
            "the XML or JSON of the same name are one document."
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


def _afterwards_choices() -> list[Any]:
    return [
        SelectChoice(Afterwards.KEEP.value, _l("Move them to the folder “done”, by day")),
        SelectChoice(Afterwards.DELETE.value, _l("Delete them")),
    ]


class FolderForm(FlaskForm):
    """What a company decides on its hot folder."""

    path = StringField(
        _l("Folder"),
        validators=[DataRequired(_l("Enter the name of a folder.")), Length(max=500)],
    )
    is_watched = BooleanField(_l("Watch this folder"))
    name_pattern = StringField(_l("Names of PDFs"), validators=[Length(max=200)])
    wait_minutes = IntegerField(
        _l("Minutes to wait for the other half"),
        validators=[InputRequired(_l("Enter the minutes.")), NumberRange(0, MOST_MINUTES)],
        description=_l("A PDF without its XML or JSON, or one of these without its PDF, waits this long."),
    )
    afterwards = SelectField(_l("Files whose documents were kept"), choices=_afterwards_choices)
