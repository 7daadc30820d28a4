"""Any table (CSV, TSV, pasted cells, XLSX, XLS, ODS) as a header and a stream of rows of text.

Codes stay text: 123.0 becomes "123", "000123" keeps its zeros, a number in scientific notation is an error on
its row. Title rows above the header and totals below are skipped and reported. The format is recognised by
the content, never by the extension.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crm_mail.importers.base import ImportRefused, Notice
from crm_mail.importers.formats.detect import FileFormat, describe_format, sniff_document_format
from crm_mail.importers.tables import vcards
from crm_mail.importers.tables.table_rows import (
    CellProblem,
    TableLimits,
    TableRow,
    clean_text,
    find_scientific,
)
from crm_mail.importers.tables.text_tables import TextRow, TextTable, open_text_table
from crm_mail.importers.tables.workbooks import open_sheet
from crm_mail.words import N_

HEADER_SEARCH_ROWS: Final = 30
_TOTAL: Final = re.compile(
    r"(?:gran )?(?:totale|totali|total|totales|totals|subtotale|subtotali|subtotal|suma|somma)\b([^@]*)\Z",
    re.IGNORECASE,
)
_SPREADSHEETS: Final = (FileFormat.XLSX, FileFormat.XLS, FileFormat.ODS)

_SAMPLES: Final = 3
_SAMPLE_ROWS: Final = 50


@dataclass(slots=True)
class Table:
    """A header and, once, a stream of the rows below it. `notes` grows while the rows are read."""

    format: FileFormat
    header: tuple[str, ...]
    header_row: int
    _source: Iterator[TableRow]
    notes: list[Notice] = field(default_factory=list)
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    max_rows: int = 500_000

    def rows(self) -> Iterator[TableRow]:
        """Stream the rows that hold something, without totals; ImportRefused past the limit of rows."""
        for count, row in enumerate(self._source):
            if count >= self.max_rows:
                raise ImportRefused("too_many_rows", limit=self.max_rows)
            if not any(row.cells) and not row.errors:
                continue
            if is_totals_row(row.cells):
                text = " ".join(cell for cell in row.cells if cell)
                self.notes.append(Notice("totals_row_skipped", {"row": row.number, "text": text[:80]}))
                continue
            yield row

    def samples(self, headers: Sequence[str]) -> dict[str, list[str]]:
        """A few different cells of each column, to recognise it by; uses up the first rows."""
        found: dict[str, list[str]] = {header: [] for header in headers}
        for row in itertools.islice(self.rows(), _SAMPLE_ROWS):
            for header, cell in zip(self.header, row.cells, strict=False):
                if header and cell and len(found[header]) < _SAMPLES and cell not in found[header]:
                    found[header].append(cell[:60])
        return found


HeaderScore = Callable[[Sequence[str]], int]
"""How many cells of a row are known column names."""


def read_table(
    source: bytes | Path,
    *,
    limits: TableLimits | None = None,
    header_score: HeaderScore | None = None,
    header_row: int | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Table:
    """Open `source` (a file's bytes, or a path that is streamed) as a table.

    Arguments: `header_score` helps to find the header among the first rows; `header_row` (from 1),
    `delimiter` and `sheet` override what would be guessed. Raises ImportRefused.
    """
    limits = limits or TableLimits()
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.file_bytes:
        raise ImportRefused(
            "file_too_large",
            size_mb=f"{size / 1048576:.1f}",
            limit_mb=f"{limits.file_bytes / 1048576:g}",
        )
    found = _sniff(source)
    table = Table(found, (), 0, iter(()), max_rows=limits.rows)
    if found in _SPREADSHEETS:
        rows = _open_workbook(source, table, limits, sheet)
    elif found is FileFormat.TEXT:
        text = open_text_table(source, delimiter=delimiter)
        table.encoding, table.delimiter = text.encoding, text.delimiter
        rows = _read_text(text)
    elif found is FileFormat.VCARD:
        rows = _read_vcards(source)
    elif found is FileFormat.EMPTY:
        raise ImportRefused("empty_file")
    else:
        what, remedy = describe_format(found)
        raise ImportRefused("wrong_format", found=what, expected=N_("a table"), remedy=remedy)
    _set_header(table, _cap_columns(rows, limits), header_score, header_row)
    return table


def read_pasted_table(text: str, *, header_score: HeaderScore | None = None) -> Table:
    """Open cells pasted from a spreadsheet (tabs between cells) or typed text."""
    return read_table(text.encode("utf-8"), header_score=header_score)


def _sniff(source: bytes | Path) -> FileFormat:
    if isinstance(source, bytes):
        return sniff_document_format(source)
    with source.open("rb") as stream:
        head = stream.read(1 << 16)
        if head.startswith(b"PK"):  # the names of a ZIP's members stand at its end
            stream.seek(max(0, source.stat().st_size - (1 << 16)))
            head += stream.read()
    return sniff_document_format(head)


def _set_header(
    table: Table, rows: Iterator[TableRow], score: HeaderScore | None, header_row: int | None
) -> None:
    """Choose the header among the first rows; what stands above it is skipped with a note."""
    count = max(HEADER_SEARCH_ROWS, header_row or 0)
    preview = list(itertools.islice(rows, count))
    filled = [row for row in preview if any(row.cells)]
    if not filled:
        raise ImportRefused("empty_file")
    if header_row is not None:
        chosen = next((row for row in filled if row.number == header_row), None)
    else:
        chosen = _find_header(filled, score)
    if chosen is None:
        raise ImportRefused("no_header", rows=count)
    skipped = sum(1 for row in filled if row.number < chosen.number)
    if skipped:
        table.notes.append(Notice("title_rows_skipped", {"rows": skipped}))
    header = list(chosen.cells)
    while header and not header[-1]:
        header.pop()
    table.header, table.header_row = tuple(header), chosen.number
    below = [row for row in preview if row.number > chosen.number]
    table._source = itertools.chain(below, rows)


def _find_header(filled: list[TableRow], score: HeaderScore | None) -> TableRow | None:
    if score is not None:
        scores = [score(row.cells) for row in filled]
        best = max(scores)
        if best >= 2 or (best == 1 and max(_width(row) for row in filled) <= 2):
            return filled[scores.index(best)]
    widest = max(_width(row) for row in filled)
    return next((row for row in filled if _width(row) * 2 > widest and _looks_like_names(row.cells)), None)


def _width(row: TableRow) -> int:
    return sum(1 for cell in row.cells if cell)


def _looks_like_names(cells: Sequence[str]) -> bool:
    return not any("@" in cell or cell.replace(".", "").replace(",", "").isdigit() for cell in cells if cell)


def is_totals_row(cells: Sequence[str]) -> bool:
    """Whether a row is a footer such as ';;Totale contatti: 4' or 'Total;;1.200,00' rather than data."""
    filled = [cell for cell in cells if cell]
    if not filled or any("@" in cell for cell in filled):
        return False
    match = _TOTAL.match(filled[0])
    if match is None:
        return False
    rest = [match[1], *filled[1:]]
    has_figure = any(any(char.isdigit() for char in text) for text in rest)
    only_figures = all(not re.search(r"[^\W\d_]{2}", text) for text in rest)
    return only_figures or (has_figure and ":" in filled[0] and len(filled) * 3 <= len(cells) + 2)


def _cap_columns(rows: Iterator[TableRow], limits: TableLimits) -> Iterator[TableRow]:
    for row in rows:
        if len(row.cells) > limits.columns and any(row.cells[limits.columns :]):
            raise ImportRefused("too_many_columns", limit=limits.columns)
        yield row


def _read_text(text: TextTable) -> Iterator[TableRow]:
    for row in text.rows():
        cells = tuple(clean_text(cell) for cell in row.cells)
        errors = tuple(CellProblem(None, code) for code in row.errors) + tuple(find_scientific(cells))
        yield TableRow(row.number, cells, errors, tuple(_name_warnings(row)))


def _read_vcards(source: bytes | Path) -> Iterator[TableRow]:
    """A card is a row; its number is the line of the file on which it begins."""
    yield TableRow(0, vcards.HEADER)
    for number, cells in vcards.vcard_rows(source if isinstance(source, bytes) else source.read_bytes()):
        yield TableRow(number, cells)


def _name_warnings(row: TextRow) -> Iterator[Notice]:
    for code in row.warnings:
        yield Notice(code, {"encoding": "cp1252"}, row=row.number)


def _open_workbook(
    source: bytes | Path, table: Table, limits: TableLimits, sheet: str | None
) -> Iterator[TableRow]:
    zipped = table.format is not FileFormat.XLS
    chosen, names, rows = open_sheet(source, zipped=zipped, limits=limits, sheet=sheet)
    table.sheet = chosen
    others = [name for name in names if name != chosen]
    if others:
        table.notes.append(Notice("other_sheets_ignored", {"sheet": chosen, "others": ", ".join(others)}))
    return rows
