"""Public holidays of a country or a part of it, from the `holidays` library (pure).

A calendar is named by its ISO 3166 code: ``IT``, ``MX``, ``PY``, or with a region ``IT-MI``, ``ES-MD``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import holidays

FIRST_COUNTRIES: Final = ("IT", "MX", "PY", "ES", "AR", "CH", "CL", "CO", "DE", "FR", "PE", "PT", "US", "UY")
"""Offered first, because the product's offices are there or work with them."""
SATURDAY: Final = 5
FARTHEST_DAYS: Final = 60
"""A working day that is not found within so many days does not exist."""


class OnHoliday(StrEnum):
    """What becomes of a date that is no working day."""

    AS_IT_IS = "as_it_is"
    NEXT = "next"  # the next working day
    PREVIOUS = "previous"
    SKIP = "skip"


class CalendarUnknown(ValueError):
    """There is no calendar of this country or region; its text is the code."""


@lru_cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """The countries that have a calendar, with the codes of their regions; the likely ones first."""
    known: dict[str, list[str]] = {
        code: regions for code, regions in holidays.list_supported_countries().items() if len(code) == 2
    }
    order = [*(code for code in FIRST_COUNTRIES if code in known), *sorted(set(known) - set(FIRST_COUNTRIES))]
    return {code: tuple(known[code]) for code in order}


@lru_cache(maxsize=64)
def _calendar(code: str, language: str) -> holidays.HolidayBase:
    country, _dash, region = code.partition("-")
    spoken = {"en": "en_US"}.get(language, language)
    base = type(holidays.country_holidays(country))
    known = getattr(base, "supported_languages", ())
    return holidays.country_holidays(
        country, subdiv=region or None, language=spoken if spoken in known else None
    )


def check_calendar(code: str) -> str:
    """The code as it is kept, in capitals; empty stays empty.

    Raises:
        CalendarUnknown: naming it.
    """
    clean = code.strip().upper()
    country, dash, region = clean.partition("-")
    if clean and (country not in countries() or (dash and region not in countries()[country])):
        raise CalendarUnknown(code)
    return clean


def holiday_name(code: str, day: date, language: str = "en") -> str:
    """What is celebrated on a day; empty on others."""
    return str(_calendar(code, language).get(day) or "") if code else ""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are worked.

    Args:
        calendar: code of the holidays; empty: none.
        has_weekends: Saturdays and Sundays (or the country's own weekend) are no working days.
        closed: further days on which the company is closed.
    """

    calendar: str = ""
    has_weekends: bool = True
    closed: frozenset[date] = frozenset()

    def is_free(self, day: date) -> bool:
        """Whether nobody works on a day."""
        if day in self.closed:
            return True
        if not self.calendar:
            return self.has_weekends and day.weekday() >= SATURDAY
        known = _calendar(self.calendar, "en")
        if self.has_weekends:
            return not known.is_working_day(day)
        return day in known

    def shifted(self, day: date, rule: OnHoliday) -> date | None:
        """Where a date falls; None when it does not take place."""
        if rule is OnHoliday.AS_IT_IS or not self.is_free(day):
            return day
        if rule is OnHoliday.SKIP:
            return None
        step = timedelta(days=1 if rule is OnHoliday.NEXT else -1)
        for _attempt in range(FARTHEST_DAYS):
            day += step
            if not self.is_free(day):
                return day
        return None
