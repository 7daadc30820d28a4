"""Bars of the last days as plain numbers for an SVG; the table beside it holds the same figures. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_mail.reports.dashboard import Day

WIDTH, HEIGHT, FLOOR = 480, 150, 124
_TOP = 12
_GAP = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: the failed part stands on the sent part."""

    day: Day
    x: float
    width: float
    sent_y: float
    sent_height: float
    failed_y: float
    failed_height: float
    is_labelled: bool


def draw_bars(days: Sequence[Day]) -> list[Bar]:
    """Coordinates in a box of WIDTH by HEIGHT; a day with anything is at least two units high."""
    highest = max((day.sent + day.failed for day in days), default=0) or 1
    step = WIDTH / max(len(days), 1)
    return [
        _bar(day, place * step, step - _GAP, highest, place % 7 == len(days) % 7)
        for place, day in enumerate(days)
    ]


def _bar(day: Day, x: float, width: float, highest: int, is_labelled: bool) -> Bar:
    scale = (FLOOR - _TOP) / highest
    sent = max(day.sent * scale, 2.0) if day.sent else 0.0
    failed = max(day.failed * scale, 2.0) if day.failed else 0.0
    return Bar(
        day,
        round(x, 1),
        round(width, 1),
        round(FLOOR - sent, 1),
        round(sent, 1),
        round(FLOOR - sent - failed, 1),
        round(failed, 1),
        is_labelled,
    )
