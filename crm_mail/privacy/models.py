"""Acts of privacy, what they left in place, the overlay of the audit, retention, the register of processing."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class ActKind(StrEnum):
    """What was done about a person's data."""

    EXPORTED = "exported"  # art. 15 and 20 GDPR
    RESTRICTED = "restricted"  # art. 18
    LIFTED = "lifted"
    ERASED = "erased"  # art. 17


class PrivacyAct(Base):
    """One request that was granted: who did what about whom, when and why; the proof of having answered (art. 5.2)."""

    __tablename__ = "privacy_acts"
    __table_args__ = (Index("ix_privacy_acts_company", "company_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    contact_id: Mapped[int | None] = mapped_column(Id, index=True)  # no key: the contact may be gone
    party_id: Mapped[int | None] = mapped_column(Id)
    privacy_level: Mapped[int] = mapped_column(default=0)
    kind: Mapped[ActKind] = mapped_column(EnumText(ActKind))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user_name: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    report: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # counts by table; never values


class PrivacyRemain(Base):
    """A message that an erasure had to leave in place, and until when (art. 17.3 b and e)."""

    __tablename__ = "privacy_remains"
    __table_args__ = (Index("ix_privacy_remains_until", "kept_until_on"),)

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    act_id: Mapped[int] = mapped_column(Id, ForeignKey("privacy_acts.id"))
    kept_until_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(40))  # privacy.keeping.KeptFor


class RetentionRule(Base):
    """How many months a company keeps a kind of data; no row: the default; ``months`` None: for ever."""

    __tablename__ = "retention_rules"
    __table_args__ = (UniqueConstraint("company_id", "kind", "document_type"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    kind: Mapped[str] = mapped_column(String(40))  # privacy.retention_rules.Kind
    document_type: Mapped[str] = mapped_column(String(40), default="")
    months: Mapped[int | None]


class RetentionRun(Base):
    """What one run of retention removed, by company and kind."""

    __tablename__ = "retention_runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    is_daily: Mapped[bool] = mapped_column(default=False)
    report: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)


class ProcessingRegister(Base):
    """The register of processing activities of a company (art. 30 GDPR)."""

    __tablename__ = "processing_registers"

    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"), primary_key=True)
    controller: Mapped[str] = mapped_column(Text, default="")
    representative: Mapped[str] = mapped_column(Text, default="")
    officer: Mapped[str] = mapped_column(Text, default="")
    activities: Mapped[list[dict[str, str]]] = mapped_column(Json, default=list)  # privacy.register.FIELDS
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
