"""Firing: what is due is claimed once, done with its owner's rights of that moment, and followed until it is settled.

The claim is a row: (schedule, due time) is unique, and it is written together with the schedule's next due time, under
the lock of the schedule. So each date fires once, whatever number of machines looks. What a kind writes to the database
is kept in the transaction that settles the firing; a worker that dies leaves the firing *running*, and when its lease
has ended another one takes it up.

Like the sender, this file owns its transactions: it is called by the worker in each sweep.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import overload

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.permissions import Actor, Permission, PermissionDenied
from crm_mail.refusals import Refusal
from crm_mail.schedules.following import follow_run, follow_runs, settle
from crm_mail.schedules.kinds import Due, Outcome, ScheduleKind, find_kind
from crm_mail.schedules.models import Firing, FiringState, MissedRule, Schedule, ScheduleState
from crm_mail.schedules.recurrence import Occurrence
from crm_mail.schedules.service import plan_next, recurrence_of
from crm_mail.schedules.telling import tell_owners
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

log = logging.getLogger(__name__)

PUNCTUAL = timedelta(minutes=10)
"""A date that is looked at later than this was missed: no worker ran."""
LEASE = timedelta(minutes=30)
MOST_ATTEMPTS = 5
MOST_MISSED = 100
"""Missed dates that get a line of their own in the history; the oldest line tells how many more there were."""


@dataclass(frozen=True, slots=True)
class _Claim:
    firing_id: int
    lease_until: datetime


def tend(home: Installation) -> None:
    """For the worker's sweep: fire what is due, follow the runs, tell the owners. Never raises."""
    try:
        fire_due(home)
        follow_runs(home)
        tell_owners(home)
    except Exception:  # an error here must not stop the sending
        log.exception("The schedules could not be looked at; the next sweep tries again.")


def fire_due(home: Installation) -> list[int]:
    """Claim and do everything that is due; ids of the firings."""
    fired: list[int] = []
    while (claim := _next_claim(home)) is not None:
        _carry_out(home, claim)
        fired.append(claim.firing_id)
    return fired


def has_due(session: Session, moment: datetime) -> bool:
    """Whether there is anything to claim: asked first, so that an idle worker writes nothing."""
    due = select(Schedule.id).where(Schedule.state == ScheduleState.ACTIVE, Schedule.next_due_at <= moment)
    return session.scalar(due.limit(1)) is not None or session.scalar(_left(moment).limit(1)) is not None


def _left(moment: datetime) -> Select[int]:
    """Firings that nobody is at: asked for by hand, or left by a worker that died."""
    return select(Firing.id).where(Firing.state == FiringState.RUNNING, Firing.lease_until <= moment)


def _next_claim(home: Installation) -> _Claim | None:
    moment = now()
    with home.database.read() as session:
        if not has_due(session, moment):
            return None
    with home.database.write() as session:
        while (schedule := _lock_due(session, moment)) is not None:
            firing = claim_dates(session, schedule, moment)
            if firing is not None:
                session.flush()
                return _lease(firing, moment)
            session.flush()
        left = session.scalar(_left(moment).order_by(Firing.id).limit(1).with_for_update(skip_locked=True))
        return _lease(session.get_one(Firing, left), moment) if left is not None else None


