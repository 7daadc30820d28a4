"""Parties, contacts, addresses, roles, characteristics and subscriptions."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Computed, ForeignKey, Index, String, Table, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.contacts.word_index import keep_words
from crm_mail.db import NEVER_AGAIN, Base, EnumText, Id, Json, UtcDateTime, now
from crm_mail.delivery.routing import AddressKind

_OTHER_KEYS = "code || ' ' || vat_number || ' ' || tax_code || ' ' || email || ' ' || billing_email"
SEARCH_KEY = f"name_key || ' ' || lower({_OTHER_KEYS})"
"""What the text filter looks into; the database writes it itself, whoever stores the row."""


class Party(Base):
    """A customer, a supplier, or both, of one company.

    ``code`` is text: leading zeros count, and the same code may exist in two companies (RP-16).
    """

    __tablename__ = "parties"
    __table_args__ = (
        UniqueConstraint("company_id", "code"),
        Index("ix_parties_company_vat", "company_id", "vat_number"),
        Index("ix_parties_company_tax_code", "company_id", "tax_code"),
        Index("ix_parties_company_name", "company_id", "name_key", "id"),
        Index("ix_parties_search", "company_id", "search_key"),
        Index("ix_parties_company_agent", "company_id", "agent"),
        Index("ix_parties_company_zone", "company_id", "zone"),
        Index("ix_parties_agent", "agent", "id"),  # the two of `permissions.Sight`
        Index("ix_parties_zone", "zone", "id"),
        Index("ix_parties_company_city", "company_id", "city"),
        Index("ix_parties_company_category", "company_id", "category"),
        Index("ix_parties_company_province", "company_id", "province"),
        Index("ix_parties_company_language", "company_id", "language"),
        Index("ix_parties_company_blocked", "company_id", "is_blocked"),
        Index("ix_parties_company_kind", "company_id", "is_customer", "is_supplier"),
        Index("ix_parties_company_email", "company_id", "email"),
        Index("ix_parties_company_billing", "company_id", "billing_email"),
        *(  # without the many that have none, whose number would keep SQLite from using it
            Index(name, text(f"lower({email})"), "company_id", sqlite_where=has_one, postgresql_where=has_one)
            for name, email in (
                ("ix_parties_email_key", "email"),
                ("ix_parties_billing_key", "billing_email"),
            )
            for has_one in [text(f"{email} > ''")]
        ),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(250))
    name_key: Mapped[str] = mapped_column(String(250))  # lower case, for search and order
    is_customer: Mapped[bool] = mapped_column(default=True)
    is_supplier: Mapped[bool] = mapped_column(default=False)
    vat_number: Mapped[str] = mapped_column(String(30), default="")
    tax_code: Mapped[str] = mapped_column(String(30), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    province: Mapped[str] = mapped_column(String(50), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    zone: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[str] = mapped_column(String(60), default="")
    category: Mapped[str] = mapped_column(String(60), default="")
    credit_days: Mapped[int | None]  # from a document's date to its due date; None: not agreed
    language: Mapped[str] = mapped_column(String(2), default="")  # empty: the company's
    email: Mapped[str] = mapped_column(String(254), default="")  # master address (PD-3)
    email_kind: Mapped[AddressKind] = mapped_column(EnumText(AddressKind), default=AddressKind.UNKNOWN)
    billing_email: Mapped[str] = mapped_column(String(254), default="")  # alone when set (PM-15)
    billing_email_kind: Mapped[AddressKind] = mapped_column(
        EnumText(AddressKind), default=AddressKind.UNKNOWN
    )
    packaging: Mapped[str] = mapped_column(
        String(20), default=DEFAULT_PACKAGING
    )  # code; unknown: the default
    packaging_emails: Mapped[str] = mapped_column(String(1000), default="")  # "a@x,b@x" (PM-15)
    addenda: Mapped[str] = mapped_column(Text, default="")  # XML for the attached copy of a CFDI (PM-18)
    is_blocked: Mapped[bool] = mapped_column(default=False)
    search_key: Mapped[str] = mapped_column(Text, Computed(SEARCH_KEY, persisted=True), deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    contacts: Mapped[list["Contact"]] = relationship(back_populates="party", cascade="all, delete-orphan")


class ContactState(StrEnum):
    """Whether a contact takes part in sending."""

    ACTIVE = "active"
    SUGGESTED = "suggested"  # learnt from a document; waits for a person's word
    INACTIVE = "inactive"
    RESTRICTED = "restricted"  # art. 18 GDPR: kept, not used; only who manages privacy lifts it
    ERASED = "erased"  # a row without a person, for the history that points at it; exists for nobody


contact_roles = Table(
    "contact_roles",
    Base.metadata,
    Column("contact_id", Id, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Id, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Role(Base):
    """A function of a contact (administration, logistics, quality office…); the company edits the list
    (IT-10).
    """

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))


class PrivacyLevelName(Base):
    """What a company calls the privacy levels 0 to 3 (IT-17)."""

    __tablename__ = "privacy_level_names"
    __table_args__ = (UniqueConstraint("company_id", "level"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    level: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))


class Contact(Base):
    """A person or an office inside a party (IT-8: *dettaglio di contatto*)."""

    __tablename__ = "contacts"
    __table_args__ = (
        Index("ix_contacts_party", "party_id", "privacy_level", "state"),  # answers without the row
        Index("ix_contacts_search", "company_id", "privacy_level", "name_key", "party_id"),
        Index(  # of the few that wait: nearly all have another state
            "ix_contacts_waiting",
            *("company_id", "state", "privacy_level"),
            sqlite_where=text("state = 'suggested'"),
            postgresql_where=text("state = 'suggested'"),
        ),
        Index("ix_contacts_party_name", "company_id", "party_id", "name_key"),  # finds duplicates
        Index("ix_contacts_birthday", "company_id", "birth_month", "birth_day"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id"))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(60), default="")
    mobile: Mapped[str] = mapped_column(String(60), default="")
    language: Mapped[str] = mapped_column(String(2), default="")  # empty: the party's, then the company's
    birth_month: Mapped[int | None]  # birthday: both or none; 29 February stays as it is
    birth_day: Mapped[int | None]
    birth_year: Mapped[int | None]  # None: not known
    privacy_level: Mapped[int] = mapped_column(default=0)
    state: Mapped[ContactState] = mapped_column(EnumText(ContactState), default=ContactState.ACTIVE)
    notes: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    party: Mapped[Party] = relationship(back_populates="contacts")
    roles: Mapped[list[Role]] = relationship(secondary=contact_roles, lazy="selectin", order_by=Role.name)
    addresses: Mapped[list["ContactAddress"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="ContactAddress.position"
    )
    characteristics: Mapped[list["Characteristic"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="Characteristic.key"
    )
    subscriptions: Mapped[list["Subscription"]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class ContactAddress(Base):
    """One address of a contact: ordinary, PEC or not yet known."""

    __tablename__ = "contact_addresses"
    __table_args__ = (
        UniqueConstraint("contact_id", "email"),
        Index("ix_contact_addresses_email", "email", "contact_id"),
        Index("ix_contact_addresses_key", "email_key", "contact_id"),
        Index("ix_contact_addresses_kind", "kind", "contact_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    kind: Mapped[AddressKind] = mapped_column(EnumText(AddressKind), default=AddressKind.UNKNOWN)
    position: Mapped[int] = mapped_column(default=0)  # the first of a kind is used
    email_key: Mapped[str] = mapped_column(
        String(254), Computed("lower(email)", persisted=True), deferred=True
    )  # for comparing, never for sending


class Characteristic(Base):
    """A free tag of a contact with an optional value (IT-14): ``sector=food``, ``fair-2026``."""

    __tablename__ = "characteristics"
    __table_args__ = (
        UniqueConstraint("contact_id", "key", "value"),
        Index("ix_characteristics_key_value", "key", "value", "contact_id"),
        Index("ix_characteristics_tag", text("lower(key)"), text("lower(value)"), "contact_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(200), default="")


class RecipientKind(StrEnum):
    """How a subscribed contact receives a document."""

    TO = "to"
    CC = "cc"


class Subscription(Base):
    """A contact receives a document type (IT-9: *dettaglio degli invii*); no row means it does not."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("contact_id", "document_type"),
        Index("ix_subscriptions_type_contact", "document_type", "contact_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    document_type: Mapped[str] = mapped_column(String(40))
    recipient_kind: Mapped[RecipientKind] = mapped_column(EnumText(RecipientKind), default=RecipientKind.TO)
    address_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("contact_addresses.id", ondelete="SET NULL")
    )


