"""The consent ledger: every word that was given or withdrawn, and the latest one of each for quick questions.

A word belongs to a contact, or, where there is no contact, to an address of the company's parties; what a contact
withdraws is noted for its addresses as well, so that another card with the same address changes nothing.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.db import Base, EnumText, Id, UtcDateTime, now


class ConsentEvent(Base):
    """One word; rows are only added. ``contact_id`` None: of the address alone, which then stands in ``address``."""

    __tablename__ = "consent_events"
    __table_args__ = (
        Index("ix_consent_events_contact", "contact_id", "id"),
        Index("ix_consent_events_address", "company_id", "address", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    contact_id: Mapped[int | None] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254), default="")  # delivery.addresses.address_key
    purpose: Mapped[Purpose] = mapped_column(EnumText(Purpose))
    channel: Mapped[ConsentChannel] = mapped_column(EnumText(ConsentChannel))
    decision: Mapped[Decision] = mapped_column(EnumText(Decision))
    at: Mapped[datetime] = mapped_column(UtcDateTime)  # when it was said
    source: Mapped[Source] = mapped_column(EnumText(Source))
    text_version: Mapped[str] = mapped_column(String(80), default="")  # of the words that were agreed to
    proof: Mapped[str] = mapped_column(Text, default="")  # what shows it: a note, a form's number
    proof_name: Mapped[str] = mapped_column(String(200), default="")
    proof_sha256: Mapped[str] = mapped_column(String(64), default="")  # a file of the store
    ip: Mapped[str] = mapped_column(String(45), default="")
    message_id: Mapped[int | None] = mapped_column(Id)  # the message whose link was used; may be gone
    user_id: Mapped[int | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(String(200), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ConsentState(Base):
    """The latest word on one subject, of a contact or of an address."""

    __tablename__ = "consent_states"
    __table_args__ = (
        UniqueConstraint("contact_id", "purpose", "channel"),
        Index("ix_consent_states_subject", "company_id", "purpose", "channel", "decision", "contact_id"),
        Index(
            "uq_consent_states_address",
            *("company_id", "address", "purpose", "channel"),
            unique=True,
            sqlite_where=text("contact_id IS NULL"),
            postgresql_where=text("contact_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    contact_id: Mapped[int | None] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254), default="")
    purpose: Mapped[Purpose] = mapped_column(EnumText(Purpose))
    channel: Mapped[ConsentChannel] = mapped_column(EnumText(ConsentChannel))
    decision: Mapped[Decision] = mapped_column(EnumText(Decision))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerIsAppendOnly(RuntimeError):
    """Somebody tried to change a word of the ledger; add another one instead."""


@event.listens_for(ConsentEvent, "before_update")
def _refuse_change(_mapper: Mapper[Any], _connection: Connection, row: ConsentEvent) -> None:
    raise LedgerIsAppendOnly(f"the consent event {row.id} is never changed: record another one")
