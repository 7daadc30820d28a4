"""Tables of printed documents: which columns, how wide, and their HTML (IT-19).

Made in one pass of string work, because cost follows the number of cells. Only cheap CSS: fixed widths, no
borders on cells, no nth-child. An optional column is shown when a row has it, or as the company's theme says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from markupsafe import Markup, escape

from crm_mail.documents.number_formats import format_date, format_money, format_number, parse_number

PAGE_WIDTH = 176.0  # mm between the margins of A4
_DIGIT_MM = 1.68  # width of a digit at the tables' 8.5 pt
_LETTER_MM = 1.85  # and of a usual letter, most of them capitals
_PADDING_MM = 2.4
_TEXT_MM = 44.0  # what the description keeps
_TAG = re.compile(r"<[^>]*>")
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]{1,400000}")
TALL = 600  # characters in one cell after which a row may break over pages


class Kind(StrEnum):
    """How a cell's value is written."""

    TEXT = "text"
    MARK = "mark"  # a short text at the right: a discount, a tax code
    NUMBER = "number"  # as many decimals as the value has
    PRICE = "price"  # two decimals or more
    MONEY = "money"  # two decimals, no sign: the currency stands once, elsewhere
    WHOLE = "whole"  # money of a currency without decimals (guaraní, yen)
    PERCENT = "percent"
    DATE = "date"
    MOMENT = "moment"  # a date and the time of day
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Column:
    """`field` of the row, `label` key of `pdf_labels`, width in mm (None: what is left).

    `below` is a field printed small under the value, with its label; a column that `folds` goes there too when
    the others leave the description too little room.
    """

    field: str
    label: str
    width: float | None = None
    kind: Kind = Kind.TEXT
    optional: bool = False
    below: str = ""
    folds: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right."""
        return self.kind not in (Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.PICTURE)


Row = Mapping[str, Any]


def shown_columns(
    columns: Sequence[Column], rows: Sequence[Row], chosen: Sequence[str] | None
) -> list[Column]:
    """The columns to print: all that must be, and of the optional ones those chosen, else those with data."""

    def is_shown(column: Column) -> bool:
        if not column.optional:
            return True
        if chosen is not None:
            return column.field in chosen
        return any(row.get(column.field) not in (None, "", []) for row in rows)

    return [column for column in columns if is_shown(column)]


def build_table(
    columns: Sequence[Column],
    rows: Iterable[Row],
    words: Mapping[str, str],
    language: str,
    chosen: Sequence[str] | None = None,
    *,
    group: str = "",
    late: str = "",
    has_cents: bool = True,
) -> Markup:
    """The table; empty for no rows. A row whose `strong` has a value is printed as a sum.

    Args:
        words: the labels of the language, for the head.
        chosen: ids of the optional columns to show; None shows those that have data.
        group: field whose every new value gets a row of its own above (price lists).
        late: field that marks a row as overdue when it has a value.
        has_cents: whether the currency has decimals.
    """
    kept = [row for row in rows if isinstance(row, Mapping)]
    if not kept:
        return Markup("")
    if not has_cents:
        columns = [replace(one, kind=Kind.WHOLE) if one.kind is Kind.MONEY else one for one in columns]
    shown, folded = _fold(shown_columns(columns, kept, chosen))
    body: list[str] = []
    before: object = None
    striped = False
    for row in kept:
        if group and row.get(group) and row[group] != before:
            before, striped = row[group], False
            body.append(f'<tr class="g"><td colspan="{len(shown)}">{escape(before)}</td></tr>')
        cells = "".join(_cell(column, _content(column, row, folded, words, language)) for column in shown)
        kinds = ["z"] * striped
        kinds += ["late"] * bool(late and row.get(late) and parse_number(row[late]) != 0)
        kinds += ["strong"] * bool(row.get("strong"))
        kinds += ["tall"] * (len(cells) > TALL + 60 * len(shown))
        body.append(f'<tr class="{" ".join(kinds)}">{cells}</tr>' if kinds else f"<tr>{cells}</tr>")
        striped = not striped
    return Markup(f"<table>{_head(shown, words)}<tbody>{''.join(body)}</tbody></table>")  # noqa: S704 - escaped


def _fold(columns: list[Column]) -> tuple[list[Column], list[Column]]:
    """Columns and those folded under the description, so that it keeps its room; narrower ones at the last."""
    shown: list[Column] = list(columns)
    folded: list[Column] = []
    while _room(shown) < _TEXT_MM and (foldable := [column for column in shown if column.folds]):
        folded.insert(0, foldable[-1])
        shown.remove(foldable[-1])
    fixed = PAGE_WIDTH - _room(shown)
    if _room(shown) < _TEXT_MM and any(column.width is None for column in shown):
        part = (PAGE_WIDTH - _TEXT_MM) / fixed
        shown = [replace(column, width=column.width * part) if column.width else column for column in shown]
    return shown, folded


def _room(columns: Sequence[Column]) -> float:
    return PAGE_WIDTH - sum(column.width or 0 for column in columns)


def _content(
    column: Column, row: Row, folded: Sequence[Column], words: Mapping[str, str], language: str
) -> Markup | str:
    text = _WRITERS[column.kind](row.get(column.field), language)
    if not column.below:
        return text
    more = [
        (words.get(one.label, one.label), _WRITERS[one.kind](row.get(one.field), language)) for one in folded
    ]
    below = row.get(column.below)
    if below:
        listed = ", ".join(str(item) for item in below) if isinstance(below, list | tuple) else str(below)
        more.append((words.get(column.below, column.below), listed))
    parts = [Markup("{}: {}").format(label, value) for label, value in more if value]
    return text + Markup('<div class="small">{}</div>').format(Markup(" · ").join(parts)) if parts else text


def _head(columns: Sequence[Column], words: Mapping[str, str]) -> str:
    widths = "".join(f'<col style="width:{c.width:g}mm">' if c.width else "<col>" for c in columns)
    names = "".join(
        f'<th scope="col"{" class=n" if column.is_number else ""}>{escape(words.get(column.label, column.label))}</th>'
        for column in columns
    )
    return f"<colgroup>{widths}</colgroup><thead><tr>{names}</tr></thead>"


def _cell(column: Column, text: Markup | str) -> str:
    """A number that does not stand in one line, and a word that would be broken, are printed smaller."""
    room = (column.width or PAGE_WIDTH) - _PADDING_MM
    if not column.is_number:
        words = (_TAG.sub(" ", text) if "<" in text else text).split()
        is_long = column.kind is Kind.TEXT and max(map(len, words), default=0) > room / _LETTER_MM
        return (
            f'<td class="tight">{escape(text)}</td>'
            if is_long and column.width
            else f"<td>{escape(text)}</td>"
        )
    is_tight = len(text) > room / _DIGIT_MM
    return f'<td class="n{" tight" if is_tight else ""}">{escape(text)}</td>'


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def write_price(value: object, language: str) -> str:
    """A unit price: at least two decimals, all those it has."""
    number = None if _is_empty(value) else parse_number(value)
    if number is None:
        return "" if _is_empty(value) else str(value)
    own = -int(number.normalize().as_tuple().exponent)
    return format_number(number, language, max(2, own))


def _write_text(value: object, language: str) -> Markup | str:
    if _is_empty(value):
        return ""
    if isinstance(value, list | tuple):
        return " + ".join(str(item) for item in value)
    text = str(value)
    return Markup("<br>").join(text.splitlines()) if "\n" in text else text


def _write_mark(value: object, language: str) -> Markup | str:
    return _write_text(value, language) if parse_number(value) is None else format_number(value, language)


def _write_number(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_number(value, language)


def _write_money(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_money(value, "", language)


def _write_whole(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_number(value, language, 0)


def _write_percent(value: object, language: str) -> str:
    """With the decimals it is written with, so that a column lines up."""
    number = parse_number(value)
    places = None if number is None else max(0, -int(number.as_tuple().exponent))
    return "" if _is_empty(value) else f"{format_number(value, language, places)}%"


def _write_date(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_date(value, language)


def _write_moment(value: object, language: str) -> str:
    clock = str(value or "")[11:16]
    return f"{_write_date(value, language)} {clock}" if clock else _write_date(value, language)


def _write_picture(value: object, language: str) -> Markup | str:
    """A picture given as a `data:` address; anything else prints nothing: no file, no network."""
    if not isinstance(value, str) or not _PICTURE.fullmatch(value):
        return ""
    return Markup('<img class="item" alt="" src="{}">').format(value)


_WRITERS: dict[Kind, Callable[[object, str], Markup | str]] = {
    Kind.TEXT: _write_text,
    Kind.MARK: _write_mark,
    Kind.NUMBER: _write_number,
    Kind.PRICE: write_price,
    Kind.MONEY: _write_money,
    Kind.WHOLE: _write_whole,
    Kind.PERCENT: _write_percent,
    Kind.DATE: _write_date,
    Kind.MOMENT: _write_moment,
    Kind.PICTURE: _write_picture,
}
