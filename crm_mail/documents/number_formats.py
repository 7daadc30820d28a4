"""Amounts, quantities and dates written as the recipient's language writes them (CO-10).

Babel gives the symbols and patterns once per language; formatting itself is a few string operations, because
a run of 100,000 messages formats half a million values. Thousands are always grouped (`1.234,50 €` in Spanish
too, where CLDR would leave four digits ungrouped: business documents line columns up).

Pure and thread-safe. Values that are not numbers or dates come back as they are: a text is never lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_format_date
from babel.numbers import get_currency_precision, get_currency_symbol

Number = Decimal | int | float | str
DATE_STYLES = ("numeric", "medium", "long")
MAX_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """The separators of one language, and whether the currency comes before the number."""

    decimal: str
    group: str
    currency_first: bool


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Babel's locale for a tag (`it`, `es-MX`, `pt_BR`); English when it is unknown."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse("en")


@lru_cache(maxsize=64)
def number_signs(language: str) -> NumberSigns:
    """Separators of `language`, read from CLDR once."""
    locale = locale_of(language)
    symbols = locale.number_symbols
    latin = symbols.get("latn", symbols)
    pattern = locale.currency_formats["standard"].pattern
    return NumberSigns(str(latin["decimal"]), str(latin["group"]), pattern.startswith("¤"))


def parse_number(value: object) -> Decimal | None:
    """Decimal of an ISO-style number (`1234.5`), or None for anything else, NaN and infinity included."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, int | Decimal) else Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and number.adjusted() < 20 else None


def format_number(value: object, language: str, decimals: int | None = None) -> str:
    """`1234.5` → `1.234,50`. Without `decimals` the value's own are kept (quantities)."""
    number = parse_number(value)
    if number is None:
        return "" if value is None else str(value)
    if decimals is None:
        kept = max(0, -int(number.normalize().as_tuple().exponent))
        decimals = min(kept, MAX_DECIMALS)
    return _grouped(number, min(max(decimals, 0), MAX_DECIMALS), number_signs(language))


def _grouped(number: Decimal, decimals: int, signs: NumberSigns) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{rounded:,.{decimals}f}" if rounded else f"{0:.{decimals}f}"
    return text.translate({44: signs.group, 46: signs.decimal})


@lru_cache(maxsize=256)
def _currency(currency: str, language: str) -> tuple[str, int]:
    return get_currency_symbol(currency, locale_of(language)), get_currency_precision(currency)


@lru_cache(maxsize=4096)
def _money(value: str, currency: str, language: str) -> str:
    number = parse_number(value)
    if number is None:
        return value
    signs = number_signs(language)
    if not currency:
        return _grouped(number, 2, signs)
    symbol, decimals = _currency(currency, language)
    text = _grouped(number, decimals, signs)
    if signs.currency_first:
        minus, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
        gap = "\N{NO-BREAK SPACE}" if symbol[-1:].isalpha() else ""
        return f"{minus}{symbol}{gap}{digits}"
    return f"{text}\N{NO-BREAK SPACE}{symbol}"


def format_money(value: object, currency: str, language: str) -> str:
    """Amount with its currency: `1.234,50 €` in it/es, `€1,234.50` in en. Empty for None and ``""``.

    `value` is a Decimal, a number or a decimal string with a point; `currency` is an ISO 4217 code or empty
    (then two decimals and no sign). Rounds half up, as invoices do.
    """
    return "" if value is None or value == "" else _money(str(value), currency, language)


def parse_date(value: object) -> date | None:
    """A date from a date, a datetime or an ISO string (its first ten characters); None for anything else."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def _date(day: date, language: str, style: str) -> str:
    if style == "numeric":
        return day.strftime("%d/%m/%Y") if day.year >= 1000 else day.isoformat()
    return babel_format_date(day, style, locale=locale_of(language))


def format_date(value: object, language: str, style: str = "numeric") -> str:
    """`21/11/2026` (`numeric`, day first in all three languages) or CLDR's `medium` and `long` in words."""
    day = parse_date(value)
    if day is None:
        return "" if value is None else str(value)
    return _date(day, language, style if style in DATE_STYLES else "numeric")
