"""Small readers over the tree of a FatturaPA: by local name, in any order, tolerant of blanks in values."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

_MOST_DIGITS: Final = 30
_DATE: Final = re.compile(r"(\d{4})\s*-\s*(\d{1,2})\s*-\s*(\d{1,2})")


_YEARS: Final = range(1900, 2200)  # beyond them it is a slip, and terms of payment could not be added


def local_name(element: etree._Element) -> str:
    """The element's name without namespace, or without the prefix that a broken declaration left in it."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """The children of `element` called `name`."""
    if element is not None:
        yield from (item for item in element if local_name(item) == name)


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element down `path`, or None."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text(element: etree._Element | None, *path: str) -> str | None:
    """The text of the first element down `path`, blanks folded; None when absent or empty."""
    found = child(element, *path)
    if found is None:
        return None
    return " ".join("".join(str(piece) for piece in found.itertext()).split()) or None


def parse_amount(value: str) -> Decimal | None:
    """Read an amount as the specification writes it (point for decimals); None when it is no number.

    Nor is what no amount can be (1e9999999): reckoning with it would fail, or take for ever.
    """
    try:
        amount = Decimal(value.replace(" ", "").replace(",", "."))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount.adjusted()) <= _MOST_DIGITS else None


def parse_date(value: str) -> dt.date | None:
    """Read a date, also with blanks, a time or a zone after it; None when it is no date."""
    match = _DATE.match(value.strip())
    if match is None:
        return None
    try:
        found = dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return found if found.year in _YEARS else None
