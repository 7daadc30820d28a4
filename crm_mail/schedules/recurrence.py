"""When something recurs: an RFC 5545 rule of days, times of the day, a time zone, and a rule for holidays (pure).

The rule gives days; each is shifted by the holiday rule; the times of the day are then taken in the zone. A local time
that does not exist (clocks go forward) is read with the offset before the gap, one that comes twice is the first of
the two, as RFC 5545 3.3.5 says. Whatever falls on the same moment happens once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from crm_mail.schedules.holiday_calendars import FARTHEST_DAYS, OnHoliday, WorkingDays

HORIZON: Final = timedelta(days=366 * 5)
"""How far ahead is looked; no date within it means that there is none."""
_OF_WEEKS: Final = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTH", "WKST"})
_OF_MONTHS: Final = _OF_WEEKS | {"BYMONTHDAY", "BYSETPOS"}
_PARTS: Final = {
    "DAILY": _OF_WEEKS,
    "WEEKLY": _OF_WEEKS,
    "MONTHLY": _OF_MONTHS,
    "YEARLY": _OF_MONTHS | {"BYYEARDAY", "BYWEEKNO", "BYEASTER"},
}
"""What a rule may say. Less than the RFC allows for days and weeks: a rule that never comes would be searched for
day by day until the year 9999."""
LONGEST_RULE: Final = 300


class RuleInvalid(ValueError):
    """The rule is no RFC 5545 rule of days; its text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which something is due.

    Args:
        at: the moment, UTC.
        on: the day that the rule gave, before a holiday moved it: what “the month before” is counted from.
    """

    at: datetime
    on: date


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule and all that it needs.

    Args:
        rule: the value of an RRULE of days, ``FREQ=MONTHLY;BYMONTHDAY=5``; empty: once, on ``starts_on``.
        times: local times of the day.
        timezone: IANA name.
        starts_on: no day before it; intervals (every two weeks) are counted from it.
        ends_on: the last day; None: without end.
    """

    rule: str
    times: tuple[time, ...]
    timezone: str
    starts_on: date
    ends_on: date | None = None
    on_holiday: OnHoliday = OnHoliday.AS_IT_IS
    working_days: WorkingDays = field(default_factory=WorkingDays)

    def after(self, moment: datetime) -> Iterator[Occurrence]:
        """What comes after a moment, in order; nothing beyond `HORIZON`."""
        zone = ZoneInfo(self.timezone)
        first = moment.astimezone(zone).date() - timedelta(days=1)
        for actual, nominal in self._days(first, first + HORIZON):
            if actual < first:
                continue
            for at in sorted({_at(actual, each, zone) for each in self.times}):
                if at > moment:
                    yield Occurrence(at, nominal)

    def until(self, after: datetime, moment: datetime, most: int = 1000) -> list[Occurrence]:
        """What lies after one moment and not after another; the first ``most`` of them."""
        return list(islice(takewhile(lambda one: one.at <= moment, self.after(after)), most))

    def next(self, moment: datetime, count: int = 5) -> list[Occurrence]:
        """The next few after a moment."""
        return list(islice(_once(self.after(moment)), count))

    def _days(self, first: date, last: date) -> Iterator[tuple[date, date]]:
        """(the day it takes place, the day that the rule gave), each day once, in order."""
        shifted = (
            (self.working_days.shifted(nominal, self.on_holiday), nominal)
            for nominal in self._nominal_days(first - timedelta(days=FARTHEST_DAYS), last)
        )
        for actual, group in groupby(shifted, key=lambda pair: pair[0]):
            given = [nominal for _actual, nominal in group]
            if actual is not None:
                yield actual, actual if actual in given else given[0]

    def _nominal_days(self, first: date, last: date) -> Iterator[date]:
        last = min(last, self.ends_on) if self.ends_on else last
        if not self.rule:
            if self.starts_on <= last:
                yield self.starts_on
            return
        days = _parse(self.rule, self.starts_on, last)
        for day in days.xafter(datetime.combine(max(first, self.starts_on), time()), inc=True):
            yield day.date()


def _once(found: Iterator[Occurrence]) -> Iterator[Occurrence]:
    """Each moment once: where a day is missing in a zone, two local days meet."""
    for _at_moment, group in groupby(found, key=lambda one: one.at):
        yield next(group)


def _at(day: date, local: time, zone: ZoneInfo) -> datetime:
    """``fold=0`` is the first of two, and in a gap the offset before it."""
    return datetime.combine(day, local, tzinfo=zone).astimezone(UTC)


def _parse(rule: str, starts_on: date, last: date) -> rrule:
    """Bounded, so that a rule without any day (30 February) ends soon."""
    found = rrulestr(rule, dtstart=datetime.combine(starts_on, time()))
    assert isinstance(found, rrule)  # one RRULE, as `check_rule` wants it
    bounded: rrule = found.replace(until=datetime.combine(last, time()))
    return bounded


def check_rule(rule: str, starts_on: date) -> str:
    """The rule as it is kept.

    Raises:
        RuleInvalid: it is not understood, counts hours or less, or has an end of its own.
    """
    clean = "".join(rule.split()).upper().removeprefix("RRULE:")
    if not clean:
        return ""
    if len(clean) > LONGEST_RULE:
        raise RuleInvalid("too_long")
    parts = dict(part.partition("=")[::2] for part in clean.split(";"))
    allowed = _PARTS.get(parts.get("FREQ", ""))
    if allowed is None:
        raise RuleInvalid("FREQ")
    if unknown := sorted(set(parts) - allowed):
        raise RuleInvalid(unknown[0])
    if parts["FREQ"] == "DAILY" and "BYDAY" in parts and parts.get("INTERVAL", "1") != "1":
        raise RuleInvalid("INTERVAL")
    try:
        _parse(clean, starts_on, starts_on)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise RuleInvalid(str(error)) from None
    return clean


def parse_times(text: str) -> tuple[time, ...]:
    """``8:30, 14.00`` → two times, in order.

    Raises:
        ValueError: a piece is no time of the day; its text is the piece.
    """
    found = set()
    for piece in text.replace(";", ",").split(","):
        hours, colon, minutes = piece.strip().replace(".", ":").partition(":")
        if not (hours.isdecimal() and (not colon or minutes.isdecimal())):
            raise ValueError(piece.strip())
        try:
            found.add(time(int(hours), int(minutes or 0)))
        except ValueError:
            raise ValueError(piece.strip()) from None
    return tuple(sorted(found))
