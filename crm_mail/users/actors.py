"""From a user's rows to the `Actor` that every service is given."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.permissions import Actor
from crm_mail.users.models import User
from crm_mail.users.problems import Problem, UserRefused


def normalise_email(email: str) -> str:
    """The login name as it is kept: without outer spaces, in lower case."""
    return email.strip().lower()


def build_actor(_session: Session, user: User) -> Actor:
    """The user's rights at this moment."""
    return Actor(
        user_id=user.id,
        name=user.name,
        email=user.email,
        clearance=user.clearance,
        is_admin=user.is_admin,
        grants=frozenset((grant.permission, grant.document_type, grant.company_id) for grant in user.grants),
        areas=frozenset(area.permission for area in user.areas),
    )


def find_user(session: Session, email: str) -> User | None:
    """The user with this login name, active or not."""
    return session.scalar(select(User).where(User.email == normalise_email(email)))


def actor_by_email(session: Session, email: str) -> Actor:
    """The actor a command works for (``--as EMAIL``).

    Raises:
        UserRefused: nobody has this address, or the user is not active.
    """
    user = find_user(session, email)
    if user is None:
        raise UserRefused(Problem.UNKNOWN_USER, email=normalise_email(email))
    if not user.is_active:
        raise UserRefused(Problem.INACTIVE_USER, email=user.email)
    return build_actor(session, user)
