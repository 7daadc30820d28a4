"""PDFs that were drawn in an old look and never left (IT-19): they are let go, and drawn anew when next prepared.

A document that belongs to a message, waiting or sent, keeps its PDF: what was reviewed is what leaves, and what was
sent is kept. Only a message that was called back for good (cancelled) does not count.
"""

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.documents.service import FileRole
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor, Permission


def count_redrawable(session: Session, company_id: int) -> int:
    """How many PDFs of a company were drawn by us and belong to no message."""
    return session.scalar(select(func.count()).select_from(_redrawable(company_id).subquery())) or 0


def draw_again(session: Session, actor: Actor, company_id: int) -> int:
    """Let them go; the next preparation that needs one draws it in the look of that day. Returns how many.

    Raises:
        PermissionDenied.
    """
    actor.require(Permission.TEXTS_MANAGE, company_id)
    count = count_redrawable(session, company_id)
    if count:
        session.execute(
            delete(DocumentFile).where(DocumentFile.id.in_(_redrawable(company_id))),
            execution_options={"synchronize_session": False},
        )
        audit.record(
            session, actor, "documents.look.drawn_again", company_id=company_id, after={"pdfs": count}
        )
    return count


def _redrawable(company_id: int) -> Select[int]:
    in_message = (
        exists()
        .where(MessageDocument.document_id == Document.id)
        .where(Message.id == MessageDocument.message_id, Message.state != MessageState.CANCELLED)
    )
    return (
        select(DocumentFile.id)
        .join(Document, Document.id == DocumentFile.document_id)
        .where(Document.company_id == company_id, Document.is_current.is_(True))
        .where(DocumentFile.role == FileRole.MAIN.value, DocumentFile.is_rendered.is_(True), ~in_message)
    )
