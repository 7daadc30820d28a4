"""A report's table for the eye: HTML that a phone shows as cards, plain text, PDF and workbook.

Nothing is cut silently: each form holds as many rows as it can bear, and says where the others are.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crm_mail.delivery.envelope import Attachment
from crm_mail.delivery.headers import safe_file_name
from crm_mail.documents.printed_pages import build_page
from crm_mail.reports.saved.models import ReportFormat
from crm_mail.reports.saved.tables import MOST_READ, CellKind, Reader, ReportTable, cell_text, sheet_value
from crm_mail.web import table_files

BODY_ROWS = 200
"""Rows in the body of a mail: some readers cut mails of more than 100 kB."""
PDF_ROWS = 1000
WIDE = 6
"""Columns from which a page lies on its side."""
_TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "email"
Printer = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a table.

    Args:
        made_at: as the company's clock shows it.
        url: of the report's page.
    """

    report: str
    company: str
    owner: str
    on: date
    made_at: datetime
    url: str
    narrowed_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """One mail's content."""

    subject: str
    text: str
    html: str
    files: tuple[tuple[Attachment, bytes], ...]


def write_report(
    table: ReportTable, heading: Heading, formats: Sequence[str], reader: Reader, print_page: Printer
) -> Written:
    """Subject, bodies and files in the reader's language.

    Args:
        print_page: makes a PDF of HTML.

    Raises:
        RenderFailed: the PDF cannot be drawn.
    """
    _ = reader.translate
    count = _number(len(table.rows), reader) + ("+" if table.is_cut else "")
    subject = _("%(company)s: %(report)s (%(count)s)") % {
        "company": heading.company,
        "report": heading.report,
        "count": count,
    }
    in_body = len(table.rows) if ReportFormat.HTML in formats else 0
    shown = min(in_body, BODY_ROWS)
    notes = cut_notes(table, shown, formats, reader)
    return Written(
        subject,
        plain_text(table, heading, notes, shown, reader),
        mail_html(table, heading, notes, shown, reader),
        tuple(_files(table, heading, formats, reader, print_page)),
    )


def cut_notes(table: ReportTable, shown: int, formats: Sequence[str], reader: Reader) -> list[str]:
    """What a form does not show, and where it is."""
    _, found = reader.translate, []
    total = len(table.rows)
    if shown < total and shown:
        where = (
            _("The first %(shown)s of %(total)s rows stand here; all of them are in the attached file.")
            if set(formats) & {ReportFormat.XLSX, ReportFormat.PDF}
            else _("The first %(shown)s of %(total)s rows stand here; the others are on the report's page.")
        )
        found.append(where % {"shown": _number(shown, reader), "total": _number(total, reader)})
    if table.is_cut:
        found.append(limit_note(table, reader))
    return found


def limit_note(table: ReportTable, reader: Reader) -> str:
    """That there are more rows than the report may hold."""
    _ = reader.translate
    if table.is_beyond:
        text = _(
            "There are more rows: the first %(read)s of the list were put in order, and %(count)s of them are here. "
            "Narrow the filters."
        )
        return text % {"read": _number(MOST_READ, reader), "count": _number(len(table.rows), reader)}
    return _(
        "There are more rows: this report is limited to the first %(count)s. Its page allows more, or narrower filters."
    ) % {"count": _number(len(table.rows), reader)}


def _number(value: int, reader: Reader) -> str:
    return str(format_decimal(value, locale=reader.language))


