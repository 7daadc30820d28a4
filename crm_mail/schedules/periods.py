"""Periods counted from the day of a schedule: “the month before” (pure)."""

from datetime import date, timedelta
from enum import StrEnum


class Period(StrEnum):
    """Which documents, by their date."""

    ANY = "any"
    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"  # the seven days before
    LAST_WEEK = "last_week"  # Monday to Sunday
    LAST_30_DAYS = "last_30_days"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"


_ONE = timedelta(days=1)


def days_of(period: Period, on: date) -> tuple[date | None, date | None]:
    """First and last day of a period, both included; None: no bound."""
    month = on.replace(day=1)
    year = on.replace(month=1, day=1)
    quarter = date(on.year, on.month - (on.month - 1) % 3, 1)
    monday = on - timedelta(days=on.weekday())
    match period:
        case Period.ANY:
            return None, None
        case Period.TODAY:
            return on, on
        case Period.YESTERDAY:
            return on - _ONE, on - _ONE
        case Period.LAST_7_DAYS:
            return on - 7 * _ONE, on - _ONE
        case Period.LAST_30_DAYS:
            return on - 30 * _ONE, on - _ONE
        case Period.LAST_WEEK:
            return monday - 7 * _ONE, monday - _ONE
        case Period.THIS_MONTH:
            return month, on
        case Period.LAST_MONTH:
            return (month - _ONE).replace(day=1), month - _ONE
        case Period.LAST_QUARTER:
            before = quarter - _ONE
            return date(before.year, before.month - 2, 1), before
        case Period.THIS_YEAR:
            return year, on
        case Period.LAST_YEAR:
            return date(on.year - 1, 1, 1), year - _ONE
