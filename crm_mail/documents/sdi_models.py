"""Receipts of the Sistema di Interscambio, and which documents they are about."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, UtcDateTime, now
from crm_mail.documents.sdi import SdiKind


class SdiInvoice(Base):
    """What the SdI knows of a document: the name of its file, and the state that its receipts give.

    A file with several bodies is several documents of one name. A receipt that comes before its invoice waits.
    """

    __tablename__ = "sdi_invoices"
    __table_args__ = (
        Index("ix_sdi_invoices_file", "company_id", "file_key"),
        Index("ix_sdi_invoices_state", "company_id", "state"),
    )

    document_id: Mapped[int] = mapped_column(
        Id, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    file_key: Mapped[str] = mapped_column(String(100))  # documents.sdi.file_key
    state: Mapped[SdiKind | None] = mapped_column(EnumText(SdiKind))


class SdiReceipt(Base):
    """One receipt, its bytes in the content-addressed store."""

    __tablename__ = "sdi_receipts"
    __table_args__ = (
        UniqueConstraint("company_id", "sha256"),
        Index("ix_sdi_receipts_file", "company_id", "file_key"),
        Index("ix_sdi_receipts_sdi_id", "company_id", "sdi_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    kind: Mapped[SdiKind] = mapped_column(EnumText(SdiKind))
    file_key: Mapped[str] = mapped_column(String(100))  # of the invoice
    sdi_id: Mapped[str] = mapped_column(String(40), default="")
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(4), default="")  # EC01 accepted, EC02 refused (NE and EC)
    detail: Mapped[str] = mapped_column(Text, default="")  # the SdI's own words: errors, description
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
