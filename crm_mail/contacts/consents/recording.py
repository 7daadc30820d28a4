"""Recording consents and reading the ledger. Services never commit.

The latest word is the one that was *said* last, whenever it was written down: an old list that is imported today does
not undo what somebody withdrew meanwhile.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentEvent, ConsentState
from crm_mail.contacts.consents.rules import (
    SUBJECTS,
    ConsentChannel,
    Decision,
    Purpose,
    Source,
    Subject,
    Verdict,
    decide,
    soft_opt_in,
)
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.db import now
from crm_mail.delivery.addresses import address_key
from crm_mail.permissions import Actor, Permission

States = Mapping[Subject, Decision]


@dataclass(frozen=True, slots=True)
class Word:
    """What was said, and what shows it.

    Args:
        at: when; None: now.
        text_version: of the words that were agreed to.
        proof: a note; ``proof_name`` and ``proof_sha256`` a file of the store.
        ip: network address, where it came over the network.
        message_id: the message whose link was used.
    """

    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    source: Source
    at: datetime | None = None
    text_version: str = ""
    proof: str = ""
    proof_name: str = ""
    proof_sha256: str = ""
    ip: str = ""
    message_id: int | None = None


def record_consent(session: Session, actor: Actor, contact: Contact, word: Word) -> bool:
    """A person writes down what a contact said; whether it is the latest word on the subject.

    Raises:
        PermissionDenied: contacts may not be managed by the actor.
    """
    actor.require(Permission.CONTACTS_MANAGE, contact.company_id)
    return note_word(session, actor, contact, word)


def note_word(session: Session, actor: Actor, contact: Contact, word: Word) -> bool:
    """Add a contact's word to the ledger; who calls knows that it may. Whether it is the latest one.

    A withdrawal by e-mail holds for each address of the contact; a consent lifts it there again.
    """
    is_latest = _note(session, actor, contact.company_id, contact.id, "", word)
    if is_latest and word.channel is ConsentChannel.EMAIL:
        emails = [address_key(address.email) for address in contact.addresses]
        known = address_states(session, contact.company_id, emails, word.purpose)
        for email in emails:
            if word.decision is Decision.WITHDRAWN or known.get(email) is Decision.WITHDRAWN:
                _note(session, actor, contact.company_id, None, email, word)
    audit.record(
        session,
        actor,
        f"contacts.consent.{word.decision}",
        company_id=contact.company_id,
        subject=contact,
        label=contact.name,
        privacy_level=contact.privacy_level,
        purpose=word.purpose.value,
        channel=word.channel.value,
        source=word.source.value,
    )
    return is_latest


def note_address_word(session: Session, actor: Actor, company_id: int, address: str, word: Word) -> bool:
    """Add the word of whoever reads an address that belongs to no contact; whether it is the latest one."""
    is_latest = _note(session, actor, company_id, None, address_key(address), word)
    audit.record(
        session,
        actor,
        f"contacts.consent.{word.decision}",
        company_id=company_id,
        label=address,
        purpose=word.purpose.value,
        channel=word.channel.value,
        source=word.source.value,
    )
    return is_latest


def contacts_with_address(session: Session, company_id: int, address: str) -> Sequence[Contact]:
    """Every contact of a company that has an address, whoever may see it: the reader of the address is one person."""
    query = select(Contact).join(ContactAddress, ContactAddress.contact_id == Contact.id)
    spelt = {address, address_key(address)}
    return session.scalars(
        query.where(Contact.company_id == company_id, ContactAddress.email.in_(spelt)).distinct()
    ).all()


def _note(
    session: Session, actor: Actor, company_id: int, contact_id: int | None, address: str, word: Word
) -> bool:
    at = word.at or now()
    whose: dict[str, Any] = {"company_id": company_id, "contact_id": contact_id, "address": address}
    subject: dict[str, Any] = {"purpose": word.purpose, "channel": word.channel, "decision": word.decision}
    session.add(
        ConsentEvent(
            **whose,
            **subject,
            at=at,
            source=word.source,
            text_version=word.text_version[:80],
            proof=word.proof,
            proof_name=word.proof_name,
            proof_sha256=word.proof_sha256,
            ip=word.ip,
            message_id=word.message_id,
            user_id=actor.user_id,
            actor_name=actor.name,
        )
    )
    mine = (
        ConsentState.contact_id == contact_id
        if contact_id is not None
        else (ConsentState.contact_id.is_(None) & (ConsentState.address == address))
    )
    query = select(ConsentState).where(
        ConsentState.company_id == company_id,
        mine,
        ConsentState.purpose == word.purpose,
        ConsentState.channel == word.channel,
    )
    session.flush()
    state = session.scalar(query.with_for_update())
    if state is None:
        try:
            with session.begin_nested():
                session.add(ConsentState(**whose, **subject, at=at))
                session.flush()
            return True
        except IntegrityError:  # somebody else was first
            state = session.scalars(query.with_for_update()).one()
    if at < state.at:
        return False
    state.decision, state.at = word.decision, at
    session.flush()
    return True


def contact_states(session: Session, contact_id: int) -> dict[Subject, ConsentState]:
    """The latest word of a contact on each subject it ever spoke of."""
    found = session.scalars(select(ConsentState).where(ConsentState.contact_id == contact_id))
    return {(state.purpose, state.channel): state for state in found}


def own_address_states(session: Session, company_id: int, address: str) -> dict[Subject, ConsentState]:
    """The latest word for an address on each subject."""
    query = select(ConsentState).where(
        ConsentState.company_id == company_id,
        ConsentState.contact_id.is_(None),
        ConsentState.address == address_key(address),
    )
    return {(state.purpose, state.channel): state for state in session.scalars(query)}


def address_states(
    session: Session, company_id: int, addresses: Collection[str], purpose: str
) -> dict[str, Decision]:
    """What was said last for addresses, by e-mail; by `address_key`."""
    query = select(ConsentState.address, ConsentState.decision).where(
        ConsentState.company_id == company_id,
        ConsentState.contact_id.is_(None),
        ConsentState.address.in_({address_key(address) for address in addresses}),
        ConsentState.purpose == purpose,
        ConsentState.channel == ConsentChannel.EMAIL,
    )
    return {address: decision for address, decision in session.execute(query)}


def verdicts(session: Session, contact: Contact) -> dict[Subject, Verdict]:
    """For each subject whether the contact may be written to, and why."""
    states = contact_states(session, contact.id)
    company = session.get_one(Company, contact.company_id)
    party = session.get_one(Party, contact.party_id)
    emails = [address.email for address in contact.addresses]
    found = {}
    for purpose, channel in SUBJECTS:
        own = states.get((purpose, channel))
        by_address = (
            address_states(session, company.id, emails, purpose) if channel is ConsentChannel.EMAIL else {}
        )
        all_withdrawn = bool(emails) and all(
            by_address.get(address_key(email)) is Decision.WITHDRAWN for email in emails
        )
        found[purpose, channel] = decide(
            purpose,
            channel,
            own.decision if own else None,
            of_address=Decision.WITHDRAWN if all_withdrawn else None,
            soft=soft_opt_in(company.country, company.soft_opt_in),
            is_customer=party.is_customer,
        )
    return found


def consent_history(session: Session, contact: Contact, limit: int = 500) -> Sequence[ConsentEvent]:
    """Every word of a contact, the newest first."""
    query = select(ConsentEvent).where(ConsentEvent.contact_id == contact.id)
    return session.scalars(query.order_by(ConsentEvent.id.desc()).limit(limit)).all()


def find_event(session: Session, contact: Contact, event_id: int) -> ConsentEvent | None:
    """One word of a contact; None when it is not this contact's."""
    query = select(ConsentEvent).where(ConsentEvent.id == event_id, ConsentEvent.contact_id == contact.id)
    return session.scalar(query)


