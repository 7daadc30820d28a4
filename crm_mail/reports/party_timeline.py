"""Everything that happened with a customer or supplier, or with one of its contacts, in one list, newest first.

Each kind is read by its own index, a page of each at most, and the kinds are merged by time: a history of a hundred
thousand lines costs what a short one costs. What is above the reader's clearance, of other agents' customers, or of
document types that the reader has nothing to do with, is in none of the queries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.audit_redactions import hide_redacted
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.consents.models import ConsentEvent
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.merging.service import merged_into
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.documents.models import Document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.evidence.listing import visible_messages
from crm_mail.evidence.models import MailItem
from crm_mail.outbox.models import Message, Run
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.audit_sight import lines_of_level

SIZE = 50


class LineKind(StrEnum):
    """What a line tells of."""

    DOCUMENT = "document"  # brought in, also by an import
    MESSAGE = "message"
    ANSWER = "answer"  # receipts, bounces, replies
    CONSENT = "consent"
    CHANGE = "change"  # of the party or its contacts, merges among them


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``row`` is what the kind says: a document, message, mail, word of consent or line of the audit."""

    kind: LineKind
    at: datetime
    id: int
    row: Any


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page; ``cursor`` empty on the last."""

    lines: Sequence[Line] = ()
    cursor: str = ""
    contacts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Whose:
    session: Session
    actor: Actor
    party: Party
    contact: Contact | None

    @property
    def contact_ids(self) -> Select[int]:
        """Ids of the contacts that exist for the reader, or of the one that is asked for."""
        query = select(Contact.id).where(
            Contact.party_id == self.party.id, visible_contacts(self.actor.sight)
        )
        query = query.where(Contact.state != ContactState.ERASED)
        return query if self.contact is None else query.where(Contact.id == self.contact.id)


def read_timeline(
    session: Session,
    actor: Actor,
    party: Party,
    contact: Contact | None = None,
    kinds: Sequence[LineKind] = (),
    after: str = "",
    size: int = SIZE,
) -> Timeline:
    """One page of what happened.

    Args:
        contact: only what concerns this one; it was found for the actor.
        kinds: only these; none: all.
        after: the cursor of the page before; one that is not understood gives the first page.
    """
    actor.require(Permission.CONTACTS_SEE, party.company_id)
    whose = _Whose(session, actor, party, contact)
    seen = _read_cursor(after)
    found: list[Line] = []
    for kind in kinds or tuple(LineKind):
        found += _READERS[kind](whose, seen.get(kind), size + 1)
    found.sort(key=lambda line: (line.at, line.kind, line.id), reverse=True)
    page = found[:size]
    for line in page:
        seen[line.kind] = min(line.id, seen.get(line.kind, line.id))
    hide_redacted(session, [line.row for line in page if line.kind is LineKind.CHANGE])
    return Timeline(page, _cursor(seen) if len(found) > size else "", _names(whose, page))


def _documents(whose: _Whose, before: int | None, size: int) -> list[Line]:
    if whose.contact is not None:
        return []
    company_id, actor = whose.party.company_id, whose.actor
    types = actor.types(Permission.DOCUMENTS_SEE, company_id, company_types(whose.session, company_id).ids)
    query = select(Document).where(
        Document.party_id == whose.party.id, Document.type.in_(types), documents_in_sight(actor.sight)
    )
    rows = whose.session.scalars(_older(query, Document.id, before, size))
    return [Line(LineKind.DOCUMENT, row.created_at, row.id, row) for row in rows]


def _message_conditions(whose: _Whose) -> list[ColumnElement[bool]] | None:
    """None: the reader has nothing to do with messages of this company."""
    if not whose.actor.can(Permission.DOCUMENTS_SEE, whose.party.company_id):
        return None
    own = Message.party_id == whose.party.id
    if whose.contact is not None:
        own = and_(own, Message.contact_id == whose.contact.id)
    return [own, *visible_messages(whose.session, whose.actor, whose.party.company_id)]


def _messages(whose: _Whose, before: int | None, size: int) -> list[Line]:
    conditions = _message_conditions(whose)
    if conditions is None:
        return []
    query: Any = select(Message, Run.created_at).join(Run, Run.id == Message.run_id).where(*conditions)
    rows = whose.session.execute(_older(query, Message.id, before, size))
    return [Line(LineKind.MESSAGE, row.sent_at or at, row.id, row) for row, at in rows]


def _answers(whose: _Whose, before: int | None, size: int) -> list[Line]:
    conditions = _message_conditions(whose)
    if conditions is None:
        return []
    query = select(MailItem).join(Message, Message.id == MailItem.message_id).where(*conditions)
    rows = whose.session.scalars(_older(query, MailItem.id, before, size))
    return [Line(LineKind.ANSWER, row.taken_at, row.id, row) for row in rows]


def _consents(whose: _Whose, before: int | None, size: int) -> list[Line]:
    query = select(ConsentEvent).where(ConsentEvent.contact_id.in_(whose.contact_ids))
    rows = whose.session.scalars(_older(query, ConsentEvent.id, before, size))
    return [Line(LineKind.CONSENT, row.recorded_at, row.id, row) for row in rows]


def _changes(whose: _Whose, before: int | None, size: int) -> list[Line]:
    """Lines of the audit about the party and its contacts, also of those that were merged into them."""
    session, party, contact = whose.session, whose.party, whose.contact
    of_contacts: ColumnElement[bool] = AuditEvent.object_id.in_(whose.contact_ids)
    if contact is not None:
        merged = merged_into(session, "contacts", contact.id)
        of_contacts = or_(of_contacts, AuditEvent.object_id.in_(merged)) if merged else of_contacts
    subjects = [and_(AuditEvent.object_type == "contacts", of_contacts)]
    if contact is None:
        ids = [party.id, *merged_into(session, "parties", party.id)]
        subjects.append(and_(AuditEvent.object_type == "parties", AuditEvent.object_id.in_(ids)))
    query = select(AuditEvent).where(
        or_(*subjects),
        AuditEvent.company_id == party.company_id,
        *lines_of_level(whose.actor.clearance),
        AuditEvent.action.not_like("contacts.consent.%"),  # told by the ledger
    )
    rows = session.scalars(_older(query, AuditEvent.id, before, size))
    return [Line(LineKind.CHANGE, row.at, row.id, row) for row in rows]


def _older(query: Any, column: Any, before: int | None, size: int) -> Any:
    if before is not None:
        query = query.where(column < before)
    return query.order_by(column.desc()).limit(size)


_READERS: Mapping[LineKind, Callable[[_Whose, int | None, int], list[Line]]] = {
    LineKind.DOCUMENT: _documents,
    LineKind.MESSAGE: _messages,
    LineKind.ANSWER: _answers,
    LineKind.CONSENT: _consents,
    LineKind.CHANGE: _changes,
}


def _names(whose: _Whose, page: Sequence[Line]) -> dict[int, str]:
    """Names of the contacts that words of consent came from."""
    ids = {line.row.contact_id for line in page if line.kind is LineKind.CONSENT}
    if not ids:
        return {}
    rows = whose.session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(ids)))
    return {id_: name for id_, name in rows}


def _cursor(seen: Mapping[LineKind, int]) -> str:
    return ".".join(str(seen.get(kind, "")) for kind in LineKind)


def _read_cursor(text: str) -> dict[LineKind, int]:
    parts = text.split(".")
    if len(parts) != len(LineKind):
        return {}
    return {
        kind: int(part)
        for kind, part in zip(LineKind, parts, strict=True)
        if part.isascii() and part.isdigit() and len(part) < 19
    }
