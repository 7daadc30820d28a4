"""What was read from the accounts' mailboxes, and what it proves about each message."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class Mailbox(Base):
    """How the reading of one account's mailbox stands. One worker at a time holds its lease."""

    __tablename__ = "mailboxes"

    account_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sender_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the last reading that went well
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # also "now", when a person asks
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # since when it cannot be read
    failure: Mapped[str] = mapped_column(String(500), default="")
    quota_used_kb: Mapped[int | None]
    quota_limit_kb: Mapped[int | None]
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailboxFolder(Base):
    """How far a folder was read (RFC 9051 2.3.1.1: a UID means something together with UIDVALIDITY only)."""

    __tablename__ = "mailbox_folders"

    account_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sender_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    uid_validity: Mapped[int] = mapped_column(Id, default=0)
    last_uid: Mapped[int] = mapped_column(Id, default=0)
    seen: Mapped[int] = mapped_column(default=0)  # mails looked at
    taken: Mapped[int] = mapped_column(default=0)  # of these, kept as evidence


class ItemKind(StrEnum):
    """What a mail that was taken in is. Mail that concerns no message of ours is looked at and left alone."""

    RECEIPT = "receipt"  # PEC: accettazione, consegna, errore…
    ENVELOPE = "envelope"  # PEC: busta di trasporto, somebody's reply
    ANOMALY = "anomaly"  # PEC: busta di anomalia, ordinary mail that came to a PEC mailbox
    BOUNCE = "bounce"  # ordinary mail: it did not arrive, for good
    DELAY = "delay"  # ordinary mail: not yet; the server still tries
    AUTO_REPLY = "auto_reply"  # out of office and the like
    CHALLENGE = "challenge"  # the recipient's server wants the sender to prove something
    REPLY = "reply"  # a person answered
    READ_RECEIPT = "read_receipt"  # ordinary mail: the recipient's program says it was shown (RFC 8098)
    COMPLAINT = "complaint"  # the recipient called it spam (RFC 5965)
    SENT_COPY = "sent_copy"  # the sent folder holds our message
    UNREADABLE = "unreadable"  # looks like a receipt and cannot be read; kept, shown


class MailItem(Base):
    """One mail taken in as evidence: its bytes lie in the store as they were received."""

    __tablename__ = "mail_items"
    __table_args__ = (
        UniqueConstraint("account_id", "sha256"),
        Index("ix_mail_items_message", "message_id", "id"),
        Index("ix_mail_items_company", "company_id", "kind", "id"),
        Index(
            "ix_mail_items_alarm",
            "company_id",
            "id",
            sqlite_where=text("alarm <> ''"),
            postgresql_where=text("alarm <> ''"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("sender_accounts.id"))
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    message_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("messages.id")
    )  # None: matches none of ours
    kind: Mapped[ItemKind] = mapped_column(EnumText(ItemKind))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    folder: Mapped[str] = mapped_column(String(250), default="")
    uid_validity: Mapped[int] = mapped_column(Id, default=0)
    uid: Mapped[int] = mapped_column(Id, default=0)
    own_id: Mapped[str] = mapped_column(String(250), default="")  # its own Message-ID
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    occurred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # what the signed part, else Date says
    recipient: Mapped[str] = mapped_column(String(254), default="")  # whom it concerns
    receipt_type: Mapped[str] = mapped_column(String(40), default="")  # delivery.pec.receipt.ReceiptType
    status: Mapped[str] = mapped_column(String(20), default="")  # enhanced status (RFC 3463), such as 5.1.1
    reason: Mapped[str] = mapped_column(String(40), default="")  # a code: why it did not arrive
    detail: Mapped[str] = mapped_column(String(500), default="")  # the other side's own words
    trust: Mapped[str] = mapped_column(String(20), default="")  # delivery.pec.verification.Trust
    verification: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)  # the result of each step
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # the rest of what was read
    alarm: Mapped[str] = mapped_column(String(40), default="")  # a code: something here needs a person
    alarm_settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alarm_settled_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    alarm_note: Mapped[str] = mapped_column(String(500), default="")


class MessageProof(Base):
    """What is proven of one message (one recipient); grows only: any order, repetition or lateness gives the same.

    A message has a row from its first evidence, or from the first silence that was noticed.
    """

    __tablename__ = "message_proofs"
    __table_args__ = (
        Index(
            "ix_message_proofs_alarm",
            "company_id",
            "message_id",
            sqlite_where=text("alarm <> ''"),
            postgresql_where=text("alarm <> ''"),
        ),
        Index(
            "ix_message_proofs_waiting",
            "message_id",
            sqlite_where=text("waits_for_sender IS TRUE"),
            postgresql_where=text("waits_for_sender IS TRUE"),
        ),
    )

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    provider_id: Mapped[str] = mapped_column(String(250), default="", index=True)  # daticert: identificativo
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # accettazione: legal proof of sending
    recipient_is_pec: Mapped[bool | None]  # accettazione: certificato or esterno
    taken_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # presa in carico
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # avvenuta consegna
    delayed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # preavviso, 12 hours: a warning
    failed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # not accepted, not delivered, 24 hours, bounce
    failure_reason: Mapped[str] = mapped_column(String(40), default="")
    failure_detail: Mapped[str] = mapped_column(String(500), default="")
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    in_sent_folder_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    conflict: Mapped[str] = mapped_column(String(40), default="")  # proofs that contradict each other, shown
    alarm: Mapped[str] = mapped_column(String(40), default="")  # silence: no_acceptance, no_outcome
    alarm_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alarm_settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alarm_settled_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    alarm_note: Mapped[str] = mapped_column(String(500), default="")
    waits_for_sender: Mapped[bool] = mapped_column(
        default=False
    )  # came while the message was under way: its state follows when the sender has recorded it
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ErrorNotice(Base):
    """An error was told to a company's error address: at most once per cause and hour (PM-19)."""

    __tablename__ = "error_notices"

    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"), primary_key=True)
    cause: Mapped[str] = mapped_column(String(100), primary_key=True)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting: Mapped[int] = mapped_column(default=0)  # occurrences since it was told
    last_detail: Mapped[str] = mapped_column(String(500), default="")
