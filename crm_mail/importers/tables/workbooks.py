"""XLSX, XLS and ODS sheets as rows of text, by python-calamine; formulas give their cached value."""

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.tables.table_rows import (
    CellProblem,
    TableLimits,
    TableRow,
    clean_text,
    find_scientific,
)
from crm_mail.importers.tables.zip_limits import check_workbook

_CELL_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#GETTING_DATA"}
)
_EXACT_DIGITS: Final = 1e15
"""A spreadsheet keeps 15 digits: an integer from here on may have lost some."""

CellValue = str | float | int | bool | dt.date | dt.datetime | dt.time | dt.timedelta


def open_sheet(
    source: bytes | Path, *, zipped: bool, limits: TableLimits, sheet: str | None = None
) -> tuple[str, list[str], Iterator[TableRow]]:
    """Give (name of the sheet read, all sheet names, its rows); the first sheet that is not empty by default.

    `zipped` says that the file is XLSX or ODS. Raises ImportRefused.
    """
    uncached = check_workbook(source, limits.zip) if zipped else frozenset()
    try:
        workbook = CalamineWorkbook.from_object(io.BytesIO(source) if isinstance(source, bytes) else source)
        names = list(workbook.sheet_names)
        if sheet is not None and sheet not in names:
            raise ImportRefused("no_such_sheet", sheet=sheet, sheets=", ".join(names))
        opened = _first_filled(workbook, names if sheet is None else [sheet])
    except PasswordError:
        raise ImportRefused("password_protected") from None
    except (CalamineError, OSError) as error:
        raise ImportRefused("unreadable_table", detail=str(error)) from None
    if opened is None:
        raise ImportRefused("empty_file")
    return opened.name, names, _read_sheet(opened, uncached)


def _first_filled(workbook: CalamineWorkbook, names: list[str]) -> CalamineSheet | None:
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height:
            return sheet
    return None


def _read_sheet(sheet: CalamineSheet, uncached: frozenset[tuple[int, int]]) -> Iterator[TableRow]:
    uncached_rows = {row for row, _ in uncached}
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = tuple([clean_text(value) if type(value) is str else _write(value) for value in values])
        errors = tuple(find_scientific(cells)) + tuple(_find_errors(values, cells))
        if number in uncached_rows:
            errors += tuple(
                CellProblem(index, "formula_without_value")
                for index, cell in enumerate(cells)
                if not cell and (number, index + 1) in uncached
            )
        yield TableRow(number, cells, errors)


def _find_errors(values: list[CellValue], cells: tuple[str, ...]) -> Iterator[CellProblem]:
    for index, (value, cell) in enumerate(zip(values, cells, strict=True)):
        if cell.startswith("#") and cell in _CELL_ERRORS:
            yield CellProblem(index, "cell_error", {"value": cell})
        elif type(value) is float and abs(value) >= _EXACT_DIGITS:
            yield CellProblem(index, "scientific_code", {"value": cell})


def _write(value: CellValue) -> str:
    """The text of a cell: no decimals on whole numbers, dates as ISO, true and false in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time.min
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return clean_text(str(value))
