"""Birthdays: day and month, the year where it is known; read, written back, worked out ahead of time (pure).

Who is born on 29 February has a birthday each year: on the 28th in years without that day, or on 1 March.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

LEAP_DAY = (2, 29)
_FIRST_YEAR = 1880
_NO_YEAR = 1604  # Apple's stand-in for “not known”, a leap year
_ISO = re.compile(r"(?:(\d{4})-?|--)(\d{2})-?(\d{2})(?:[T ].*)?")
_BY_DAY = re.compile(r"(\d{1,2})[./ -](\d{1,2})(?:[./ -](\d{4}))?[./]?")


class LeapDayRule(StrEnum):
    """When 29 February is celebrated in a year without it."""

    FEBRUARY_28 = "february_28"
    MARCH_1 = "march_1"


class BirthdayInvalid(ValueError):
    """The text is no birthday; it is in ``args``."""


@dataclass(frozen=True, slots=True)
class Birthday:
    """A day and a month that exist together; ``year`` None: not known."""

    month: int
    day: int
    year: int | None = None

    def as_typed(self) -> str:
        """As people write it, day first: ``31/3/1980``, ``31/3``."""
        return f"{self.day}/{self.month}/{self.year:04}" if self.year else f"{self.day}/{self.month}"

    def as_text(self) -> str:
        """ISO 8601; without a year as vCard writes it: ``--03-31`` (RFC 6350 4.3.1)."""
        year = f"{self.year:04}" if self.year else "-"
        return f"{year}-{self.month:02}-{self.day:02}"


def parse_birthday(text: str, today: date | None = None) -> Birthday | None:
    """``1980-03-31``, ``--03-31``, ``31/3/1980`` or ``31/3`` (day first); None for an empty text.

    Raises:
        BirthdayInvalid: it is none of these, or the day does not exist, or lies after ``today``.
    """
    clean = " ".join(text.split())
    if not clean:
        return None
    if found := _ISO.fullmatch(clean):
        year, month, day = found.groups()
    elif found := _BY_DAY.fullmatch(clean):
        day, month, year = found.groups()
    else:
        raise BirthdayInvalid(clean)
    return _checked(clean, int(year) if year else None, int(month), int(day), today)


def _checked(text: str, year: int | None, month: int, day: int, today: date | None) -> Birthday:
    try:
        whole = date(year or 2000, month, day)
    except ValueError:
        raise BirthdayInvalid(text) from None
    if year == _NO_YEAR:
        return Birthday(month, day)
    if year is not None and (year < _FIRST_YEAR or (today is not None and whole > today)):
        raise BirthdayInvalid(text)
    return Birthday(month, day, year)


def birthday_columns(birthday: Birthday | None) -> dict[str, int | None]:
    """Column of `Contact` → value."""
    return {
        "birth_month": birthday.month if birthday else None,
        "birth_day": birthday.day if birthday else None,
        "birth_year": birthday.year if birthday else None,
    }


def celebrated_on(birthday: Birthday, year: int, rule: LeapDayRule = LeapDayRule.FEBRUARY_28) -> date:
    """The day on which a birthday falls in a year."""
    try:
        return date(year, birthday.month, birthday.day)
    except ValueError:  # 29 February
        return date(year, 2, 28) if rule is LeapDayRule.FEBRUARY_28 else date(year, 3, 1)


def days_ahead(today: date, days: int, rule: LeapDayRule = LeapDayRule.FEBRUARY_28) -> list[tuple[int, int]]:
    """(month, day) of who has a birthday today or in the next ``days`` days."""
    found: dict[tuple[int, int], None] = {}
    for ahead in range(days + 1):
        on = today + timedelta(days=ahead)
        found[on.month, on.day] = None
        if celebrated_on(Birthday(*LEAP_DAY), on.year, rule) == on:
            found[LEAP_DAY] = None
    return list(found)
