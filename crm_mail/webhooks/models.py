"""Where other programs listen, and what they are to be told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, UtcDateTime, now


class Topic(StrEnum):
    """What can be told."""

    MESSAGE_SENT = "message.sent"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_BOUNCED = "message.bounced"
    MESSAGE_DELIVERED = "message.delivered"
    RUN_FINISHED = "run.finished"
    TEST = "webhook.test"  # a person tries the address out


ASKED = tuple(topic for topic in Topic if topic is not Topic.TEST)
"""The topics that an endpoint may ask for."""


class DeliveryState(StrEnum):
    """Where one notification stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"  # after the last try; a person can have it sent again


class WebhookEndpoint(Base):
    """An address of another program, for one company. What it is told never goes above its owner's clearance."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_company", "company_id", "is_active"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    topics: Mapped[str] = mapped_column(String(300))  # between blanks: " message.sent run.finished "
    secret: Mapped[bytes] = mapped_column(LargeBinary)  # encrypted
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    clearance: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    stopped_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # it failed for days: a person switches it on


class WebhookDelivery(Base):
    """One notification for one endpoint: written in the transaction of what it tells of, sent by the worker."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "id",
            sqlite_where=text("next_attempt_at IS NOT NULL"),
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(Id, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    topic: Mapped[Topic] = mapped_column(EnumText(Topic))
    run_id: Mapped[int | None] = mapped_column(Id)
    message_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # when it happened
    payload: Mapped[str] = mapped_column(Text, default="")  # the very text, from the first try on
    state: Mapped[DeliveryState] = mapped_column(EnumText(DeliveryState), default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_status: Mapped[int | None]  # the HTTP status of the last answer
    last_detail: Mapped[str] = mapped_column(String(300), default="")
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