def _lock_due(session: Session, moment: datetime) -> Schedule | None:
    query = (
        select(Schedule)
        .where(Schedule.state == ScheduleState.ACTIVE, Schedule.next_due_at <= moment)
        .order_by(Schedule.next_due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalar(query)


def _lease(firing: Firing, moment: datetime) -> _Claim:
    firing.lease_until, firing.attempts = moment + LEASE, firing.attempts + 1
    firing.started_at = firing.started_at or moment
    return _Claim(firing.id, firing.lease_until)


def claim_dates(session: Session, schedule: Schedule, moment: datetime) -> Firing | None:
    """Write the row of the date that is due, and of those that were missed, and move the schedule on.

    Returns:
        The firing to be done; None when all were missed and are skipped, or somebody has done it before.
    """
    assert schedule.next_due_at is not None
    before = schedule.next_due_at - timedelta(microseconds=1)
    dates = recurrence_of(schedule).until(before, moment)
    plan_next(schedule, moment)
    known = set(
        session.scalars(
            select(Firing.due_at).where(Firing.schedule_id == schedule.id, Firing.due_at > before)
        )
    )
    dates = [one for one in dates if one.at not in known]
    if not dates:
        return None
    is_late = schedule.missed is MissedRule.SKIP and moment - dates[-1].at > PUNCTUAL
    missed, due = (dates, None) if is_late else (dates[:-1], dates[-1])
    _record_missed(session, schedule, missed, moment, "missed" if is_late else "overtaken")
    if due is None:
        return None
    firing = _row(schedule, due)
    session.add(firing)
    return firing


def _record_missed(
    session: Session, schedule: Schedule, missed: Sequence[Occurrence], moment: datetime, reason: str
) -> None:
    for number, one in enumerate(missed[-MOST_MISSED:]):
        firing = _row(schedule, one)
        firing.state, firing.reason, firing.ended_at = FiringState.SKIPPED, reason, moment
        if number == 0 and len(missed) > MOST_MISSED:
            firing.detail = {"more": len(missed) - MOST_MISSED}
        session.add(firing)


def _row(schedule: Schedule, due: Occurrence) -> Firing:
    return Firing(
        schedule_id=schedule.id,
        company_id=schedule.company_id,
        due_at=due.at,
        due_on=due.on,
        owner_id=schedule.owner_id,
    )


def _carry_out(home: Installation, claim: _Claim) -> None:
    """Do a claimed firing; what goes wrong is its outcome."""
    with home.database.write() as session:
        firing = _own(session, claim)
        if firing is None:
            return
        found = _begin(session, home, firing)
        if isinstance(found, Outcome):
            settle(session, firing, found)
            run_id = found.run_id
    if isinstance(found, Outcome):
        if run_id is not None:
            fill_one_run(home, run_id)
            follow_run(home, claim.firing_id)
        return
    kind, actor, due = found
    outcome = _guarded(lambda: kind.work(home, actor, due), due)
    with home.database.write() as session:
        firing = _own(session, claim)
        if firing is not None:
            settle(session, firing, outcome)


def _own(session: Session, claim: _Claim) -> Firing | None:
    """The claimed row, locked; None when the lease ended and somebody else is at it."""
    firing = session.scalar(select(Firing).where(Firing.id == claim.firing_id).with_for_update())
    if firing is None or firing.state is not FiringState.RUNNING or firing.lease_until != claim.lease_until:
        return None
    return firing


def _begin(session: Session, home: Installation, firing: Firing) -> Outcome | tuple[ScheduleKind, Actor, Due]:
    """The part inside the transaction; what is still to be done outside, when there is such a part."""
    schedule = firing.schedule
    kind = find_kind(schedule.kind)
    if kind is None:
        return Outcome(FiringState.FAILED, "kind_unknown", {"kind": schedule.kind})
    if firing.attempts > MOST_ATTEMPTS or (firing.attempts > 1 and not kind.is_repeatable):
        return Outcome(FiringState.INTERRUPTED, "interrupted")
    owner = session.get_one(User, schedule.owner_id)
    firing.owner_id = owner.id
    if not owner.is_active:
        return Outcome(FiringState.REFUSED, "owner_inactive", {"owner": owner.name})
    actor = build_actor(session, owner)
    due = due_of(firing)

    def begin() -> Outcome | None:
        with session.begin_nested():
            actor.require(Permission.SCHEDULES_MANAGE, schedule.company_id)
            kind.require(session, actor, schedule.company_id, schedule.options)
            return kind.begin(session, home, actor, due)

    outcome = _guarded(begin, due)
    return outcome if outcome is not None else (kind, actor, due)


def due_of(firing: Firing) -> Due:
    """A firing as its kind is told of it."""
    schedule = firing.schedule
    return Due(
        firing.id,
        schedule.id,
        schedule.name,
        schedule.company_id,
        schedule.options,
        firing.due_at,
        firing.due_on,
        firing.is_manual,
    )


@overload
def _guarded(act: Callable[[], Outcome], due: Due) -> Outcome: ...
@overload
def _guarded(act: Callable[[], Outcome | None], due: Due) -> Outcome | None: ...
def _guarded(act: Callable[[], Outcome | None], due: Due) -> Outcome | None:
    """What became of it; an error is an outcome too, except trouble with the database: then it is tried again."""
    try:
        return act()
    except PermissionDenied as denied:
        return Outcome(FiringState.REFUSED, "right_missing", {"right": denied.permission.value})
    except Refusal as refused:
        return Outcome(FiringState.FAILED, "refused", {"why": str(refused)[:500]})
    except DBAPIError:
        raise
    except Exception as error:  # whatever it is, the owner must see it
        log.exception("Schedule %s failed.", due.schedule_id)
        return Outcome(FiringState.FAILED, "error", {"why": type(error).__name__})
