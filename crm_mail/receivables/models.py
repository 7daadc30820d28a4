"""Open items and movements as the ERP gave them, and what a company decides on statements and reminders."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Amount, Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.receivables.ledger import Kind


class LedgerLine(Base):
    """One open item, or one movement, of a customer's account.

    ``source_key`` says which line it is within its party: the ERP's own id, else type, number and dates. A line that
    a complete list no longer names is settled and stays, so that a statement of an earlier day still has it.
    """

    __tablename__ = "ledger_lines"
    __table_args__ = (
        UniqueConstraint("party_id", "kind", "source_key"),
        Index("ix_ledger_lines_list", "company_id", "kind", "settled_on", "party_id"),
        Index("ix_ledger_lines_due", "company_id", "kind", "settled_on", "due_on", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(EnumText(Kind))
    source_key: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    doc_type: Mapped[str] = mapped_column(String(20), default="")
    number: Mapped[str] = mapped_column(String(60), default="")
    posted_on: Mapped[date | None]
    doc_on: Mapped[date | None]
    due_on: Mapped[date | None]
    description: Mapped[str] = mapped_column(String(300), default="")
    debit: Mapped[Decimal] = mapped_column(Amount, default=Decimal(0))
    credit: Mapped[Decimal] = mapped_column(Amount, default=Decimal(0))
    open_amount: Mapped[Decimal | None] = mapped_column(Amount)
    method: Mapped[str] = mapped_column(String(60), default="")
    is_disputed: Mapped[bool] = mapped_column(default=False)
    is_unpaid: Mapped[bool] = mapped_column(default=False)  # a collection order came back
    is_opening: Mapped[bool] = mapped_column(default=False)  # a balance brought forward
    level: Mapped[int | None]  # last reminder's level as the ERP knows it; ours stand in `reminders`
    reminded_on: Mapped[date | None]
    fingerprint: Mapped[str] = mapped_column(
        String(32), default=""
    )  # of the values: unchanged rows cost nothing
    settled_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(120), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Reminder(Base):
    """An item stands in a reminder at a level. It counts as reminded when a message with the document has left."""

    __tablename__ = "reminders"
    __table_args__ = (
        UniqueConstraint("document_id", "source_key"),
        Index("ix_reminders_party", "party_id", "source_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id", ondelete="CASCADE"))
    document_id: Mapped[int] = mapped_column(Id, ForeignKey("documents.id", ondelete="CASCADE"))
    source_key: Mapped[str] = mapped_column(String(120))
    level: Mapped[int]


class ReceivablesSettings(Base):
    """What a company decides; a missing row means the defaults of `dunning.Rules`."""

    __tablename__ = "receivables_settings"

    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"), primary_key=True)
    business_rate: Mapped[Decimal] = mapped_column(Amount)  # percent a year
    consumer_rate: Mapped[Decimal] = mapped_column(Amount)
    lump_sum: Mapped[Decimal] = mapped_column(Amount)
    lump_sum_per_document: Mapped[bool] = mapped_column(default=False)
    minimum: Mapped[Decimal] = mapped_column(Amount)
    days_between: Mapped[int]
    level_days: Mapped[list[int | None]] = mapped_column(Json, default=list)
    charges_from_level: Mapped[int] = mapped_column(default=2)
    pay_within_days: Mapped[int]
    statement_comment: Mapped[str] = mapped_column(Text, default="")  # PD-6
    bank: Mapped[str] = mapped_column(String(120), default="")
    iban: Mapped[str] = mapped_column(String(40), default="")


class LedgerMapping(Base):
    """Which column of a list holds what, kept under a name for the next import."""

    __tablename__ = "ledger_mappings"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    columns: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LedgerSource(Base):
    """A database of the ERP from which a list is read: address, one query, and which column holds what."""

    __tablename__ = "ledger_sources"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    url_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    query: Mapped[str] = mapped_column(Text)
    columns: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    kind: Mapped[Kind] = mapped_column(EnumText(Kind), default=Kind.OPEN_ITEMS)
    is_complete: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
