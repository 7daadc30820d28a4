"""What the pages of the contacts room read from rooms that stand above it: documents, and when something was sent."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.outbox.models import Message
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import Actor, Permission


def last_sent(session: Session, actor: Actor, party_ids: Sequence[int]) -> dict[int, datetime]:
    """Party → time of its last sent message; parties that nothing was sent to are missing.

    Messages that reach a contact above the clearance do not count (IT-17).
    """
    query = (
        select(Message.party_id, func.max(Message.sent_at, type_=Message.sent_at.type))
        .where(Message.party_id.in_(party_ids), Message.sent_at.is_not(None))
        .where(messages_in_sight(actor.sight))
        .group_by(Message.party_id)
    )
    return {party_id: at for party_id, at in session.execute(query) if at is not None}


def list_documents(session: Session, actor: Actor, party: Party, limit: int = 100) -> Sequence[Document]:
    """The newest documents of the types that the actor has to do with in this company."""
    types = actor.types(
        Permission.DOCUMENTS_SEE, party.company_id, company_types(session, party.company_id).ids
    )
    query = (
        select(Document)
        .where(Document.party_id == party.id, Document.is_current.is_(True), Document.type.in_(types))
        .where(documents_in_sight(actor.sight))
        .order_by(Document.dated_on.desc(), Document.id.desc())
        .limit(limit)
    )
    return session.scalars(query).all()
