"""Typed or pasted rows of the catalogue as text: company, customer number, e-mails (RP-2, RP-7). Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from crm_mail.importers.tables.column_names import fold_header
from crm_mail.importers.tables.table_rows import TableLimits, TableRow, clean_text, find_scientific
from crm_mail.importers.tables.tabular import read_table

LIMITS: Final = TableLimits(file_bytes=20 * 1024 * 1024, rows=100_000)

COMPANY, NUMBER, EMAILS = "company", "number", "emails"
_NAMES: Final = {
    COMPANY: "sociedad|societa|company|company code|azienda|empresa|compania|ditta|codice azienda|codigo sociedad",
    NUMBER: "nocliente|no cliente|n cliente|num cliente|numero cliente|"
    "numero de cliente|no de cliente|n de cliente|num de cliente|cliente|clientes|customer|"
    "customer number|customer no|customer code|codice cliente|codigo cliente|codigo de cliente|codice|codigo|code|"
    "number|numero|party code",
    EMAILS: "correo|correos|correo electronico|correos electronicos|correo destino|correodestino|e mail|e mails|email|"
    "emails|mail|indirizzo e mail|indirizzi e mail|indirizzo|indirizzi|address|addresses|posta elettronica",
}
_HELD: Final = {name: field for field, names in _NAMES.items() for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it was written. ``problem``: a cell that the spreadsheet spoilt (scientific notation)."""

    number: int
    company: str
    code: str
    emails: str
    problem: str = ""


def read_lines(data: bytes) -> list[Line]:
    """The rows of copied cells or of a file (CSV, TSV, XLSX, XLS, ODS), with or without a row of column names.

    Without names the order counts: company, customer number, e-mails; two columns are number and e-mails when the
    second holds an ``@``, else company and number; one column is the number.

    Raises:
        ImportRefused: there is nothing to read, or it is no table.
    """
    delimiter = "\t" if b"\t" in data[: 1 << 16] else None
    table = read_table(data, limits=LIMITS, header_row=_first_row(data), delimiter=delimiter)
    rows = list(table.rows())
    places = _named(table.header)
    if places:
        return [_by_name(row, places) for row in rows]
    first = TableRow(table.header_row, table.header, tuple(find_scientific(table.header)))
    return list(_by_order([first, *rows]))


def _first_row(data: bytes) -> int:
    """Where the first filled row of a text is; a spreadsheet begins with its first row."""
    head = data[: 1 << 16].lstrip(b"\xef\xbb\xbf")
    if head[:2] in (b"PK", b"\xd0\xcf"):
        return 1
    return 1 + next((i for i, line in enumerate(head.split(b"\n")) if line.strip(b" \t\r;,|")), 0)


def _named(header: Sequence[str]) -> dict[str, list[int]]:
    """Field → places of its columns; empty when the first row names none."""
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(header):
        if held := _HELD.get(fold_header(cell)):
            found.setdefault(held, []).append(place)
    return found if NUMBER in found else {}


def _by_name(row: TableRow, places: dict[str, list[int]]) -> Line:
    def cells(field: str) -> list[str]:
        return [row.cells[place] for place in places.get(field, ()) if place < len(row.cells)]

    company, number = next(iter(cells(COMPANY)), ""), next(iter(cells(NUMBER)), "")
    return Line(row.number, company, number, ";".join(filter(None, cells(EMAILS))), _problem(row))


def _by_order(rows: Sequence[TableRow]) -> Iterator[Line]:
    width = max(len([*_filled(row.cells)]) for row in rows)
    has_company = width > 2 or (width == 2 and not any(_second_is_email(row) for row in rows))
    for row in rows:
        cells = [clean_text(cell) for cell in row.cells] + ["", "", ""]
        company, number, *emails = cells if has_company else ["", *cells]
        yield Line(row.number, company, number, ";".join(filter(None, emails)), _problem(row))


def _filled(cells: Sequence[str]) -> Sequence[str]:
    last = max((place for place, cell in enumerate(cells) if cell), default=-1)
    return cells[: last + 1]


def _second_is_email(row: TableRow) -> bool:
    return len(row.cells) > 1 and "@" in row.cells[1]


def _problem(row: TableRow) -> str:
    return next((str(one.params.get("value", "")) for one in row.errors if one.code == "scientific_code"), "")


def typed(company: str, code: str, emails: str) -> Line:
    """A row typed into the form of single entry."""
    return Line(1, company, clean_text(code), emails)


def numbers_of(text: str) -> list[str]:
    """Customer numbers typed with blanks, commas or semicolons between them, each once."""
    return list(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))


def count_filled(lines: Iterable[Line]) -> int:
    """How many rows hold anything."""
    return sum(1 for line in lines if line.company or line.code or line.emails)
