"""Bring a receipt of the SdI in: it is kept, tells on its documents, and says what that means."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.documents.models import Document
from crm_mail.documents.sdi import SdiKind
from crm_mail.documents.sdi_service import keep_receipt
from crm_mail.importers.base import Notice
from crm_mail.importers.formats.sdi_receipts import read_sdi_receipt
from crm_mail.permissions import Actor
from crm_mail.storage import BlobStore


@dataclass(slots=True)
class ReceiptOutcome:
    """The documents that a receipt is about, whether it is new, and what a person should know."""

    is_new: bool = True
    documents: list[Document] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


def import_sdi_receipt(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    name: str,
    data: bytes,
    *,
    dry_run: bool = False,
) -> ReceiptOutcome:
    """Keep a receipt; one that comes before its invoice waits for it.

    Raises:
        ImportRefused: it is broken, hostile, or names no invoice.
        PermissionDenied: the actor may not bring documents in.
    """
    read, outcome = read_sdi_receipt(data, name), ReceiptOutcome()
    if dry_run:
        return outcome
    kept, outcome.documents, outcome.is_new = keep_receipt(
        session, actor, store, company.id, read, name, data
    )
    if not outcome.documents:
        outcome.warnings.append(Notice("receipt_waits", {"name": kept.file_key or kept.sdi_id}))
    elif kept.kind is SdiKind.NS:
        outcome.warnings.append(Notice("receipt_rejected", {"reason": kept.detail or kept.sdi_id}))
    elif kept.kind is SdiKind.MC:
        outcome.warnings.append(Notice("receipt_not_delivered"))
    return outcome
