"""Events that other programs tell of, the rules that act on them, and what each rule made of each event."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.events.kinds import RuleChannel, Target
from crm_mail.users.models import User


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


class EventRule(Base):
    """What is done when an event of a kind comes, on whose behalf. It does nothing until it is switched on (GA-7)."""

    __tablename__ = "event_rules"
    __table_args__ = (Index("ix_event_rules_kind", "company_id", "kind", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    kind: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    is_on: Mapped[bool] = mapped_column(default=False)
    conditions: Mapped[list[list[str]]] = mapped_column(Json, default=list)  # events.conditions
    target: Mapped[Target] = mapped_column(EnumText(Target), default=Target.SUBSCRIBED)
    role_id: Mapped[int | None] = mapped_column(Id, ForeignKey("roles.id", ondelete="SET NULL"))
    staff: Mapped[list[str]] = mapped_column(Json, default=list)  # addresses
    characteristic: Mapped[str] = mapped_column(String(60), default="")  # a contact of the party must have it
    document_type: Mapped[str] = mapped_column(String(40))
    sends_document: Mapped[bool] = mapped_column(
        default=False
    )  # the stored one that the event names, its own way
    attaches_document: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # that document goes with the rule's text
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(Json, default=dict)  # empty: the built-in ones
    channel: Mapped[RuleChannel] = mapped_column(
        EnumText(RuleChannel), default=RuleChannel.EMAIL, server_default="email"
    )
    sms_texts: Mapped[dict[str, str] | None] = mapped_column(Json)  # by language; empty: the built-in ones
    purpose: Mapped[str] = mapped_column(
        String(20), default=""
    )  # contacts.consents.rules.Purpose; empty: owed
    authorisation_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("standing_authorisations.id")
    )  # None: runs wait for a person
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    company: Mapped[Company] = relationship()
    owner: Mapped[User] = relationship()


class ActionState(StrEnum):
    """What a rule made of an event."""

    PENDING = "pending"  # the conditions hold
    PREPARING = "preparing"  # its run is being prepared
    WAITING = "waiting"  # its run waits for a person
    COMMITTED = "committed"  # its run was committed
    TELLING = "telling"  # the notice to the staff is leaving
    TOLD = "told"  # the staff was written to
    SKIPPED = "skipped"  # a condition does not hold
    NOTHING = "nothing"  # there was nobody to write to
    REFUSED = "refused"  # the owner is not active, or lacks a right
    FAILED = "failed"


_OPEN = text("state IN ('pending', 'preparing')")


class EventAction(Base):
    """One rule and one event. The unique pair is what makes the same event act once."""

    __tablename__ = "event_actions"
    __table_args__ = (
        UniqueConstraint("event_id", "rule_id"),
        Index("ix_event_actions_open", "rule_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_event_actions_rule", "rule_id", "id"),
        Index("ix_event_actions_run", "run_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_id: Mapped[int] = mapped_column(Id, ForeignKey("inbound_events.id", ondelete="CASCADE"))
    rule_id: Mapped[int] = mapped_column(Id, ForeignKey("event_rules.id"))
    state: Mapped[ActionState] = mapped_column(EnumText(ActionState), default=ActionState.PENDING)
    reason: Mapped[str] = mapped_column(String(40), default="")  # events.words
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # values for the words
    run_id: Mapped[int | None] = mapped_column(Id, ForeignKey("runs.id"))
    document_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("documents.id", ondelete="SET NULL")
    )  # sent in the normal way
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    event: Mapped[InboundEvent] = relationship()
    rule: Mapped[EventRule] = relationship()
