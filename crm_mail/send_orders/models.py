"""What a company decides on send orders, the orders that came in, and those that were written here."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class OrderState(StrEnum):
    """How far an order has come."""

    WAITING = "waiting"  # for a file that it names
    OUTBOX = "outbox"  # its messages are in a run
    SENT = "sent"  # every message left, or was left out by a rule
    FAILED = "failed"  # a message did not leave: failed, uncertain or cancelled
    REFUSED = "refused"  # it could not become a message


SETTLED_ORDERS = frozenset({OrderState.SENT, OrderState.FAILED, OrderState.REFUSED})


class SendOrderFolder(Base):
    """The folder of orders of a company, and how they are carried out (PM-1, PM-13, PM-22, PM-24)."""

    __tablename__ = "send_order_folders"

    company_id: Mapped[int] = mapped_column(
        Id, ForeignKey("companies.id"), primary_key=True, autoincrement=False
    )
    path: Mapped[str] = mapped_column(String(500), default="")  # inside Settings.mailer_dir; empty: itself
    is_watched: Mapped[bool] = mapped_column(default=False)
    afterwards: Mapped[AfterSending] = mapped_column(EnumText(AfterSending), default=AfterSending.KEEP)
    settles_files: Mapped[bool] = mapped_column(default=False)  # recycles or deletes the attachments too
    wait_minutes: Mapped[int] = mapped_column(default=10)  # for attachments that are missing
    mapping: Mapped[str] = mapped_column(Text, default="")  # attachment_paths.parse_mapping
    element_paths: Mapped[str] = mapped_column(Text, default="")  # element_paths.parse_paths
    stranger_party: Mapped[str] = mapped_column(
        String(60), default=""
    )  # code: under whom unknown addresses stand
    document_type: Mapped[str] = mapped_column(String(40), default="invoice")  # of orders that name none
    authorisation_id: Mapped[int | None] = mapped_column(Id)  # outbox.standing; None: a person commits


class SendOrder(Base):
    """One order, told from every other one by its id; the hash of its file tells a repetition from another order."""

    __tablename__ = "send_orders"
    __table_args__ = (
        UniqueConstraint("company_id", "order_id"),
        Index("ix_send_orders_list", "company_id", "id"),
        Index("ix_send_orders_state", "state", "look_at", "id"),
        Index("ix_send_orders_run", "run_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    order_id: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))  # of the file
    state: Mapped[OrderState] = mapped_column(EnumText(OrderState))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    look_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # when to look for its files again, or to ask the standing authorisation again
    is_asked: Mapped[bool] = mapped_column(default=False)  # the standing authorisation has had its say
    wait_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    party_id: Mapped[int | None] = mapped_column(Id, ForeignKey("parties.id", ondelete="SET NULL"))
    to_address: Mapped[str] = mapped_column(
        String(254), default=""
    )  # the first; the others stand in its messages
    subject: Mapped[str] = mapped_column(String(500), default="")
    files: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)  # path, name, sha256, size, mime
    document_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    run_id: Mapped[int | None] = mapped_column(Id, ForeignKey("runs.id"))
    problem: Mapped[str] = mapped_column(String(40), default="")  # send_orders.wording
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    privacy_level: Mapped[int] = mapped_column(default=0)


class SendOrderMessage(Base):
    """A message that an order became."""

    __tablename__ = "send_order_messages"
    __table_args__ = (Index("ix_send_order_messages_message", "message_id"),)

    order_id: Mapped[int] = mapped_column(
        Id, ForeignKey("send_orders.id", ondelete="CASCADE"), primary_key=True
    )
    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )


class WrittenOrder(Base):
    """A document for which an order was written by itself (PM-4): once for each version."""

    __tablename__ = "written_orders"

    document_id: Mapped[int] = mapped_column(
        Id, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    order_id: Mapped[str] = mapped_column(String(100))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
