"""Documents as they arrived, their files, and the texts that accompany each type."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.contacts.models import Party
from crm_mail.db import Amount, Base, Id, Json, PlainText, UtcDateTime, now


class Document(Base):
    """One version of a business document.

    ``natural_key`` says which document it is (type, year, series and number, and the party for what others
    numbered); the same document arriving again with other bytes is a new version, and the old one stays.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("company_id", "natural_key", "version"),
        Index("ix_documents_due", "company_id", "is_current", "type", "dated_on", "id"),
        Index("ix_documents_party", "party_id", "dated_on", "id"),
        Index("ix_documents_list", "company_id", "is_current", "dated_on", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id"))
    type: Mapped[str] = mapped_column(PlainText(32))  # a `DocumentType`, or a company's own type
    natural_key: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(default=1)
    is_current: Mapped[bool] = mapped_column(default=True)
    number: Mapped[str] = mapped_column(String(60))
    series: Mapped[str] = mapped_column(String(30), default="")
    dated_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    direction: Mapped[str] = mapped_column(String(10), default="customer")  # customer, supplier or internal
    net_total: Mapped[Decimal | None] = mapped_column(Amount)
    tax_total: Mapped[Decimal | None] = mapped_column(Amount)
    gross_total: Mapped[Decimal | None] = mapped_column(Amount)
    first_due_on: Mapped[date | None]
    data: Mapped[dict[str, Any]] = mapped_column(
        Json, default=dict
    )  # canonical form: lines, due dates, references…
    is_mailable: Mapped[bool] = mapped_column(default=True)
    not_mailable_reason: Mapped[str] = mapped_column(String(60), default="")  # self_billing, voided, marked…
    privacy_level: Mapped[int] = mapped_column(default=0)  # above an actor's clearance it does not exist
    print_error: Mapped[str] = mapped_column(String(300), default="")  # why its PDF could not be drawn
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    party: Mapped[Party] = relationship()
    files: Mapped[list["DocumentFile"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="DocumentFile.position"
    )


class DocumentFile(Base):
    """A file of a document, byte for byte, in the content-addressed store.

    ``role``: ``main`` (the PDF people read), ``legal_xml`` (the original that the law knows) or ``attachment``.
    """

    __tablename__ = "document_files"
    __table_args__ = (Index("ix_document_files_document", "document_id", "position"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(Id, ForeignKey("documents.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    is_sent: Mapped[bool] = mapped_column(default=True)  # whether it is attached to messages
    is_rendered: Mapped[bool] = mapped_column(default=False)  # drawn by us, not received


class RenderedFile(Base):
    """What a rendering gave: the same data, layout and theme are never drawn twice."""

    __tablename__ = "rendered_files"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # documents.rendering.render_key
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class MessageText(Base):
    """Subject and body of a document type in one language, as a company rewrote them (IT-12).

    Every save is a new version; the highest one is in use. Without a row the built-in text is used.
    """

    __tablename__ = "message_texts"
    __table_args__ = (UniqueConstraint("company_id", "document_type", "language", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    document_type: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(default=1)
    subject: Mapped[str] = mapped_column(String(500))
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text, default="")
    is_builtin: Mapped[bool] = mapped_column(default=False)  # a person went back to the built-in text
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))


class CompanyTheme(Base):
    """How a company's printed documents look (`documents.pdf_theme`); every save is a version, the highest is in use.

    Without a row the defaults are used.
    """

    __tablename__ = "company_themes"
    __table_args__ = (UniqueConstraint("company_id", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    version: Mapped[int] = mapped_column(default=1)
    values: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what `pdf_theme.theme_from` reads
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))


class DocumentLayout(Base):
    """A document type's layout as a company rewrote it; every save is a version, the highest is in use.

    ``type``: a document type id, or ``cfdi`` for the printed form of stamped documents. An empty ``source`` is the
    way back to the built-in layout.
    """

    __tablename__ = "document_layouts"
    __table_args__ = (UniqueConstraint("company_id", "type", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    type: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(default=1)
    source: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
