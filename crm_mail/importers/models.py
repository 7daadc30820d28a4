"""What a company decides on its hot folder, and what came in by it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, now


class Afterwards(StrEnum):
    """What happens to a file whose documents were kept."""

    KEEP = "keep"  # moved to done/YYYY-MM-DD
    DELETE = "delete"


class HotFolder(Base):
    """The folder that is watched for a company, and how the files in it are read."""

    __tablename__ = "hot_folders"

    company_id: Mapped[int] = mapped_column(
        Id, ForeignKey("companies.id"), primary_key=True, autoincrement=False
    )
    path: Mapped[str] = mapped_column(String(500), default="")  # inside the root of config.py
    is_watched: Mapped[bool] = mapped_column(default=False)
    name_pattern: Mapped[str] = mapped_column(String(200), default="")  # of PDFs; empty: the default one
    wait_minutes: Mapped[int] = mapped_column(default=2)  # for the other half of a pair
    afterwards: Mapped[Afterwards] = mapped_column(EnumText(Afterwards), default=Afterwards.KEEP)


class FileOutcome(StrEnum):
    """What became of a file."""

    CREATED = "created"
    VERSION = "version"
    UNCHANGED = "unchanged"
    RECEIPT = "receipt"
    REFUSED = "refused"


class HotFolderFile(Base):
    """One file, or the files of one document, that came in by a hot folder."""

    __tablename__ = "hot_folder_files"
    __table_args__ = (
        Index("ix_hot_folder_files_list", "company_id", "id"),
        Index("ix_hot_folder_files_open", "company_id", "outcome", "is_settled"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    name: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[FileOutcome] = mapped_column(EnumText(FileOutcome))
    document_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    reason: Mapped[str] = mapped_column(String(1000), default="")  # in the company's language
    notices: Mapped[list[str]] = mapped_column(Json, default=list)
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of the lead
    privacy_level: Mapped[int] = mapped_column(default=0)  # the highest of its documents
    is_settled: Mapped[bool] = mapped_column(default=False)  # a person has seen the refusal
