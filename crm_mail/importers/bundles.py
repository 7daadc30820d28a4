"""One file or an archive of many: each is kept or refused by itself. The door of every way in."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.importers.archives import ArchiveLimits, Unpacked, open_archive
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.detect import FileFormat, sniff_document_format
from crm_mail.importers.document_service import DocumentFileResult, import_document_file
from crm_mail.permissions import Actor
from crm_mail.storage import BlobStore


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file: a result, or why it was refused."""

    name: str
    result: DocumentFileResult | None = None
    refused: ImportRefused | None = None


def import_files(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    name: str,
    data: bytes,
    *,
    dry_run: bool = False,
    size_limit: int = 50 * 1024 * 1024,
) -> Iterator[ImportedFile]:
    """Import a file, or every file of a ZIP archive, each inside a savepoint of its own.

    Args:
        name: the file's name; those of an archive's files are put behind it.
        size_limit: bytes of one file.

    Raises:
        PermissionDenied: the actor may not bring documents in.
    """
    try:
        for file in _unpack(name, data, size_limit):
            yield _import_one(session, store, actor, company, file, dry_run, size_limit)
    except ImportRefused as refused:  # the archive as a whole, or from here on
        yield ImportedFile(name, refused=refused)


def _unpack(name: str, data: bytes, size_limit: int) -> Iterator[Unpacked]:
    if sniff_document_format(data) is not FileFormat.ZIP:
        yield Unpacked(name, data)
        return
    for file in open_archive(name, data, ArchiveLimits(file_bytes=size_limit)):
        yield Unpacked(f"{name}/{file.name}", file.content, file.refused)


def _import_one(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    file: Unpacked,
    dry_run: bool,
    size_limit: int,
) -> ImportedFile:
    if file.refused is not None:
        return ImportedFile(file.name, refused=file.refused)
    base = file.name.replace("\\", "/").rpartition("/")[2]
    try:
        with session.begin_nested():
            result = import_document_file(
                session, store, actor, company, base, file.content, dry_run=dry_run, size_limit=size_limit
            )
    except ImportRefused as refused:
        return ImportedFile(file.name, refused=refused)
    return ImportedFile(file.name, result)
