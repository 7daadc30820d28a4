"""What was written to a contact, to a party, or with a document (CO-1): read-only, for the cards of other rooms.

Clearance, company and document types stand in the query: a message that its reader may not see is not in the list.
Each line leads to the message's page, which shows the exact bytes that were sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Contact, Party
from crm_mail.delivery.routing import Channel
from crm_mail.documents.models import Document
from crm_mail.outbox.models import Attempt, Message, MessageDocument, MessageEvent, Run
from crm_mail.outbox.sight import is_in_sight, messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import OUTBOX_PERMISSIONS, Actor, Permission

LINES = 50


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One message of a history. ``at`` is when it was sent, else when its run was prepared."""

    message_id: int
    run_id: int
    state: MessageState
    at: datetime
    sent_at: datetime | None
    party_id: int
    party_code: str
    party_name: str
    recipient_name: str
    to: str
    subject: str
    channel: Channel
    document_types: tuple[str, ...]
    documents: tuple[tuple[str, str], ...]
    document_count: int
    detail: str
    may_open: bool
    """Whether the reader may open the message's own page (a right of the outbox for one of its types)."""


def contact_history(
    session: Session, actor: Actor, contact: Contact, before: int | None = None, size: int = LINES
) -> Sequence[HistoryLine]:
    """Messages to a contact, newest first.

    Args:
        before: a message id; only older lines.
    """
    if contact.privacy_level > actor.sight.clearance:
        return []
    return _lines(session, actor, contact.company_id, [Message.contact_id == contact.id], before, size)


def party_history(
    session: Session, actor: Actor, party: Party, before: int | None = None, size: int = LINES
) -> Sequence[HistoryLine]:
    """Messages to a party and all its contacts, newest first."""
    return _lines(session, actor, party.company_id, [Message.party_id == party.id], before, size)


def document_history(
    session: Session, actor: Actor, document: Document, before: int | None = None, size: int = LINES
) -> Sequence[HistoryLine]:
    """Messages that carry a document, newest first; not those of drafts that were thrown away."""
    thrown_away = and_(Message.state == MessageState.CANCELLED, Message.message_id.is_(None))
    carrying = select(MessageDocument.message_id).where(MessageDocument.document_id == document.id)
    return _lines(session, actor, document.company_id, [Message.id.in_(carrying), ~thrown_away], before, size)


_TOLD = (
    MessageState.DELIVERED,
    MessageState.SENT,
    MessageState.UNCERTAIN,
    MessageState.RETRYING,
    MessageState.SENDING,
    MessageState.COMMITTED,
    MessageState.PENDING,
    MessageState.BOUNCED,
    MessageState.FAILED,
)
"""What a list may say of a document, the best first."""
_TROUBLE = frozenset({MessageState.BOUNCED, MessageState.FAILED})


def states_of_documents(
    session: Session, actor: Actor, document_ids: Sequence[int]
) -> dict[int, list[MessageState]]:
    """What became of some documents, as far as the actor may know: the best state of their messages, and beside it what
    did not arrive somewhere."""
    query = (
        select(MessageDocument.document_id, Message.state)
        .join(Message, Message.id == MessageDocument.message_id)
        .where(
            MessageDocument.document_id.in_(document_ids),
            Message.state.in_(_TOLD),
            messages_in_sight(actor.sight),
        )
        .distinct()
    )
    found: dict[int, set[MessageState]] = {}
    for document_id, state in session.execute(query):
        found.setdefault(document_id, set()).add(state)
    told = {}
    for document_id, states in found.items():
        best, *others = sorted(states, key=_TOLD.index)
        told[document_id] = [best, *(state for state in others if state in _TROUBLE)]
    return told


def _lines(
    session: Session,
    actor: Actor,
    company_id: int,
    wanted: list[ColumnElement[bool]],
    before: int | None,
    size: int,
) -> list[HistoryLine]:
    if not actor.can(Permission.DOCUMENTS_SEE, company_id):
        return []
    query = (
        select(Message, Run.created_at)
        .join(Run, Run.id == Message.run_id)
        .where(*wanted, *_visible(session, actor, company_id))
        .order_by(Message.id.desc())
        .limit(size)
    )
    if before is not None:
        query = query.where(Message.id < before)
    return [_line(actor, message, created_at) for message, created_at in session.execute(query)]


def _visible(session: Session, actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    found = [Message.company_id == company_id, messages_in_sight(actor.sight)]
    types = company_types(session, company_id).ids
    allowed = actor.types(Permission.DOCUMENTS_SEE, company_id, types)
    if len(allowed) < len(types):
        spaced = " " + Message.document_types + " "
        found.append(or_(*(spaced.contains(f" {t} ", autoescape=True) for t in allowed), Message.id == -1))
    return found


def _line(actor: Actor, message: Message, created_at: datetime) -> HistoryLine:
    types = tuple(message.document_types.split())
    return HistoryLine(
        message_id=message.id,
        run_id=message.run_id,
        state=message.state,
        at=message.sent_at or created_at,
        sent_at=message.sent_at,
        party_id=message.party_id,
        party_code=message.party_code,
        party_name=message.party_name,
        recipient_name=message.recipient_name,
        to=message.to_address,
        subject=message.subject,
        channel=message.channel,
        document_types=types,
        documents=tuple((str(pair[0]), str(pair[1])) for pair in message.first_documents),
        document_count=message.document_count,
        detail=message.last_detail if message.sent_at is None else "",
        may_open=any(
            actor.can(p, message.company_id, t) for p in OUTBOX_PERMISSIONS for t in types or [None]
        ),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a message. ``has_source``: the exact bytes of this try are kept."""

    at: datetime
    kind: str
    who: str
    cause: str = ""
    code: int | None = None
    detail: str = ""
    has_source: bool = False


def message_steps(session: Session, actor: Actor, message: Message) -> list[Step]:
    """Everything that happened to a message, oldest first; empty when it does not exist for the actor."""
    if not is_in_sight(session, actor.sight, message):
        return []
    events = session.scalars(
        select(MessageEvent).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    )
    steps = [
        Step(
            e.at, e.kind, e.actor_name, str(e.detail.get("cause", "")), None, str(e.detail.get("detail", ""))
        )
        for e in events
    ]
    tries = session.execute(
        select(
            Attempt.finished_at,
            Attempt.outcome,
            Attempt.cause,
            Attempt.code,
            Attempt.detail,
            Attempt.mime.is_not(None),
        ).where(Attempt.message_id == message.id)
    )
    steps += [
        Step(at, f"attempt_{outcome}", "", cause, code, detail, has_source)
        for at, outcome, cause, code, detail, has_source in tries
    ]
    return sorted(steps, key=lambda step: step.at)
