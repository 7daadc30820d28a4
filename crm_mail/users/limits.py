"""Limits of a user's commits: set by whoever manages users, kept in the user's row, checked by `outbox.commit`."""

from dataclasses import replace

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.permissions import Actor, CommitLimits
from crm_mail.users.actors import limits_of, put_limits
from crm_mail.users.authority import check_target
from crm_mail.users.models import User
from crm_mail.users.problems import Problem, UserRefused

MOST = 10_000_000
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def set_limits(session: Session, actor: Actor, user: User, wanted: CommitLimits) -> None:
    """Replace the limits; the hours are meant in the time zone that the user has now, and stay in it.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: the user holds more than the actor, or the actor is limited too and would loosen that.
    """
    check_target(session, actor, user)
    if actor.limits.is_any and not actor.is_admin:
        raise UserRefused(Problem.LIMITS_OF_LIMITED)
    before = figures(limits_of(user))
    put_limits(user, replace(wanted, zone=user.timezone))
    after = figures(limits_of(user))
    if after != before:
        action = "users.limits.changed"
        audit.record(session, actor, action, subject=user, label=user.email, before=before, after=after)


def figures(limits: CommitLimits) -> dict[str, object]:
    """The limits as the audit and the command line tell them; None or empty: not limited."""
    return {
        "most_messages": limits.most_messages,
        "second_person_above": limits.second_person_above,
        "hours": ""
        if limits.from_minute is None
        else f"{_clock(limits.from_minute)}-{_clock(limits.to_minute)}",
        "weekdays": " ".join(_DAYS[day] for day in sorted(limits.weekdays)),
        "time_zone": limits.zone if limits.has_hours else "",
    }


def _clock(minute: int | None) -> str:
    return "{:02}:{:02}".format(*divmod(minute or 0, 60))
