"""A company and what it decides for each document type."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING, AfterSending
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.delivery.routing import ChannelPreference


class Company(Base):
    """A firm that sends documents; ``code`` is what its ERP calls it (RP-2: *Sociedad*, ``SM02``)."""

    __tablename__ = "companies"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    vat_number: Mapped[str] = mapped_column(String(30), default="")
    tax_code: Mapped[str] = mapped_column(String(30), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    province: Mapped[str] = mapped_column(String(50), default="")
    country: Mapped[str] = mapped_column(String(2), default="IT")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(50), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    logo_sha256: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(2), default="it")
    timezone: Mapped[str] = mapped_column(String(50), default="Europe/Rome")
    error_address: Mapped[str] = mapped_column(String(254), default="")  # PM-19
    undo_seconds: Mapped[int] = mapped_column(default=30)
    needs_second_person: Mapped[bool] = mapped_column(
        default=False
    )  # BX-2: an approver besides the committer
    test_address: Mapped[str] = mapped_column(String(254), default="")  # CO-3: all mail goes here when set
    max_message_mb: Mapped[int] = mapped_column(default=20)
    unknown_is_ordinary: Mapped[bool] = mapped_column(
        default=False
    )  # addresses of unknown kind are ordinary mail, and nobody is asked
    soft_opt_in: Mapped[bool] = mapped_column(
        default=True
    )  # advertising to customers without their consent, where the country's law allows it (contacts.consent)
    till_packaging: Mapped[str] = mapped_column(
        String(20), default=DEFAULT_PACKAGING
    )  # PM-20 (POS_CLI_CFD_EMP): of customers born at the till
    pressure_messages: Mapped[int | None]  # most advertising messages to one contact …
    pressure_days: Mapped[
        int | None
    ]  # … within so many days; either empty: no cap (outbox.composing_pressure)
    send_windows: Mapped[dict[str, Any] | None] = mapped_column(
        Json, default=dict
    )  # channel → companies.send_windows; a missing one is always open
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AccountSource(StrEnum):
    """Whose account sends a document type."""

    COMPANY = "company"
    USER = "user"  # PD-2: the account of the person who commits


class TypePolicy(Base):
    """What a company decides for one document type; a missing row means the built-in defaults of the type."""

    __tablename__ = "type_policies"
    __table_args__ = (UniqueConstraint("company_id", "document_type"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    document_type: Mapped[str] = mapped_column(String(40))
    is_enabled: Mapped[bool] = mapped_column(default=True)
    account_source: Mapped[AccountSource] = mapped_column(
        EnumText(AccountSource), default=AccountSource.COMPANY
    )
    smtp_account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("sender_accounts.id"))
    pec_account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("sender_accounts.id"))
    channel_preference: Mapped[ChannelPreference] = mapped_column(EnumText(ChannelPreference))
    is_bundled: Mapped[bool] = mapped_column(default=True)  # BX-7
    bcc: Mapped[str] = mapped_column(String(1000), default="")  # CO-4; never on PEC
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    asks_consent: Mapped[bool | None]  # None: as the type's own (document_types.ASKS_CONSENT)


class CompanyType(Base):
    """What a company changed about a document type, or a whole type of its own (`x_…`).

    A built-in type has a row only when it was renamed or switched off. The fields below ``plurals`` are an own
    type's; its channel and bundling are the defaults under a `TypePolicy`.
    """

    __tablename__ = "company_types"
    __table_args__ = (UniqueConstraint("company_id", "type_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    type_id: Mapped[str] = mapped_column(String(32))
    is_used: Mapped[bool] = mapped_column(default=True)
    labels: Mapped[dict[str, str]] = mapped_column(
        Json, default=dict
    )  # by language; missing: the built-in name
    plurals: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    base: Mapped[str] = mapped_column(String(32), default="")  # the built-in type whose schema it takes
    layout: Mapped[str] = mapped_column(String(32), default="")  # the built-in type that it is printed like
    direction: Mapped[str] = mapped_column(String(10), default="customer")
    role: Mapped[str] = mapped_column(String(100), default="")
    is_bundled: Mapped[bool] = mapped_column(default=True)
    channel: Mapped[ChannelPreference] = mapped_column(
        EnumText(ChannelPreference), default=ChannelPreference.PEC_FIRST
    )
    fields: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)  # name, kind, is_required, label


class Packaging(Base):
    """How documents are packed for the customers that name it (PM-7: *tipo de empaquetado*).

    ``types`` empty: every document type; ``name_pattern`` empty: the files keep their names. Sizes are in KiB; None
    means never. A company without the row `GRAL` packs as if there were one with these defaults.
    """

    __tablename__ = "packagings"
    __table_args__ = (UniqueConstraint("company_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    code: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(String(200), default="")
    party_code: Mapped[str] = mapped_column(String(60), default="")  # for this customer alone
    types: Mapped[list[str]] = mapped_column(Json, default=list)
    has_main: Mapped[bool] = mapped_column(default=True)  # the PDF that people read
    has_legal_xml: Mapped[bool] = mapped_column(default=True)
    has_bom: Mapped[bool] = mapped_column(default=False)  # added to the attached copy of the XML
    has_attachments: Mapped[bool] = mapped_column(default=True)
    name_pattern: Mapped[str] = mapped_column(String(200), default="")  # documents.packaging
    zip_above_kb: Mapped[int | None]
    link_above_kb: Mapped[int | None]  # CO-6: a download link instead of the files; never by PEC
    link_days: Mapped[int] = mapped_column(default=30)
    copy_folder: Mapped[str] = mapped_column(String(200), default="")  # below Settings.copies_dir
    after_sending: Mapped[AfterSending] = mapped_column(EnumText(AfterSending), default=AfterSending.KEEP)
    logs_success: Mapped[bool] = mapped_column(default=False)  # PM-14; failures always are
    smtp_account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("sender_accounts.id"))
    timeout_seconds: Mapped[int | None]  # PM-10: of its messages, in place of the account's
    text_name: Mapped[str] = mapped_column(String(40), default="")  # empty: the text of the document type
    addenda: Mapped[str] = mapped_column(Text, default="")  # XML put into the attached copy of a CFDI (PM-18)
    uses_order_smtp: Mapped[bool] = mapped_column(default=False)  # the server that a send order names is used
    writes_orders: Mapped[bool] = mapped_column(
        default=False
    )  # PM-4: a stamped document gets a send order by itself
    writes_orders_since: Mapped[datetime | None] = mapped_column(UtcDateTime)  # older documents get none
