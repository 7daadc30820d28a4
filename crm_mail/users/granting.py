"""Giving rights and taking them away: the own rules of a user or a group, with who wrote them and when (IT-11)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import Base
from crm_mail.permissions import Actor, Permission
from crm_mail.permissions import Grant as Right
from crm_mail.users import rights
from crm_mail.users.actors import groups_above, right_of
from crm_mail.users.authority import giver_of, nobody_holds_more
from crm_mail.users.groups import check_group, people_of
from crm_mail.users.matrix import Choice, Rule
from crm_mail.users.models import Grant, User, UserGroup
from crm_mail.users.problems import Problem, UserRefused

Holder = User | UserGroup


@dataclass(frozen=True, slots=True)
class Change:
    """One rule before and after."""

    right: Right
    before: Choice
    after: Choice


def rules_of(session: Session, holder: Holder) -> list[Rule]:
    """Every rule that counts for a user or a group: the own ones, and those of the groups above."""
    above = holder.groups if isinstance(holder, User) else _parent(session, holder)
    rows = [(row, "") for row in holder.grants]
    rows += [(row, group.name) for group in groups_above(session, above) for row in group.grants]
    ids = {row.given_by for row, _group in rows if row.given_by is not None}
    names = {id_: name for id_, name in session.execute(select(User.id, User.name).where(User.id.in_(ids)))}
    return [
        Rule(right_of(row), row.is_denied, group, names.get(row.given_by or 0, ""), row.given_at)
        for row, group in rows
    ]


def _parent(session: Session, group: UserGroup) -> list[UserGroup]:
    parent = session.get(UserGroup, group.parent_id) if group.parent_id is not None else None
    return [parent] if parent is not None else []


def plan_changes(holder: Holder, choices: Mapping[Right, Choice]) -> list[Change]:
    """What choosing would change, in the order of the matrix; nothing is written."""
    before = {right_of(row): Choice.DENY if row.is_denied else Choice.ALLOW for row in holder.grants}
    changes = [
        Change(right, before.get(right, Choice.INHERIT), choice)
        for right, choice in choices.items()
        if before.get(right, Choice.INHERIT) is not choice
    ]
    order = list(Permission)
    return sorted(changes, key=lambda one: (one.right[2] or 0, one.right[1], order.index(one.right[0])))


def choose(session: Session, actor: Actor, holder: Holder, choices: Mapping[Right, Choice]) -> list[Change]:
    """Set own rules of a user or a group; those not named stay as they are. Returns what changed.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: somebody would hold more than the actor, or does; or the right does not exist there.
    """
    people = [holder] if isinstance(holder, User) else people_of(session, holder)
    changes = plan_changes(holder, choices)
    before = describe_rules(session, holder)
    allowed = frozenset(one.right for one in changes if one.after is Choice.ALLOW)
    rights.check_may_give(giver_of(session, actor), rights.holding(actor, allowed))  # a denial may go one day
    with nobody_holds_more(session, actor, people):
        for change in changes:
            _write(holder, change, actor)
        session.flush()
        if isinstance(holder, UserGroup):
            check_group(session, actor, holder)
    after = describe_rules(session, holder)
    if before != after:
        label = holder.email if isinstance(holder, User) else holder.name
        action = "users.grants.changed"
        audit.record(session, actor, action, subject=holder, label=label, before=before, after=after)
    return changes


def set_rules(
    session: Session,
    actor: Actor,
    holder: Holder,
    allowed: Iterable[Right],
    denied: Iterable[Right] = (),
) -> list[Change]:
    """Replace every own rule. Raises as `choose`."""
    wanted = {right_of(row): Choice.INHERIT for row in holder.grants}
    wanted |= dict.fromkeys(allowed, Choice.ALLOW) | dict.fromkeys(denied, Choice.DENY)
    return choose(session, actor, holder, wanted)


def choices_like(holder: Holder, source: Holder) -> dict[Right, Choice]:
    """What gives the holder the own rules of another user or group, and no others."""
    wanted = {right_of(row): Choice.INHERIT for row in holder.grants}
    return wanted | {right_of(row): Choice.DENY if row.is_denied else Choice.ALLOW for row in source.grants}


def _write(holder: Holder, change: Change, giver: Actor) -> None:
    permission, document_type, company_id = change.right
    if company_id is not None and permission in rights.EVERYWHERE_ONLY:
        raise UserRefused(Problem.GRANT_EVERYWHERE, right=permission.value)
    row = next((one for one in holder.grants if right_of(one) == change.right), None)
    if row is not None:
        holder.grants.remove(row)
    if change.after is not Choice.INHERIT:
        holder.grants.append(
            Grant(
                permission=permission,
                document_type=document_type,
                company_id=company_id,
                is_denied=change.after is Choice.DENY,
                given_by=giver.user_id,
            )
        )


def describe_rules(session: Session, holder: Holder) -> list[str]:
    """The own rules as a person reads them later, with the companies' codes: ``invoice:commit:SM02``."""
    codes = company_codes(session)
    return sorted(
        ("deny " if row.is_denied else "") + rights.describe_grant(right_of(row), codes)
        for row in holder.grants
    )


def company_codes(session: Session) -> dict[int, str]:
    """The code of each company by its id."""
    companies = Base.metadata.tables["companies"]  # by name: this room does not know that one
    return {row.id: row.code for row in session.execute(select(companies.c.id, companies.c.code))}
