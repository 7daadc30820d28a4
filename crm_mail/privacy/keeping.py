"""Which messages have to stay although the person they were written to is erased, why, and until when.

Art. 17.3 (b) and (e) GDPR: a legal obligation, and the defence of claims. Art. 2220 of the Italian civil code:
accounting documents, and letters sent, are kept for ten years; a PEC message with its receipts is the proof of a
notice (art. 48 CAD). Spain asks for six years (art. 30 Código de Comercio), Mexico for five (art. 30 CFF): the longest
term holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import CompanyType
from crm_mail.delivery.routing import Channel
from crm_mail.document_types import DocumentType
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import LEFT

YEARS = 10
FISCAL = frozenset(
    {
        DocumentType.INVOICE,
        DocumentType.CREDIT_NOTE,
        DocumentType.DELIVERY_NOTE,
        DocumentType.RECEIPT,
        DocumentType.CASH_CLOSE,
        DocumentType.SALES_CLOSE,
        DocumentType.DECLARATION_OF_INTENT,
        DocumentType.ACCOUNT_STATEMENT,
        DocumentType.DUNNING_LETTER,
        DocumentType.TRANSFER_ADVICE,
        DocumentType.PAYMENT_ORDER,
        DocumentType.SALES_ORDER,
        DocumentType.PURCHASE_ORDER,
    }
)
"""Types of which the document and the proof that it was delivered are accounting records."""


class KeptFor(StrEnum):
    """Why a message stays."""

    FISCAL = "fiscal"
    PEC = "pec"


@dataclass(frozen=True, slots=True)
class Kept:
    """One message that stays."""

    message_id: int
    reason: KeptFor
    until_on: date


def fiscal_types(session: Session, company_id: int) -> frozenset[str]:
    """The ids of the fiscal types of a company: the built-in ones, and its own ones made after them."""
    own = select(CompanyType.type_id).where(
        CompanyType.company_id == company_id, CompanyType.base.in_(sorted(FISCAL))
    )
    return frozenset({*map(str, FISCAL), *session.scalars(own)})


def years_later(moment: datetime, years: int = YEARS) -> date:
    """The day so many years after; 29 February becomes 1 March."""
    try:
        return moment.date().replace(year=moment.year + years)
    except ValueError:
        return date(moment.year + years, 3, 1)


def kept_messages(
    session: Session, company_id: int, message_ids: Iterable[int], today: date
) -> dict[int, Kept]:
    """Of these messages, those that stay: they left, by PEC or with an accounting record, less than ten years ago."""
    fiscal = fiscal_types(session, company_id)
    found: dict[int, Kept] = {}
    for part in chunks(sorted(message_ids)):
        query = select(
            Message.id, Message.channel, Message.document_types, Message.sent_at, Message.claimed_at
        ).where(Message.id.in_(part), Message.state.in_(LEFT))
        for id_, channel, types, sent_at, claimed_at in session.execute(query):
            moment = sent_at or claimed_at
            is_pec = channel is Channel.PEC
            if moment is None or not (is_pec or fiscal & set(types.split())):
                continue
            until = years_later(moment)
            if until > today:
                found[id_] = Kept(id_, KeptFor.PEC if is_pec else KeptFor.FISCAL, until)
    return found
