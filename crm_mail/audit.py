"""Audit: an append-only record of who did what, when, and what it was before and after."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm_mail.db import Base, Id, Json, UtcDateTime, now
from crm_mail.many_rows import insert_many
from crm_mail.permissions import Actor


class AuditEvent(Base):
    """One line of the audit; rows are never changed nor deleted (a database trigger refuses it)."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_object", "object_type", "object_id", "id"),
        Index("ix_audit_events_user", "user_id", "id"),
        Index("ix_audit_events_action", "action", "id"),
        Index("ix_audit_events_at", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user_id: Mapped[int | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(80))  # outbox.run.committed
    company_id: Mapped[int | None] = mapped_column(Id, ForeignKey("companies.id"))
    object_type: Mapped[str] = mapped_column(String(40), default="")
    object_id: Mapped[int | None] = mapped_column(Id)
    object_label: Mapped[str] = mapped_column(String(300), default="")
    privacy_level: Mapped[int] = mapped_column(default=0)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    company_id: int | None = None,
    subject: Any = None,
    label: str = "",
    privacy_level: int = 0,
    **detail: Any,
) -> None:
    """Write one line in the transaction of the change it tells of.

    Args:
        action: ``room.object.past_tense``.
        subject: the mapped object the action was done to; its table and id are kept.
        label: what a person calls the object (a code, an address, a number).
        privacy_level: level of the contact concerned; readers below it do not see the line.
        detail: JSON values, such as ``before`` and ``after``; never a secret.
    """
    session.add(
        AuditEvent(
            user_id=actor.user_id,
            actor_name=actor.name,
            action=action,
            company_id=company_id,
            object_type=subject.__tablename__ if subject is not None else "",
            object_id=subject.id if subject is not None else None,
            object_label=label[:300],
            privacy_level=privacy_level,
            detail=detail,
        )
    )


class Line(NamedTuple):
    """One of many lines, see `record_many`; the values are those of `record`, the object by its table and id."""

    action: str
    object_type: str
    object_id: int
    label: str
    privacy_level: int
    detail: dict[str, Any]


def record_many(
    session: Session, actor: Actor, lines: Iterable[Line], *, company_id: int | None = None
) -> None:
    """Write many lines of one actor in few statements, in the transaction of the changes they tell of."""
    fixed = {"at": now(), "user_id": actor.user_id, "actor_name": actor.name, "company_id": company_id}
    rows = [
        {
            **fixed,
            "action": line.action,
            "object_type": line.object_type,
            "object_id": line.object_id,
            "object_label": line.label[:300],
            "privacy_level": line.privacy_level,
            "detail": line.detail,
        }
        for line in lines
    ]
    insert_many(session, AuditEvent, rows)
