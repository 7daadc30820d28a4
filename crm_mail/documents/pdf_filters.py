"""The filters of layouts: how values are written in the language of the document. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from crm_mail.documents.number_formats import (
    format_date,
    format_money,
    format_number,
    locale_of,
    parse_number,
)
from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER
from crm_mail.documents.pdf_sat_codes import sat_name
from crm_mail.documents.pdf_tables import write_price


def _empty(value: object) -> bool:
    return value is None or isinstance(value, Undefined) or value == ""


@pass_context
def _money(context: Context, value: object, currency: str = "") -> str:
    return "" if _empty(value) else format_money(value, currency, context.parent["language"])


@pass_context
def _price(context: Context, value: object) -> str:
    return "" if _empty(value) else write_price(value, context.parent["language"])


@pass_context
def _number(context: Context, value: object) -> str:
    return "" if _empty(value) else format_number(value, context.parent["language"])


@pass_context
def _unit(context: Context, value: object, unit: str) -> str:
    return (
        "" if _empty(value) else f"{format_number(value, context.parent['language'])}\N{NO-BREAK SPACE}{unit}"
    )


@pass_context
def _date(context: Context, value: object, style: str = "numeric") -> str:
    return "" if _empty(value) else format_date(value, context.parent["language"], style)


@pass_context
def _country(context: Context, value: object) -> str:
    """The country's name in the language of the document, in capitals as the post asks; else what was given."""
    name = locale_of(context.parent["language"]).territories.get(str(value).upper())
    return name.upper() if name else str(value)


def _negative(value: object) -> bool:
    number = None if _empty(value) else parse_number(value)
    return number is not None and number < 0


def _present(value: object) -> bool:
    return not _empty(value)


def _filled(values: Iterable[object]) -> list[object]:
    return [value for value in values if not _empty(value)]


def _iban(value: object) -> str:
    text = "" if _empty(value) else re.sub(r"\s", "", str(value))
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _masked(value: object) -> str:
    """`IT40 •••• 4321`: enough for its owner to know it."""
    text = "" if _empty(value) else re.sub(r"\s", "", str(value))
    return text if len(text) < 10 else f"{text[:4]} •••• {text[-4:]}"


def _lines(value: object) -> Markup:
    return Markup("<br>").join(escape(line) for line in str(value).splitlines())


def _clip(value: object, length: int = 70) -> str:
    text = "" if _empty(value) else str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def _chunks(value: object, length: int = 112) -> Markup:
    """A seal in lines of equal length: base64 has no places of its own to break at."""
    text = "" if _empty(value) else str(value)
    pieces = (escape(text[start : start + length]) for start in range(0, len(text), length))
    return Markup("<br>").join(pieces)


@lru_cache(maxsize=1)
def layout_environment() -> Environment:
    """Where layouts are compiled, once in a process; undefined fields print nothing."""
    environment = Environment(
        loader=FileSystemLoader(LAYOUT_FOLDER),
        autoescape=True,
        undefined=ChainableUndefined,
        auto_reload=False,
    )
    environment.filters |= {
        "money": _money,
        "price": _price,
        "number": _number,
        "unit": _unit,
        "date": _date,
        "country": _country,
        "negative": _negative,
        "filled": _filled,
        "present": _present,
        "iban": _iban,
        "masked": _masked,
        "lines": _lines,
        "clip": _clip,
        "chunks": _chunks,
        "sat": sat_name,
    }
    return environment
