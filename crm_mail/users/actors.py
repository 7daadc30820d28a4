"""From a user's rows to the `Actor` that every service is given."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import Base
from crm_mail.permissions import GIVEN_BY, NEEDS, Actor, CommitLimits, Permission
from crm_mail.permissions import Grant as Right
from crm_mail.users.models import Grant, User, UserGroup
from crm_mail.users.problems import Problem, UserRefused


def normalise_email(email: str) -> str:
    """The login name as it is kept: without outer spaces, in lower case."""
    return email.strip().lower()


def build_actor(session: Session, user: User) -> Actor:
    """The user's rights at this moment: the own ones, and those of the groups and of what the groups stand under."""
    actor = plain_actor(session, user)
    touched = {one for one, _type, company_id in actor.denials if company_id is not None}
    if touched:
        return replace(actor, grants=frozenset(_spell_out(session, actor.grants, touched)))
    return actor


def plain_actor(session: Session, user: User, without_group: int | None = None) -> Actor:
    """The user with the grants as they are written, for comparing what two people hold.

    Args:
        without_group: id of a group whose own rights are left away, as if it did not exist.
    """
    groups = [one for one in groups_above(session, user.groups) if one.id != without_group]
    rows = [*user.grants, *(grant for group in groups for grant in group.grants)]
    denials = frozenset(right_of(row) for row in rows if row.is_denied)
    grants = frozenset(right_of(row) for row in rows if not row.is_denied)
    return Actor(
        user_id=user.id,
        name=user.name,
        email=user.email,
        clearance=user.clearance,
        is_admin=user.is_admin,
        grants=grants,
        denials=denials,
        agents=frozenset(user.agents),
        zones=frozenset(user.zones),
        limits=limits_of(user),
    )


def limits_of(user: User) -> CommitLimits:
    """How much the user may commit, and when."""
    return CommitLimits(
        user.commit_most,
        user.commit_second_person_above,
        user.commit_from_minute,
        user.commit_to_minute,
        frozenset(user.commit_weekdays or ()),
        user.commit_zone or user.timezone,
    )


def put_limits(user: User, limits: CommitLimits) -> None:
    """Write the limits into the user's row."""
    user.commit_most, user.commit_second_person_above = limits.most_messages, limits.second_person_above
    user.commit_from_minute, user.commit_to_minute = limits.from_minute, limits.to_minute
    user.commit_weekdays = sorted(limits.weekdays)
    user.commit_zone = limits.zone if limits.has_hours else ""


def right_of(row: Grant) -> Right:
    """The row as a value."""
    return row.permission, row.document_type, row.company_id


def groups_above(session: Session, groups: Iterable[UserGroup]) -> list[UserGroup]:
    """The groups and all that they stand under, each once."""
    found: dict[int, UserGroup] = {}
    waiting = list(groups)
    while waiting:
        group = waiting.pop()
        if group.id in found:
            continue
        found[group.id] = group
        if group.parent_id is not None and (parent := session.get(UserGroup, group.parent_id)):
            waiting.append(parent)
    return list(found.values())


def group_that_requires_second_factor(session: Session, user: User) -> UserGroup | None:
    """A group of the user, or one that it stands under, whose people must have a second factor."""
    return next((one for one in groups_above(session, user.groups) if one.second_factor_required), None)


def must_have_second_factor(session: Session, user: User) -> bool:
    """Whether the user must have a second factor: by itself, or because of a group."""
    return user.second_factor_required or group_that_requires_second_factor(session, user) is not None


def _spell_out(session: Session, grants: Iterable[Right], touched: Collection[Permission]) -> Iterator[Right]:
    """Grants of every company, one for each, where something of theirs is denied in one: “every” is not true there."""
    companies = list(session.scalars(select(Base.metadata.tables["companies"].c.id)))
    for permission, document_type, company_id in grants:
        brought = {one for one, givers in GIVEN_BY.items() if permission in givers}
        concerned = brought | {need for one in brought for need in NEEDS.get(one, ())}
        is_whole = company_id is None and concerned.isdisjoint(touched)
        for one in companies if company_id is None and not is_whole else (company_id,):
            yield permission, document_type, one


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


def who_can(
    session: Session, permission: Permission, company_id: int | None = None, *types: str, limit: int = 3
) -> list[str]:
    """Whom to ask: names of a few active users who hold a right for all of the types, in the order of their names."""
    people = session.scalars(select(User).where(User.is_active.is_(True)).order_by(User.name, User.id))
    able = (
        user.name
        for user in people
        if all(build_actor(session, user).can(permission, company_id, one) for one in types or (None,))
    )
    return list(islice(able, limit))
