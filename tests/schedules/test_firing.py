"""Schedules fire once, with their owner's rights of that moment, and tell what became of it (issue 6, 2; GA-10)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import ANY, Permission
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, done, register
from crm_mail.schedules.models import Firing, FiringState, MissedRule, Schedule, ScheduleState
from crm_mail.schedules.recurrence import parse_times
from crm_mail.schedules.service import ScheduleInput, pause_schedule, resume_schedule, run_now, save_schedule
from crm_mail.users.actors import build_actor
from tests import factories

register_scheduled_kinds()

GRANTS = [
    (right, ANY, None)
    for right in (
        Permission.DOCUMENTS_SEE,
        Permission.OUTBOX_PREPARE,
        Permission.OUTBOX_REVIEW,
        Permission.OUTBOX_COMMIT,
    )
]
AREAS = [Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE]


class Counting(ScheduleKind):
    """Counts what it was asked to do."""

    id = "counting"
    is_repeatable = False

    def __init__(self) -> None:
        self.worked: list[int] = []

    def require(self, session: Any, actor: Any, company_id: int, options: Options) -> None:
        actor.require(Permission.SCHEDULES_MANAGE, company_id)

    def work(self, home: Installation, actor: Any, due: Due) -> Outcome:
        self.worked.append(due.firing_id)
        return done(files=len(self.worked))


def make_schedule(home: Installation, at: datetime, **changes: Any) -> int:
    """Every day at 08:30 Rome, statements of November's invoices."""
    with time_machine.travel(at, tick=False), home.database.write() as session:
        company = factories.make_company(session)
        factories.make_account(session, company)
        party = factories.make_party(session, company, is_customer=True)
        factories.make_contact(session, party, subscriptions=("invoice",))
        factories.make_document(session, party, dated_on=date(2026, 11, 2))
        factories.make_document(session, party, dated_on=date(2026, 12, 1))
        owner = factories.make_user(session, grants=GRANTS, areas=AREAS)
        values: dict[str, Any] = {
            "name": "Invoices of the month before",
            "kind": "documents",
            "options": {"types": ["invoice"], "period": "last_month"},
            "rule": "FREQ=DAILY",
            "times": parse_times("08:30"),
            "timezone": "Europe/Rome",
            "starts_on": at.date(),
        }
        given = ScheduleInput(**(values | changes))
        return save_schedule(session, build_actor(session, owner), company, given).id


def firings(home: Installation, schedule_id: int) -> list[tuple[str, FiringState, str]]:
    with home.database.read() as session:
        query = select(Firing).where(Firing.schedule_id == schedule_id).order_by(Firing.due_at)
        return [(one.due_at.strftime("%m-%d %H:%M"), one.state, one.reason) for one in session.scalars(query)]


EVENING = datetime(2026, 12, 4, 20, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 12, 5, 7, 31, tzinfo=UTC)


def test_a_document_run_is_prepared_at_its_hour_and_waits_for_a_person(home: Installation) -> None:
    """Documents of the month before, at a time of the company's; nothing leaves by itself."""
    schedule_id = make_schedule(home, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=5), tick=False):
        firing.tend(home)
    assert firings(home, schedule_id) == []
    with time_machine.travel(NEXT_MORNING, tick=False):
        firing.tend(home)
        firing.tend(home)
    assert firings(home, schedule_id) == [("12-05 07:30", FiringState.WAITING, "for_person")]
    with home.database.read() as session:
        run = session.scalars(select(Run)).one()
        assert (run.state, run.title) == (RunState.REVIEW, "Invoices of the month before")
        assert (run.criteria["from_on"], run.criteria["to_on"]) == ("2026-11-01", "2026-11-30")
        message = session.scalars(select(Message)).one()
        assert (message.state, message.document_count) == (MessageState.PENDING, 1)
        assert session.get_one(Schedule, schedule_id).next_due_at == datetime(2026, 12, 6, 7, 30, tzinfo=UTC)


