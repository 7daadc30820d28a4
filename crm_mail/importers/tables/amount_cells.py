"""Amounts and dates as people and programs write them. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

_CURRENCY_SIGNS: Final = re.compile(r"[€$£¥\s\u00a0\u202f']|[A-Z]{3}\b")
_NUMBER: Final = re.compile(r"\d[\d.,]*|[.,]\d+")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})\b")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})\b")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})\Z")
_SERIAL_DAY_ZERO: Final = date(1899, 12, 30)
_EMPTY_DATES: Final = frozenset({"0/0/00", "00/00/0000", "0000-00-00", "/ /", "//", "-", "0"})
MAX_AMOUNT: Final = Decimal(10) ** 12
DECIMAL_COMMA_COUNTRIES: Final = frozenset(
    {"IT", "ES", "AR", "PY", "UY", "CL", "CO", "BR", "DE", "FR", "AT", "PT"}
)


class CellInvalid(ValueError):
    """A cell is no amount, or no date."""


def decimal_sign(cells: Iterable[str], otherwise: str) -> str:
    """Which sign begins the decimals in a column of amounts: of those that leave no doubt, the one seen most.

    Args:
        otherwise: the sign to take when every amount leaves doubt (``1.200``).
    """
    seen: Counter[str] = Counter()
    for cell in cells:
        sign = _certain_sign(cell)
        if sign:
            seen[sign] += 1
    return seen.most_common(1)[0][0] if seen else otherwise


def _certain_sign(cell: str) -> str:
    signs = [char for char in cell if char in ".,"]
    if not signs:
        return ""
    if len(set(signs)) == 2:
        return signs[-1]
    if len(signs) > 1:
        return "," if signs[0] == "." else "."
    digits = re.split(r"[.,]", cell)[-1]
    return signs[0] if len(re.sub(r"\D", "", digits)) != 3 else ""


def read_amount(cell: str, sign: str) -> Decimal | None:
    """The amount of a cell; None when it is empty. ``(1.200,00)``, ``1.200,00-`` and ``-1.200,00`` are negative.

    Args:
        sign: of the decimals in this file, for the amounts that leave doubt.

    Raises:
        CellInvalid: it is no amount.
    """
    text = _CURRENCY_SIGNS.sub("", cell.replace("\u2212", "-"))
    if not text:
        return None
    negative = text.startswith(("-", "(")) or text.endswith(("-", ")"))
    digits = text.strip("-+()")
    if not _NUMBER.fullmatch(digits):
        raise CellInvalid(cell)
    decimals = _certain_sign(digits) or sign
    if digits.count(decimals) > 1:
        raise CellInvalid(cell)
    plain = digits.replace("." if decimals == "," else ",", "").replace(decimals, ".")
    amount = Decimal(plain)
    if amount >= MAX_AMOUNT or amount != amount.quantize(Decimal("0.0001")):
        raise CellInvalid(cell)
    return -amount if negative else amount


def read_date(cell: str) -> date | None:
    """The date of a cell, the day before the month; None when it is empty.

    Raises:
        CellInvalid: it is no date.
    """
    text = cell.strip()
    if not text or text in _EMPTY_DATES:
        return None
    try:
        if match := _YEAR_FIRST.match(text) or _COMPACT.match(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _DAY_FIRST.match(text):
            year = int(match[3])
            return date(year + 2000 if year < 100 else year, int(match[2]), int(match[1]))
        if text.isdigit() and 20_000 <= int(text) <= 80_000:  # a spreadsheet's number of days
            return _SERIAL_DAY_ZERO + timedelta(days=int(text))
    except ValueError:
        pass
    raise CellInvalid(cell)
