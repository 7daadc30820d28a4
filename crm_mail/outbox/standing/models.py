"""Standing authorisations: a person's word, with limits, that runs of an automation may be committed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.db import Base, Id, Json, UtcDateTime, now
from crm_mail.outbox.models import Run
from crm_mail.users.models import User


class StandingAuthorisation(Base):
    """What an automation may commit in the giver's name, and within which limits."""

    __tablename__ = "standing_authorisations"
    __table_args__ = (Index("ix_standing_authorisations_company", "company_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    title: Mapped[str] = mapped_column(String(120))
    document_types: Mapped[list[str]] = mapped_column(Json, default=list)
    most_per_run: Mapped[int]
    most_per_day: Mapped[int]
    from_minute: Mapped[int] = mapped_column(default=0)  # of the day, in the company's time zone
    to_minute: Mapped[int] = mapped_column(default=24 * 60)  # not included
    weekdays: Mapped[list[int]] = mapped_column(Json, default=list)  # 0 Monday … 6 Sunday
    last_on: Mapped[date] = mapped_column(Date)
    given_by: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    company: Mapped[Company] = relationship()
    giver: Mapped[User] = relationship(foreign_keys=given_by)
    revoker: Mapped[User | None] = relationship(foreign_keys=revoked_by)


class StandingUse(Base):
    """One time an automation asked: the run was committed, or left to a person and why."""

    __tablename__ = "standing_uses"
    __table_args__ = (
        Index("ix_standing_uses_authorisation", "authorisation_id", "id"),
        Index("ix_standing_uses_run", "run_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authorisation_id: Mapped[int] = mapped_column(Id, ForeignKey("standing_authorisations.id"))
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    is_committed: Mapped[bool] = mapped_column(default=False)
    messages: Mapped[int] = mapped_column(default=0)  # that were let go
    reason: Mapped[str] = mapped_column(
        String(40), default=""
    )  # outbox.standing_limits.Refusal, or committed
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)

    authorisation: Mapped[StandingAuthorisation] = relationship()
    run: Mapped[Run] = relationship()
