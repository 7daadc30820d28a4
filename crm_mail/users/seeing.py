"""Looking at the product as another user sees it, without being able to do anything.

Only who may change that user may look through his eyes, never upwards; beginning and end are in the audit, and what the
pages record meanwhile names both people.
"""

from dataclasses import replace

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.permissions import Actor, Permission
from crm_mail.users.actors import build_actor
from crm_mail.users.authority import check_target, may_change
from crm_mail.users.models import User
from crm_mail.users.problems import Problem, UserRefused


def begin(session: Session, actor: Actor, user: User) -> None:
    """Note that the actor looks at the product as this user from now on.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: the user holds more, is the actor, or cannot sign in.
    """
    check_target(session, actor, user)
    if user.id == actor.user_id or not user.is_active:
        raise UserRefused(Problem.NOT_TO_BE_SEEN, name=user.name)
    audit.record(session, actor, "users.seeing.begun", subject=user, label=user.email)


def end(session: Session, actor: Actor, user: User | None) -> None:
    """Note that the actor sees with his own eyes again."""
    audit.record(session, actor, "users.seeing.ended", subject=user, label=user.email if user else "")


def seen_actor(session: Session, actor: Actor, user_id: int) -> Actor | None:
    """The rights to show the pages with; None when the actor may not look (any more)."""
    user = session.get(User, user_id)
    allowed = user is not None and user.is_active and actor.can(Permission.USERS_MANAGE)
    if user is None or not allowed or not may_change(session, actor, user):
        return None
    return replace(build_actor(session, user), name=f"{user.name} ← {actor.name}")
