"""Who is told of changes to records (GA-6), and the notices that wait to leave."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.db import Base, Id, Json, UtcDateTime, now
from crm_mail.users.models import User


class ChangeRule(Base):
    """What a company's people are told of, and where.

    It reads the audit with the rights and the clearance of its owner, who saved it last.
    """

    __tablename__ = "change_rules"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    kinds: Mapped[list[str]] = mapped_column(Json, default=list)  # change_kinds.ChangeKind
    ways: Mapped[list[str]] = mapped_column(Json, default=list)  # change_kinds.ChangeWay
    addresses: Mapped[list[str]] = mapped_column(Json, default=list)
    language: Mapped[str] = mapped_column(String(2), default="en")
    every_minutes: Mapped[int] = mapped_column(default=5)
    clearance: Mapped[int] = mapped_column(default=0)  # contacts above it are told of without their name
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    is_on: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(
        BigInteger, default=0
    )  # of the last seal of the audit that was read
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # something is to be told then
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str] = mapped_column(String(300), default="")  # why the last notice was given up
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    company: Mapped[Company] = relationship()
    owner: Mapped[User] = relationship()


class ChangeNotice(Base):
    """A notice that has not left yet. It names lines of the audit and copies nothing of them."""

    __tablename__ = "change_notices"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rule_id: Mapped[int] = mapped_column(Id, ForeignKey("change_rules.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    after_position: Mapped[int] = mapped_column(BigInteger)  # seals above this one …
    to_position: Mapped[int] = mapped_column(BigInteger)  # … up to this one
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_detail: Mapped[str] = mapped_column(String(300), default="")

    rule: Mapped[ChangeRule] = relationship()
