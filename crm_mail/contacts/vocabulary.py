"""Words that a company chooses itself: its roles, and what it calls the privacy levels 0 to 3 (IT-10,
IT-17).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.finding.conditions import names_in_use
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Characteristic, Contact, PrivacyLevelName, Role, contact_roles
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.values import LEVELS, one_line
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor, Permission

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class RoleUse:
    """A role, and how many contacts that exist for the actor hold it."""

    role: Role
    contacts: int


def list_roles(session: Session, actor: Actor, company_id: int) -> Sequence[Role]:
    """The roles of a company, by name."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    return session.scalars(select(Role).where(Role.company_id == company_id).order_by(Role.name)).all()


def count_roles(session: Session, actor: Actor, company_id: int) -> list[RoleUse]:
    """The roles of a company with their use; contacts above the clearance are not counted."""
    held = (
        select(contact_roles.c.role_id, func.count().label("contacts"))
        .join(Contact, Contact.id == contact_roles.c.contact_id)
        .where(Contact.company_id == company_id, visible_contacts(actor.sight))
        .group_by(contact_roles.c.role_id)
    )
    counts = {role_id: number for role_id, number in session.execute(held)}
    return [RoleUse(role, counts.get(role.id, 0)) for role in list_roles(session, actor, company_id)]


def find_role(session: Session, actor: Actor, role_id: int) -> Role | None:
    """One role, or None when it does not exist for the actor."""
    role = session.get(Role, role_id)
    return role if role is not None and actor.can(Permission.CONTACTS_SEE, role.company_id) else None


def add_role(session: Session, actor: Actor, company_id: int, name: str) -> Role:
    """Add a role to the company's list.

    Raises:
        ContactRefused: no name, too long, or it exists (in any case of letters).
    """
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    role = Role(company_id=company_id, name=_free_name(session, company_id, name))
    session.add(role)
    session.flush()
    _record(session, actor, "contacts.role.added", role)
    return role


def rename_role(session: Session, actor: Actor, role: Role, name: str) -> None:
    """Give a role another name; who holds it keeps it.

    Raises:
        ContactRefused: no name, too long, or another role has it.
    """
    actor.require(Permission.CONTACTS_MANAGE, role.company_id)
    clean = _free_name(session, role.company_id, name, role.id)
    if clean == role.name:
        return
    before, role.name = role.name, clean
    _record(session, actor, "contacts.role.renamed", role, before=before, after=clean)


def remove_role(session: Session, actor: Actor, role: Role) -> None:
    """Take a role off the list and away from every contact.

    Raises:
        ContactRefused: the actor cannot see every contact that may hold it, and must not change what he
            cannot see.
    """
    actor.require(Permission.CONTACTS_MANAGE, role.company_id)
    if actor.sight.clearance < HIGHEST_CLEARANCE:
        raise ContactRefused(Problem.ROLE_NEEDS_CLEARANCE)
    _record(session, actor, "contacts.role.removed", role)
    session.flush()
    session.execute(contact_roles.delete().where(contact_roles.c.role_id == role.id))
    session.delete(role)
    session.flush()


def level_names(session: Session, company_id: int) -> dict[int, str]:
    """What the company calls the levels; a level without a name of its own is missing."""
    query = select(PrivacyLevelName.level, PrivacyLevelName.name).where(
        PrivacyLevelName.company_id == company_id
    )
    return {level: name for level, name in session.execute(query)}


def name_levels(session: Session, actor: Actor, company_id: int, names: Mapping[int, str]) -> None:
    """Name the privacy levels; an empty name goes back to the built-in one.

    Raises:
        ContactRefused: a level that does not exist, or a name that is too long.
    """
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    before = level_names(session, company_id)
    rows = {
        row.level: row
        for row in session.scalars(select(PrivacyLevelName).where(PrivacyLevelName.company_id == company_id))
    }
    for level, given in names.items():
        if level not in LEVELS:
            raise ContactRefused(Problem.LEVEL_INVALID, f"level_{level}", level=level)
        name = _fitting(given, 60, f"level_{level}")
        row = rows.get(level)
        if row is not None and not name:
            session.delete(row)
        elif row is not None:
            row.name = name
        elif name:
            session.add(PrivacyLevelName(company_id=company_id, level=level, name=name))
    session.flush()
    after = level_names(session, company_id)
    if after != before:
        audit.record(
            session,
            actor,
            "contacts.levels.named",
            company_id=company_id,
            before={str(level): name for level, name in before.items()},
            after={str(level): name for level, name in after.items()},
        )


def list_characteristics(session: Session, actor: Actor, company_id: int, limit: int = 200) -> list[str]:
    """The characteristics in use, as ``key`` and ``key=value``, of contacts that exist for the actor.

    Found by jumps in the index, whatever the number of contacts that hold them.
    """
    actor.require(Permission.CONTACTS_SEE, company_id)
    held = select(Characteristic.id).join(Contact, Contact.id == Characteristic.contact_id)
    held = held.where(Contact.company_id == company_id, visible_contacts(actor.sight))
    keys = names_in_use(Characteristic.key)
    is_held = held.where(Characteristic.key == keys.selected_columns[0]).exists()
    found: list[str] = []
    for key in session.scalars(keys.where(is_held).limit(limit)):
        found.append(key)
        values = names_in_use(Characteristic.value, Characteristic.key == key)
        value = values.selected_columns[0]
        is_held = held.where(Characteristic.key == key, Characteristic.value == value).exists()
        named = values.where(is_held).limit(max(0, limit - len(found)))
        found += [f"{key}={value}" for value in session.scalars(named)]
    return found[:limit]


def _free_name(session: Session, company_id: int, name: str, own_id: int = 0) -> str:
    clean = _fitting(name, MAX_NAME, "name")
    if not clean:
        raise ContactRefused(Problem.NAME_MISSING, "name")
    others = select(Role.name).where(Role.company_id == company_id, Role.id != own_id)
    if clean.lower() in {other.lower() for other in session.scalars(others)}:
        raise ContactRefused(Problem.ROLE_TAKEN, "name", role=clean)
    return clean


def _fitting(text: str, maximum: int, field: str) -> str:
    clean = one_line(text)
    if len(clean) > maximum:
        raise ContactRefused(Problem.TOO_LONG, field, value=f"{clean[:30]}…", maximum=maximum)
    return clean


def _record(session: Session, actor: Actor, action: str, role: Role, **detail: Any) -> None:
    audit.record(session, actor, action, company_id=role.company_id, subject=role, label=role.name, **detail)
