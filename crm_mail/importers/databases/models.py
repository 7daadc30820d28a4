"""Databases of an ERP that lists are read from, and the named queries on them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class ViewKind(StrEnum):
    """What the rows of a query become."""

    CONTACTS = "contacts"  # the same columns as a spreadsheet of contacts
    DOCUMENTS = "documents"  # a column `document` with the canonical JSON of one document a row


class SqlSource(Base):
    """A foreign database; its address, with the password, is kept encrypted."""

    __tablename__ = "sql_sources"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    url_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SqlView(Base):
    """A named query that only reads. ``watermark``: up to where it was read; the query asks for ``:since``."""

    __tablename__ = "sql_views"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    source_id: Mapped[int] = mapped_column(Id, ForeignKey("sql_sources.id"))
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[ViewKind] = mapped_column(EnumText(ViewKind), default=ViewKind.CONTACTS)
    query: Mapped[str] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # name → value
    mapping: Mapped[str] = mapped_column(String(80), default="")  # a saved mapping of columns
    since_column: Mapped[str] = mapped_column(String(80), default="")
    watermark: Mapped[str] = mapped_column(String(80), default="")
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_result: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # counts, or the error

    source: Mapped[SqlSource] = relationship()
