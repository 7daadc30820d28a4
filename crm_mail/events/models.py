"""Events that other programs tell of, kept until the rules have seen them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class EventState(StrEnum):
    """What became of an event."""

    WAITING = "waiting"  # taken in, no rule has seen it yet
    DONE = "done"  # every rule has seen it
    FAILED = "failed"  # a rule could not be applied; its history says why


_WAITING = text("state = 'waiting'")


class InboundEvent(Base):
    """Something that happened elsewhere: an order saved, a payment collected, fuel sold.

    ``source`` is who told of it (an API key, a folder), ``event_id`` its own number there: the same event twice is one.
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("company_id", "source", "event_id"),
        Index("ix_inbound_events_company", "company_id", "id"),
        Index(
            "ix_inbound_events_waiting",
            "id",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    source: Mapped[str] = mapped_column(String(80))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(80))  # such as purchase_order.saved
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[EventState] = mapped_column(EnumText(EventState), default=EventState.WAITING)
