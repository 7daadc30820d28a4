"""Messages: what was prepared, where it stands, and what happened to it."""

import datetime as dt

from pydantic import Field
from sqlalchemy import ColumnElement, select

from crm_mail.api.operations import Answer, Given
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.problems import not_found
from crm_mail.api.resources import (
    CompanyPageQuery,
    Page,
    RowId,
    actor,
    company_by_code,
    company_codes,
    interface,
)
from crm_mail.contacts.confidential import Way, note_many_read, note_reading
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.evidence.listing import visible_messages
from crm_mail.evidence.models import MessageProof
from crm_mail.outbox.history import message_steps
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.reviewing.review import find_message
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Permission
from crm_mail.web.door import db

TAG = "Messages"


class MessageOut(Given):
    """One mail to one recipient."""

    id: int
    company: str
    run_id: int
    party_id: int | None
    contact_id: int | None
    party_code: str
    state: MessageState
    channel: Channel
    to_address: str
    to_kind: AddressKind
    subject: str
    document_types: str = Field(description="Separated by blanks.")
    document_count: int
    file_count: int
    sent_at: dt.datetime | None
    attempt_count: int
    last_cause: str = Field(description="A code: why the last try failed, or why it did not arrive.")
    last_detail: str = Field(description="The other side's own words.")


class MessageStep(Given):
    """One thing that happened to it."""

    at: dt.datetime
    kind: str
    who: str
    cause: str
    detail: str


class MessageFileOut(Given):
    """A file that it carries."""

    document_id: int | None
    name: str
    mime: str
    size: int
    sha256: str


class ProofOut(Given):
    """What is proven of it."""

    accepted_at: dt.datetime | None
    delivered_at: dt.datetime | None
    failed_at: dt.datetime | None
    failure_reason: str
    replied_at: dt.datetime | None


class MessageDetail(MessageOut):
    """One mail with its text, files, proof and history."""

    cc: list[str]
    message_id: str | None = Field(description="Message-ID (RFC 5322), from the commit on.")
    body_text: str
    documents: list[int]
    files: list[MessageFileOut]
    proof: ProofOut | None
    history: list[MessageStep]


class MessageQuery(CompanyPageQuery):
    """Which messages; the newest first."""

    run_id: RowId | None = None
    party_id: RowId | None = None
    contact_id: RowId | None = None
    document_id: RowId | None = None
    state: MessageState | None = None


def shown_message(message: Message, company: str) -> MessageOut:
    """A message as it is listed."""
    names = [name for name in MessageOut.model_fields if name != "company"]
    return MessageOut(company=company, **{name: getattr(message, name) for name in names})


def message_or_404(message_id: int) -> Message:
    """The message, if it exists for the key."""
    message = find_message(db(), actor(), message_id)
    if message is None:
        raise not_found("message", message_id)
    return message


@interface.operation(
    "GET",
    "/messages",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    query=MessageQuery,
    answers=[Answer(200, "A page, the newest first.", Page[MessageOut])],
)
def list_messages(query: MessageQuery) -> Page[MessageOut]:
    """Messages of a company, of a run, to a party or contact, or with a document."""
    company = company_by_code(query.company, Permission.DOCUMENTS_SEE)
    found = select(Message).where(*visible_messages(db(), actor(), company.id), *_chosen(query))
    if (last := read_id_cursor("messages", query.after)) is not None:
        found = found.where(Message.id < last)
    rows, more = cut(
        db().scalars(found.order_by(Message.id.desc()).limit(query.limit + 1)).all(), query.limit
    )
    note_many_read(db(), actor(), [row.contact_id for row in rows], Way.INTERFACE)
    return Page[MessageOut](
        data=[shown_message(row, company.code) for row in rows],
        next=write_cursor("messages", rows[-1].id) if more else None,
    )


def _chosen(query: MessageQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for name in ("run_id", "party_id", "contact_id", "state"):
        if (value := getattr(query, name)) is not None:
            wanted.append(getattr(Message, name) == value)
    if query.document_id is not None:
        carried = select(MessageDocument.message_id).where(MessageDocument.document_id == query.document_id)
        wanted.append(Message.id.in_(carried))
    return wanted


@interface.operation(
    "GET",
    "/messages/<int:message_id>",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The message.", MessageDetail)],
    refusals=[404],
)
def show_message(message_id: int) -> MessageDetail:
    """One message with its text, files, proof and history."""
    message = message_or_404(message_id)
    note_reading(db(), actor(), [message.contact_id], Way.INTERFACE)
    proof = db().get(MessageProof, message.id)
    carried = select(MessageDocument.document_id).where(MessageDocument.message_id == message.id)
    return MessageDetail(
        **shown_message(message, company_codes()[message.company_id]).model_dump(),
        cc=message.cc,
        message_id=message.message_id,
        body_text=message.content.body_text if message.content else "",
        documents=list(db().scalars(carried.order_by(MessageDocument.position))),
        files=[MessageFileOut.model_validate(file) for file in message.files],
        proof=ProofOut.model_validate(proof) if proof else None,
        history=[MessageStep.model_validate(step) for step in message_steps(db(), actor(), message)],
    )
