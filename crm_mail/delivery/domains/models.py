"""Registries of PEC addresses that were imported: IndicePA, INI-PEC and the like."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, Id, UtcDateTime, now


class PecRegistry(Base):
    """One list, replaced as a whole by the next import under the same name."""

    __tablename__ = "pec_registries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    file_name: Mapped[str] = mapped_column(String(250), default="")
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    imported_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    lines: Mapped[int] = mapped_column(default=0)
    addresses: Mapped[int] = mapped_column(default=0)


class PecRegistryEntry(Base):
    """An address that a registry names as PEC, with whose it is."""

    __tablename__ = "pec_registry_entries"
    __table_args__ = (
        UniqueConstraint("registry_id", "address"),
        Index("ix_pec_registry_entries_address", "address"),
        Index("ix_pec_registry_entries_tax_code", "tax_code"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    registry_id: Mapped[int] = mapped_column(Id, ForeignKey("pec_registries.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254))  # addresses.address_key
    tax_code: Mapped[str] = mapped_column(String(30), default="")  # codice fiscale or partita IVA
    holder: Mapped[str] = mapped_column(String(200), default="")
