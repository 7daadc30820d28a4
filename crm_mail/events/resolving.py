"""Resolving: from the fields of events to the party, the document and whoever is written to. Three queries a batch.

What no field names is nobody: an event whose party is not known writes to no one, and its history says so. Privacy,
consent and suppression are judged afterwards, when the messages are composed (`outbox.composing`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Characteristic, Contact, ContactState, Party, Subscription, contact_roles
from crm_mail.delivery.addresses import AddressInvalid, normalise_address
from crm_mail.documents.models import Document
from crm_mail.events.kinds import ADDRESS_FIELD, PARTY_FIELDS, Target
from crm_mail.events.models import EventRule
from crm_mail.events.values import Fields
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor

_CHUNK = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reader:
    """One who is written to; a contact, or the party at its own or at the given address."""

    contact_id: int | None = None
    address: str = ""


@dataclass(slots=True)
class Resolved:
    """What a rule finds for one event; ``reason`` says why there is nobody."""

    event_id: int
    fields: Fields
    party: Party | None = None
    document: Document | None = None
    readers: list[Reader] = field(default_factory=list)
    reason: str = ""


def resolve(
    session: Session, actor: Actor, rule: EventRule, events: Sequence[tuple[int, Fields]]
) -> list[Resolved]:
    """What a rule finds for these events (id, fields), in their order."""
    found = [Resolved(id_, fields) for id_, fields in events]
    if rule.target is Target.STAFF:
        _hide_beyond(session, actor, rule, found)
        return found
    _find_parties(session, actor, rule, found)
    if rule.sends_document or rule.attaches_document:
        _find_documents(session, actor, rule, found)
    _find_readers(session, rule, [one for one in found if one.party is not None])
    for one in found:
        if one.party is None:
            one.reason = one.reason or "no_party"
        elif not one.reason:
            one.reason = _hindrance(rule, one)
    return found


def _hindrance(rule: EventRule, one: Resolved) -> str:
    """Why nothing can be written of an event whose party is known."""
    if rule.attaches_document and one.document is None:
        return "no_document"
    is_left_to_document = one.document is not None and not rule.attaches_document
    return "" if one.readers or is_left_to_document else "no_reader"


def _find_parties(session: Session, actor: Actor, rule: EventRule, found: Sequence[Resolved]) -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in found:
        name, value = _named(one.fields)
        if value:
            wanted[name].add(value)
    columns = {"party_code": Party.code, "vat_number": Party.vat_number, "tax_code": Party.tax_code}
    known: dict[tuple[str, str], list[Party]] = defaultdict(list)
    for name, values in wanted.items():
        for part in chunks(sorted(values), _CHUNK):
            query = select(Party).where(Party.company_id == rule.company_id, columns[name].in_(part))
            for party in session.scalars(query):
                if actor.sight.covers(party.agent, party.zone):
                    known[name, getattr(party, columns[name].key)].append(party)
    marked = _marked(session, actor, rule, [one.id for parties in known.values() for one in parties])
    for one in found:
        parties = known.get(_named(one.fields), [])
        if len(parties) > 1:
            one.reason = "several_parties"
        elif parties and marked is not None and parties[0].id not in marked:
            one.reason = "not_marked"
        elif parties:
            one.party = parties[0]


def _hide_beyond(session: Session, actor: Actor, rule: EventRule, found: Sequence[Resolved]) -> None:
    """Nobody has told to the office what an event says of customers that the rule's owner may not see."""
    if actor.sight.is_whole:
        return
    named = [one for one in found if _named(one.fields)[1]]
    _find_parties(session, actor, rule, named)
    for one in named:
        if one.party is None:
            one.reason = one.reason or "no_party"


def _named(fields: Fields) -> tuple[str, str]:
    """By which field the event names its party, and the value."""
    return next(((name, str(fields[name])) for name in PARTY_FIELDS if str(fields[name])), ("", ""))


