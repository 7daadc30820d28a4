"""Changing parties: create, update, block. Each change leaves one line in the audit, with before and
after.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Packaging
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.contacts.models import Party
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.values import AddressValues, PartyValues, clean_email, clean_party
from crm_mail.permissions import Actor, Permission


def create_party(session: Session, actor: Actor, company_id: int, values: PartyValues) -> Party:
    """Add a customer or supplier.

    Raises:
        ContactRefused: a value is wrong, or the code is taken in this company.
        PermissionDenied: the actor may not manage contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    clean = clean_party(values)
    _check_code_is_free(session, actor, company_id, clean.code)
    _check_sight(actor, clean)
    _check_packaging(session, company_id, clean)
    party = Party(company_id=company_id, **clean.as_columns())
    session.add(party)
    session.flush()
    _record(session, actor, "contacts.party.created", party, after=party_values(party))
    return party


def update_party(session: Session, actor: Actor, party: Party, values: PartyValues) -> bool:
    """Change a party; returns whether anything is different now.

    Raises:
        ContactRefused: a value is wrong, or the code is another party's.
    """
    actor.require(Permission.CONTACTS_MANAGE, party.company_id)
    clean = clean_party(values)
    if clean.code != party.code:
        _check_code_is_free(session, actor, party.company_id, clean.code)
    _check_sight(actor, clean)
    columns = clean.as_columns()
    if columns["packaging"] != party.packaging:
        _check_packaging(session, party.company_id, clean)
    before = {name: getattr(party, name) for name in columns}
    changed = [name for name, value in columns.items() if before[name] != value]
    if not changed:
        return False
    for name in changed:
        setattr(party, name, columns[name])
    told = [name for name in changed if name != "name_key"]
    _record(
        session,
        actor,
        "contacts.party.updated",
        party,
        before={name: before[name] for name in told},
        after={name: columns[name] for name in told},
    )
    return True


def set_own_address(
    session: Session, actor: Actor, party: Party, address: AddressValues, *, of_billing: bool = False
) -> bool:
    """Set the address at which a party itself, or its billing, is written to; False when it has it already.

    Raises:
        ContactRefused: it is not an address.
    """
    actor.require(Permission.CONTACTS_MANAGE, party.company_id)
    name = "billing_email" if of_billing else "email"
    wanted = {name: clean_email(address.email, name), f"{name}_kind": address.kind}
    before = {one: getattr(party, one) for one in wanted}
    if before[name] == wanted[name]:
        return False
    for one, value in wanted.items():
        setattr(party, one, value)
    session.flush()
    _record(session, actor, "contacts.party.updated", party, before=before, after=wanted)
    return True


def block_party(session: Session, actor: Actor, party: Party, *, blocked: bool) -> None:
    """Stop, or allow again, every mail to a party; prepared messages show it as a blocker."""
    actor.require(Permission.CONTACTS_MANAGE, party.company_id)
    if party.is_blocked == blocked:
        return
    party.is_blocked = blocked
    action = "contacts.party.blocked" if blocked else "contacts.party.unblocked"
    _record(session, actor, action, party, before={"is_blocked": not blocked}, after={"is_blocked": blocked})


def party_values(party: Party) -> dict[str, Any]:
    """Every typed value of a party that is not empty, as JSON."""
    columns = PartyValues(party.code, party.name).as_columns()
    return {
        name: value
        for name in columns
        if name != "name_key" and (value := getattr(party, name)) not in ("", None, False, DEFAULT_PACKAGING)
    }


def _check_packaging(session: Session, company_id: int, values: PartyValues) -> None:
    """The packaging is one of the company's, and not another customer's alone."""
    code = values.as_columns()["packaging"]
    query = select(Packaging.code, Packaging.party_code).where(Packaging.company_id == company_id)
    usable = {found for found, party_code in session.execute(query) if party_code in ("", values.code)}
    usable.add(DEFAULT_PACKAGING)
    if code not in usable:
        known = ", ".join(sorted(usable))
        raise ContactRefused(Problem.PACKAGING_UNKNOWN, "packaging", code=code, known=known)


def _check_code_is_free(session: Session, actor: Actor, company_id: int, code: str) -> None:
    owner = session.scalar(select(Party).where(Party.company_id == company_id, Party.code == code))
    if owner is not None:
        if not actor.sight.covers(owner.agent, owner.zone):  # whose it is, is not told
            raise ContactRefused(Problem.CODE_OF_OTHERS, "code", code=code)
        raise ContactRefused(Problem.CODE_TAKEN, "code", code=code, name=owner.name)


def _check_sight(actor: Actor, values: PartyValues) -> None:
    """Nobody makes what he would then not see."""
    columns = values.as_columns()
    if not actor.sight.covers(columns["agent"], columns["zone"]):
        own = ", ".join(sorted(actor.sight.agents | actor.sight.zones))
        raise ContactRefused(Problem.OUTSIDE_SIGHT, "agent" if actor.sight.agents else "zone", own=own)


def _record(session: Session, actor: Actor, action: str, party: Party, **detail: Any) -> None:
    label = f"{party.code} {party.name}"
    audit.record(session, actor, action, company_id=party.company_id, subject=party, label=label, **detail)