class SavedMapping(Base):
    """A mapping of a file's columns to fields, kept under a name for the next import."""

    __tablename__ = "saved_mappings"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    name: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(20), default="contacts", server_default="contacts")
    columns: Mapped[str] = mapped_column(Text)  # JSON text of importers.contact_columns.Mapping
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SavedFilter(Base):
    """A segment: a filter of parties under a name, worked out afresh each time; a person's own, or everybody's."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("company_id", "user_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(80))
    filter: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # PartyFilter.to_dict
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false())  # seen by colleagues too
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class MergedRow(Base):
    """A contact or a party that was found to be another one: its old id leads to the one that stayed."""

    __tablename__ = "merged_rows"
    __table_args__ = (Index("ix_merged_rows_kept", "object_type", "kept_id"),)

    object_type: Mapped[str] = mapped_column(String(40), primary_key=True)  # name of the table
    merged_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    kept_id: Mapped[int] = mapped_column(Id)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ContactMerge(Base):
    """A merge of two contacts, with all that undoing it needs; goes with the contact that stayed."""

    __tablename__ = "contact_merges"
    __table_args__ = (Index("ix_contact_merges_company", "company_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    contact_id: Mapped[int] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    snapshot: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # contacts.merge_snapshot
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PartyMerge(Base):
    """The same of two customers or suppliers."""

    __tablename__ = "party_merges"
    __table_args__ = (Index("ix_party_merges_company", "company_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    snapshot: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PartyChange(Base):
    """What a person did to many parties at once, with all that undoing it needs."""

    __tablename__ = "party_changes"
    __table_args__ = (Index("ix_party_changes_company", "company_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(40))  # contacts.bulk.BulkKind
    value: Mapped[str] = mapped_column(String(300), default="")
    count: Mapped[int] = mapped_column(default=0)
    before: Mapped[list[list[Any]]] = mapped_column(Json, default=list)  # [value before, ids]
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ErasedAddress(Base):
    """That an address was erased, as a hash: an import that brings it back is noticed (art. 17 GDPR)."""

    __tablename__ = "erased_addresses"
    __table_args__ = (UniqueConstraint("company_id", "digest"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    digest: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


keep_words(Base.metadata.tables[Party.__tablename__], "search_key")
keep_words(Base.metadata.tables[Contact.__tablename__], "name_key")
keep_words(Base.metadata.tables[ContactAddress.__tablename__], "email_key")
