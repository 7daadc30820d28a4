"""Where a contact has left traces: the rows of every declared table that concern it, found by the declarations."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, false, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.db import Base
from crm_mail.delivery.sms.numbers import mobile_of
from crm_mail.evidence.models import MailItem
from crm_mail.evidence.sms_answers import contacts_with_number
from crm_mail.outbox.models import Message, MessageRevision
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import EVERYTHING, Sight
from crm_mail.personal_data import Link, Table
from crm_mail.privacy.registry import TABLES

_MESSAGES_OF_AUDIT = "messages"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Whom a request is about.

    Args:
        contact_ids: one, or all those of a party (a sole trader is a person).
        addresses: those that nobody else shares; `shared` are the others: another person's mail is not touched.
        messages: written to it, or copied to one of its addresses; `copied` are those written to somebody else.
    """

    company_id: int
    party_id: int
    contact_ids: tuple[int, ...]
    label: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    phones: tuple[str, ...]
    messages: tuple[int, ...] = ()
    copied: frozenset[int] = field(default_factory=frozenset)
    is_party: bool = False
    shared: tuple[str, ...] = ()
    sight: Sight = EVERYTHING

    @property
    def values(self) -> tuple[str, ...]:
        """What is taken out of running text: addresses and telephone numbers, then names; longest first."""
        known = {*self.addresses, *self.shared, *self.phones, *self.names}
        return tuple(sorted((one for one in known if len(one) > 4), key=len, reverse=True))


def footprint_of_contact(session: Session, contact: Contact, sight: Sight) -> Footprint:
    """The traces of one contact.

    Args:
        clearance: messages above it are not found.
    """
    numbers = _numbers(session, [contact])
    held = _lowered([*(address.email for address in contact.addresses), *numbers])
    shared = _shared(session, contact, held) | _shared_numbers(session, contact, numbers)
    addresses = tuple(one for one in held if one not in shared)
    written = Message.contact_id == contact.id
    messages, copied = _messages(session, contact.company_id, written, addresses, sight)
    return Footprint(
        contact.company_id,
        contact.party_id,
        (contact.id,),
        contact.name,
        (contact.name,),
        addresses,
        tuple(one for one in (contact.phone, contact.mobile) if one),
        messages,
        copied,
        shared=tuple(shared),
        sight=sight,
    )


def _shared(session: Session, contact: Contact, addresses: tuple[str, ...]) -> set[str]:
    """Which addresses another contact of the company, or its own party, has too."""
    others = (
        select(func.lower(ContactAddress.email))
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(
            func.lower(ContactAddress.email).in_(addresses),
            Contact.company_id == contact.company_id,
            Contact.id != contact.id,
        )
    )
    party = contact.party
    own = _lowered([party.email, party.billing_email, *party.packaging_emails.split(",")])
    return {*session.scalars(others), *(one for one in addresses if one in own)}


def _numbers(session: Session, contacts: Iterable[Contact]) -> list[str]:
    """The numbers at which contacts receive SMS, as messages, consents and the suppression list write them."""
    found = []
    for contact in contacts:
        country = contact.party.country or session.get_one(Company, contact.company_id).country
        found += [mobile_of((written,), country)[0] for written in (contact.mobile, contact.phone)]
    return [number for number in dict.fromkeys(found) if number]


def _shared_numbers(session: Session, contact: Contact, numbers: Iterable[str]) -> set[str]:
    """Which of its numbers another contact of the company has too."""
    company = session.get_one(Company, contact.company_id)
    return {
        number
        for number in numbers
        if any(one.id != contact.id for one in contacts_with_number(session, company, number))
    }


def footprint_of_party(session: Session, party: Party, sight: Sight) -> Footprint:
    """The traces of a party and of all its contacts that exist for such a clearance: for a sole trader."""
    query = select(Contact).where(Contact.party_id == party.id, visible_contacts(sight))
    contacts = list(session.scalars(query.order_by(Contact.id)))
    own = [party.email, party.billing_email, *party.packaging_emails.split(",")]
    emails = (one.email for contact in contacts for one in contact.addresses)
    addresses = _lowered([*own, *emails, *_numbers(session, contacts)])
    messages, copied = _messages(session, party.company_id, Message.party_id == party.id, addresses, sight)
    return Footprint(
        party.company_id,
        party.id,
        tuple(contact.id for contact in contacts),
        party.name,
        (party.name, *(contact.name for contact in contacts)),
        addresses,
        tuple(one for contact in contacts for one in (contact.phone, contact.mobile) if one),
        messages,
        copied,
        is_party=True,
        sight=sight,
    )


def _lowered(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip().lower() for one in values if one and one.strip()))


