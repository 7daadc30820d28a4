"""Users, their rights, their sessions and the attempts to sign in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.db import Base, EnumText, Id, UtcDateTime, now
from crm_mail.permissions import Permission


class User(Base):
    """A person who signs in; the e-mail is the login name, kept in lower case."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    clearance: Mapped[int] = mapped_column(default=0)
    language: Mapped[str] = mapped_column(String(2), default="it")
    theme: Mapped[str] = mapped_column(String(10), default="auto")
    timezone: Mapped[str] = mapped_column(String(50), default="Europe/Rome")
    keyboard_shortcuts: Mapped[bool] = mapped_column(default=True)  # WCAG 2.1.4: can be switched off
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    second_factor_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted; empty: no second factor
    totp_step: Mapped[int] = mapped_column(default=0, server_default="0")  # the last one that was used
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # last mail about failed sign-ins

    grants: Mapped[list["Grant"]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    areas: Mapped[list["AreaGrant"]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class Grant(Base):
    """A right of the outbox for one document type (``*``: every type) in one company (None: every company). IT-11."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("user_id", "permission", "document_type", "company_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    permission: Mapped[Permission] = mapped_column(EnumText(Permission))
    document_type: Mapped[str] = mapped_column(String(40))
    company_id: Mapped[int | None] = mapped_column(Id, ForeignKey("companies.id"))


class AreaGrant(Base):
    """A right that holds for the whole installation: manage contacts, users or settings."""

    __tablename__ = "area_grants"
    __table_args__ = (UniqueConstraint("user_id", "permission"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    permission: Mapped[Permission] = mapped_column(EnumText(Permission))


class UserSession(Base):
    """A browser that is signed in; the cookie carries a random token of which only the hash is kept."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ip: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")


class RecoveryCode(Base):
    """One of the codes that stand in for a lost second factor; each works once, only its hash is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasswordLink(Base):
    """A link to choose a password, by invitation or after a forgotten one: it works once, until it expires."""

    __tablename__ = "password_links"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), index=True)
    is_invitation: Mapped[bool] = mapped_column(default=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # used, or void because of a later one


class LoginAttempt(Base):
    """An attempt to sign in; the throttle counts the failed ones by name and by network address."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_email_at", "email", "at"),
        Index("ix_login_attempts_ip_at", "ip", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    email: Mapped[str] = mapped_column(String(254))
    ip: Mapped[str] = mapped_column(String(45))
    succeeded: Mapped[bool]
