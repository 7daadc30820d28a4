"""Schedules as people handle them: find, save, pause, resume, end, run now. Services never commit.

A schedule runs with its owner's rights of that moment, and whoever saves it becomes its owner: nobody can make another
person's rights work for changes of one's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.schedules.holiday_calendars import OnHoliday, WorkingDays
from crm_mail.schedules.kinds import find_kind
from crm_mail.schedules.models import Firing, FiringState, MissedRule, Schedule, ScheduleState
from crm_mail.schedules.recurrence import Occurrence, Recurrence

MOMENT = timedelta(microseconds=1)


class ScheduleRefused(Refusal):
    """A schedule cannot be saved or steered; ``code`` is kind, never, owner, ended or running."""

    def __init__(self, code: str) -> None:
        words = {
            "kind": "what is to be done is not known here: choose it from the list",
            "never": "this rule gives no date any more: change the days, or the last day",
            "owner": "a schedule belongs to a person: name one with --as",
            "ended": "the schedule has ended: save it with dates that lie ahead",
            "running": "the schedule is running just now: wait until it has ended",
        }
        super().__init__(words[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class ScheduleInput:
    """What the form says."""

    name: str
    kind: str
    options: dict[str, Any]
    rule: str
    times: tuple[time, ...]
    timezone: str
    starts_on: date
    ends_on: date | None = None
    calendar: str = ""
    on_holiday: OnHoliday = OnHoliday.AS_IT_IS
    has_weekends: bool = True
    missed: MissedRule = MissedRule.CATCH_UP
    authorisation_id: int | None = None

    @property
    def recurrence(self) -> Recurrence:
        """When it is due."""
        days = WorkingDays(self.calendar, self.has_weekends)
        return Recurrence(
            self.rule, self.times, self.timezone, self.starts_on, self.ends_on, self.on_holiday, days
        )


def recurrence_of(schedule: Schedule) -> Recurrence:
    """When a schedule is due."""
    days = WorkingDays(schedule.calendar, schedule.has_weekends)
    times = tuple(time.fromisoformat(text) for text in schedule.times)
    return Recurrence(
        schedule.rule,
        times,
        schedule.timezone,
        schedule.starts_on,
        schedule.ends_on,
        schedule.on_holiday,
        days,
    )


def list_schedules(
    session: Session, actor: Actor, company_id: int, kinds: Sequence[str] = ()
) -> Sequence[Schedule]:
    """The schedules of a company: what comes next first, then those paused and ended."""
    actor.require(Permission.SCHEDULES_SEE, company_id)
    query = select(Schedule).where(Schedule.company_id == company_id)
    if kinds:
        query = query.where(Schedule.kind.in_(kinds))
    found = session.scalars(query.order_by(func.lower(Schedule.name), Schedule.id)).all()
    order = list(ScheduleState)
    return sorted(found, key=lambda one: (order.index(one.state), one.next_due_at or now(), one.id))


def find_schedule(session: Session, actor: Actor, schedule_id: int) -> Schedule | None:
    """One schedule, or None when it does not exist for the actor."""
    found = session.get(Schedule, schedule_id)
    return found if found and actor.can(Permission.SCHEDULES_SEE, found.company_id) else None


def list_firings(session: Session, schedule: Schedule, before: int = 0, count: int = 50) -> Sequence[Firing]:
    """The history of a schedule, newest first."""
    query = select(Firing).where(Firing.schedule_id == schedule.id)
    if before:
        query = query.where(Firing.id < before)
    return session.scalars(query.order_by(Firing.id.desc()).limit(count)).all()


def last_firings(session: Session, schedules: Sequence[Schedule]) -> dict[int, Firing]:
    """The latest firing of each schedule, by its id."""
    newest = (
        select(func.max(Firing.id))
        .where(Firing.schedule_id.in_([one.id for one in schedules]))
        .group_by(Firing.schedule_id)
    )
    return {one.schedule_id: one for one in session.scalars(select(Firing).where(Firing.id.in_(newest)))}


def save_schedule(
    session: Session, actor: Actor, company: Company, given: ScheduleInput, schedule: Schedule | None = None
) -> Schedule:
    """Keep a new schedule or a changed one; the actor becomes its owner.

    Raises:
        PermissionDenied: schedules may not be managed, or what is scheduled may not be done by the actor.
        ScheduleRefused: the kind is unknown, or no date lies ahead.
    """
    actor.require(Permission.SCHEDULES_MANAGE, company.id)
    if actor.user_id is None:
        raise ScheduleRefused("owner")
    kind = find_kind(given.kind)
    if kind is None:
        raise ScheduleRefused("kind")
    kind.require(session, actor, company.id, given.options)
    moment = now()
    if not given.recurrence.next(moment, 1):
        raise ScheduleRefused("never")
    is_new = schedule is None
    before = {} if schedule is None else _facts(schedule)
    if schedule is None:
        schedule = Schedule(company_id=company.id)
        session.add(schedule)
    for name in _GIVEN:
        setattr(schedule, name, getattr(given, name))
    schedule.times = [one.strftime("%H:%M") for one in given.times]
    schedule.owner_id, schedule.updated_at = actor.user_id, moment
    if is_new or schedule.state is ScheduleState.ENDED:
        schedule.state = ScheduleState.ACTIVE
    plan_next(schedule, moment)
    session.flush()
    after = _facts(schedule)
    audit.record(
        session,
        actor,
        "schedules.schedule.created" if is_new else "schedules.schedule.changed",
        company_id=company.id,
        subject=schedule,
        label=schedule.name,
        before={name: value for name, value in before.items() if value != after[name]},
        after={name: value for name, value in after.items() if value != before.get(name)},
    )
    return schedule


_GIVEN = (
    "name",
    "kind",
    "options",
    "rule",
    "timezone",
    "starts_on",
    "ends_on",
    "calendar",
    "on_holiday",
    "has_weekends",
    "missed",
    "authorisation_id",
)


def _facts(schedule: Schedule) -> dict[str, Any]:
    values = {name: getattr(schedule, name) for name in (*_GIVEN, "times", "owner_id")}
    return {name: str(value) if isinstance(value, date) else value for name, value in values.items()}


def plan_next(schedule: Schedule, moment: datetime) -> Occurrence | None:
    """Set when an active schedule is due next; one without a date ends."""
    found = recurrence_of(schedule).next(moment, 1)
    schedule.next_due_at = found[0].at if found else None
    if not found and schedule.state is ScheduleState.ACTIVE:
        schedule.state = ScheduleState.ENDED
    return found[0] if found else None


def pause_schedule(session: Session, actor: Actor, schedule: Schedule) -> None:
    """Let it rest; dates that pass meanwhile are neither caught up nor recorded."""
    _steer(session, actor, schedule, ScheduleState.PAUSED, "paused")


def resume_schedule(session: Session, actor: Actor, schedule: Schedule) -> None:
    """Let a paused schedule go on with its next date.

    Raises:
        ScheduleRefused: it has ended, or no date lies ahead.
    """
    if schedule.state is ScheduleState.ENDED:
        raise ScheduleRefused("ended")
    _steer(session, actor, schedule, ScheduleState.ACTIVE, "resumed")
    if plan_next(schedule, now()) is None:
        raise ScheduleRefused("never")


def end_schedule(session: Session, actor: Actor, schedule: Schedule) -> None:
    """It fires no more; its history stays."""
    _steer(session, actor, schedule, ScheduleState.ENDED, "ended")
    schedule.next_due_at = None


def _steer(session: Session, actor: Actor, schedule: Schedule, state: ScheduleState, word: str) -> None:
    actor.require(Permission.SCHEDULES_MANAGE, schedule.company_id)
    session.refresh(schedule, with_for_update=True)
    schedule.state, schedule.updated_at = state, now()
    audit.record(
        session,
        actor,
        f"schedules.schedule.{word}",
        company_id=schedule.company_id,
        subject=schedule,
        label=schedule.name,
    )


def run_now(session: Session, actor: Actor, schedule: Schedule) -> Firing:
    """Let it happen once at once, beside its dates, with the owner's rights; a worker takes it up.

    Raises:
        PermissionDenied: schedules may not be managed by the actor.
        ScheduleRefused: a firing of it is under way.
    """
    actor.require(Permission.SCHEDULES_MANAGE, schedule.company_id)
    session.refresh(schedule, with_for_update=True)
    under_way = select(Firing.id).where(
        Firing.schedule_id == schedule.id, Firing.state == FiringState.RUNNING
    )
    if session.scalar(under_way.limit(1)) is not None:
        raise ScheduleRefused("running")
    moment = now()
    firing = Firing(
        schedule_id=schedule.id,
        company_id=schedule.company_id,
        due_at=moment,
        due_on=moment.astimezone(ZoneInfo(schedule.timezone)).date(),
        is_manual=True,
        owner_id=schedule.owner_id,
        lease_until=moment,
    )
    session.add(firing)
    session.flush()
    audit.record(
        session,
        actor,
        "schedules.schedule.run_now",
        company_id=schedule.company_id,
        subject=schedule,
        label=schedule.name,
    )
    return firing
