"""What a report shows: columns, rows, and how a cell is written for a reader (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from crm_mail.words import Translate

MOST_READ = 20_000
"""Rows that are held to be put in order; a listing that is longer is cut here, and says so."""
NOTHING = "–"
Row = Sequence[Any]


class CellKind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"  # (Decimal, currency), or None
    DAY = "day"
    MOMENT = "moment"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Args:
        title: in the reader's language.
        digits: decimals of a number; none: a code or a year, which is not grouped.
    """

    key: str
    title: str
    kind: CellKind = CellKind.TEXT
    digits: int = 0

    @property
    def is_numeric(self) -> bool:
        """Whether its cells stand at the right."""
        return self.kind in (CellKind.NUMBER, CellKind.MONEY)


@dataclass(frozen=True, slots=True)
class ReportTable:
    """The rows as they are shown.

    Args:
        is_cut: there are more rows than are shown.
        is_beyond: there are so many that only the first of the list were put in order.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    is_cut: bool = False
    is_beyond: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom cells are written."""

    language: str
    timezone: str
    translate: Translate


def shape(
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    limit: int,
    shown: Sequence[str] = (),
    order_by: str = "",
    is_descending: bool = False,
) -> ReportTable:
    """The chosen columns of the first rows, in order.

    Args:
        limit: rows that are kept.
        shown: keys of columns, in the order in which they are shown; none of the known: all.
        order_by: a column's key; rows without a value come last. Empty: the rows as they come.
    """
    places = {column.key: place for place, column in enumerate(columns)}
    reading = MOST_READ if order_by in places else limit
    found = list(islice(rows, reading + 1))
    is_beyond = len(found) > reading
    found = found[:reading]
    if order_by in places:
        found = _ordered(found, places[order_by], is_descending)
    is_cut = is_beyond or len(found) > limit
    chosen = [places[key] for key in shown if key in places] or list(range(len(columns)))
    kept = tuple(tuple(row[place] for place in chosen) for row in found[:limit])
    return ReportTable(
        tuple(columns[place] for place in chosen), kept, is_cut, is_beyond and order_by in places
    )


def _ordered(rows: list[Row], place: int, is_descending: bool) -> list[Row]:
    with_value = [row for row in rows if row[place] not in (None, "")]
    without = [row for row in rows if row[place] in (None, "")]
    with_value.sort(key=lambda row: _sortable(row[place]), reverse=is_descending)
    return with_value + without


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def cell_text(value: Any, column: Column, reader: Reader) -> str:
    """A cell as a person reads it."""
    if value is None or value == "":
        return NOTHING
    language, _ = reader.language, reader.translate
    if column.kind is CellKind.MONEY:
        return format_currency(value[0], value[1] or "EUR", locale=language)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return format_datetime(in_zone(value, reader.timezone), "dd/MM/yyyy HH:mm", locale=language)
    if isinstance(value, date):
        return format_date(value, "dd/MM/yyyy", locale=language)
    if column.kind is CellKind.NUMBER and column.digits:
        return format_decimal(value, "#,##0." + "0" * column.digits, locale=language)
    return str(value)


def sheet_value(value: Any, reader: Reader) -> Any:
    """A cell for a workbook: times on the company's clock, amounts as numbers, yes and no as words."""
    _ = reader.translate
    if isinstance(value, tuple):
        return value[0]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return in_zone(value, reader.timezone)
    return value


def in_zone(moment: datetime, timezone: str) -> datetime:
    """A time on the company's clock; one of a foreign database that names no zone stays as it is."""
    return moment.astimezone(ZoneInfo(timezone)) if moment.tzinfo else moment
