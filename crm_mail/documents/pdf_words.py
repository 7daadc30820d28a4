"""Amounts in words, as payment orders and receipts want them, in it, es and en. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from babel.core import Locale
from babel.numbers import get_currency_name, get_currency_precision
from num2words import num2words

from crm_mail.document_types import text_language
from crm_mail.documents.number_formats import parse_number

_LIMIT = Decimal(10) ** 15
_MINUS = {"it": "meno", "es": "menos", "en": "minus"}


def amount_in_words(value: object, currency: str, language: str) -> str:
    """`1234.56 EUR` → `milleduecentotrentaquattro/56 euro` (it), `mil doscientos treinta y cuatro euros 56/100`
    (es), `one thousand, two hundred and thirty-four euros and 56/100` (en).

    The decimals are those of the currency (a guaraní has none) and stay digits, as cheques have them: nobody
    can add to them. Empty for what is no number, and from 10^15 up.
    """
    number = parse_number(value)
    if number is None or abs(number) >= _LIMIT:
        return ""
    short = text_language(language)
    places = get_currency_precision(currency)
    rounded = abs(number).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole = int(rounded)
    cents = f"{int((rounded - whole).scaleb(places)):0{places}d}" if places else ""
    name = _currency_name(currency, short, whole)
    words = _whole_words(whole, short)
    part = f"/{cents}/1{'0' * places}" if places else ""
    minus = f"{_MINUS[short]} " if number < 0 and rounded else ""
    if short == "it":
        end = f"/{cents}" if places else " di" if words.endswith(("milione", "milioni")) else ""
        return f"{minus}{words}{end} {name}"
    joint = " and " if short == "en" else " "
    national = (
        " M.N." if short == "es" and currency == "MXN" else ""
    )  # as Mexican papers end: moneda nacional
    return f"{minus}{words} {name}{joint + part[1:] if part else ''}{national}"


def _whole_words(whole: int, language: str) -> str:
    """Whole number in words; Spanish shortens “uno” before a noun and says “de” after full millions."""
    words = str(num2words(whole, lang=language))
    if language == "it":
        return words.replace(" ", "") if whole < 1_000_000 else words
    if language == "es":
        words = re.sub(r"veintiuno$", "veintiún", words)
        words = re.sub(r"\buno$", "un", words)
        return re.sub(r"(mill[oó]n(es)?)$", r"\1 de", words)
    return words


def _currency_name(currency: str, language: str, whole: int) -> str:
    if language == "it" and currency == "EUR":
        return "euro"
    if (language, currency) == ("es", "MXN"):
        return "peso" if whole == 1 else "pesos"  # M.N. behind it says whose
    name = get_currency_name(currency, count=whole, locale=Locale(language))
    return str(name) if name != currency else currency
