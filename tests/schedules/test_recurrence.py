"""When something recurs: days, holidays, and clocks that are changed (issue 6, 2)."""

from datetime import UTC, date, datetime, time

import pytest

from crm_mail.schedules.holiday_calendars import CalendarUnknown, OnHoliday, WorkingDays, check_calendar
from crm_mail.schedules.patterns import Every, Pattern, read_pattern
from crm_mail.schedules.periods import Period, days_of
from crm_mail.schedules.recurrence import Recurrence, RuleInvalid, check_rule, parse_times

ROME, MEXICO, ASUNCION = "Europe/Rome", "America/Mexico_City", "America/Asuncion"


def dates(
    pattern: Pattern, start: str, count: int = 3, at: str = "08:30", zone: str = ROME, **more: object
) -> list[str]:
    """The next moments, UTC, after the beginning of the first day."""
    begin = date.fromisoformat(start)
    recurrence = Recurrence(pattern.to_rule(), parse_times(at), zone, begin, **more)  # type: ignore[arg-type]
    found = recurrence.next(datetime(begin.year, begin.month, begin.day, tzinfo=UTC), count)
    return [one.at.strftime("%m-%d %H:%M") for one in found]


WEEK = Pattern(Every.WEEK, 2, (0, 3))
CASES = [
    ("every day", Pattern(Every.DAY), "2026-11-22", {}, ["11-22 07:30", "11-23 07:30", "11-24 07:30"]),
    (
        "two times a day",
        Pattern(Every.DAY),
        "2026-11-22",
        {"at": "14, 8.30"},
        ["11-22 07:30", "11-22 13:00", "11-23 07:30"],
    ),
    (
        "every two weeks, counted from the first",
        WEEK,
        "2026-11-24",
        {},
        ["11-26 07:30", "12-07 07:30", "12-10 07:30"],
    ),
    (
        "day 31 is the last one of each month",
        Pattern(Every.MONTH_DAY, day=31),
        "2026-01-10",
        {},
        ["01-31 07:30", "02-28 07:30", "03-31 06:30"],
    ),
    (
        "the last day",
        Pattern(Every.MONTH_DAY, day=-1),
        "2028-02-01",
        {},
        ["02-29 07:30", "03-31 06:30", "04-30 06:30"],
    ),
    (
        "the second Tuesday",
        Pattern(Every.MONTH_WEEKDAY, weekdays=(1,), position=2),
        "2026-11-01",
        {},
        ["11-10 07:30", "12-08 07:30", "01-12 07:30"],
    ),
    (
        "29 February falls on the 28th",
        Pattern(Every.YEAR, month=2, day=29),
        "2027-01-01",
        {},
        ["02-28 07:30", "02-29 07:30", "02-28 07:30"],
    ),
    ("once", Pattern(Every.ONCE), "2026-11-22", {}, ["11-22 07:30"]),
    (
        "an end",
        Pattern(Every.DAY),
        "2026-11-22",
        {"ends_on": date(2026, 11, 23)},
        ["11-22 07:30", "11-23 07:30"],
    ),
    (
        "a time that does not exist in Rome",
        Pattern(Every.DAY),
        "2026-03-28",
        {"at": "02:30"},
        ["03-28 01:30", "03-29 01:30", "03-30 00:30"],
    ),
    (
        "a time that comes twice in Rome",
        Pattern(Every.DAY),
        "2026-10-24",
        {"at": "02:30"},
        ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
    ),
    (
        "two times that meet in the gap are one",
        Pattern(Every.DAY),
        "2026-03-29",
        {"at": "02:30, 03:30"},
        ["03-29 01:30", "03-30 00:30", "03-30 01:30"],
    ),
    (
        "clocks of half an hour",
        Pattern(Every.DAY),
        "2026-10-03",
        {"at": "02:15", "zone": "Australia/Lord_Howe"},
        ["10-03 15:45", "10-04 15:15", "10-05 15:15"],
    ),
    (
        "a day that Samoa never had",
        Pattern(Every.DAY),
        "2011-12-30",
        {"at": "08:30", "zone": "Pacific/Apia"},
        ["12-30 18:30", "12-31 18:30", "01-01 18:30"],
    ),
    (
        "no clocks are changed in Mexico any more",
        Pattern(Every.MONTH_DAY, day=5),
        "2026-03-01",
        {"zone": MEXICO},
        ["03-05 14:30", "04-05 14:30", "05-05 14:30"],
    ),
]


