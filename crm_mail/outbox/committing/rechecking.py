"""What changed between preparation and commit: rows and copies that must not leave any more (BX-3), set-based."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from crm_mail import audit
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.bounces.parsed import Suppressed
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.suppression import load_suppressed, reason_for
from crm_mail.documents.models import Document
from crm_mail.documents.sdi_service import REJECTED
from crm_mail.outbox.composing.pressure import has_enough
from crm_mail.outbox.composing.text_drafts import NUMBER
from crm_mail.outbox.consent_gate import may_not_go
from crm_mail.outbox.models import Message, MessageDocument, MessageEvent, MessageRevision, Run
from crm_mail.outbox.reasons import COPY_DROPPED, Rule, WithheldReason
from crm_mail.outbox.states import LEFT, QUEUED, MessageState
from crm_mail.permissions import Actor

ROWS_AT_ONCE = 1000


def drop_outdated(session: Session, actor: Actor, run: Run) -> dict[str, int]:
    """Withhold what must not leave any more, and take copies off that must not; the number of rows by reason."""
    dropped: dict[str, int] = {}
    for reason, condition in outdated(run):
        query = (
            update(Message)
            .where(Message.run_id == run.id, Message.state == MessageState.PENDING, condition)
            .values(state=MessageState.WITHHELD, withheld_reason=reason.value, revision=Message.revision + 1)
            .execution_options(synchronize_session=False)
        )
        count = session.connection().execute(query).rowcount
        if count:
            dropped[reason.value] = dropped.get(reason.value, 0) + count
    if copies := _drop_copies(session, actor, run):
        dropped[COPY_DROPPED] = copies
    if dropped:
        audit.record(
            session,
            actor,
            "outbox.run.dropped",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
            dropped=dropped,
        )
    return dropped


def outdated(run: Run) -> Iterator[tuple[WithheldReason, Any]]:
    """Why a pending row of the run must not leave any more, and the condition under which it is so."""
    pending = [Message.run_id == run.id, Message.state == MessageState.PENDING]
    carrying = (
        select(Message.id)
        .join(MessageDocument, MessageDocument.message_id == Message.id)
        .join(Document, Document.id == MessageDocument.document_id)
        .where(*pending)
    )
    rejected = and_(Document.is_mailable.is_(False), Document.not_mailable_reason == REJECTED)
    yield WithheldReason.REJECTED_MEANWHILE, Message.id.in_(carrying.where(rejected))
    gone = or_(Document.voided_at.is_not(None), Document.is_mailable.is_(False))
    yield WithheldReason.VOIDED_MEANWHILE, Message.id.in_(carrying.where(gone))
    yield WithheldReason.REPLACED_MEANWHILE, Message.id.in_(carrying.where(Document.is_current.is_(False)))
    of_blocked = (
        select(Message.id)
        .join(Party, Party.id == Message.party_id)
        .where(*pending, Party.is_blocked.is_(True))
    )
    yield WithheldReason.PARTY_BLOCKED_MEANWHILE, Message.id.in_(of_blocked)
    changed = or_(Contact.state != ContactState.ACTIVE, Contact.privacy_level > Message.privacy_level)
    of_changed = select(Message.id).join(Contact, Contact.id == Message.contact_id).where(*pending, changed)
    yield WithheldReason.CONTACT_CHANGED_MEANWHILE, Message.id.in_(of_changed)
    yield WithheldReason.CONTACT_CHANGED_MEANWHILE, _address_is_gone()
    bounced = and_(Message.blockers == 0, reason_for(Message.company_id, Message.to_address).is_not(None))
    yield WithheldReason.SUPPRESSED_MEANWHILE, and_(*pending, bounced)
    yield WithheldReason.CONSENT_MEANWHILE, and_(*pending, may_not_go())
    enough = has_enough(run.company, run.id)
    if enough is not None:
        yield WithheldReason.PRESSURE_MEANWHILE, and_(*pending, enough)
    subscribed = exists().where(
        Subscription.contact_id == Message.contact_id, Subscription.document_type == Document.type
    )
    of_unsubscribed = carrying.where(
        Message.contact_id.is_not(None),
        Message.is_edited.is_(False),
        Message.is_composed.is_(False),
        ~subscribed,
    )
    yield WithheldReason.UNSUBSCRIBED_MEANWHILE, Message.id.in_(of_unsubscribed)
    if run.criteria.get("only_subscribed"):
        receives = exists().where(
            Subscription.contact_id == Message.contact_id,
            Subscription.document_type == Message.document_types,
        )
        yield WithheldReason.UNSUBSCRIBED_MEANWHILE, and_(Message.is_composed.is_(True), ~receives)
    if run.criteria.get("only_unsent", True):
        other, carried = aliased(Message), aliased(MessageDocument)
        same = or_(other.contact_id == Message.contact_id, other.to_address == Message.to_address)
        again = (
            select(Message.id)
            .join(MessageDocument, MessageDocument.message_id == Message.id)
            .join(carried, carried.document_id == MessageDocument.document_id)
            .join(other, other.id == carried.message_id)
            .where(*pending, other.run_id != run.id, same)
        )
        sent, queued = (
            again.where(other.state.in_(sorted(LEFT))),
            again.where(other.state.in_(sorted(QUEUED))),
        )
        yield WithheldReason.SENT_MEANWHILE, Message.id.in_(sent)
        yield WithheldReason.QUEUED_MEANWHILE, Message.id.in_(queued)


def _address_is_gone() -> Any:
    """Nobody changed the row by hand, and its address is no longer one of its contact's or of its party's."""
    of_contact = exists().where(
        ContactAddress.contact_id == Message.contact_id, ContactAddress.email == Message.to_address
    )
    of_party = exists().where(
        Party.id == Message.party_id,
        or_(
            Party.email == Message.to_address,
            Party.billing_email == Message.to_address,
            _is_behind_packaging(),
        ),
    )
    written = Message.why[NUMBER].as_string()
    was_given = and_(Message.is_composed.is_(True), Message.why["rule"].as_string() == Rule.GIVEN_ADDRESS)
    of_phone = exists().where(
        Contact.id == Message.contact_id,
        or_(Contact.mobile == written, Contact.phone == written),
    )
    known = or_(
        and_(Message.channel == Channel.SMS, of_phone),
        of_contact,
        and_(Message.contact_id.is_(None), of_party),
        was_given,
    )
    return and_(Message.is_edited.is_(False), Message.to_address != "", ~known)


@dataclass(frozen=True, slots=True)
class StaleCopies:
    """A row whose copies are not all fit any more: those that stay, and those that go."""

    message_id: int
    kept: list[str]
    gone: list[str]
    why: dict[str, Any]


def stale_copies(session: Session, *conditions: ColumnElement[bool]) -> Iterator[StaleCopies]:
    """Rows with a copy whose contact was put away, unsubscribed, raised in privacy, or lost the address; or whose
    address came on the suppression list.

    What a person wrote into Cc stays otherwise: nobody asked the contacts for it.

    Args:
        conditions: which rows are looked at.
    """
    query = (
        select(
            Message.id,
            Message.company_id,
            Message.party_id,
            Message.cc,
            Message.privacy_level,
            Message.document_types,
            Message.is_edited,
            Message.why,
        )
        .where(cast(Message.cc, String) != "[]", *conditions)
        .order_by(Message.id)
        .limit(ROWS_AT_ONCE)
    )
    last = 0
    bounced: Mapping[str, Suppressed] | None = None
    while rows := session.execute(query.where(Message.id > last)).all():
        last = rows[-1].id
        receiving = _receiving(session, {row.party_id for row in rows})
        prepared = _prepared_copies(session, [row.id for row in rows if row.is_edited])
        bounced = load_suppressed(session, rows[0].company_id) if bounced is None else bounced
        for row in rows:
            fit = receiving.get(row.party_id, {})
            types = set(row.document_types.split())
            gone = [
                address
                for address in row.cc
                if address_key(address) in bounced
                or (
                    address in prepared.get(row.id, row.cc)
                    and not any(
                        level <= row.privacy_level and types <= known for level, known in fit.get(address, ())
                    )
                )
            ]
            if gone:
                kept = [address for address in row.cc if address not in gone]
                yield StaleCopies(row.id, kept, gone, row.why | {"cc": len(kept)})


def _receiving(session: Session, party_ids: set[int]) -> dict[int, dict[str, list[tuple[int, set[str]]]]]:
    """Party → address → (privacy level, types received) of each active contact that has it."""
    types: dict[int, set[str]] = {}
    active = (Contact.party_id.in_(sorted(party_ids)), Contact.state == ContactState.ACTIVE)
    subscribed = select(Subscription.contact_id, Subscription.document_type).join(
        Contact, Contact.id == Subscription.contact_id
    )
    for contact_id, document_type in session.execute(subscribed.where(*active)):
        types.setdefault(contact_id, set()).add(document_type)
    addresses = select(Contact.id, Contact.party_id, Contact.privacy_level, ContactAddress.email).join(
        ContactAddress, ContactAddress.contact_id == Contact.id
    )
    found: dict[int, dict[str, list[tuple[int, set[str]]]]] = {}
    for contact_id, party_id, level, email in session.execute(addresses.where(*active)):
        of_party = found.setdefault(party_id, {})
        of_party.setdefault(email, []).append((level, types.get(contact_id, set())))
    return found


def _prepared_copies(session: Session, message_ids: Sequence[int]) -> dict[int, list[str]]:
    """The copies that corrected rows had when they were prepared."""
    query = (
        select(MessageRevision.message_id, MessageRevision.cc)
        .where(MessageRevision.message_id.in_(message_ids))
        .order_by(MessageRevision.revision.desc())
    )
    return {message_id: cc for message_id, cc in session.execute(query)}


def _is_behind_packaging() -> ColumnElement[bool]:
    """The message's address is one of those behind its party's packaging; exact, whatever signs it has."""
    listed = literal(",") + Party.packaging_emails + literal(",")
    return func.replace(listed, literal(",") + Message.to_address + literal(","), "") != listed


def _drop_copies(session: Session, actor: Actor, run: Run) -> int:
    """Take stale copies off their rows, with a line in the history; how many."""
    pending = (Message.run_id == run.id, Message.state == MessageState.PENDING)
    found = list(stale_copies(session, *pending))
    if not found:
        return 0
    table = Message.__table__
    statement = (
        update(table)  # type: ignore[arg-type]
        .where(table.c.id == bindparam("row_id"))
        .values(
            cc=bindparam("kept", type_=table.c.cc.type),
            why=bindparam("reason", type_=table.c.why.type),
            is_approved=False,
            revision=table.c.revision + 1,
        )
    )
    values = [{"row_id": row.message_id, "kept": row.kept, "reason": row.why} for row in found]
    session.connection().execute(statement, values)
    session.add_all(
        MessageEvent(
            message_id=row.message_id,
            kind=COPY_DROPPED,
            actor_name=actor.name,
            detail={"detail": ", ".join(row.gone)},
        )
        for row in found
    )
    session.flush()
    return sum(len(row.gone) for row in found)
