"""Two that are one: the kept contact or party takes over everything of the other, whose id then leads to it.

Messages, documents, evidence, consents and subscriptions move by their foreign keys (`contacts.moving`); addresses are
united; the audit keeps what the other one was. What undoing it needs is kept beside it (`unmerging`).
"""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.merging.merge_snapshot import finish_snapshot, follow_code, take_snapshot
from crm_mail.contacts.merging.moving import Conflict, move_references
from crm_mail.contacts.models import (
    Contact,
    ContactAddress,
    ContactMerge,
    ContactState,
    MergedRow,
    Party,
    PartyMerge,
    Subscription,
)
from crm_mail.contacts.parties import party_values
from crm_mail.contacts.people import contact_values
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.raising import raise_history
from crm_mail.permissions import Actor, Permission
from crm_mail.purchases.recording import work_out_totals

_PARTY_TEXTS = (
    "vat_number",
    "tax_code",
    "address",
    "postcode",
    "city",
    "province",
    "country",
    "zone",
    "agent",
)
_PARTY_FILLED = (*_PARTY_TEXTS, "category", "language", "addenda", "packaging_emails", "credit_days")


def merge_contacts(session: Session, actor: Actor, kept: Contact, other: Contact) -> None:
    """Make two contacts of one party one.

    Raises:
        ContactRefused: they are one already, or of different parties.
    """
    actor.require(Permission.CONTACTS_MANAGE, kept.company_id)
    if kept.id == other.id:
        raise ContactRefused(Problem.MERGE_SAME, name=kept.name)
    if kept.party_id != other.party_id:
        raise ContactRefused(Problem.MERGE_OTHER_PARTY, name=kept.name, other=other.name)
    for contact in (kept, other):
        if contact.privacy_level > actor.sight.clearance:
            raise LookupError(
                "a contact above the clearance was handed to a service: use access.find_contact"
            )
    other_id, before, told = other.id, contact_values(kept), contact_values(other)
    session.flush()
    snapshot = take_snapshot(session, kept, other)
    _fill_contact(kept, other)
    session.flush()
    _unite_addresses(session, kept, other)
    _unite_subscriptions(session, kept, other)
    _keep_latest_words(session, kept, other)
    moved = _move(session, kept, other, kept.name, other.name)
    raise_history(session, [kept.id])
    kept_as = finish_snapshot(session, snapshot, kept)
    session.add(
        ContactMerge(company_id=kept.company_id, contact_id=kept.id, user_id=actor.user_id, snapshot=kept_as)
    )
    _record(session, actor, "contacts.contact.merged", kept, other_id, told, before, moved)


def merge_parties(session: Session, actor: Actor, kept: Party, other: Party) -> None:
    """Make two parties of one company one; both keep their contacts, which may then be merged.

    Raises:
        ContactRefused: they are one already, of different companies, or both have what may exist once.
    """
    actor.require(Permission.CONTACTS_MANAGE, kept.company_id)
    if kept.id == other.id:
        raise ContactRefused(Problem.MERGE_SAME, name=kept.name)
    if kept.company_id != other.company_id:
        raise ContactRefused(Problem.MERGE_OTHER_COMPANY, name=kept.name, other=other.name)
    other_id, before, told = other.id, party_values(kept), party_values(other)
    session.flush()
    snapshot = take_snapshot(session, kept, other) | {"codes": follow_code(session, kept, other)}
    for name in _PARTY_FILLED:
        if getattr(kept, name) in ("", None):
            setattr(kept, name, getattr(other, name))
    for email in ("email", "billing_email"):
        if not getattr(kept, email):
            setattr(kept, email, getattr(other, email))
            setattr(kept, f"{email}_kind", getattr(other, f"{email}_kind"))
    kept.is_customer, kept.is_supplier = (
        kept.is_customer or other.is_customer,
        kept.is_supplier or other.is_supplier,
    )
    kept.is_blocked = kept.is_blocked or other.is_blocked
    session.flush()
    moved = _move(session, kept, other, kept.name, other.name)
    work_out_totals(session, kept.company_id, [kept.id, other_id])
    kept_as = finish_snapshot(session, snapshot, kept)
    session.add(
        PartyMerge(company_id=kept.company_id, party_id=kept.id, user_id=actor.user_id, snapshot=kept_as)
    )
    _record(session, actor, "contacts.party.merged", kept, other_id, told, before, moved)


