"""Users, their rights, their sessions and the attempts to sign in."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.db import NEVER_AGAIN, Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.permissions import Permission
from crm_mail.users.ways import SignInWay

user_group_members = Table(
    "user_group_members",
    Base.metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", Id, ForeignKey("user_groups.id", ondelete="CASCADE"), primary_key=True, index=True),
)


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

    commit_most: Mapped[int | None]  # `permissions.CommitLimits`, as the next five
    commit_second_person_above: Mapped[int | None]
    commit_from_minute: Mapped[int | None]
    commit_to_minute: Mapped[int | None]
    commit_weekdays: Mapped[list[int]] = mapped_column(Json, default=list, server_default="[]")
    commit_zone: Mapped[str] = mapped_column(String(50), default="", server_default="")

    agents: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")  # `permissions.Sight`
    zones: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")

    grants: Mapped[list["Grant"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", foreign_keys="Grant.user_id"
    )
    groups: Mapped[list["UserGroup"]] = relationship(
        secondary=user_group_members, lazy="selectin", order_by="UserGroup.name"
    )


class UserGroup(Base):
    """Users with the same rights; a group has the rights of the group that it stands under as well."""

    __tablename__ = "user_groups"

    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("user_groups.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    second_factor_required: Mapped[bool] = mapped_column(default=False, server_default=false())

    grants: Mapped[list["Grant"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", foreign_keys="Grant.group_id"
    )


class Grant(Base):
    """A right that a user or a group has been given, or (``is_denied``) that is taken away (IT-11)."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("user_id", "permission", "document_type", "company_id"),
        Index("ix_grants_group", "group_id"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_holder"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    group_id: Mapped[int | None] = mapped_column(Id, ForeignKey("user_groups.id"))
    permission: Mapped[Permission] = mapped_column(EnumText(Permission))
    document_type: Mapped[str] = mapped_column(String(40))  # ``*``: every type; empty: the right of an area
    company_id: Mapped[int | None] = mapped_column(Id, ForeignKey("companies.id"))  # None: every company
    is_denied: Mapped[bool] = mapped_column(default=False, server_default=false())
    given_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    given_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)


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
    way: Mapped[SignInWay] = mapped_column(
        EnumText(SignInWay), default=SignInWay.PASSWORD, server_default=SignInWay.PASSWORD.value
    )


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
