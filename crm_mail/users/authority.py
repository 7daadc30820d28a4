"""Whom a user manager may touch, and how far: nobody comes to hold more than who changed something.

An administrator changes everybody. Any other manager of users changes only who holds no more than he does, before the
change and after it, whatever the change is: a right, a denial, a group, the group of a group, a clearance.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from crm_mail.permissions import Actor, Permission
from crm_mail.users import rights
from crm_mail.users.actors import plain_actor
from crm_mail.users.models import User
from crm_mail.users.problems import Problem, UserRefused


def giver_of(session: Session, actor: Actor) -> Actor:
    """The actor with the grants as they are written (`plain_actor`), to compare with others."""
    if actor.is_admin or type(actor) is not Actor or actor.user_id is None:
        return actor  # a narrowed actor, of an API key, stays narrow
    user = session.get(User, actor.user_id)
    return plain_actor(session, user) if user is not None else actor


def may_change(session: Session, actor: Actor, user: User) -> bool:
    """Whether the actor may touch the user's account."""
    return rights.may_change(giver_of(session, actor), plain_actor(session, user))


def check_target(session: Session, actor: Actor, user: User) -> None:
    """Raise unless the actor manages users and holds all that this user holds.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: the user holds more.
    """
    actor.require(Permission.USERS_MANAGE)
    if not may_change(session, actor, user):
        raise UserRefused(Problem.HOLDS_MORE, name=user.name)


@contextmanager
def nobody_holds_more(session: Session, actor: Actor, users: Iterable[User]) -> Iterator[None]:
    """Undo what the block changes, and raise, when one of the users holds more than the actor, before or after it.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: naming the right, or the user who holds more.
    """
    actor.require(Permission.USERS_MANAGE)
    giver, concerned = giver_of(session, actor), [] if actor.is_admin else list(users)
    for user in concerned:
        if not rights.may_change(giver, plain_actor(session, user)):
            raise UserRefused(Problem.HOLDS_MORE, name=user.name)
    with session.begin_nested():
        yield
        session.flush()
        for user in concerned:
            after = plain_actor(session, user)
            rights.check_may_give(giver, after)
            if not rights.may_change(giver, after):
                raise UserRefused(Problem.HOLDS_MORE, name=user.name)
