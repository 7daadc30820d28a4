"""Jinja filters that write values the way the page's language does; times in the user's zone.

All of them answer "–" for None, so that an empty cell is visibly empty. Money is `Decimal` and is written
with its currency's own number of decimals (CLDR): `1.234,50 €` in Italian, `€1,234.50` in English.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import flask_babel
from babel.dates import format_timedelta
from flask import Flask
from flask_babel import get_locale
from markupsafe import Markup, escape

NOTHING = "–"
Number = int | float | Decimal


def _or_nothing(write: Callable[..., str]) -> Callable[..., str]:
    def filter_value(value: Any, *args: Any, **kwargs: Any) -> str:
        return NOTHING if value is None or value == "" else write(value, *args, **kwargs)

    filter_value.__doc__ = write.__doc__
    return filter_value


def format_date(value: dt.date, style: str = "short") -> str:
    """`21/11/2026` (it, es), `21/11/2026` (en: British order, for an office that works with Italy)."""
    if style == "short":
        pattern = "dd/MM/yyyy"
        return str(flask_babel.format_date(value, pattern, rebase=isinstance(value, dt.datetime)))
    return str(flask_babel.format_date(value, style, rebase=isinstance(value, dt.datetime)))


def format_datetime(value: dt.datetime, seconds: bool = False) -> str:
    """`21/11/2026 18:05`, in the user's zone; naive values are refused because their zone is unknown."""
    if value.tzinfo is None:
        raise ValueError("a datetime without a time zone cannot be shown")
    return str(flask_babel.format_datetime(value, "dd/MM/yyyy HH:mm:ss" if seconds else "dd/MM/yyyy HH:mm"))


def format_time(value: dt.datetime) -> str:
    """`18:05`, in the user's zone."""
    return str(flask_babel.format_time(value, "HH:mm"))


def format_money(value: Decimal, currency: str = "EUR") -> str:
    """An amount with its currency."""
    return str(flask_babel.format_currency(value, currency))


def format_number(value: Number) -> str:
    """A number with grouping, at most three decimals."""
    return str(flask_babel.format_decimal(value))


def format_percent(value: Number) -> str:
    """A share (0 to 1) as per cent with at most one decimal."""
    return str(flask_babel.format_percent(value, "#,##0.#%"))


def format_filesize(value: int) -> str:
    """Bytes in decimal units, as mail servers state their limits: `3.4 MB`."""
    size = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            digits = "0" if unit == "B" or size >= 100 else "0.#"
            return f"{flask_babel.format_decimal(size, digits)}\u00a0{unit}"
        size /= 1000
    raise AssertionError("unreachable")


def format_relative(value: dt.datetime) -> str:
    """`3 minutes ago`, `in 2 hours`."""
    delta = value - dt.datetime.now(dt.UTC)
    return str(format_timedelta(delta, add_direction=True, locale=get_locale() or "en"))


def format_duration(value: dt.timedelta | Number) -> str:
    """A length of time (timedelta or seconds) in its largest unit: `4 minutes`."""
    delta = value if isinstance(value, dt.timedelta) else dt.timedelta(seconds=float(value))
    return str(format_timedelta(delta, threshold=1.5, locale=get_locale() or "en"))


def breakable(address: str) -> Markup:
    """A mail address or host name that a narrow column breaks before its @ or after a dot, not within a word."""
    return escape(address).replace("@", Markup("<wbr>@")).replace(".", Markup(".<wbr>"))


FILTERS: dict[str, Callable[..., str]] = {
    "date": _or_nothing(format_date),
    "datetime": _or_nothing(format_datetime),
    "time": _or_nothing(format_time),
    "money": _or_nothing(format_money),
    "number": _or_nothing(format_number),
    "percent": _or_nothing(format_percent),
    "filesize": _or_nothing(format_filesize),
    "relative": _or_nothing(format_relative),
    "duration": _or_nothing(format_duration),
    "breakable": breakable,
}


def init_app(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(FILTERS)
