"""The sentence of a schedule and its RFC 5545 rule, both ways: “every 2 weeks on Monday and Thursday” (pure).

A day that a month lacks becomes its last one: who asks for the 31st means the end of the month.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LAST: Final = -1
SHORTEST_MONTH: Final = 28


class Every(StrEnum):
    """How often."""

    ONCE = "once"
    DAY = "day"
    WEEK = "week"
    MONTH_DAY = "month_day"  # on day 5, or on the last day
    MONTH_WEEKDAY = "month_weekday"  # on the second Monday, or on the last one
    YEAR = "year"  # on 25 December
    CUSTOM = "custom"  # a rule of one's own


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the sentence says.

    Args:
        interval: every so many days, weeks, months or years.
        weekdays: 0 Monday to 6 Sunday; for weeks, and one of them for `MONTH_WEEKDAY`.
        day: of the month, 1 to 31, or -1 for the last.
        position: 1 to 4, or -1 for the last one.
        month: 1 to 12.
        rule: for `CUSTOM`.
    """

    every: Every
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    day: int = 1
    position: int = 1
    month: int = 1
    rule: str = ""

    def to_rule(self) -> str:
        """The value of an RRULE; empty for once."""
        match self.every:
            case Every.ONCE:
                return ""
            case Every.CUSTOM:
                return self.rule
            case Every.DAY:
                parts = ["FREQ=DAILY"]
            case Every.WEEK:
                parts = ["FREQ=WEEKLY", "BYDAY=" + ",".join(DAYS[day] for day in sorted(self.weekdays))]
            case Every.MONTH_DAY:
                parts = ["FREQ=MONTHLY", *_month_day(self.day)]
            case Every.MONTH_WEEKDAY:
                parts = ["FREQ=MONTHLY", f"BYDAY={self.position}{DAYS[(self.weekdays or (0,))[0]]}"]
            case Every.YEAR:
                parts = ["FREQ=YEARLY", f"BYMONTH={self.month}", *_month_day(self.day)]
        if self.interval > 1:
            parts.insert(1, f"INTERVAL={self.interval}")
        return ";".join(parts)


def _month_day(day: int) -> list[str]:
    if day == LAST or day <= SHORTEST_MONTH:
        return [f"BYMONTHDAY={day}"]
    days = ",".join(str(one) for one in range(SHORTEST_MONTH, day + 1))
    return [f"BYMONTHDAY={days}", "BYSETPOS=-1"]


def read_pattern(rule: str) -> Pattern:
    """The sentence of a rule; `CUSTOM` when no sentence says it."""
    if not rule:
        return Pattern(Every.ONCE)
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    try:
        found = _read(parts)
    except (ValueError, IndexError):
        found = None
    return found if found is not None and found.to_rule() == rule else Pattern(Every.CUSTOM, rule=rule)


def _read(parts: dict[str, str]) -> Pattern | None:
    interval, by_day = int(parts.get("INTERVAL", "1")), parts.get("BYDAY", "")
    day = int(parts.get("BYMONTHDAY", "1").split(",")[-1])
    match parts.get("FREQ"):
        case "DAILY":
            return Pattern(Every.DAY, interval)
        case "WEEKLY":
            return Pattern(Every.WEEK, interval, tuple(DAYS.index(name) for name in by_day.split(",")))
        case "MONTHLY" if by_day:
            return Pattern(
                Every.MONTH_WEEKDAY, interval, (DAYS.index(by_day[-2:]),), position=int(by_day[:-2])
            )
        case "MONTHLY":
            return Pattern(Every.MONTH_DAY, interval, day=day)
        case "YEARLY":
            return Pattern(
                Every.YEAR, interval, day=day, month=int(parts["BYMONTH"]) if "BYMONTH" in parts else 1
            )
    return None
