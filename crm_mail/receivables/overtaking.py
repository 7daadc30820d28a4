"""Statements and reminders that a newer one overtakes before they were sent are not to be mailed any more.

Without it, whoever prepares a run of everything unsent would send last month's reminder beside today's.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.states import LEFT, QUEUED, MessageState

OVERTAKEN = "overtaken"
AT_ONCE = 5000


def bring_back(document: Document) -> None:
    """Let a document that was overtaken be mailed after all: somebody asks for it again."""
    if not document.is_mailable and document.not_mailable_reason == OVERTAKEN:
        document.is_mailable, document.not_mailable_reason = True, ""


def overtake(
    session: Session,
    company_id: int,
    document_type: DocumentType,
    source: str,
    party_ids: Sequence[int],
    as_of: date,
) -> int:
    """Mark what we made of this type for these customers before the day, and nobody was or is being sent; how many."""
    states = sorted({*LEFT, *QUEUED, MessageState.PENDING})
    used = (
        exists()
        .where(MessageDocument.document_id == Document.id)
        .where(Message.id == MessageDocument.message_id, Message.state.in_(states))
    )
    count = 0
    for part in chunks(party_ids, AT_ONCE):
        old = select(Document.id).where(
            Document.company_id == company_id,
            Document.party_id.in_(part),
            Document.type == document_type,
            Document.source == source,
            Document.is_current.is_(True),
            Document.is_mailable.is_(True),
            Document.dated_on < as_of,
            ~used,
        )
        ids = list(session.scalars(old))
        count += len(ids)
        if ids:
            session.connection().execute(
                update(Document)
                .where(Document.id.in_(ids))
                .values(is_mailable=False, not_mailable_reason=OVERTAKEN)
            )
    return count
