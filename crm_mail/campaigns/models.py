"""Mailings while they are written, their files, and the letters made for each recipient."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.db import Base, Id, Json, UtcDateTime, now
from crm_mail.outbox.models import Run


class Campaign(Base):
    """A mailing: a draft until its run is made.

    Everything that decides what a recipient gets is in the JSON columns, files and letter; ``campaigns.content`` reads
    them, and their mark says whether the compulsory test still holds.
    """

    __tablename__ = "campaigns"
    __table_args__ = (Index("ix_campaigns_company", "company_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    title: Mapped[str] = mapped_column(String(120))
    document_type: Mapped[str] = mapped_column(String(40))
    purpose: Mapped[str] = mapped_column(
        String(20), default=""
    )  # contacts.consent.Purpose, besides the type's
    audience: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # PartyFilter.to_dict
    only_subscribed: Mapped[bool] = mapped_column(default=False)
    with_parties: Mapped[bool] = mapped_column(default=False)  # firms without a contact, at their own address
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(Json, default=dict)  # language → content.PARTS
    letter_kind: Mapped[str] = mapped_column(String(10), default="")  # letters.LetterKind
    letter_as_pdf: Mapped[bool] = mapped_column(default=False)
    letter_name: Mapped[str] = mapped_column(
        String(120), default=""
    )  # of the file that arrives, without ending
    letter_sha256: Mapped[str] = mapped_column(String(64), default="")  # the Word template
    letter_html: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # language → HTML template
    tested_mark: Mapped[str] = mapped_column(String(64), default="")  # content.mark_of what the test showed
    tested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_id: Mapped[int | None] = mapped_column(Id, ForeignKey("runs.id"))
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    company: Mapped[Company] = relationship()
    run: Mapped[Run | None] = relationship()
    files: Mapped[list["CampaignFile"]] = relationship(
        cascade="all, delete-orphan", order_by="CampaignFile.id", lazy="selectin"
    )


class CampaignFile(Base):
    """A file that everybody gets: attached, or with a content id a picture of the text."""

    __tablename__ = "campaign_files"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(Id, ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    content_id: Mapped[str] = mapped_column(String(80), default="")


class CampaignLetter(Base):
    """The letter made for one recipient; the same letter is made once (``mark``)."""

    __tablename__ = "campaign_letters"
    __table_args__ = (
        Index("ix_campaign_letters_contact", "campaign_id", "contact_id"),
        Index("ix_campaign_letters_party", "campaign_id", "party_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(Id, ForeignKey("campaigns.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(Id, ForeignKey("contacts.id", ondelete="CASCADE"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id"))
    mark: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(String(500), default="")  # why it could not be made
