"""The rows of a run for lists and exports, read in batches: memory stays the same however many there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.delivery.routing import Channel
from crm_mail.documents.models import Document
from crm_mail.evidence.listing import proofs_of
from crm_mail.evidence.proof import Proof
from crm_mail.outbox.models import Message, MessageDocument, MessageFile, Run
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor
from crm_mail.reports.queries import account_names
from crm_mail.reports.visibility import visible_messages

BATCH = 1000

# In the order of the fields of ReportRow.
_COLUMNS = (
    Message.id,
    Message.state,
    Message.party_id,
    Message.party_code,
    Message.party_name,
    Message.recipient_name,
    Message.to_address.label("to"),
    Message.cc,
    Message.channel,
    Message.account_id,
    Message.subject,
    Message.agent,
    Message.withheld_reason,
    Message.first_issue,
    Message.last_cause.label("cause"),
    Message.last_code.label("code"),
    Message.last_detail.label("detail"),
    Message.sent_at,
)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One message and what became of it. ``documents`` as (type, number), ``attachments`` as file names."""

    id: int
    state: MessageState
    party_id: int
    party_code: str
    party_name: str
    recipient_name: str
    to: str
    cc: Sequence[str]
    channel: Channel
    account_id: int | None
    subject: str
    agent: str
    withheld_reason: str
    first_issue: str
    cause: str
    code: int | None
    detail: str
    sent_at: datetime | None
    account: str = ""
    documents: Sequence[tuple[str, str]] = ()
    attachments: Sequence[str] = ()
    why: dict[str, Any] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)

    @property
    def is_sent(self) -> bool:
        """Whether the server took it (RP-11: the tick)."""
        return self.state in (MessageState.SENT, MessageState.DELIVERED)

    @property
    def recipients(self) -> list[str]:
        """To and Cc, each address once (RP-17)."""
        return list({address.lower(): address for address in (self.to, *self.cc) if address}.values())


def run_rows(
    session: Session,
    actor: Actor,
    run: Run,
    states: Sequence[MessageState] = (),
    *,
    is_full: bool = True,
    batch: int = BATCH,
) -> Iterator[ReportRow]:
    """Every row of a run that exists for the actor, by id.

    Args:
        states: only rows in one of them.
        is_full: with documents, attachments and the why; the text log needs none of them.
        batch: rows held in memory at a time.
    """
    of_run = select(Message.contact_id).where(*visible_messages(actor, run))
    note_many_read(session, actor, of_run, Way.EXPORT)
    names: dict[int, str] = {}
    after = 0
    while rows := row_page(
        session, actor, run, states, after=after, size=batch, names=names, is_full=is_full
    ):
        yield from rows
        after = rows[-1].id


def row_page(
    session: Session,
    actor: Actor,
    run: Run,
    states: Sequence[MessageState] = (),
    *,
    after: int = 0,
    before: int | None = None,
    size: int = 50,
    ids: Sequence[int] | None = None,
    names: dict[int, str] | None = None,
    is_full: bool = True,
) -> list[ReportRow]:
    """A page of rows by keyset.

    Args:
        after, before: a row's id; ``before`` gives the rows that end just ahead of it.
        ids: only these rows.
        names: names of accounts already known, kept between pages.
    """
    conditions: list[ColumnElement[bool]] = visible_messages(actor, run)
    if states:
        conditions.append(Message.state.in_(states))
    if ids is not None:
        conditions.append(Message.id.in_(ids))
    columns = (*_COLUMNS, Message.why) if is_full else _COLUMNS
    query = select(*columns).where(*conditions).limit(size)
    if before is not None:
        found = session.execute(query.where(Message.id < before).order_by(Message.id.desc())).all()[::-1]
    else:
        found = session.execute(query.where(Message.id > after).order_by(Message.id)).all()
    rows: Sequence[Any] = found
    known = {} if names is None else names
    return _complete(session, rows, known) if is_full else [ReportRow(*row) for row in rows]


def _complete(session: Session, found: Sequence[Any], names: dict[int, str]) -> list[ReportRow]:
    ids = [row.id for row in found]
    unknown = {row.account_id for row in found if row.account_id} - names.keys()
    if unknown:
        names |= account_names(session, unknown)
    documents = _documents(session, ids)
    files = _files(session, ids)
    proofs = proofs_of(session, ids)
    return [
        ReportRow(
            *(
                *row[:-1],
                names.get(row.account_id or 0, ""),
                documents.get(row.id, ()),
                files.get(row.id, ()),
                row.why,
                proofs.get(row.id, Proof()),
            )
        )
        for row in found
    ]


def _documents(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    query = (
        select(MessageDocument.message_id, Document.type, Document.number)
        .join(Document, Document.id == MessageDocument.document_id)
        .where(MessageDocument.message_id.in_(ids))
        .order_by(MessageDocument.message_id, MessageDocument.position, Document.id)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for message_id, type_, number in session.execute(query):
        found.setdefault(message_id, []).append((str(type_), number))
    return found


def _files(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(MessageFile.message_id, MessageFile.name)
        .where(MessageFile.message_id.in_(ids))
        .order_by(MessageFile.message_id, MessageFile.position)
    )
    found: dict[int, list[str]] = {}
    for message_id, name in session.execute(query):
        found.setdefault(message_id, []).append(name)
    return found
