"""Limits of a person's commits: how many at once, a second person above a number, the hours (issue 5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.outbox.committing.commit import CommitRefused, commit_run
from crm_mail.outbox.committing.commit_overview import overview
from crm_mail.outbox.models import Run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import NO_LIMITS, Actor, CommitLimits
from crm_mail.users.actors import build_actor
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import prepare

OFFICE_HOURS = CommitLimits(None, None, 8 * 60, 18 * 60, frozenset(range(5)), "Europe/Rome")
NIGHT_SHIFT = CommitLimits(None, None, 22 * 60, 6 * 60, frozenset({4}), "Europe/Rome")


def run_of(session: Session, count: int, company: Company | None = None) -> Run:
    company = company or make_company(session)
    make_account(session, company)
    for _ in range(count):
        party = make_party(session, company)
        make_contact(session, party, subscriptions=("invoice",))
        make_document(session, party)
    return prepare(session, make_actor(), company)


def person(session: Session, run: Run, name: str, **limits: Any) -> Actor:
    user = make_user(session, name=name, clearance=3, grants=outbox_grants(run.company_id), **limits)
    return build_actor(session, user)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("limits", "moment", "is_open"),
    [
        (NO_LIMITS, "2026-11-22T03:00", True),
        (OFFICE_HOURS, "2026-11-20T07:00", True),  # Friday, 08:00 in Rome
        (OFFICE_HOURS, "2026-11-20T06:59", False),
        (OFFICE_HOURS, "2026-11-20T17:00", False),  # 18:00: the end is excluded
        (OFFICE_HOURS, "2026-11-21T10:00", False),  # Saturday
        (OFFICE_HOURS, "2026-07-03T06:00", True),  # Friday, 08:00 in summer time
        (NIGHT_SHIFT, "2026-11-20T22:00", True),  # Friday, 23:00
        (NIGHT_SHIFT, "2026-11-21T04:59", True),  # Saturday, 05:59: the night began on Friday
        (NIGHT_SHIFT, "2026-11-21T05:00", False),
        (NIGHT_SHIFT, "2026-11-20T04:00", False),  # the night that began on Thursday
        (NIGHT_SHIFT, "2026-11-21T22:00", False),
        (
            CommitLimits(weekdays=frozenset({6}), zone="Pacific/Auckland"),
            "2026-11-21T12:00",
            True,
        ),  # Sunday there
        (CommitLimits(weekdays=frozenset({6}), zone="Pacific/Auckland"), "2026-11-22T12:00", False),
    ],
)
def test_hours_are_those_of_the_zone_and_may_go_over_midnight(
    limits: CommitLimits, moment: str, is_open: bool
) -> None:
    assert limits.is_open(at(moment)) is is_open


def test_more_than_the_own_number_is_refused_and_the_refusal_names_who_can(session: Session) -> None:
    run = run_of(session, 3)
    anna = person(session, run, "Anna", commit_most=2)
    person(session, run, "Bruno", commit_most=1)
    person(session, run, "Carla")
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, anna, run)
    assert refused.value.code == "limit_messages"
    assert refused.value.params == {"most": 2, "count": 3, "people": ["Carla"]}
    assert "at most 2 messages at once" in str(refused.value)
    assert run.state is RunState.REVIEW
    carla = person(session, run, "Carla too")
    assert commit_run(session, carla, run).messages == 3


def test_what_was_committed_in_time_with_the_same_key_is_no_second_commit(session: Session) -> None:
    run = run_of(session, 1)
    anna = person(session, run, "Anna", commit_most=1)
    seen = overview(session, anna, run).mark
    first = commit_run(session, anna, run, key="the same key", seen=seen)
    assert commit_run(session, anna, run, key="the same key", seen=seen).messages == first.messages == 1


def test_outside_the_own_hours_nothing_is_committed(session: Session) -> None:
    run = run_of(session, 1)
    minute = now().hour * 60 + now().minute
    hours = {
        "commit_zone": "UTC",
        "commit_from_minute": (minute + 60) % 1440,
        "commit_to_minute": (minute + 120) % 1440,
    }
    anna = person(session, run, "Anna", **hours)
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, anna, run)
    assert refused.value.code == "limit_hours"
    assert "wait until then, or let an administrator commit" in str(refused.value)
    with time_machine.travel(now().timestamp() + 90 * 60, tick=False):
        for hours_later, is_open in ((3, False), (0, True)):
            start_at = now() + timedelta(hours=hours_later)
            if is_open:
                assert commit_run(session, anna, run, start_at=start_at).messages == 1
            else:  # nobody who may send by day alone has messages leave at night
                with pytest.raises(CommitRefused) as refused:
                    commit_run(session, anna, run, start_at=start_at)
                assert refused.value.code == "limit_hours"


def test_above_the_own_number_somebody_else_must_approve_within_limits_of_their_own(session: Session) -> None:
    """The company asks for one person only."""
    run = run_of(session, 3)
    anna = person(session, run, "Anna", commit_second_person_above=2)
    asked = commit_run(session, anna, run)
    assert (asked.awaits_approval, run.state) == (True, RunState.APPROVAL)
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, anna, run)
    assert refused.value.code == "second_person"
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, person(session, run, "Bruno", commit_most=2), run)
    assert refused.value.code == "limit_messages"
    carla = person(session, run, "Carla", commit_second_person_above=0)
    done = commit_run(session, carla, run)
    assert (done.messages, done.awaits_approval) == (3, False)
    assert (run.committed_by, run.approved_by) == (anna.user_id, carla.user_id)


def test_up_to_the_own_number_one_person_is_enough(session: Session) -> None:
    run = run_of(session, 2)
    anna = person(session, run, "Anna", commit_second_person_above=2)
    assert not commit_run(session, anna, run).awaits_approval
