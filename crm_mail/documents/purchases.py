"""What invoices and credit notes tell of purchases: their lines are kept as sales lines when they arrive."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crm_mail.documents.models import Document
from crm_mail.purchases.models import PurchaseLine
from crm_mail.purchases.recording import forget_document, record_document
from crm_mail.purchases.sold import SALES, lines_of

AT_ONCE = 500
NO_SALE = frozenset({"received", "self_billing", "unstamped", "sdi_rejected"})
"""Reasons not to mail a document that say that it is no sale of ours either."""


def is_sale(document: Document) -> bool:
    """Whether a document sold something: ours, to a customer, in force, and not confidential."""
    return (
        document.type in SALES
        and document.direction == "customer"
        and document.is_current
        and document.voided_at is None
        and not document.privacy_level
        and document.not_mailable_reason not in NO_SALE
        and not document.source.endswith(":other-seller")
    )


def record_purchases(session: Session, document: Document) -> int:
    """Keep what a document that has just arrived sold; how many lines."""
    if not is_sale(document):
        return 0
    return record_document(
        session,
        document.company_id,
        document.party_id,
        document.id,
        lines_of(document.data, SALES[document.type]),
        bought_on=document.dated_on,
        number=document.number,
        currency=document.currency,
    )


def forget_purchases(session: Session, document: Document) -> None:
    """Drop what a document sold: it was voided, or its next version has come."""
    forget_document(session, document.company_id, document.party_id, document.id)


def catch_up(session: Session, company_id: int, after_id: int = 0) -> tuple[int, int, int]:
    """Keep what the next documents that are here already sold; for those that arrived before purchases were kept.

    A document whose lines are known is passed over, so that a second time changes nothing.

    Args:
        after_id: documents after this one; `AT_ONCE` of them are looked at.

    Returns:
        The last id that was looked at (0: there are no more), documents, and lines that were kept.
    """
    known = exists().where(PurchaseLine.document_id == Document.id)
    wanted = select(Document).where(
        Document.company_id == company_id,
        Document.id > after_id,
        Document.type.in_(SALES),
        Document.is_current.is_(True),
        ~known,
    )
    found = session.scalars(wanted.order_by(Document.id).limit(AT_ONCE)).all()
    counts = [record_purchases(session, document) for document in found]
    return (found[-1].id if found else 0), sum(map(bool, counts)), sum(counts)
