"""Changing contacts: create, update, delete, and the word of a person on suggested ones.

A contact can never be given a level above the clearance of who does it, and a contact above it cannot be
reached at all (`access.find_contact`). Audit lines carry the contact's level, so that they hide with it.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.birthdays import birthday_columns, parse_birthday
from crm_mail.contacts.contact_birthdays import birthday_of
from crm_mail.contacts.finding.party_filter import split_characteristic
from crm_mail.contacts.models import Characteristic, Contact, ContactAddress, ContactState, Party, Role
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.raising import raise_history
from crm_mail.contacts.subscriptions import check_addresses, set_subscriptions
from crm_mail.contacts.values import AddressValues, ContactValues, clean_contact, clean_email, name_key
from crm_mail.delivery.addresses import address_key
from crm_mail.permissions import Actor, Permission


class Removal(StrEnum):
    """What became of a contact that somebody deleted."""

    DELETED = "deleted"
    KEPT_INACTIVE = "kept_inactive"  # messages were written to it: their history needs it
    KEPT_RESTRICTED = "kept_restricted"  # art. 18 GDPR: its data have to stay as they are


def create_contact(session: Session, actor: Actor, party: Party, values: ContactValues) -> Contact:
    """Add a person or an office to a party.

    Raises:
        ContactRefused: a value is wrong, or the level is above the actor's clearance.
    """
    clean = _checked(actor, party.company_id, values)
    contact = Contact(company_id=party.company_id, party_id=party.id, source="typed", name="", name_key="")
    roles = _roles(session, party.company_id, clean.role_ids)
    session.add(contact)
    _apply(session, contact, clean, roles)
    _record(session, actor, "contacts.contact.created", contact, after=contact_values(contact))
    return contact


def update_contact(session: Session, actor: Actor, contact: Contact, values: ContactValues) -> bool:
    """Change a contact; returns whether anything is different now.

    Raises:
        ContactRefused: a value is wrong, or the level is above the actor's clearance.
    """
    _check_may_see(actor, contact)
    clean = _checked(actor, contact.company_id, values)
    roles = _roles(session, contact.company_id, clean.role_ids)
    before = contact_values(contact)
    level_before = contact.privacy_level
    _apply(session, contact, clean, roles)
    after = contact_values(contact)
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        return False
    _record(
        session,
        actor,
        "contacts.contact.updated",
        contact,
        level=max(level_before, contact.privacy_level),
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    if contact.privacy_level > level_before:
        raise_history(session, [contact.id])
    return True


def add_address(
    session: Session, actor: Actor, contact: Contact, address: AddressValues, instead_of: str = ""
) -> bool:
    """Give a contact one more address, or put it in the place of another one; False when it has it already.

    Raises:
        ContactRefused: it is not an address.
    """
    actor.require(Permission.CONTACTS_MANAGE, contact.company_id)
    _check_may_see(actor, contact)
    email = clean_email(address.email, "addresses")
    present = {address_key(one.email): one for one in contact.addresses}
    if not email or address_key(email) in present:
        return False
    before = contact_values(contact)["addresses"]
    replaced = present.get(address_key(instead_of))
    if replaced is None:
        last = max((one.position for one in contact.addresses), default=-1)
        contact.addresses.append(ContactAddress(email=email, kind=address.kind, position=last + 1))
    else:
        replaced.email, replaced.kind = email, address.kind
    session.flush()
    _record(
        session,
        actor,
        "contacts.contact.updated",
        contact,
        before={"addresses": before},
        after={"addresses": contact_values(contact)["addresses"]},
    )
    return True


def delete_contact(session: Session, actor: Actor, contact: Contact) -> Removal:
    """Remove a contact; one that messages were written to becomes inactive instead, so that history stays
    whole.
    """
    actor.require(Permission.CONTACTS_MANAGE, contact.company_id)
    _check_may_see(actor, contact)
    if contact.state is ContactState.RESTRICTED:
        return Removal.KEPT_RESTRICTED
    before, label, level = contact_values(contact), contact.name, contact.privacy_level
    session.flush()
    try:
        with session.begin_nested():
            session.delete(contact)
            session.flush()
    except IntegrityError:
        session.refresh(contact)
        contact.state = ContactState.INACTIVE
        _record(session, actor, "contacts.contact.deactivated", contact, before=before)
        return Removal.KEPT_INACTIVE
    audit.record(
        session,
        actor,
        "contacts.contact.deleted",
        company_id=contact.company_id,
        subject=contact,
        label=label,
        privacy_level=level,
        before=before,
    )
    return Removal.DELETED


def settle_suggestion(session: Session, actor: Actor, contact: Contact, *, confirmed: bool) -> None:
    """Take a suggested contact into use, or set it aside so that the same document does not suggest it again.

    Raises:
        ContactRefused: somebody settled it meanwhile.
    """
    actor.require(Permission.CONTACTS_MANAGE, contact.company_id)
    _check_may_see(actor, contact)
    if contact.state is not ContactState.SUGGESTED:
        raise ContactRefused(Problem.NOT_SUGGESTED, name=contact.name)
    contact.state = ContactState.ACTIVE if confirmed else ContactState.INACTIVE
    action = "contacts.suggestion.confirmed" if confirmed else "contacts.suggestion.dismissed"
    _record(session, actor, action, contact, after={"state": contact.state})


def contact_values(contact: Contact) -> dict[str, Any]:
    """Everything typed about a contact, as JSON, for the audit and for comparing."""
    emails = {address.id: address.email for address in contact.addresses}
    return {
        "name": contact.name,
        "roles": sorted(role.name for role in contact.roles),
        "phone": contact.phone,
        "mobile": contact.mobile,
        "language": contact.language,
        "privacy_level": contact.privacy_level,
        "state": contact.state.value,
        "notes": contact.notes,
        "birthday": born.as_text() if (born := birthday_of(contact)) else "",
        "addresses": [f"{address.email} ({address.kind})" for address in contact.addresses],
        "characteristics": sorted(
            f"{c.key}={c.value}" if c.value else c.key for c in contact.characteristics
        ),
        "subscriptions": {
            s.document_type: f"{s.recipient_kind} {emails.get(s.address_id or 0, '')}".strip()
            for s in sorted(contact.subscriptions, key=lambda s: s.document_type)
        },
    }


def _checked(actor: Actor, company_id: int, values: ContactValues) -> ContactValues:
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    clean = clean_contact(values)
    if clean.privacy_level > actor.sight.clearance:
        raise ContactRefused(
            Problem.LEVEL_ABOVE_OWN, "privacy_level", level=clean.privacy_level, own=actor.sight.clearance
        )
    if clean.subscriptions:
        check_addresses(clean.subscriptions, [address.email for address in clean.addresses])
    return clean


def _check_may_see(actor: Actor, contact: Contact) -> None:
    if contact.privacy_level > actor.sight.clearance:
        raise LookupError("a contact above the clearance was handed to a service: use access.find_contact")


def _roles(session: Session, company_id: int, role_ids: tuple[int, ...]) -> list[Role]:
    found = session.scalars(select(Role).where(Role.company_id == company_id, Role.id.in_(role_ids))).all()
    missing = set(role_ids) - {role.id for role in found}
    if missing:
        raise ContactRefused(Problem.ROLE_UNKNOWN, "role_ids", role=min(missing))
    return sorted(found, key=lambda role: role.name)


def _apply(session: Session, contact: Contact, clean: ContactValues, roles: list[Role]) -> None:
    contact.name, contact.name_key = clean.name, name_key(clean.name)
    for name in ("phone", "mobile", "language", "privacy_level", "state", "notes"):
        if name != "state" or contact.state is not ContactState.RESTRICTED:  # lifted under Privacy only
            setattr(contact, name, getattr(clean, name))
    for name, value in birthday_columns(parse_birthday(clean.birthday)).items():
        setattr(contact, name, value)
    contact.roles = roles
    _apply_addresses(contact, clean.addresses)
    _apply_characteristics(contact, clean.characteristics)
    session.flush()
    if clean.subscriptions is not None:
        set_subscriptions(contact, clean.subscriptions)
        session.flush()


def _apply_addresses(contact: Contact, wanted: tuple[AddressValues, ...]) -> None:
    present = {address.email: address for address in contact.addresses}
    kept = [present.get(address.email) or ContactAddress(email=address.email) for address in wanted]
    for position, (row, address) in enumerate(zip(kept, wanted, strict=True)):
        row.kind, row.position = address.kind, position
    contact.addresses = kept


def _apply_characteristics(contact: Contact, wanted: tuple[str, ...]) -> None:
    present = {(c.key, c.value): c for c in contact.characteristics}
    pairs = [(key, value or "") for key, value in map(split_characteristic, wanted)]
    contact.characteristics = [
        present.get(pair) or Characteristic(key=pair[0], value=pair[1]) for pair in pairs
    ]


def _record(
    session: Session, actor: Actor, action: str, contact: Contact, level: int | None = None, **detail: Any
) -> None:
    audit.record(
        session,
        actor,
        action,
        company_id=contact.company_id,
        subject=contact,
        label=contact.name,
        privacy_level=contact.privacy_level if level is None else level,
        **detail,
    )
