"""Saved reports (GA-3): what they show, to whom they are mailed, and each time they were."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.importers.databases.models import SqlSource
from crm_mail.users.models import User


class ReportFormat(StrEnum):
    """What a mail carries."""

    HTML = "html"  # the table in the body
    PDF = "pdf"
    XLSX = "xlsx"


class SavedReport(Base):
    """A listing, or a query on a foreign database, under a name. It belongs to whoever saved it last, and is made
    with the rights and the sight that this person has at that moment.
    """

    __tablename__ = "saved_reports"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    listing: Mapped[str] = mapped_column(String(40), default="")  # saved_listings; empty: the query
    filters: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # saved_listings.Filters
    columns: Mapped[list[str]] = mapped_column(Json, default=list)  # of the listing; empty: all
    order_by: Mapped[str] = mapped_column(String(40), default="")  # a column; empty: as the listing has it
    is_descending: Mapped[bool] = mapped_column(default=False)
    source_id: Mapped[int | None] = mapped_column(Id, ForeignKey("sql_sources.id", ondelete="SET NULL"))
    query: Mapped[str] = mapped_column(Text, default="")
    parameters: Mapped[list[dict[str, str]]] = mapped_column(Json, default=list)  # saved_parameters
    formats: Mapped[list[str]] = mapped_column(Json, default=list)  # ReportFormat
    user_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    addresses: Mapped[list[str]] = mapped_column(Json, default=list)  # of people who do not sign in
    clearance: Mapped[int] = mapped_column(default=0)  # what typed addresses see
    language: Mapped[str] = mapped_column(String(2), default="")  # empty: each reader's own
    row_limit: Mapped[int] = mapped_column(default=1000)
    sends_empty: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    company: Mapped[Company] = relationship()
    owner: Mapped[User] = relationship()
    source: Mapped[SqlSource | None] = relationship()


class IssueState(StrEnum):
    """What became of one time."""

    WAITING = "waiting"  # for the worker, now or at `next_at`
    SENT = "sent"  # nothing is left to do
    EMPTY = "empty"  # no rows, and then nothing is to be sent
    FAILED = "failed"  # nobody received it
    PARTLY = "partly"  # some did not receive it, or perhaps not


class ReportIssue(Base):
    """One time that a report was to be mailed. The unique pair is what makes it happen once."""

    __tablename__ = "report_issues"
    __table_args__ = (
        UniqueConstraint("report_id", "key"),
        Index(
            "ix_report_issues_due",
            "next_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(Id, ForeignKey("saved_reports.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))  # of the schedule's date, or of the click
    counted_on: Mapped[date]  # the local day from which periods are counted
    state: Mapped[IssueState] = mapped_column(EnumText(IssueState), default=IssueState.WAITING)
    asked_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))  # None: a schedule
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)  # also the end of a worker's lease
    attempts: Mapped[int] = mapped_column(default=0)
    row_count: Mapped[int | None]
    is_cut: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str] = mapped_column(String(300), default="")
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the owner was written to about it
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    report: Mapped[SavedReport] = relationship()
    mails: Mapped[list["ReportMail"]] = relationship(order_by="ReportMail.id", lazy="selectin")


class ReportMailState(StrEnum):
    """What became of one mail."""

    WAITING = "waiting"
    SENDING = "sending"  # committed before it leaves: after a crash nobody knows, and it is not sent again
    SENT = "sent"
    SKIPPED = "skipped"  # nothing to show to this reader
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class ReportMail(Base):
    """One reader's mail of an issue."""

    __tablename__ = "report_mails"
    __table_args__ = (UniqueConstraint("issue_id", "address"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(Id, ForeignKey("report_issues.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254))
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))  # None: a typed address
    state: Mapped[ReportMailState] = mapped_column(EnumText(ReportMailState), default=ReportMailState.WAITING)
    row_count: Mapped[int | None]  # what this reader may see
    detail: Mapped[str] = mapped_column(String(300), default="")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
