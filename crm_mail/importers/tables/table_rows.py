"""The rows of a table as text, whatever file they come from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_mail.importers.base import Notice
from crm_mail.importers.tables.zip_limits import ZipLimits

_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d{1,3}\Z")
_BLANKS: Final = re.compile(r"[ \t\u00a0\u2007\u202f\u200b\ufeff]+")


@dataclass(frozen=True, slots=True)
class TableLimits:
    """The largest table that is read. Bytes are those of the file as it arrives."""

    file_bytes: int = 100 * 1024 * 1024
    rows: int = 500_000
    columns: int = 400
    zip: ZipLimits = field(default_factory=ZipLimits)


@dataclass(frozen=True, slots=True)
class CellProblem:
    """An error on a cell (column counted from 0) or on the whole row (None)."""

    column: int | None
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: `number` from 1 as the spreadsheet shows it (a text file: the record, blank ones counted)."""

    number: int
    cells: tuple[str, ...]
    errors: tuple[CellProblem, ...] = ()
    warnings: tuple[Notice, ...] = ()


def clean_text(value: str) -> str:
    """Fold blanks (non-breaking ones too) and strip; line breaks within a cell stay."""
    if value.isascii() and "  " not in value and "\t" not in value:  # most cells: nothing to fold
        return value.strip()
    return _BLANKS.sub(" ", value).strip()


def find_scientific(cells: Iterable[str]) -> Iterator[CellProblem]:
    """The cells that a spreadsheet turned into scientific notation, such as 1.00621E+06."""
    for index, cell in enumerate(cells):
        if ("E+" in cell or "e+" in cell) and _SCIENTIFIC.match(cell):
            yield CellProblem(index, "scientific_code", {"value": cell})
