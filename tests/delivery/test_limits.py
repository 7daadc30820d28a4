"""Limits of an account: in no minute, hour or day more than allowed, whoever asks."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm_mail.delivery import limits
from crm_mail.delivery.models import AccountUsage, SenderAccount
from crm_mail.installation import Installation
from tests.factories import make_account, make_company

NOON = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Limited:
    id: int = 1
    per_minute: int = 0
    per_hour: int = 0
    per_day: int = 0


def account(session: Session, **values: int) -> SenderAccount:
    return make_account(session, make_company(session), **values)


def test_an_account_without_limits_gets_what_it_asks_for_and_it_is_counted(session: Session) -> None:
    one = account(session)
    assert limits.reserve(session, one, 5000, NOON) == 5000
    assert limits.used_today(session, [one.id], NOON) == {one.id: 5000}


def test_a_minute_limit_grants_the_rest_and_then_nothing(session: Session) -> None:
    one = account(session, per_minute=60)
    assert limits.reserve(session, one, 50, NOON) == 50
    assert limits.reserve(session, one, 50, NOON + SECOND) == 10
    assert limits.reserve(session, one, 50, NOON + 2 * SECOND) == 0
    assert limits.next_free_at(session, one, NOON + 2 * SECOND) == NOON + 65 * SECOND
    assert limits.reserve(session, one, 1, NOON + 64 * SECOND) == 0
    assert limits.reserve(session, one, 100, NOON + 65 * SECOND) == 60


def test_the_tightest_of_the_three_limits_decides(session: Session) -> None:
    one = account(session, per_minute=60, per_hour=100, per_day=130)
    assert limits.reserve(session, one, 60, NOON) == 60
    assert limits.reserve(session, one, 60, NOON + timedelta(minutes=2)) == 40
    assert limits.reserve(session, one, 60, NOON + timedelta(hours=2)) == 30
    tomorrow = limits.next_free_at(session, one, NOON + timedelta(hours=2))
    assert tomorrow == NOON + timedelta(days=1, seconds=5)


def test_two_accounts_do_not_share_their_limits(session: Session) -> None:
    first, second = account(session, per_minute=5), account(session, per_minute=5)
    assert limits.reserve(session, first, 9, NOON) == 5
    assert limits.reserve(session, second, 9, NOON) == 5


def test_messages_given_back_may_be_taken_again_and_never_go_below_zero(session: Session) -> None:
    one = account(session, per_hour=10)
    limits.reserve(session, one, 10, NOON)
    limits.give_back(session, one.id, NOON, 4)
    assert limits.allowance(session, one, NOON) == 4
    limits.give_back(session, one.id, NOON, 40)
    assert limits.allowance(session, one, NOON) == 10


def test_a_clock_that_went_back_grants_nothing_twice(session: Session) -> None:
    one = account(session, per_minute=10)
    limits.reserve(session, one, 10, NOON)
    assert limits.reserve(session, one, 10, NOON - timedelta(minutes=3)) == 0


def test_a_rolled_back_claim_took_nothing(session: Session) -> None:
    one = account(session, per_day=10)
    session.commit()
    limits.reserve(session, one, 10, NOON)
    session.rollback()
    assert limits.allowance(session, one, NOON) == 10


def test_slots_older_than_every_window_are_forgotten(session: Session) -> None:
    one = account(session)
    limits.record_usage(session, one.id, NOON - timedelta(days=3), 7)
    limits.record_usage(session, one.id, NOON, 1)
    assert limits.forget_old_usage(session, NOON) == 1
    assert session.query(AccountUsage).count() == 1


def test_eight_workers_together_never_exceed_the_limit(home: Installation) -> None:
    """Each worker is a connection of its own, as on several machines."""
    with home.database.write() as session:
        one = account(session, per_minute=100)
    granted: list[int] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                with home.database.write() as session:
                    granted.append(limits.reserve(session, one, 7, NOON))
        except Exception as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failed
    assert sum(granted) == 100
    with home.database.read() as session:
        assert limits.used_today(session, [one.id], NOON) == {one.id: 100}


@given(
    steps=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 8)), min_size=1, max_size=60),
    per_minute=st.integers(1, 10),
)
@settings(max_examples=200, deadline=None)
def test_no_sixty_seconds_anywhere_hold_more_than_the_limit(
    steps: list[tuple[int, int]], per_minute: int
) -> None:
    """The pure part alone: whoever waits until `free_at` says so never breaks the limit."""
    slots: list[tuple[datetime, int]] = []
    sent: list[datetime] = []
    now = NOON
    one = Limited(per_minute=per_minute)
    for wait, wanted in steps:
        now = limits.free_at(one, slots, now + wait * SECOND)
        used = sum(n for slot, n in slots if slot + limits.SLOT + timedelta(minutes=1) > now)
        count = min(wanted, per_minute - used)
        assert count > 0
        slots.append((limits.slot_of(now), count))
        sent += [now] * count
    for begin in sent:
        assert sum(begin <= moment < begin + 60 * SECOND for moment in sent) <= per_minute


@pytest.mark.parametrize(("moment", "slot"), [(0, 0), (4, 0), (5, 5), (59, 55)])
def test_a_slot_begins_every_five_seconds(moment: int, slot: int) -> None:
    assert limits.slot_of(NOON + moment * SECOND) == NOON + slot * SECOND


def test_six_a_minute_flow_steadily_whoever_asks(session: Session) -> None:
    """InfoCert's limit: two workers that ask every second never exceed it, and hardly fall behind it."""
    one = account(session, per_minute=6)
    granted: list[datetime] = []
    for second in range(0, 600, 2):
        for _worker in range(2):
            moment = NOON + second * SECOND
            granted += [moment] * limits.reserve(session, one, 5, moment)
    for at in granted:
        assert sum(at <= other < at + timedelta(minutes=1) for other in granted) <= 6
    assert len(granted) >= 54  # 60 would be the limit itself
    assert limits.next_free_at(session, one, NOON + 600 * SECOND) <= NOON + 665 * SECOND