def export_consents(session: Session, contact: Contact) -> list[dict[str, Any]]:
    """The ledger of a contact as plain values, the oldest first: for its copy of what is kept about it."""
    names = [column.key for column in ConsentEvent.__table__.columns]
    return [
        {name: getattr(row, name) for name in names}
        for row in reversed(consent_history(session, contact, 100_000))
    ]


def may_receive(company: Company, purpose: Purpose, channel: ConsentChannel) -> ColumnElement[bool]:
    """The condition on `Contact` that it may be written to for a purpose, for a query on a company's contacts.

    It costs what the ledger holds on the subject, and not what the company has of contacts: those who spoke are few,
    or are the ones that are found.
    """
    spoke = [
        ConsentState.company_id == company.id,
        ConsentState.purpose == purpose,
        ConsentState.channel == channel,
    ]
    given = select(ConsentState.contact_id).where(
        *spoke, ConsentState.decision == Decision.GIVEN, ConsentState.contact_id.is_not(None)
    )
    soft = soft_opt_in(company.country, company.soft_opt_in)
    if soft is None or purpose is not Purpose.COMMERCIAL or channel not in soft.channels:
        return Contact.id.in_(given)
    withdrawn = [*spoke, ConsentState.decision == Decision.WITHDRAWN]
    refused = select(ConsentState.contact_id).where(*withdrawn, ConsentState.contact_id.is_not(None))
    addresses = select(ConsentState.address).where(*withdrawn, ConsentState.contact_id.is_(None))
    by_address = select(ContactAddress.contact_id).where(ContactAddress.email.in_(addresses))
    others = select(Party.id).where(Party.company_id == company.id, Party.is_customer.is_(False))
    never_said_no = and_(Contact.party_id.not_in(others), Contact.id.not_in(refused.union_all(by_address)))
    agreed = exists().where(  # asked last, and one by one: few are left by then
        *spoke, ConsentState.decision == Decision.GIVEN, ConsentState.contact_id == Contact.id
    )
    return or_(never_said_no, agreed)
