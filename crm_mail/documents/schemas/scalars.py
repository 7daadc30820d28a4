"""Kinds of single values: text, amounts, dates. Amounts are written as decimal strings, dates as ISO 8601.

Reading is tolerant where nothing can be misunderstood (a number for a text, a time after a date), and strict
where it could: a date is never guessed from a number, an amount never from `1.234,50`.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from crm_mail.documents.schemas.problems import example_of

TEXT_LIMIT = 20_000
"""Characters of the longest text kept (a description, a note)."""

DEPTH_LIMIT = 20

_BREAKS = re.compile(r"[\t\n\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


def _text(value: Any) -> Any:
    """Numbers become the text they are; characters that neither a database nor a PDF holds are dropped."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return _CONTROLS.sub("", value) if isinstance(value, str) else value


def _line(value: Any) -> Any:
    """A text of one line: numbers, codes and names stand in subjects, file names and heads."""
    value = _text(value)
    return _BREAKS.sub(" ", value) if isinstance(value, str) else value


def plain_json(value: Any, depth: int = 0) -> Any:
    """Values of unknown fields as every database keeps them: no control characters, no NaN, 20 levels."""
    if isinstance(value, dict | list) and depth >= DEPTH_LIMIT:
        return "…"
    if isinstance(value, dict):
        return {str(_text(key)): plain_json(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain_json(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return _CONTROLS.sub("", value) if isinstance(value, str) else value


def _amount(value: Any) -> Any:
    """A decimal string with a point, or a JSON number; `1e3` and `NaN` are refused by what follows."""
    if isinstance(value, str):
        text = value.strip()
        if not _AMOUNT.fullmatch(text):
            raise PydanticCustomError("decimal_form", "no decimal string")  # pydantic would read 1e3 and NaN
        return text
    if isinstance(value, bool):
        raise PydanticCustomError("decimal_form", "no decimal string")
    return value


def _day(value: Any) -> Any:
    """An ISO date; the time after it is dropped; a number is no date."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", value.strip()):
        return value.strip()[:10]
    if isinstance(value, date):
        return value
    raise PydanticCustomError("date_form", "no ISO date")


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and not value.strip().isdigit()):
        return value
    raise PydanticCustomError("datetime_form", "no ISO moment")


def _written(value: Decimal) -> str:
    """Never `1E+3`: layouts, spreadsheets and people read digits."""
    return f"{value:f}"


def _list(value: Any) -> Any:
    """One value where a list is wanted is a list of one."""
    return [value] if isinstance(value, str) else value


_DECIMAL_SCHEMA = {
    "type": "string",
    "format": "decimal",
    "pattern": r"^-?\d+(\.\d+)?$",
    "examples": ["1234.50"],
}
_COUNTRY = example_of("^[A-Z]{2}$", "IT")
_CURRENCY = example_of("^[A-Z]{3}$", "EUR")

Text = Annotated[str, BeforeValidator(_text), StringConstraints(strip_whitespace=True, max_length=TEXT_LIMIT)]
Code = Annotated[str, BeforeValidator(_line), StringConstraints(strip_whitespace=True, max_length=200)]
Number = Annotated[
    str, BeforeValidator(_line), StringConstraints(strip_whitespace=True, min_length=1, max_length=60)
]
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(decimal_places=20, gt=Decimal("-1e15"), lt=Decimal("1e15"), allow_inf_nan=False),
    PlainSerializer(_written, return_type=str, when_used="always"),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
Day = Annotated[date, BeforeValidator(_day), Field(examples=["2026-11-21"])]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Country = Annotated[
    str,
    BeforeValidator(_text),
    StringConstraints(strip_whitespace=True, to_upper=True, pattern=_COUNTRY),
]
Currency = Annotated[
    str,
    BeforeValidator(_text),
    StringConstraints(strip_whitespace=True, to_upper=True, pattern=_CURRENCY),
]
Texts = Annotated[list[Text], BeforeValidator(_list)]
