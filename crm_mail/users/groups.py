"""Groups of users: their members, what they stand under, and what a member loses when one goes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.permissions import Actor, Permission
from crm_mail.permissions import Grant as Right
from crm_mail.users import rights
from crm_mail.users.actors import groups_above, plain_actor, right_of
from crm_mail.users.authority import giver_of, nobody_holds_more
from crm_mail.users.models import User, UserGroup, user_group_members
from crm_mail.users.problems import Problem, UserRefused

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """What is said about a group besides its rights."""

    name: str
    parent_id: int | None = None
    member_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Loss:
    """What a person loses and gains (a denial goes too) with a group."""

    user: User
    lost: list[Right] = field(default_factory=list)
    gained: list[Right] = field(default_factory=list)


def list_groups(session: Session, actor: Actor) -> list[UserGroup]:
    """Every group, by name."""
    actor.require(Permission.USERS_MANAGE)
    return list(session.scalars(select(UserGroup).order_by(UserGroup.name)))


def find_group(session: Session, actor: Actor, group_id: int) -> UserGroup | None:
    """One group, for somebody who manages users."""
    actor.require(Permission.USERS_MANAGE)
    return session.get(UserGroup, group_id)


def group_by_name(session: Session, name: str) -> UserGroup:
    """The group of this name.

    Raises:
        UserRefused: there is none.
    """
    found = session.scalar(select(UserGroup).where(func.lower(UserGroup.name) == name.strip().lower()))
    if found is None:
        raise UserRefused(Problem.UNKNOWN_GROUP, name=name)
    return found


def members_of(session: Session, group: UserGroup) -> list[User]:
    """The users in the group itself, by name."""
    query = select(User).join(user_group_members).where(user_group_members.c.group_id == group.id)
    return list(session.scalars(query.order_by(User.name, User.id)))


def people_of(session: Session, group: UserGroup) -> list[User]:
    """Everybody who has the group's rights: its members, and those of the groups that stand under it."""
    ids = [one.id for one in _below(session, group)]
    member = select(user_group_members.c.user_id).where(user_group_members.c.group_id.in_(ids))
    return list(session.scalars(select(User).where(User.id.in_(member)).order_by(User.name, User.id)))


def _below(session: Session, group: UserGroup) -> list[UserGroup]:
    """The group and all that stand under it."""
    every = list(session.scalars(select(UserGroup)))
    found, waiting = [], [group]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += [child for child in every if child.parent_id == one.id]
    return found


def possible_parents(session: Session, group: UserGroup | None) -> list[UserGroup]:
    """The groups that a group may stand under: neither itself nor one of those under it."""
    below = _below(session, group) if group is not None else []
    return [one for one in session.scalars(select(UserGroup).order_by(UserGroup.name)) if one not in below]


def save_group(session: Session, actor: Actor, group: UserGroup | None, draft: GroupDraft) -> UserGroup:
    """Add a group, or change its name, its members and what it stands under.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: the name is missing or taken, the groups would stand under each other in a circle, or somebody
            would hold more than the actor.
    """
    actor.require(Permission.USERS_MANAGE)
    name = " ".join(draft.name.split())[:LONGEST_NAME]
    _check(session, group, name, draft.parent_id)
    before = _state(session, group) if group is not None else {}
    chosen = list(session.scalars(select(User).where(User.id.in_(draft.member_ids)).order_by(User.id)))
    concerned = {one.id: one for one in [*chosen, *(people_of(session, group) if group is not None else ())]}
    with nobody_holds_more(session, actor, concerned.values()):
        kept = group or UserGroup(name=name)
        kept.name, kept.parent_id = name, draft.parent_id
        session.add(kept)
        _flush(session, name)
        _set_members(session, kept, chosen)
        check_group(session, actor, kept)
    after = _state(session, kept)
    if before != after:
        changed = [key for key in after if before.get(key) != after[key]]
        audit.record(
            session,
            actor,
            "users.group.updated" if group is not None else "users.group.created",
            subject=kept,
            label=kept.name,
            before={key: before[key] for key in changed if key in before},
            after={key: after[key] for key in changed},
        )
    return kept


def set_groups(session: Session, actor: Actor, user: User, group_ids: Collection[int]) -> None:
    """Put a user in these groups and no others; the caller checks what the user holds then.

    Raises:
        UserRefused: a group that is new to the user holds more than the actor, even if a denial hides that now.
    """
    wanted = list(session.scalars(select(UserGroup).where(UserGroup.id.in_(group_ids))))
    for group in wanted:
        if group not in user.groups:
            check_group(session, actor, group)
    user.groups = wanted


def check_group(session: Session, actor: Actor, group: UserGroup) -> None:
    """Raise when a group holds more than who changes it: nobody else could be put in it either.

    Raises:
        UserRefused: naming the right.
    """
    rows = [row for one in groups_above(session, [group]) for row in one.grants]
    allowed = [right_of(row) for row in rows if not row.is_denied]
    rights.check_may_give(giver_of(session, actor), rights.holding(actor, allowed))


def losses(session: Session, group: UserGroup) -> list[Loss]:
    """Who loses what when the group is deleted; groups under it go to the one above it."""
    found = []
    for user in people_of(session, group):
        before, after = plain_actor(session, user), plain_actor(session, user, without_group=group.id)
        if user.is_admin:
            found.append(Loss(user))
        else:
            found.append(Loss(user, rights.excess(before, after), rights.excess(after, before)))
    return found


def delete_group(session: Session, actor: Actor, group: UserGroup) -> None:
    """Delete a group; those that stood under it stand under the one above it.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: somebody holds more than the actor, or would without a denial of the group.
    """
    name, state = group.name, _state(session, group)
    with nobody_holds_more(session, actor, people_of(session, group)):
        check_group(session, actor, group)
        for child in session.scalars(select(UserGroup).where(UserGroup.parent_id == group.id)):
            child.parent_id = group.parent_id
        for user in members_of(session, group):
            user.groups.remove(group)
        session.flush()
        audit.record(session, actor, "users.group.deleted", subject=group, label=name, before=state)
        session.delete(group)


def _check(session: Session, group: UserGroup | None, name: str, parent_id: int | None) -> None:
    if not name:
        raise UserRefused(Problem.NAME_MISSING)
    taken = session.scalar(select(UserGroup).where(func.lower(UserGroup.name) == name.lower()))
    if taken is not None and taken is not group:
        raise UserRefused(Problem.GROUP_TAKEN, name=name)
    if parent_id is not None and parent_id not in {one.id for one in possible_parents(session, group)}:
        raise UserRefused(Problem.GROUP_CIRCLE, name=name)


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise UserRefused(Problem.GROUP_TAKEN, name=name) from None


def _set_members(session: Session, group: UserGroup, chosen: Iterable[User]) -> None:
    wanted, present = set(chosen), set(members_of(session, group))
    for user in wanted - present:
        user.groups.append(group)
    for user in present - wanted:
        user.groups.remove(group)
    session.flush()


def _state(session: Session, group: UserGroup) -> dict[str, object]:
    parent = session.get(UserGroup, group.parent_id) if group.parent_id is not None else None
    return {
        "name": group.name,
        "parent": parent.name if parent else "",
        "members": [user.email for user in members_of(session, group)],
    }
