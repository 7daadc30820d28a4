"""The operator's time: waits of half a day must be over in a minute, or when a test says so."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`later`: when something happens that takes so long; it is due when `now` has come that far."""

    def now(self) -> datetime:
        """The operator's time, UTC."""

    def later(self, wait: timedelta) -> datetime:
        """The operator's time after the wait."""


class SimulatedClock:
    """Runs `speed` times as fast as the sun. Receipts bear its time, which is soon far in the future."""

    def __init__(self, speed: float = 1.0, starts_at: datetime | None = None) -> None:
        self._began = datetime.now(UTC)
        self._starts_at = starts_at or self._began
        self.speed = speed

    def now(self) -> datetime:
        """The simulated time."""
        return self._starts_at + (datetime.now(UTC) - self._began) * self.speed

    def later(self, wait: timedelta) -> datetime:
        """The wait in simulated time."""
        return self.now() + wait


class ShortWaits:
    """The time of day is the true one, and long waits are shortened: for showing things to people.

    Args:
        divisor: of waits of a minute and more; with 720, twelve hours are a minute.
        haste: divisor of shorter ones.
    """

    def __init__(self, divisor: float = 720.0, haste: float = 1.0) -> None:
        self.divisor = divisor
        self.haste = haste

    def now(self) -> datetime:
        """The true time."""
        return datetime.now(UTC)

    def later(self, wait: timedelta) -> datetime:
        """The shortened wait in true time."""
        return self.now() + wait / (self.haste if wait < timedelta(minutes=1) else self.divisor)


class ManualClock:
    """Stands still until it is moved: for tests."""

    def __init__(self, starts_at: datetime | None = None) -> None:
        self._now = starts_at or datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """Where it was moved to."""
        return self._now

    def later(self, wait: timedelta) -> datetime:
        """The wait from there."""
        return self._now + wait

    def advance(self, wait: timedelta) -> None:
        """Moves it."""
        self._now += wait
