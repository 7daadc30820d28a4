"""Documents: keep them as they arrived, version by version, and say which may be mailed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.headers import safe_file_name
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.documents.purchases import forget_purchases, record_purchases
from crm_mail.documents.sight import is_in_sight
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

NEVER_BY_HAND = frozenset({"payroll", "unstamped", "sdi_rejected"})
"""Reasons that no person can overrule: a payroll slip is nobody's mail, an unstamped CFDI is no CFDI yet."""


class NeverMailed(Exception):
    """This document cannot be marked as to be sent; `reason` is one of `NEVER_BY_HAND`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this document is never mailed by hand: {reason}")
        self.reason = reason


class FileRole(StrEnum):
    """What a file is to its document."""

    MAIN = "main"  # the PDF people read
    LEGAL_XML = "legal_xml"  # the original that the law knows
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to keep with a document; the name is cleaned of paths and control characters."""

    role: FileRole
    name: str
    mime: str
    content: bytes
    is_sent: bool = True


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to keep. ``key_owner`` tells apart documents that others numbered (the seller's number).

    ``identity`` takes the place of the number in the key, where the number may come later or be shared.
    """

    type: str
    number: str
    dated_on: date
    files: Sequence[NewFile]
    series: str = ""
    currency: str = "EUR"
    direction: str = "customer"
    net_total: Decimal | None = None
    tax_total: Decimal | None = None
    gross_total: Decimal | None = None
    first_due_on: date | None = None
    data: dict[str, Any] = field(default_factory=dict)
    is_mailable: bool = True
    not_mailable_reason: str = ""
    source: str = ""
    key_owner: str = ""
    identity: str = ""
    privacy_level: int = 0
    is_data_told: bool = False  # the data came by themselves: other data are a new version

    @property
    def natural_key(self) -> str:
        """Which document this is, within its company: type, year, series, number, and who numbered it."""
        parts = [
            str(self.type),
            str(self.dated_on.year),
            self.series,
            self.identity or self.number,
            self.key_owner,
        ]
        return "/".join(part.replace("/", "\u2215") for part in parts)[:200]


class Stored(StrEnum):
    """What keeping a document did."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    VERSION = "version"  # the same document with other bytes; the earlier version stays


def store_document(
    session: Session, actor: Actor, store: BlobStore, party: Party, new: NewDocument
) -> tuple[Document, Stored]:
    """Keep a document of a party.

    Raises:
        PermissionDenied: the actor may not bring documents in.
        OSError: the disk is full; nothing is kept.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, party.company_id, str(new.type))
    return _keep(session, actor, store, party, new)


def store_computed(
    session: Session, actor: Actor, store: BlobStore, party: Party, new: NewDocument
) -> tuple[Document, Stored]:
    """Keep a document that the product works out itself, as data without files (statements, reminders).

    Raises:
        PermissionDenied: the actor may not prepare documents of this type.
    """
    actor.require(Permission.OUTBOX_PREPARE, party.company_id, str(new.type))
    return _keep(session, actor, store, party, new)


def _keep(
    session: Session, actor: Actor, store: BlobStore, party: Party, new: NewDocument
) -> tuple[Document, Stored]:
    hashes = [store.put(file.content) for file in new.files]
    current = find_current(session, party.company_id, new.natural_key)
    if current is not None and current.party_id == party.id and is_same(current, hashes, new):
        return current, Stored.UNCHANGED
    if current is not None:
        current.is_current = False
        session.flush()
        forget_purchases(session, current)
    has_main = any(file.role is FileRole.MAIN for file in new.files)  # place 0 waits for the printed copy
    document = Document(
        company_id=party.company_id,
        party_id=party.id,
        type=new.type,
        natural_key=new.natural_key,
        version=current.version + 1 if current else 1,
        number=new.number,
        series=new.series,
        dated_on=new.dated_on,
        currency=new.currency,
        direction=new.direction,
        net_total=new.net_total,
        tax_total=new.tax_total,
        gross_total=new.gross_total,
        first_due_on=new.first_due_on,
        data=new.data,
        is_mailable=new.is_mailable,
        not_mailable_reason=new.not_mailable_reason,
        source=new.source,
        privacy_level=new.privacy_level,
        files=[
            DocumentFile(
                position=position,
                role=file.role.value,
                name=safe_file_name(file.name),
                mime=file.mime,
                sha256=sha256,
                size=len(file.content),
                is_sent=file.is_sent,
            )
            for position, (file, sha256) in enumerate(
                zip(new.files, hashes, strict=True), start=0 if has_main else 1
            )
        ],
    )
    session.add(document)
    session.flush()
    record_purchases(session, document)
    audit.record(
        session,
        actor,
        "documents.document.received" if current is None else "documents.document.replaced",
        company_id=party.company_id,
        subject=document,
        label=f"{new.type} {new.number}",
        privacy_level=document.privacy_level,
        version=document.version,
    )
    return document, Stored.CREATED if current is None else Stored.VERSION


def is_same(current: Document, hashes: list[str], new: NewDocument) -> bool:
    """Whether nothing new has come; `hashes` are those of the new files.

    A legal file alone is nothing new where it lies with its PDF already.
    """
    kept = _originals(current)
    if new.is_data_told or not hashes:
        return kept == sorted(hashes) and current.data == new.data
    return set(hashes) <= set(kept)


def find_current(session: Session, company_id: int, natural_key: str) -> Document | None:
    """The current version of a document, held for this transaction."""
    return session.scalar(
        select(Document)
        .where(
            Document.company_id == company_id,
            Document.natural_key == natural_key,
            Document.is_current.is_(True),
        )
        .with_for_update(of=Document)
    )


def _originals(document: Document) -> list[str]:
    return sorted(file.sha256 for file in document.files if not file.is_rendered)


def set_mailable(
    session: Session, actor: Actor, document: Document, is_mailable: bool, reason: str = ""
) -> None:
    """Mark a document as not to be sent, or as to be sent again.

    Raises:
        PermissionDenied: the actor may not prepare this type.
        NeverMailed: the document is confidential, or waits for its legal stamp: nobody may overrule that.
    """
    if is_mailable and document.not_mailable_reason in NEVER_BY_HAND:
        raise NeverMailed(document.not_mailable_reason)
    actor.require(Permission.OUTBOX_PREPARE, document.company_id, document.type)
    document.is_mailable = is_mailable
    if document.not_mailable_reason not in NEVER_BY_HAND:
        document.not_mailable_reason = "" if is_mailable else (reason[:60] or "marked")
    audit.record(
        session,
        actor,
        "documents.document.mailable" if is_mailable else "documents.document.not_mailable",
        company_id=document.company_id,
        subject=document,
        label=f"{document.type} {document.number}",
        reason=reason,
    )


def void_document(session: Session, actor: Actor, document: Document) -> None:
    """Mark a document as cancelled in the ERP: it drops out of every run that was not sent yet (BX-3)."""
    actor.require(Permission.DOCUMENTS_MANAGE, document.company_id, document.type)
    document.voided_at = now()
    forget_purchases(session, document)
    audit.record(
        session,
        actor,
        "documents.document.voided",
        company_id=document.company_id,
        subject=document,
        label=f"{document.type} {document.number}",
    )


def can_see(actor: Actor, document: Document) -> bool:
    """Whether the actor has to do with this type of document in its company, and has the clearance for it."""
    if not is_in_sight(actor.sight, document):
        return False
    return actor.can(Permission.DOCUMENTS_SEE, document.company_id, document.type)


def find_document(session: Session, actor: Actor, document_id: int) -> Document | None:
    """The document, if it exists for the actor."""
    document = session.get(Document, document_id)
    return document if document is not None and can_see(actor, document) else None
