"""Keys of other programs, how much each has asked for, and answers kept so that a repeated request changes nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, Id, Json, UtcDateTime, now


class ApiKey(Base):
    """A key of one source. It can do what its owner may do at that moment, and of that only its scopes."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))  # the source: "ERP", "till 3"
    prefix: Mapped[str] = mapped_column(String(16))  # shown, to tell keys apart
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256: the key holds 256 random bits
    owner_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)  # values of `Permission`
    company_ids: Mapped[list[int]] = mapped_column(Json, default=list)  # empty: every company of the owner
    clearance: Mapped[int] = mapped_column(default=0)
    per_minute: Mapped[int] = mapped_column(default=600)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_ip: Mapped[str] = mapped_column(String(45), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiAllowance(Base):
    """How many requests of a key's present minute the processes have taken for themselves."""

    __tablename__ = "api_allowances"

    key_id: Mapped[int] = mapped_column(Id, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[int] = mapped_column(Id)  # minutes since 1970
    taken: Mapped[int] = mapped_column(default=0)


class ApiAnswer(Base):
    """The answer to a request with an ``Idempotency-Key``: the same request again is given it and changes nothing."""

    __tablename__ = "api_answers"
    __table_args__ = (
        UniqueConstraint("key_id", "idempotency_key"),
        Index("ix_api_answers_created", "created_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_id: Mapped[int] = mapped_column(Id, ForeignKey("api_keys.id", ondelete="CASCADE"))
    idempotency_key: Mapped[str] = mapped_column(String(200))
    request_hash: Mapped[str] = mapped_column(String(64))  # of method, path and body
    status: Mapped[int] = mapped_column(default=0)  # 0: under way, in a transaction that is not committed
    headers: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
