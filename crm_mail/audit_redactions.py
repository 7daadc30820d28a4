"""Redactions of the audit: the audit's lines are never changed; what an erasure took out of them lies over them.

Whoever shows, searches or exports lines of the audit calls `hide_redacted` on them and leaves redacted ones out of a
search by text (`is_redacted`). See docs/decisions/erasure-lies-over-the-audit.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, make_transient, mapped_column

from crm_mail.audit import AuditEvent
from crm_mail.db import Base, Id, Json, UtcDateTime, now


class AuditRedaction(Base):
    """What a line of the audit shows since personal data were erased."""

    __tablename__ = "audit_redactions"

    event_id: Mapped[int] = mapped_column(Id, ForeignKey("audit_events.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    object_label: Mapped[str] = mapped_column(String(300), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def is_redacted() -> ColumnElement[bool]:
    """The condition of lines that something was taken out of."""
    return AuditEvent.id.in_(select(AuditRedaction.event_id))


def hide_redacted(session: Session, events: Sequence[AuditEvent]) -> None:
    """Put what was redacted in place of what is stored, in the objects at hand only; nothing is written."""
    query = select(AuditRedaction).where(AuditRedaction.event_id.in_([event.id for event in events]))
    overlays = {one.event_id: one for one in session.scalars(query)}
    for event in events:
        if overlay := overlays.get(event.id):
            make_transient(event)
            event.object_label, event.detail = overlay.object_label, overlay.detail