@pytest.mark.parametrize(
    ("name", "pattern", "start", "more", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_a_rule_gives_its_next_dates(
    name: str, pattern: Pattern, start: str, more: dict[str, object], expected: list[str]
) -> None:
    assert dates(pattern, start, **more) == expected, name  # type: ignore[arg-type]


DAY_5, DAY_25 = Pattern(Every.MONTH_DAY, day=5), Pattern(Every.YEAR, month=12, day=25)
HOLIDAYS = [
    # 5 December 2026 is a Saturday, 7 December a Monday, 8 December the Immaculate Conception in Italy
    ("next working day", DAY_5, "2026-12-01", "IT", OnHoliday.NEXT, "12-07"),
    ("previous working day", DAY_5, "2026-12-01", "IT", OnHoliday.PREVIOUS, "12-04"),
    ("skip", DAY_5, "2026-12-01", "IT", OnHoliday.SKIP, "01-05"),
    ("as it is", DAY_5, "2026-12-01", "IT", OnHoliday.AS_IT_IS, "12-05"),
    ("Christmas, Saint Stephen and a weekend", DAY_25, "2026-12-01", "IT", OnHoliday.NEXT, "12-28"),
    (
        "the patron of Milan",
        Pattern(Every.YEAR, month=12, day=7),
        "2026-12-01",
        "IT-MI",
        OnHoliday.NEXT,
        "12-09",
    ),
    (
        "Mexico: third Monday of November",
        Pattern(Every.YEAR, month=11, day=16),
        "2026-11-01",
        "MX",
        OnHoliday.NEXT,
        "11-17",
    ),
    (
        "Paraguay: Caacupé",
        Pattern(Every.YEAR, month=12, day=8),
        "2026-12-01",
        "PY",
        OnHoliday.PREVIOUS,
        "12-07",
    ),
    (
        "Spain: Constitution day on a Sunday",
        Pattern(Every.YEAR, month=12, day=8),
        "2026-12-01",
        "ES",
        OnHoliday.NEXT,
        "12-09",
    ),
]


@pytest.mark.parametrize(
    ("name", "pattern", "start", "calendar", "rule", "expected"), HOLIDAYS, ids=[h[0] for h in HOLIDAYS]
)
def test_a_date_that_is_no_working_day_moves_by_its_rule(
    name: str, pattern: Pattern, start: str, calendar: str, rule: OnHoliday, expected: str
) -> None:
    found = dates(pattern, start, 1, on_holiday=rule, working_days=WorkingDays(calendar))
    assert found[0].startswith(expected), name


def test_days_that_move_onto_the_same_day_happen_once_and_remember_their_own_date() -> None:
    daily = Recurrence("FREQ=DAILY", (time(8),), ROME, date(2026, 11, 20), on_holiday=OnHoliday.NEXT)
    found = daily.next(datetime(2026, 11, 20, 12, tzinfo=UTC), 2)
    assert [one.at.day for one in found] == [23, 24]  # Saturday, Sunday and Monday are one
    last = Recurrence(
        "FREQ=MONTHLY;BYMONTHDAY=-1", (time(8),), ROME, date(2026, 1, 1), on_holiday=OnHoliday.NEXT
    )
    moved = last.next(datetime(2026, 1, 1, tzinfo=UTC), 1)[0]
    assert (moved.at.date(), moved.on) == (date(2026, 2, 2), date(2026, 1, 31))


def test_a_weekly_saturday_is_no_holiday_when_weekends_are_worked() -> None:
    days = WorkingDays("IT", has_weekends=False)
    assert not days.is_free(date(2026, 11, 21))
    assert days.is_free(date(2026, 12, 26))


def test_a_rule_without_any_day_ends_soon() -> None:
    assert (
        Recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", (time(8),), ROME, date(2026, 1, 1)).next(
            datetime(2026, 1, 1, tzinfo=UTC)
        )
        == []
    )


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY",
        "BYDAY=MO",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;INTERVAL=0;A",
        "rubbish",
    ],
)
def test_what_is_no_rule_of_days_is_refused(rule: str) -> None:
    with pytest.raises(RuleInvalid):
        check_rule(rule, date(2026, 1, 1))


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(Every.ONCE),
        Pattern(Every.DAY, 3),
        WEEK,
        DAY_25,
        Pattern(Every.MONTH_DAY, day=30),
        Pattern(Every.MONTH_DAY, 2, day=-1),
        Pattern(Every.MONTH_WEEKDAY, weekdays=(4,), position=-1),
        Pattern(Every.CUSTOM, rule="FREQ=YEARLY;BYEASTER=1"),
    ],
)
def test_a_sentence_and_its_rule_say_the_same(pattern: Pattern) -> None:
    rule = check_rule(pattern.to_rule(), date(2026, 1, 1))
    assert read_pattern(rule).to_rule() == rule
    assert read_pattern(rule).every is pattern.every


@pytest.mark.parametrize("code", ["XX", "IT-XX", "IT-"])
def test_an_unknown_calendar_is_refused(code: str) -> None:
    with pytest.raises(CalendarUnknown):
        check_calendar(code)
    assert check_calendar(" it-mi ") == "IT-MI"


PERIODS = [
    (Period.LAST_MONTH, "2026-01-31", "2025-12-01", "2025-12-31"),
    (Period.LAST_QUARTER, "2026-02-10", "2025-10-01", "2025-12-31"),
    (Period.LAST_WEEK, "2026-11-22", "2026-11-09", "2026-11-15"),
    (Period.YESTERDAY, "2026-03-01", "2026-02-28", "2026-02-28"),
    (Period.LAST_YEAR, "2026-02-10", "2025-01-01", "2025-12-31"),
]


@pytest.mark.parametrize(("period", "on", "first", "last"), PERIODS)
def test_a_period_is_counted_from_the_day_of_the_schedule(
    period: Period, on: str, first: str, last: str
) -> None:
    assert days_of(period, date.fromisoformat(on)) == (date.fromisoformat(first), date.fromisoformat(last))