def follow_merge(session: Session, object_type: str, merged_id: int) -> int | None:
    """The id that a merged one leads to, through further merges; None when there was none."""
    kept_id = session.scalar(
        select(MergedRow.kept_id).where(
            MergedRow.object_type == object_type, MergedRow.merged_id == merged_id
        )
    )
    return kept_id


def merged_into(session: Session, object_type: str, kept_id: int) -> list[int]:
    """The ids that were merged into one, for its history."""
    query = select(MergedRow.merged_id).where(
        MergedRow.object_type == object_type, MergedRow.kept_id == kept_id
    )
    return list(session.scalars(query))


def _fill_contact(kept: Contact, other: Contact) -> None:
    for name in ("phone", "mobile", "language"):
        setattr(kept, name, getattr(kept, name) or getattr(other, name))
    if kept.birth_month is None:
        for name in ("birth_month", "birth_day", "birth_year"):
            setattr(kept, name, getattr(other, name))
    kept.notes = "\n\n".join(dict.fromkeys(note for note in (kept.notes, other.notes) if note))
    kept.privacy_level = max(kept.privacy_level, other.privacy_level)
    if other.state is ContactState.RESTRICTED:
        kept.state = ContactState.RESTRICTED


def _unite_addresses(session: Session, kept: Contact, other: Contact) -> None:
    """Move the addresses that the kept one lacks; subscriptions by the others go by the kept one's."""
    present = {one.email.lower(): one.id for one in kept.addresses}
    position = max((one.position for one in kept.addresses), default=-1)
    for address in other.addresses:
        same = present.get(address.email.lower())
        if same is None:
            position += 1
            values: dict[str, Any] = {"contact_id": kept.id, "position": position}
            session.execute(update(ContactAddress).where(ContactAddress.id == address.id).values(values))
        else:
            by = update(Subscription).where(Subscription.address_id == address.id)
            session.execute(by.values(address_id=same))
            session.execute(delete(ContactAddress).where(ContactAddress.id == address.id))


def _unite_subscriptions(session: Session, kept: Contact, other: Contact) -> None:
    present = {one.document_type for one in kept.subscriptions}
    for one in other.subscriptions:
        if one.document_type in present:
            session.execute(delete(Subscription).where(Subscription.id == one.id))


def _keep_latest_words(session: Session, kept: Contact, other: Contact) -> None:
    """Of two words on one subject the later one counts, as if one person had said both."""
    theirs = session.scalars(select(ConsentState).where(ConsentState.contact_id == other.id)).all()
    for word in theirs:
        ours = session.scalar(
            select(ConsentState).where(
                ConsentState.contact_id == kept.id,
                ConsentState.purpose == word.purpose,
                ConsentState.channel == word.channel,
            )
        )
        if ours is not None:
            session.delete(ours if word.at > ours.at else word)
    session.flush()


def _move(session: Session, kept: Any, other: Any, name: str, other_name: str) -> dict[str, int]:
    table, kept_id, other_id = type(kept).__table__, kept.id, other.id
    company_id = kept.company_id
    session.flush()
    session.expire_all()
    try:
        moved = move_references(session, table, kept_id, other_id)
    except Conflict as conflict:
        raise ContactRefused(
            Problem.MERGE_CONFLICT, name=name, other=other_name, table=conflict.table
        ) from None
    earlier = update(MergedRow).where(MergedRow.object_type == table.name, MergedRow.kept_id == other_id)
    session.execute(earlier.values(kept_id=kept_id))
    session.execute(delete(table).where(table.c.id == other_id))
    session.expunge(other)
    session.merge(
        MergedRow(object_type=table.name, merged_id=other_id, kept_id=kept_id, company_id=company_id)
    )
    session.flush()
    session.expire_all()
    return moved


def _record(
    session: Session,
    actor: Actor,
    action: str,
    kept: Contact | Party,
    merged_id: int,
    told: dict[str, Any],
    before: dict[str, Any],
    moved: dict[str, int],
) -> None:
    values = contact_values(kept) if isinstance(kept, Contact) else party_values(kept)
    changed = [name for name in values if before.get(name) != values[name]]
    audit.record(
        session,
        actor,
        action,
        company_id=kept.company_id,
        subject=kept,
        label=kept.name if isinstance(kept, Contact) else f"{kept.code} {kept.name}",
        privacy_level=kept.privacy_level if isinstance(kept, Contact) else 0,
        merged_id=merged_id,
        merged=told,
        before={name: before.get(name) for name in changed},
        after={name: values[name] for name in changed},
        moved=moved,
    )
