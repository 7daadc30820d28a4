"""Keep the receipts of the Sistema di Interscambio and let them tell on the documents they are about.

A rejected invoice (NS) counts as never issued: it is not mailed, drops out of the runs that were not committed,
and stays so until a corrected one arrives as its new version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.delivery.headers import safe_file_name
from crm_mail.documents.models import Document
from crm_mail.documents.sdi import SdiKind, Told, file_key, is_invoice_name, state_of
from crm_mail.documents.sdi_models import SdiInvoice, SdiReceipt
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

REJECTED: Final = "sdi_rejected"
"""The `not_mailable_reason` of a document that the SdI rejected."""
KEPT_REASONS: Final = frozenset({"self_billing", "received"})
"""Reasons that say more about a document than its rejection does."""


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A receipt as its file states it."""

    kind: SdiKind
    file_key: str
    sdi_id: str = ""
    told_at: datetime | None = None
    outcome: str = ""
    detail: str = ""


def keep_receipt(
    session: Session,
    actor: Actor,
    store: BlobStore,
    company_id: int,
    new: NewReceipt,
    name: str,
    content: bytes,
) -> tuple[SdiReceipt, list[Document], bool]:
    """Keep a receipt; gives it, the documents it is about (none yet: it waits), and whether it is new.

    Raises:
        PermissionDenied: the actor may not bring documents in.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, company_id)
    sha256 = store.put(content)
    known = session.scalar(
        select(SdiReceipt).where(SdiReceipt.company_id == company_id, SdiReceipt.sha256 == sha256)
    )
    receipt = known or SdiReceipt(
        company_id=company_id,
        kind=new.kind,
        file_key=new.file_key[:100],
        sdi_id=new.sdi_id[:40],
        told_at=new.told_at,
        outcome=new.outcome[:4],
        detail=new.detail,
        name=safe_file_name(name)[:200],
        sha256=sha256,
    )
    if known is None:
        session.add(receipt)
        session.flush()
    invoices = _invoices_of(session, receipt)
    _refresh(session, actor, invoices)
    documents = [session.get_one(Document, invoice.document_id) for invoice in invoices]
    return receipt, documents, known is None


def remember_invoice_file(session: Session, actor: Actor, document: Document, name: str) -> None:
    """Note under which file name a document went to the SdI, and apply the receipts that wait for it."""
    key, known = file_key(name), session.get(SdiInvoice, document.id)
    if known is not None and (known.file_key == key or not is_invoice_name(key)):
        return
    if known is None:
        known = SdiInvoice(document_id=document.id, company_id=document.company_id, file_key=key)
        session.add(known)
    known.file_key = key
    session.flush()
    _refresh(session, actor, [known])


def _invoices_of(session: Session, receipt: SdiReceipt) -> Sequence[SdiInvoice]:
    """By the name of the file, or by the identifier, which another receipt told with the file's name."""
    keys = [SdiInvoice.file_key == receipt.file_key]
    if receipt.sdi_id:
        same = select(SdiReceipt.file_key).where(
            SdiReceipt.company_id == receipt.company_id, SdiReceipt.sdi_id == receipt.sdi_id
        )
        keys.append(SdiInvoice.file_key.in_(same))
    query = select(SdiInvoice).where(SdiInvoice.company_id == receipt.company_id, or_(*keys))
    return session.scalars(query.order_by(SdiInvoice.document_id)).all()


def receipts_of(session: Session, invoice: SdiInvoice) -> Sequence[SdiReceipt]:
    """Every receipt about an invoice, the newest first."""
    named = [SdiReceipt.company_id == invoice.company_id, SdiReceipt.file_key == invoice.file_key]
    ids = select(SdiReceipt.sdi_id).where(*named, SdiReceipt.sdi_id != "")
    about = or_(SdiReceipt.file_key == invoice.file_key, SdiReceipt.sdi_id.in_(ids))
    query = select(SdiReceipt).where(SdiReceipt.company_id == invoice.company_id, about)
    return session.scalars(query.order_by(SdiReceipt.told_at.desc(), SdiReceipt.id.desc())).all()


def _refresh(session: Session, actor: Actor, invoices: Iterable[SdiInvoice]) -> None:
    for invoice in invoices:
        receipts = receipts_of(session, invoice)
        state = state_of(Told(receipt.kind, receipt.sdi_id, receipt.told_at) for receipt in receipts)
        if invoice.state != state:
            invoice.state = state
            _tell(session, actor, session.get_one(Document, invoice.document_id), state)
    session.flush()


def _tell(session: Session, actor: Actor, document: Document, state: SdiKind | None) -> None:
    """Let a new state take effect on its document."""
    if state is SdiKind.NS and document.not_mailable_reason not in KEPT_REASONS:
        document.is_mailable, document.not_mailable_reason = False, REJECTED
    elif state is not SdiKind.NS and document.not_mailable_reason == REJECTED:
        document.is_mailable, document.not_mailable_reason = True, ""
    audit.record(
        session,
        actor,
        "documents.sdi.told",
        company_id=document.company_id,
        subject=document,
        label=f"{document.type!s} {document.number}",
        state=state.value if state else "",
    )


@dataclass(frozen=True, slots=True)
class SdiCard:
    """What a document's page shows: the state, and every receipt."""

    invoice: SdiInvoice
    receipts: Sequence[SdiReceipt]

    @property
    def reason(self) -> str:
        """The SdI's own words for the present state, where it has any."""
        return next((r.detail for r in self.receipts if r.kind is self.invoice.state and r.detail), "")

    @property
    def is_refused(self) -> bool:
        """Whether the public body refused the invoice."""
        return any(r.kind is SdiKind.NE and r.outcome == "EC02" for r in self.receipts)


def find_card(session: Session, document: Document) -> SdiCard | None:
    """The SdI's answers about a document, if there are any."""
    invoice = session.get(SdiInvoice, document.id)
    receipts = receipts_of(session, invoice) if invoice is not None else ()
    return SdiCard(invoice, receipts) if invoice is not None and receipts else None


def has_states(session: Session, company_id: int) -> bool:
    """Whether the SdI ever said anything about a document of the company."""
    query = select(SdiInvoice.document_id).where(
        SdiInvoice.company_id == company_id, SdiInvoice.state.is_not(None)
    )
    return session.scalar(query.limit(1)) is not None


def states_of(session: Session, documents: Iterable[Document]) -> dict[int, SdiKind]:
    """The states of a page of documents by id; a document without receipts is not in it."""
    ids = [document.id for document in documents]
    query = select(SdiInvoice.document_id, SdiInvoice.state).where(
        SdiInvoice.document_id.in_(ids), SdiInvoice.state.is_not(None)
    )
    return {document_id: state for document_id, state in session.execute(query) if state is not None}
