"""Parameters of a report's query: typed, bound, and those that move with the day (pure)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from crm_mail.schedules.periods import Period, days_of

MOST_IN_LIST = 500


class ParameterKind(StrEnum):
    """What a value is; the ones with a day in their name are worked out each time."""

    TEXT = "text"
    NUMBER = "number"
    DAY = "day"
    LIST = "list"  # separated by commas, behind IN
    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK_AGO = "week_ago"  # seven days before
    MONTH_AGO = "month_ago"  # thirty days before
    FIRST_OF_WEEK = "first_of_week"
    FIRST_OF_LAST_WEEK = "first_of_last_week"
    FIRST_OF_MONTH = "first_of_month"
    FIRST_OF_LAST_MONTH = "first_of_last_month"
    LAST_OF_LAST_MONTH = "last_of_last_month"
    FIRST_OF_YEAR = "first_of_year"
    FIRST_OF_LAST_YEAR = "first_of_last_year"
    LAST_OF_LAST_YEAR = "last_of_last_year"


TYPED = (ParameterKind.TEXT, ParameterKind.NUMBER, ParameterKind.DAY, ParameterKind.LIST)
"""Kinds that a person gives a value to."""


class ParameterInvalid(ValueError):
    """A value that does not fit its kind; ``name`` of the parameter."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def read_value(name: str, kind: str, value: str, on: date) -> Any:
    """The value as it is bound.

    Args:
        on: the day of the report.

    Raises:
        ParameterInvalid: it is not of its kind.
    """
    typed = value.strip()
    try:
        match ParameterKind(kind):
            case ParameterKind.TEXT:
                return value
            case ParameterKind.NUMBER:
                return _number(typed)
            case ParameterKind.DAY:
                return date.fromisoformat(typed)
            case ParameterKind.LIST:
                return _list(typed)
            case relative:
                return _day(relative, on)
    except (ValueError, InvalidOperation):
        raise ParameterInvalid(name) from None


def _number(typed: str) -> int | Decimal:
    if typed.lstrip("+-").isdigit():
        return int(typed)
    found = Decimal(typed.replace(",", "."))
    if not found.is_finite():
        raise ValueError(typed)
    return found


def _list(typed: str) -> list[str]:
    found = [part.strip() for part in typed.replace("\n", ",").split(",") if part.strip()]
    if not found or len(found) > MOST_IN_LIST:
        raise ValueError(typed)
    return found


def _day(kind: ParameterKind, on: date) -> date:
    monday = on - timedelta(days=on.weekday())
    last_month, last_year = days_of(Period.LAST_MONTH, on), days_of(Period.LAST_YEAR, on)
    found = {
        ParameterKind.TODAY: on,
        ParameterKind.YESTERDAY: on - timedelta(days=1),
        ParameterKind.WEEK_AGO: on - timedelta(days=7),
        ParameterKind.MONTH_AGO: on - timedelta(days=30),
        ParameterKind.FIRST_OF_WEEK: monday,
        ParameterKind.FIRST_OF_LAST_WEEK: monday - timedelta(days=7),
        ParameterKind.FIRST_OF_MONTH: on.replace(day=1),
        ParameterKind.FIRST_OF_LAST_MONTH: last_month[0],
        ParameterKind.LAST_OF_LAST_MONTH: last_month[1],
        ParameterKind.FIRST_OF_YEAR: on.replace(month=1, day=1),
        ParameterKind.FIRST_OF_LAST_YEAR: last_year[0],
        ParameterKind.LAST_OF_LAST_YEAR: last_year[1],
    }[kind]
    assert found is not None  # only the period of any date has no bounds
    return found


def bound_values(
    parameters: Sequence[Mapping[str, str]], on: date, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Every value by name: those that every query is given, and the report's own.

    Raises:
        ParameterInvalid: a kept value does not fit its kind.
    """
    own = {one["name"]: read_value(one["name"], one["kind"], one.get("value", ""), on) for one in parameters}
    return own | dict(given)