def test_many_workers_fire_a_date_once(home: Installation) -> None:
    counting = Counting()
    register(counting)
    schedule_id = make_schedule(home, EVENING, kind="counting", options={})
    with time_machine.travel(NEXT_MORNING, tick=False), ThreadPoolExecutor(6) as workers:
        list(workers.map(lambda _n: firing.fire_due(home), range(6)))
    assert len(counting.worked) == 1
    assert firings(home, schedule_id) == [("12-05 07:30", FiringState.DONE, "figures")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            MissedRule.CATCH_UP,
            [
                ("12-05 07:30", FiringState.SKIPPED, "overtaken"),
                ("12-06 07:30", FiringState.SKIPPED, "overtaken"),
                ("12-07 07:30", FiringState.DONE, "figures"),
            ],
        ),
        (
            MissedRule.SKIP,
            [
                ("12-05 07:30", FiringState.SKIPPED, "missed"),
                ("12-06 07:30", FiringState.SKIPPED, "missed"),
                ("12-07 07:30", FiringState.SKIPPED, "missed"),
            ],
        ),
    ],
)
def test_missed_dates_are_caught_up_once_or_skipped(
    sqlite_home: Installation, rule: MissedRule, expected: list[Any]
) -> None:
    """GA-10: missed schedules are caught up or skipped by rule."""
    register(Counting())
    schedule_id = make_schedule(sqlite_home, EVENING, kind="counting", options={}, missed=rule)
    with time_machine.travel(NEXT_MORNING + timedelta(days=2, hours=1), tick=False):
        firing.fire_due(sqlite_home)
    assert firings(sqlite_home, schedule_id) == expected


def test_a_schedule_whose_owner_left_or_lost_a_right_prepares_nothing(sqlite_home: Installation) -> None:
    """The owner's rights of that moment."""
    schedule_id = make_schedule(sqlite_home, EVENING)
    with sqlite_home.database.write() as session:
        owner = session.get_one(Schedule, schedule_id).owner
        owner.grants = []
    with time_machine.travel(NEXT_MORNING, tick=False):
        firing.tend(sqlite_home)
    with sqlite_home.database.write() as session:
        session.get_one(Schedule, schedule_id).owner.is_active = False
    with time_machine.travel(NEXT_MORNING + timedelta(days=1), tick=False):
        firing.tend(sqlite_home)
    assert [(state, reason) for _at, state, reason in firings(sqlite_home, schedule_id)] == [
        (FiringState.REFUSED, "right_missing"),
        (FiringState.REFUSED, "owner_inactive"),
    ]
    with sqlite_home.database.read() as session:
        assert session.scalar(select(Run.id)) is None


def test_work_that_a_dying_worker_left_is_not_done_twice_when_that_would_do_harm(
    sqlite_home: Installation,
) -> None:
    counting = Counting()
    register(counting)
    schedule_id = make_schedule(sqlite_home, EVENING, kind="counting", options={})
    with time_machine.travel(NEXT_MORNING, tick=False):
        claim = firing._next_claim(sqlite_home)  # and here the worker dies
        assert claim is not None
        assert firing.fire_due(sqlite_home) == []
    with time_machine.travel(NEXT_MORNING + firing.LEASE + timedelta(minutes=1), tick=False):
        firing.tend(sqlite_home)
    assert counting.worked == []
    assert [one[1] for one in firings(sqlite_home, schedule_id)] == [FiringState.INTERRUPTED]


def test_a_paused_schedule_rests_and_goes_on_with_its_next_date(sqlite_home: Installation) -> None:
    counting = Counting()
    register(counting)
    schedule_id = make_schedule(sqlite_home, EVENING, kind="counting", options={})
    actor = factories.make_actor()
    with sqlite_home.database.write() as session:
        pause_schedule(session, actor, session.get_one(Schedule, schedule_id))
    with time_machine.travel(NEXT_MORNING, tick=False):
        firing.tend(sqlite_home)
        with sqlite_home.database.write() as session:
            schedule = session.get_one(Schedule, schedule_id)
            resume_schedule(session, actor, schedule)
            assert schedule.next_due_at == datetime(2026, 12, 6, 7, 30, tzinfo=UTC)
            run_now(session, actor, schedule)
        firing.tend(sqlite_home)
    assert len(counting.worked) == 1
    assert [one[1] for one in firings(sqlite_home, schedule_id)] == [FiringState.DONE]


def test_a_schedule_without_a_further_date_ends(sqlite_home: Installation) -> None:
    register(Counting())
    schedule_id = make_schedule(
        sqlite_home, EVENING, kind="counting", options={}, rule="", starts_on=NEXT_MORNING.date()
    )
    with time_machine.travel(NEXT_MORNING, tick=False):
        firing.tend(sqlite_home)
    with sqlite_home.database.read() as session:
        schedule = session.get_one(Schedule, schedule_id)
        assert (schedule.state, schedule.next_due_at) == (ScheduleState.ENDED, None)


def test_a_run_without_a_message_is_cancelled_and_the_history_says_that_nothing_was_due(
    sqlite_home: Installation,
) -> None:
    schedule_id = make_schedule(sqlite_home, EVENING, options={"types": ["invoice"], "period": "last_year"})
    with time_machine.travel(NEXT_MORNING, tick=False):
        firing.tend(sqlite_home)
    assert [one[1] for one in firings(sqlite_home, schedule_id)] == [FiringState.NOTHING]
    with sqlite_home.database.read() as session:
        assert session.scalars(select(Run)).one().state is RunState.CANCELLED
