"""Tables of printed documents: which columns, how wide, and their HTML (IT-19).

Made in one pass of string work, because cost follows the number of cells. Only cheap CSS: fixed widths, no
borders on cells, no nth-child. An optional column is shown when a row has it, or as the company's theme says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from markupsafe import Markup, escape

from crm_mail.documents.number_formats import format_date, format_money, format_number, parse_number

PAGE_WIDTH = 176.0  # mm between the margins of A4
_DIGIT_MM = 1.68  # width of a digit at the tables' 8.5 pt
_PADDING_MM = 2.4
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]{1,400000}")
TALL = 600  # characters in one cell after which a row may break over pages


class Kind(StrEnum):
    """How a cell's value is written."""

    TEXT = "text"
    NUMBER = "number"  # as many decimals as the value has
    PRICE = "price"  # two decimals or more
    MONEY = "money"  # two decimals, no sign: the currency stands once, elsewhere
    PERCENT = "percent"
    DATE = "date"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Column:
    """`field` of the row, `label` key of `pdf_labels`, width in mm (None: what is left)."""

    field: str
    label: str
    width: float | None = None
    kind: Kind = Kind.TEXT
    optional: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right."""
        return self.kind in (Kind.NUMBER, Kind.PRICE, Kind.MONEY, Kind.PERCENT)


def _optional(field: str, label: str, width: float, kind: Kind = Kind.TEXT) -> Column:
    return Column(field, label, width, kind, optional=True)


CODE = Column("code", "code", 21)
TEXT = Column("description", "description")
QTY = Column("qty", "quantity", 16, Kind.NUMBER)
UOM = Column("uom", "unit", 10)
LOT = _optional("lot", "lot", 24)
PRICED = (
    *(CODE, TEXT, LOT, QTY, UOM, Column("price", "price", 21, Kind.PRICE)),
    *(_optional("discounts", "discount", 15), Column("net", "amount", 23, Kind.MONEY)),
    _optional("tax_code", "tax", 12),
)
ORDERED = (*PRICED[:2], *PRICED[3:5], _optional("date", "delivery_date", 19, Kind.DATE), *PRICED[5:])
COLUMNS: dict[str, tuple[Column, ...]] = {
    "delivery_note": (
        *(CODE, TEXT, LOT, _optional("order", "order_ref", 26), UOM),
        *(QTY, _optional("packages", "packages", 16, Kind.NUMBER)),
        _optional("weight", "weight", 18, Kind.NUMBER),
    ),
    "invoice": PRICED,
    "credit_note": PRICED,
    "quote": ORDERED,
    "sales_order": ORDERED,
    "purchase_order": (
        Column("supplier_code", "supplier_code", 23, optional=True),
        *ORDERED,
    ),
    "goods_receipt": (
        *(CODE, TEXT, _optional("order", "order_ref", 22), LOT, _optional("warehouse", "warehouse", 20), UOM),
        Column("ordered", "ordered", 16, Kind.NUMBER, optional=True),
        *(
            Column("received", "received", 17, Kind.NUMBER),
            _optional("rejected", "rejected", 17, Kind.NUMBER),
        ),
        _optional("remark", "remark", 32),
    ),
    "price_list": (
        _optional("image", "image", 20, Kind.PICTURE),
        *(CODE, TEXT, UOM, _optional("min_qty", "min_qty", 18, Kind.NUMBER)),
        *(Column("price", "price", 25, Kind.PRICE), _optional("discount", "discount", 17)),
    ),
    "generic": tuple(Column(c.field, c.label, c.width, c.kind, c.field != "description") for c in PRICED),
    "payment_order": (
        *(Column("number", "document"), Column("date", "date", 24, Kind.DATE)),
        *(_optional("due", "due_date", 24, Kind.DATE), Column("amount", "amount", 28, Kind.MONEY)),
        _optional("withholding", "withholding", 28, Kind.MONEY),
        _optional("paid", "paid", 28, Kind.MONEY),
    ),
    "receipt": (
        *(Column("number", "document"), Column("date", "date", 24, Kind.DATE)),
        *(_optional("due", "due_date", 24, Kind.DATE), _optional("amount", "amount", 30, Kind.MONEY)),
        *(Column("paid", "paid", 30, Kind.MONEY), _optional("balance", "balance", 30, Kind.MONEY)),
    ),
}
OPTIONAL_COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(column.field for column in columns if column.optional) for name, columns in COLUMNS.items()
}

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
) -> Markup:
    """The table; empty for no rows.

    Args:
        words: the labels of the language, for the head.
        chosen: ids of the optional columns to show; None shows those that have data.
        group: field whose every new value gets a row of its own above (price lists).
        late: field that marks a row as overdue when it has a value.
    """
    kept = [row for row in rows if isinstance(row, Mapping)]
    if not kept:
        return Markup("")
    shown = shown_columns(columns, kept, chosen)
    writers = [(_WRITERS[column.kind], column, _fits(column)) for column in shown]
    body: list[str] = []
    before: object = None
    striped = False
    for row in kept:
        if group and row.get(group) and row[group] != before:
            before, striped = row[group], False
            body.append(f'<tr class="g"><td colspan="{len(shown)}">{escape(before)}</td></tr>')
        cells = "".join(
            _cell(column, write(row.get(column.field), language), fits) for write, column, fits in writers
        )
        kinds = [
            name
            for name, on in (
                ("z", striped),
                ("late", late and row.get(late)),
                ("tall", len(cells) > TALL + 60 * len(shown)),
            )
            if on
        ]
        body.append(f'<tr class="{" ".join(kinds)}">{cells}</tr>' if kinds else f"<tr>{cells}</tr>")
        striped = not striped
    return Markup(f"<table>{_head(shown, words)}<tbody>{''.join(body)}</tbody></table>")  # noqa: S704 - each part escaped


def _head(columns: Sequence[Column], words: Mapping[str, str]) -> str:
    widths = "".join(f'<col style="width:{c.width:g}mm">' if c.width else "<col>" for c in columns)
    names = "".join(
        f'<th scope="col"{" class=n" if column.is_number else ""}>{escape(words.get(column.label, column.label))}</th>'
        for column in columns
    )
    return f"<colgroup>{widths}</colgroup><thead><tr>{names}</tr></thead>"


def _fits(column: Column) -> int:
    """How many digits stand in one line of the cell."""
    return int((column.width - _PADDING_MM) / _DIGIT_MM) if column.width else 1000


def _cell(column: Column, text: Markup | str, fits: int) -> str:
    if not column.is_number:
        return f"<td>{escape(text)}</td>"
    return f'<td class="n{" tight" if len(text) > fits else ""}">{escape(text)}</td>'


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


def _write_number(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_number(value, language)


def _write_money(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_money(value, "", language)


def _write_percent(value: object, language: str) -> str:
    return "" if _is_empty(value) else f"{format_number(value, language)}%"


def _write_date(value: object, language: str) -> str:
    return "" if _is_empty(value) else format_date(value, language)


def _write_picture(value: object, language: str) -> Markup | str:
    """A picture given as a `data:` address; anything else prints nothing: no file, no network."""
    if not isinstance(value, str) or not _PICTURE.fullmatch(value):
        return ""
    return Markup('<img class="item" alt="" src="{}">').format(value)


_WRITERS: dict[Kind, Callable[[object, str], Markup | str]] = {
    Kind.TEXT: _write_text,
    Kind.NUMBER: _write_number,
    Kind.PRICE: write_price,
    Kind.MONEY: _write_money,
    Kind.PERCENT: _write_percent,
    Kind.DATE: _write_date,
    Kind.PICTURE: _write_picture,
}
