"""A period as whole months and the days left over at its ends. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pieces:
    """``first``, ``last``: the first days of the whole months, both included; None: without end on that side.

    ``days``: what is left over, from one day to another, both included.
    """

    first: date | None
    last: date | None
    days: tuple[tuple[date, date], ...] = ()


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return month_of(month_of(day) + timedelta(days=31))


def cut(first: date | None, last: date | None) -> Pieces:
    """Cut a period; the whole months are none when their first lies after their last."""
    days: list[tuple[date, date]] = []
    month_first, month_last = first, last
    if first is not None and first.day != 1:
        month_first = next_month(first)
        end = month_first - _DAY
        days.append((first, end if last is None else min(end, last)))
    if last is not None:
        is_whole = (last + _DAY).day == 1
        month_last = month_of(last) if is_whole else month_of(month_of(last) - _DAY)
        begins_inside = first is not None and first.day != 1 and month_of(first) == month_of(last)
        if not is_whole and not begins_inside:
            days.append((month_of(last), last))
    return Pieces(month_first, month_last, tuple(days))
