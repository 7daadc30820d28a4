"""Schedules, each time they fired, special dates, and who was greeted in which year."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.contacts.birthdays import LeapDayRule
from crm_mail.contacts.consents.rules import ConsentChannel
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.schedules.holiday_calendars import OnHoliday
from crm_mail.users.models import User


class ScheduleState(StrEnum):
    """Whether a schedule fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"  # no date is left, or a person ended it


class MissedRule(StrEnum):
    """What becomes of dates at which no worker ran."""

    CATCH_UP = "catch_up"  # once, for the latest of them
    SKIP = "skip"


class FiringState(StrEnum):
    """What became of one firing."""

    RUNNING = "running"  # a worker is at it
    PREPARING = "preparing"  # its run is being prepared
    WAITING = "waiting"  # its run waits for a person
    COMMITTED = "committed"  # its run was committed by the standing authorisation
    DONE = "done"
    NOTHING = "nothing"  # nothing was due
    SKIPPED = "skipped"  # missed, and skipped by rule
    REFUSED = "refused"  # the owner is not active, or lacks a right
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # the worker died, and doing it twice would do harm


class Schedule(Base):
    """What happens by itself, when, and on whose behalf."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index(
            "ix_schedules_due",
            "next_due_at",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("ix_schedules_company", "company_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))  # schedules.kinds
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # the kind's own
    rule: Mapped[str] = mapped_column(String(300), default="")  # RFC 5545, days only; empty: once
    times: Mapped[list[str]] = mapped_column(Json, default=list)  # "08:30", local
    timezone: Mapped[str] = mapped_column(String(50))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    calendar: Mapped[str] = mapped_column(String(10), default="")  # schedules.holiday_calendars
    on_holiday: Mapped[OnHoliday] = mapped_column(EnumText(OnHoliday), default=OnHoliday.AS_IT_IS)
    has_weekends: Mapped[bool] = mapped_column(default=True)  # Saturday and Sunday are no working days
    missed: Mapped[MissedRule] = mapped_column(EnumText(MissedRule), default=MissedRule.CATCH_UP)
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    authorisation_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("standing_authorisations.id")
    )  # None: runs wait for a person
    state: Mapped[ScheduleState] = mapped_column(EnumText(ScheduleState), default=ScheduleState.ACTIVE)
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    company: Mapped[Company] = relationship()
    owner: Mapped[User] = relationship()


class Firing(Base):
    """One time at which a schedule was due. The unique pair is what makes it happen once, whoever looks."""

    __tablename__ = "schedule_firings"
    __table_args__ = (
        UniqueConstraint("schedule_id", "due_at"),
        Index("ix_schedule_firings_state", "state", "lease_until"),
        Index("ix_schedule_firings_run", "run_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    schedule_id: Mapped[int] = mapped_column(Id, ForeignKey("schedules.id"))
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_on: Mapped[date]  # the local day that the rule gave, before a holiday moved it
    is_manual: Mapped[bool] = mapped_column(default=False)
    state: Mapped[FiringState] = mapped_column(EnumText(FiringState), default=FiringState.RUNNING)
    owner_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))  # on whose behalf
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # whoever is at it is alive
    attempts: Mapped[int] = mapped_column(default=0)
    run_id: Mapped[int | None] = mapped_column(Id, ForeignKey("runs.id"))
    reason: Mapped[str] = mapped_column(String(40), default="")  # schedules.words
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # figures and names for the words
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the owner was written to

    schedule: Mapped[Schedule] = relationship()


class Celebration(StrEnum):
    """What is celebrated."""

    BIRTHDAY = "birthday"
    CHRISTMAS = "christmas"
    NEW_YEAR = "new_year"
    OWN = "own"  # a day of the company's choice


class SpecialDate(Base):
    """A day on which contacts are greeted; its schedule says at which hour, who owns it, and what became of it."""

    __tablename__ = "special_dates"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    schedule_id: Mapped[int] = mapped_column(Id, ForeignKey("schedules.id"), unique=True)
    celebration: Mapped[Celebration] = mapped_column(EnumText(Celebration))
    month: Mapped[int] = mapped_column(default=1)  # of all but birthdays
    day: Mapped[int] = mapped_column(default=1)
    leap_rule: Mapped[LeapDayRule] = mapped_column(EnumText(LeapDayRule), default=LeapDayRule.FEBRUARY_28)
    audience: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # PartyFilter.to_dict, no company
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(Json, default=dict)  # language → subject, body
    channel: Mapped[ConsentChannel] = mapped_column(
        EnumText(ConsentChannel), default=ConsentChannel.EMAIL, server_default="email"
    )

    schedule: Mapped[Schedule] = relationship()


class Greeting(Base):
    """A contact was greeted for a special date in a year: once, whatever is run again."""

    __tablename__ = "greetings"
    __table_args__ = (UniqueConstraint("special_date_id", "contact_id", "year"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    special_date_id: Mapped[int] = mapped_column(Id, ForeignKey("special_dates.id"))
    contact_id: Mapped[int] = mapped_column(Id, ForeignKey("contacts.id"), index=True)
    year: Mapped[int]
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
