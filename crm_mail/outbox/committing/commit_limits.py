"""The limits of a person's commits (issue 5): how many messages at once, a second person above a number, the hours.

They hold at every door, because `commit.commit_run` asks here: pages, catalogue, command line, programming interface,
and standing authorisations, which commit with the giver's limits of that moment.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.outbox.models import Run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor, CommitLimits, Permission
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

HOURS, TOO_MANY = "limit_hours", "limit_messages"
MOST_NAMES = 3
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A limit that forbids a commit: `commit.CommitRefused` carries the same."""

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)


def outside_hours(
    session: Session, actor: Actor, run: Run, start_at: datetime | None = None
) -> LimitReached | None:
    """Whether the person's hours forbid a commit now, or one that lets the messages leave at another time."""
    moment = now()
    if actor.limits.is_open(moment) and actor.limits.is_open(max(moment, start_at or moment)):
        return None
    people = who_can_commit(session, actor, run, 0)
    message = (
        f"you may commit only {hours_in_english(actor.limits)}, also for a later time: wait until then, "
        f"or let {_names(people)} commit run {run.id}"
    )
    return LimitReached(HOURS, message, {"limits": actor.limits, "people": people})


def too_many(session: Session, actor: Actor, run: Run, count: int) -> LimitReached | None:
    """Whether there are more messages than the person may commit at once."""
    most = actor.limits.most_messages
    if most is None or count <= most:
        return None
    people = who_can_commit(session, actor, run, count)
    message = (
        f"you may commit at most {most} messages at once, and run {run.id} has {count}: leave some of them out, "
        f"or let {_names(people)} commit it"
    )
    return LimitReached(TOO_MANY, message, {"most": most, "count": count, "people": people})


def notice(session: Session, actor: Actor, run: Run, count: int) -> LimitReached | None:
    """The limit that a commit would meet, for the page that offers it."""
    return outside_hours(session, actor, run) or too_many(session, actor, run, count)


def exceeds_own_number(actor: Actor, count: int) -> bool:
    """Whether so many messages need a second person because of who commits them."""
    above = actor.limits.second_person_above
    return above is not None and count > above


def needs_second_person(company: Company, actor: Actor, count: int) -> bool:
    """Whether somebody else must approve: the company wants it always, or the person's limits from here on."""
    return company.needs_second_person or exceeds_own_number(actor, count)


def who_can_commit(session: Session, actor: Actor, run: Run, count: int) -> list[str]:
    """Whom to ask: names of a few other people who may commit so many messages of this run now."""
    people = session.scalars(select(User).where(User.is_active.is_(True)).order_by(User.name, User.id))
    first = run.committed_by if run.state is RunState.APPROVAL else None  # who committed it cannot approve it
    others = (build_actor(session, user) for user in people if user.id not in (actor.user_id, first))
    able = (other.name for other in others if _is_able(other, run, count))
    return list(islice(able, MOST_NAMES))


def _is_able(other: Actor, run: Run, count: int) -> bool:
    most = other.limits.most_messages
    return (
        (most is None or count <= most)
        and other.limits.is_open(now())
        and all(
            other.can(Permission.OUTBOX_COMMIT, run.company_id, one) for one in run.document_types or (None,)
        )
    )


def _names(people: list[str]) -> str:
    return " or ".join(people) or "an administrator"


def hours_in_english(limits: CommitLimits) -> str:
    """The hours for the command line: ``Mon Tue Wed 08:00-18:00 (Europe/Rome)``."""
    days = " ".join(_DAYS[day] for day in sorted(limits.weekdays))
    hours = f"{clock(limits.from_minute)}-{clock(limits.to_minute)}" if limits.from_minute is not None else ""
    return " ".join(part for part in (days, hours, f"({limits.zone})") if part)


def clock(minute: int | None) -> str:
    """A minute of the day as people write it."""
    return f"{(minute or 0) // 60:02}:{(minute or 0) % 60:02}"
