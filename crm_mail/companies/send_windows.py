"""Send windows: at which hours of which weekdays a company's messages may leave by a channel (pure).

Outside of it they wait: committed is committed, and nothing leaves in the quiet hours. Hours are local to the company;
a window may run over midnight (22:00 to 06:00): what comes after midnight belongs to the weekday on which it began.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

CHANNELS: Final = ("smtp", "pec", "sms")
MINUTES_A_DAY: Final = 24 * 60
EVERY_DAY: Final = frozenset(range(7))


def in_hours(minute: int, from_minute: int, to_minute: int) -> bool:
    """Whether a minute of the day lies within the hours, which may run over midnight."""
    if from_minute <= to_minute:
        return from_minute <= minute < to_minute
    return minute >= from_minute or minute < to_minute


@dataclass(frozen=True, slots=True)
class SendWindow:
    """``weekdays``: 0 Monday to 6 Sunday; minutes of the local day, the last one not included."""

    weekdays: frozenset[int] = EVERY_DAY
    from_minute: int = 0
    to_minute: int = MINUTES_A_DAY

    @property
    def is_always(self) -> bool:
        """Whether nothing is closed."""
        return self.weekdays >= EVERY_DAY and (self.from_minute, self.to_minute) == (0, MINUTES_A_DAY)

    def is_open(self, moment: datetime, timezone: str) -> bool:
        """Whether messages may leave at a moment."""
        local = moment.astimezone(ZoneInfo(timezone))
        minute, weekday = local.hour * 60 + local.minute, local.weekday()
        is_over_midnight = self.from_minute > self.to_minute
        began = (weekday - 1) % 7 if is_over_midnight and minute < self.to_minute else weekday
        return began in self.weekdays and in_hours(minute, self.from_minute, self.to_minute)

    def opens_at(self, moment: datetime, timezone: str) -> datetime | None:
        """When it opens next, UTC; the moment itself while it is open; None: never."""
        if self.is_open(moment, timezone):
            return moment
        zone = ZoneInfo(timezone)
        today = moment.astimezone(zone).date()
        hour = time(self.from_minute // 60 % 24, self.from_minute % 60)
        for ahead in range(8):
            day = today + timedelta(days=ahead)
            opens = datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)
            if day.weekday() in self.weekdays and opens > moment:
                return opens
        return None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"weekdays": sorted(self.weekdays), "from": self.from_minute, "to": self.to_minute}


ALWAYS: Final = SendWindow()


def read_window(windows: Mapping[str, Any] | None, channel: str) -> SendWindow:
    """The window of a channel in the company's JSON; always open when there is none."""
    kept = (windows or {}).get(channel)
    return SendWindow(frozenset(kept["weekdays"]), kept["from"], kept["to"]) if kept else ALWAYS
