"""The customers that were entered into the catalogue; their addresses are contacts with a subscription."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, Id, UtcDateTime, now


class CatalogueEntry(Base):
    """A customer entered with or without an e-mail; without one, the customer's own address receives (RP-7)."""

    __tablename__ = "catalogue_entries"
    __table_args__ = (Index("ix_catalogue_entries_company", "company_id", "party_id"),)

    party_id: Mapped[int] = mapped_column(
        Id, ForeignKey("parties.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    added_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
