"""Sender accounts: the mailboxes that messages leave from, their limits and their health."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Amount, Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.delivery.routing import AddressKind
from crm_mail.delivery.transports import Security

DEFAULT_TIMEOUT_SECONDS = 120
LONGEST_TIMEOUT_SECONDS = 600


class AccountKind(StrEnum):
    """What an account is in law."""

    SMTP = "smtp"
    PEC = "pec"
    SMS = "sms"  # no mailbox: a gateway that takes texts


class AuthMethod(StrEnum):
    """How an account proves who it is, to its SMTP and its IMAP server."""

    PASSWORD = "password"  # noqa: S105 (a name, not a secret)
    OAUTH2 = "oauth2"  # SASL XOAUTH2


class ReceiptForm(StrEnum):
    """Which delivery receipt a PEC message asks for (X-TipoRicevuta)."""

    FULL = "completa"  # with the whole original: content can be proven
    BRIEF = "breve"  # with SHA-1 hashes in place of attachments
    SHORT = "sintetica"  # certification data only


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
    slowed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the server asked to send less
    hastened_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # a person asked to try it again at once
    operator: Mapped[str] = mapped_column(
        String(30), default=""
    )  # delivery.operators: the preset it was made from
    auth: Mapped[AuthMethod] = mapped_column(EnumText(AuthMethod), default=AuthMethod.PASSWORD)
    oauth_provider: Mapped[str] = mapped_column(String(20), default="")  # delivery.oauth_providers
    oauth_client_id: Mapped[str] = mapped_column(String(200), default="")
    oauth_tenant: Mapped[str] = mapped_column(String(100), default="")  # Microsoft 365 only
    oauth_authorize_url: Mapped[str] = mapped_column(String(300), default="")
    oauth_token_url: Mapped[str] = mapped_column(String(300), default="")
    oauth_scope: Mapped[str] = mapped_column(String(500), default="")
    oauth_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # the client's secret, encrypted
    oauth_tokens: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted JSON: delivery.oauth.Tokens
    oauth_expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # a person must consent again by then
    oauth_secret_ends_on: Mapped[date | None] = mapped_column(Date)  # the client's secret is of no use after
    oauth_leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # one worker renews the tokens
    mailbox_is_read: Mapped[bool] = mapped_column(default=False)  # read-only, for receipts and bounces
    mailbox_host: Mapped[str] = mapped_column(String(200), default="")
    mailbox_port: Mapped[int] = mapped_column(default=993)
    mailbox_security: Mapped[Security] = mapped_column(EnumText(Security), default=Security.TLS)
    mailbox_username: Mapped[str] = mapped_column(String(200), default="")  # empty: the one for sending
    mailbox_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # empty: the one for sending
    mailbox_folders: Mapped[list[str]] = mapped_column(Json, default=list)  # empty: INBOX and the sent folder
    mailbox_sent_folder: Mapped[str] = mapped_column(String(250), default="")  # empty: found by itself
    mailbox_minutes: Mapped[int] = mapped_column(default=5)  # between two readings
    bounce_address: Mapped[str] = mapped_column(
        String(254), default=""
    )  # return path with {token}, where the account may use one; never on PEC
    receipt_form: Mapped[ReceiptForm] = mapped_column(EnumText(ReceiptForm), default=ReceiptForm.FULL)  # PEC
    acceptance_minutes: Mapped[int] = mapped_column(default=30)  # PEC: silence so long is an alarm
    dkim_domain: Mapped[str] = mapped_column(String(200), default="")  # empty: not signed by us
    dkim_selector: Mapped[str] = mapped_column(String(63), default="")
    dkim_is_used: Mapped[bool] = mapped_column(default=False)  # messages are signed; before: the key is made
    dkim_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted PEM
    sms: Mapped[dict[str, Any] | None] = mapped_column(Json)  # delivery.sms.gateway.GatewayConfig
    sms_headers: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted "Name: value" lines
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


class SmsDay(Base):
    """What an SMS account sent on a day of its company: segments and their cost (`delivery.sms.costs`)."""

    __tablename__ = "sms_days"

    account_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sender_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    messages: Mapped[int] = mapped_column(default=0)
    segments: Mapped[int] = mapped_column(default=0)
    cost: Mapped[Decimal] = mapped_column(Amount, default=0)
    full_at: Mapped[Decimal | None] = mapped_column(Amount)  # the cap that the next message did not fit into


class SmsReceipt(Base):
    """The number that a gateway gave a message, or one of its segments: its reports name it."""

    __tablename__ = "sms_receipts"
    __table_args__ = (Index("ix_sms_receipts_provider", "account_id", "provider_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("sender_accounts.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class VerdictSource(StrEnum):
    """Who says whether an address is PEC, strongest first (a person's word stands on the contact itself)."""

    PERSON = "person"  # a person's word on an address that stands on no card (behind a packaging)
    RECEIPT = "receipt"  # an accettazione said certificato or esterno
    REGISTRY = "registry"  # IndicePA, INI-PEC or the like, imported (domains.models.PecRegistry)
    DOMAIN_LIST = "domain_list"
    MX = "mx"


class AddressVerdict(Base):
    """Whether an address, or a whole domain, is PEC; kept with its age (`delivery.domains.pec_ladder`)."""

    __tablename__ = "address_verdicts"
    __table_args__ = (UniqueConstraint("subject", "source"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(254))  # an address (address_key) or a domain in lower case
    source: Mapped[VerdictSource] = mapped_column(EnumText(VerdictSource))
    kind: Mapped[AddressKind] = mapped_column(EnumText(AddressKind))
    detail: Mapped[str] = mapped_column(String(300), default="")
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Suppression(Base):
    """An address that a company does not write to any more, with the reason; a person can lift it (CO-5)."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("company_id", "address"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    address: Mapped[str] = mapped_column(String(254))  # addresses.address_key
    reason: Mapped[str] = mapped_column(String(40))  # delivery.bounces.reasons
    detail: Mapped[str] = mapped_column(String(500), default="")
    status: Mapped[str] = mapped_column(String(20), default="")  # RFC 3463
    soft_bounces: Mapped[int] = mapped_column(default=0)  # in a row; suppressed from a number on
    is_active: Mapped[bool] = mapped_column(default=True)
    since_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lifted_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))


class DomainCheck(Base):
    """What the deliverability doctor found for a sender domain, and when (BX-9)."""

    __tablename__ = "domain_checks"
    __table_args__ = (UniqueConstraint("company_id", "domain"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    domain: Mapped[str] = mapped_column(String(253))
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
