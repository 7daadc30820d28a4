"""Letters that say of themselves that they go by PEC or registered letter, and would leave by ordinary mail.

In Italy a formal notice of default (reminder of level 3, art. 1219 c.c.) and the last one (level 4) are sent with proof
of delivery, and their print says so; by ordinary mail the sentence would be untrue and the proof would be missing.
"""

from typing import Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.delivery.routing import Channel
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document
from crm_mail.outbox.models import Message, MessageDocument

_LEVELS: Final = ("3", "4")
_COUNTRIES: Final = ("IT", "")


def unproven() -> list[ColumnElement[bool]]:
    """The conditions on messages that carry such a letter by ordinary mail."""
    at_home = select(Company.id).where(func.coalesce(Company.country, "").in_(_COUNTRIES))
    return [
        Message.channel == Channel.SMTP,
        Message.to_address != "",
        Message.document_types.contains(DocumentType.DUNNING_LETTER.value, autoescape=True),
        Message.company_id.in_(at_home),
        Message.id.in_(_with_letters()),
    ]


def is_unproven(session: Session, message: Message) -> bool:
    """Whether the message, as it is now, carries such a letter by ordinary mail."""
    if message.channel is not Channel.SMTP or DocumentType.DUNNING_LETTER not in message.document_types:
        return False  # most messages: nothing is asked
    if session.get_one(Company, message.company_id).country not in _COUNTRIES:
        return False
    return (
        session.scalar(_with_letters().where(MessageDocument.message_id == message.id).limit(1)) is not None
    )


def _with_letters() -> Select[int]:
    return (
        select(MessageDocument.message_id)
        .join(Document, Document.id == MessageDocument.document_id)
        .where(Document.type == DocumentType.DUNNING_LETTER, Document.data["level"].as_string().in_(_LEVELS))
    )
