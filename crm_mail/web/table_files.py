"""A list as a file for a spreadsheet: CSV or XLSX, row by row.

Codes stay text (leading zeros count) and no cell can become a formula, whatever a name begins with.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

BOM = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
MAX_CELL = 32_767
CSV_MIME = "text/csv; charset=utf-8"
XLSX_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 64 * 1024


def csv_chunks(header: Sequence[str], rows: Iterable[Sequence[Any]], language: str) -> Iterator[bytes]:
    """CSV with a BOM so that spreadsheets see UTF-8; ``;`` where the comma is the decimal sign (it, es)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if language[:2] in ("it", "es") else ",", lineterminator="\r\n")
    buffer.write(BOM)
    writer.writerow([_plain(name) for name in header])
    for row in rows:
        writer.writerow([_plain(value) for value in row])
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _plain(value: Any) -> str:
    """A value for CSV: an apostrophe before what a spreadsheet would calculate (OWASP, CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


def write_xlsx(
    header: Sequence[str], rows: Iterable[Sequence[Any]], target: Path | IO[bytes], title: str = "list"
) -> None:
    """A workbook of one sheet, its header frozen; columns as wide as the first rows need."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    waiting = iter(rows)
    first = list(islice(waiting, 50))
    for position, name in enumerate(header):
        longest = max([len(name), *(len(str(row[position] or "")) for row in first)])
        sheet.column_dimensions[get_column_letter(position + 1)].width = min(60, max(8, longest + 2))
    names = []
    for name in header:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = Font(bold=True)
        names.append(cell)
    sheet.append(names)
    for source in (first, waiting):
        for row in source:
            sheet.append([_cell(sheet, value) for value in row])
    book.save(target)
    book.close()


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value=value.replace(tzinfo=None))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    if isinstance(value, float | Decimal) and isfinite(value):
        return value
    if isinstance(value, date):
        cell = WriteOnlyCell(sheet, value=datetime.combine(value, time()))
        cell.number_format = "yyyy-mm-dd"
        return cell
    text = ILLEGAL_CHARACTERS_RE.sub(" ", str(value))[:MAX_CELL]
    if not text.startswith(FORMULA_STARTS):
        return text
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"  # openpyxl takes a leading = for a formula
    return cell