def cells_of(table: ReportTable, reader: Reader, rows: int) -> list[list[str]]:
    """The first rows as a person reads them."""
    return [
        [cell_text(value, column, reader) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows[:rows]
    ]


def mail_html(table: ReportTable, heading: Heading, notes: Sequence[str], shown: int, reader: Reader) -> str:
    """The body: a table, which a narrow screen shows as one card for each row."""
    values = _values(table, heading, notes, reader) | {"rows": cells_of(table, reader, shown)}
    return str(_environment().get_template("saved_report.html").render(values, _=_saying(reader)))


def mail_page(table: ReportTable, heading: Heading, reader: Reader) -> str:
    """The body as a page shows it before it is mailed."""
    shown = min(len(table.rows), BODY_ROWS)
    notes = cut_notes(table, shown, (ReportFormat.XLSX,), reader)
    return mail_html(table, heading, notes, shown, reader)


def _saying(reader: Reader) -> Callable[..., str]:
    def say(message: str, **params: Any) -> str:
        text = reader.translate(message)
        return text % params if params else text

    return say


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _values(table: ReportTable, heading: Heading, notes: Sequence[str], reader: Reader) -> dict[str, Any]:
    return {
        "columns": table.columns,
        "heading": heading,
        "notes": notes,
        "count": _number(len(table.rows), reader),
        "total": len(table.rows),
        "day": format_date(heading.on, "long", locale=reader.language),
        "language": reader.language,
    }


def plain_text(table: ReportTable, heading: Heading, notes: Sequence[str], shown: int, reader: Reader) -> str:
    """The same without markup: a few lines for each row."""
    _ = reader.translate
    day = format_date(heading.on, "long", locale=reader.language)
    parts = ["\n".join([f"{heading.report} – {heading.company}", day, *heading.narrowed_by]), *notes]
    if not table.rows:
        parts.append(_("There are no rows this time."))
    for row in cells_of(table, reader, shown):
        pairs = zip(table.columns, row, strict=True)
        parts.append("\n".join(f"{column.title}: {text}" for column, text in pairs))
    parts.append(f"{heading.url}\n")
    return "\n\n".join(parts)


def _files(
    table: ReportTable, heading: Heading, formats: Sequence[str], reader: Reader, print_page: Printer
) -> list[tuple[Attachment, bytes]]:
    name = safe_file_name(f"{heading.report} {heading.on:%Y-%m-%d}".replace("/", "-").replace("\\", "-"))
    found = []
    if ReportFormat.PDF in formats:
        found.append(_file(f"{name}.pdf", "application/pdf", print_page(pdf_page(table, heading, reader))))
    if ReportFormat.XLSX in formats:
        found.append(_file(f"{name}.xlsx", table_files.XLSX_MIME, workbook(table, heading, reader)))
    return found


def _file(name: str, mime: str, data: bytes) -> tuple[Attachment, bytes]:
    return Attachment(name, mime, hashlib.sha256(data).hexdigest(), len(data)), data


def pdf_page(table: ReportTable, heading: Heading, reader: Reader) -> str:
    """The HTML that is printed."""
    _ = reader.translate
    notes = [limit_note(table, reader)] if table.is_cut else []
    if len(table.rows) > PDF_ROWS:
        text = _("The first %(shown)s of %(total)s rows are printed.")
        shown, total = _number(PDF_ROWS, reader), _number(len(table.rows), reader)
        notes.insert(0, text % {"shown": shown, "total": total})
    values = _values(table, heading, notes, reader) | {
        "rows": cells_of(table, reader, PDF_ROWS),
        "is_wide": len(table.columns) >= WIDE,
    }
    return build_page("saved_report.html", values, reader.translate, reader.language, reader.timezone)


def workbook(table: ReportTable, heading: Heading, reader: Reader) -> bytes:
    """Every row; amounts are numbers, with their currency in a column of its own. What was cut is the last row."""
    _ = reader.translate
    header: list[str] = []
    for column in table.columns:
        header.append(column.title)
        if column.kind is CellKind.MONEY:
            header.append(f"{column.title} ({_('Currency')})")
    rows = [_sheet_row(table, row, reader) for row in table.rows]
    if table.is_cut:
        rows.append([limit_note(table, reader), *[None] * (len(header) - 1)])
    file = io.BytesIO()
    table_files.write_xlsx(header, rows, file, _("Report"))
    return file.getvalue()


def _sheet_row(table: ReportTable, row: Sequence[Any], reader: Reader) -> list[Any]:
    found: list[Any] = []
    for column, value in zip(table.columns, row, strict=True):
        found.append(sheet_value(value, reader))
        if column.kind is CellKind.MONEY:
            found.append(value[1] if value else None)
    return found
