"""Sender accounts: the mailboxes that messages leave from, their limits and their health."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, UtcDateTime, now
from crm_mail.delivery.transports import Security

DEFAULT_TIMEOUT_SECONDS = 120
LONGEST_TIMEOUT_SECONDS = 600


class AccountKind(StrEnum):
    """What an account is in law."""

    SMTP = "smtp"
    PEC = "pec"


class SenderAccount(Base):
    """An SMTP or PEC mailbox of a company or of one user (PD-2); never of both."""

    __tablename__ = "sender_accounts"
    __table_args__ = (Index("ix_sender_accounts_company", "company_id", "kind"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[AccountKind] = mapped_column(EnumText(AccountKind))
    host: Mapped[str] = mapped_column(String(200))
    port: Mapped[int]
    security: Mapped[Security] = mapped_column(EnumText(Security))
    ca_file: Mapped[str] = mapped_column(String(500), default="")  # a private authority, beside the system's
    ca_pem: Mapped[str] = mapped_column(Text, default="")  # the same, uploaded (delivery.authorities)
    username: Mapped[str] = mapped_column(String(200), default="")  # empty: no login
    secret: Mapped[bytes | None] = mapped_column(
        LargeBinary
    )  # encrypted (delivery.secrets); never shown again
    from_name: Mapped[str] = mapped_column(String(200), default="")
    from_address: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    timeout_seconds: Mapped[int] = mapped_column(
        default=DEFAULT_TIMEOUT_SECONDS
    )  # PM-10: 2 minutes, up to 10
    per_minute: Mapped[int] = mapped_column(default=0)  # 0: no limit
    per_hour: Mapped[int] = mapped_column(default=0)
    per_day: Mapped[int] = mapped_column(default=0)
    max_connections: Mapped[int] = mapped_column(default=2)
    messages_per_connection: Mapped[int] = mapped_column(default=100)
    max_message_mb: Mapped[int] = mapped_column(default=20)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    is_default: Mapped[bool] = mapped_column(default=False)  # of its company and kind
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # it refused to log in; others go on
    stopped_reason: Mapped[str] = mapped_column(String(500), default="")
    hastened_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # a person asked to try it again at once
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AccountUsage(Base):
    """Messages an account was granted in one slot of five seconds; limits are kept by adding these up
    (`delivery.limits`), on any number of machines."""

    __tablename__ = "account_usage"

    account_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sender_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    slot_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    messages: Mapped[int] = mapped_column(default=0)