def _marked(session: Session, actor: Actor, rule: EventRule, ids: Sequence[int]) -> set[int] | None:
    """Parties with a contact that has the rule's characteristic, as far as the owner sees; None: none is asked."""
    if not rule.characteristic:
        return None
    found: set[int] = set()
    for part in chunks(sorted(set(ids)), _CHUNK):
        query = (
            select(Contact.party_id)
            .join(Characteristic, Characteristic.contact_id == Contact.id)
            .where(
                Contact.party_id.in_(part),
                Contact.state == ContactState.ACTIVE,
                Contact.privacy_level <= actor.sight.clearance,
                Characteristic.key == rule.characteristic,
            )
        )
        found.update(session.scalars(query))
    return found


def _find_documents(session: Session, actor: Actor, rule: EventRule, found: Sequence[Resolved]) -> None:
    """The stored document that an event names by its number, of the rule's type and the event's own party."""
    numbers = {str(one.fields["number"]) for one in found if one.party is not None and one.fields["number"]}
    known: dict[tuple[int, str], list[Document]] = defaultdict(list)
    for part in chunks(sorted(numbers), _CHUNK):
        query = select(Document).where(
            Document.company_id == rule.company_id,
            Document.type == rule.document_type,
            Document.number.in_(part),
            Document.is_current,
            Document.voided_at.is_(None),
            Document.privacy_level <= actor.sight.clearance,
        )
        for document in session.scalars(query.order_by(Document.dated_on.desc(), Document.id.desc())):
            known[document.party_id, document.number].append(document)
    for one in found:
        if one.party is not None:
            one.document = next(
                (
                    d
                    for d in known.get((one.party.id, str(one.fields["number"])), [])
                    if _is_meant(d, one.fields)
                ),
                None,
            )


def _is_meant(document: Document, fields: Fields) -> bool:
    """Whether series and day are those of the event, as far as it names them."""
    series, day = str(fields["series"]), str(fields["date"])[:10]
    return (not series or document.series == series) and (not day or document.dated_on.isoformat() == day)


def _find_readers(session: Session, rule: EventRule, found: Sequence[Resolved]) -> None:
    if rule.target is Target.EVENT_ADDRESS:
        for one in found:
            try:
                one.readers = [Reader(address=normalise_address(str(one.fields[ADDRESS_FIELD])))]
            except AddressInvalid:
                one.reason = "no_address"
        return
    ids = sorted({one.party.id for one in found if one.party is not None})
    if rule.target is Target.ROLE:
        of_role = select(contact_roles.c.contact_id).where(contact_roles.c.role_id == rule.role_id)
        contacts = _contacts(session, ids, Contact.id.in_(of_role))
    else:
        of_type = select(Subscription.contact_id).where(Subscription.document_type == rule.document_type)
        contacts = _contacts(session, ids, Contact.id.in_(of_type))
    for one in found:
        assert one.party is not None
        people = [Reader(contact_id=id_) for id_ in contacts.get(one.party.id, [])]
        one.readers = people if rule.target is Target.ROLE else _as_documents(one.party, people)


def _as_documents(party: Party, people: list[Reader]) -> list[Reader]:
    """Who receives what is no document, by the order that holds for documents (`outbox.recipients`, PM-15)."""
    if party.billing_email:
        return [Reader()]
    if party.packaging_emails:
        return [Reader(address=one.strip()) for one in party.packaging_emails.split(",") if one.strip()]
    return people or ([Reader()] if party.email else [])


def _contacts(
    session: Session, parties: Sequence[int], condition: ColumnElement[bool]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for part in chunks(parties, _CHUNK):
        query = select(Contact.party_id, Contact.id).where(
            Contact.party_id.in_(part), Contact.state == ContactState.ACTIVE, condition
        )
        for party_id, contact_id in session.execute(query.order_by(Contact.id)):
            found[party_id].append(contact_id)
    return found