def _messages(
    session: Session,
    company_id: int,
    written: ColumnElement[bool],
    addresses: tuple[str, ...],
    sight: Sight,
) -> tuple[tuple[int, ...], frozenset[int]]:
    """Ids of the messages written to somebody, and of those that only carried a copy to one of the addresses."""
    of_company = [Message.company_id == company_id, messages_in_sight(sight)]
    own = set(session.scalars(select(Message.id).where(*of_company, written)))
    if not addresses:
        return tuple(sorted(own)), frozenset()
    earlier = select(MessageRevision.message_id).where(func.lower(MessageRevision.to_address).in_(addresses))
    traces = or_(
        func.lower(Message.to_address).in_(addresses),
        Message.id.in_(earlier),
        *(mentions(column, one) for one in addresses for column in (Message.cc, Message.bcc)),
    )
    found = set(session.scalars(select(Message.id).where(*of_company, traces)))
    return tuple(sorted(own | found)), frozenset(found - own)


def mentions(column: Any, value: str) -> ColumnElement[bool]:
    """Whether the text or the JSON of a column holds a value, in any case."""
    return func.lower(cast(column, Text)).contains(value.lower(), autoescape=True)


def rows_of(footprint: Footprint, declared: Table) -> ColumnElement[bool] | None:
    """The condition of the rows of a table that concern the person; None when there cannot be any."""
    columns = Base.metadata.tables[declared.name].c
    if declared.link is Link.CONTACT:
        own = columns[declared.by].in_(footprint.contact_ids)
        if "address" in columns and footprint.addresses:  # a word of consent may be of an address alone
            alone = and_(columns[declared.by].is_(None), func.lower(columns.address).in_(footprint.addresses))
            return or_(own, and_(alone, columns.company_id == footprint.company_id))
        return own
    if declared.link is Link.MESSAGE:
        condition = columns[declared.by].in_(footprint.messages)
        if declared.name == MailItem.__tablename__ and footprint.addresses:  # mail that matches no message
            stray = and_(columns.message_id.is_(None), func.lower(columns.recipient).in_(footprint.addresses))
            return or_(condition, and_(stray, columns.company_id == footprint.company_id))
        return condition
    if declared.link is Link.ADDRESS:
        named = func.lower(columns[declared.by]).in_(footprint.addresses) if footprint.addresses else false()
        return and_(named, columns.company_id == footprint.company_id) if "company_id" in columns else named
    if declared.link is Link.AUDIT:
        return and_(audit_lines(footprint), AuditEvent.__table__.c.privacy_level <= footprint.sight.clearance)
    if not footprint.is_party:
        return None
    if declared.link is Link.PARTY:
        return columns[declared.by] == footprint.party_id
    if declared.link is Link.DOCUMENT:
        documents = Base.metadata.tables["documents"].c
        documents_of = select(documents.id).where(
            documents.party_id == footprint.party_id, documents.privacy_level <= footprint.sight.clearance
        )
        return columns[declared.by].in_(documents_of)
    return None


def audit_lines(footprint: Footprint) -> ColumnElement[bool]:
    """The lines of the audit about the person: of its rows, and those that name one of its addresses."""
    lines = AuditEvent.__table__.c
    about = and_(lines.object_type == "contacts", lines.object_id.in_(footprint.contact_ids))
    written = and_(lines.object_type == _MESSAGES_OF_AUDIT, lines.object_id.in_(footprint.messages))
    named = [
        mentions(column, one) for one in footprint.addresses for column in (lines.detail, lines.object_label)
    ]
    conditions = (
        [about, written, and_(or_(*named), lines.company_id == footprint.company_id)]
        if named
        else [about, written]
    )
    if footprint.is_party:
        conditions.append(and_(lines.object_type == "parties", lines.object_id == footprint.party_id))
    return or_(*conditions)


def select_rows(footprint: Footprint, declared: Table) -> Select[Any] | None:
    """The rows of one table."""
    condition = rows_of(footprint, declared)
    if condition is None:
        return None
    found = Base.metadata.tables[declared.name]
    query = select(found).where(condition)
    if "privacy_level" in found.c:
        query = query.where(found.c.privacy_level <= footprint.sight.clearance)
    return query.order_by(*found.primary_key.columns)


def read_rows(session: Session, footprint: Footprint) -> Iterator[tuple[Table, list[Mapping[str, Any]]]]:
    """Every declared table that holds something about the person, with its rows."""
    for declared in TABLES:
        query = select_rows(footprint, declared)
        if query is not None and (rows := list(session.execute(query).mappings())):
            yield declared, [dict(row) for row in rows]
