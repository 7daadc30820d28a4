"""Files that came together, or an archive of many: each document is kept or refused by itself.

The door of every way in: pages, command line and hot folder give it groups of files (`pairing`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.documents.service import FileRole
from crm_mail.importers.base import ImportRefused, ParsedFile
from crm_mail.importers.documents.archives import ArchiveLimits, Unpacked, open_archive
from crm_mail.importers.documents.pairing import Group, Part, group_files, part_of
from crm_mail.importers.documents.service import DocumentFileResult, import_document_file
from crm_mail.importers.file_kinds import mime_of
from crm_mail.importers.folders.settings import read_pattern
from crm_mail.importers.formats.canonical import Beside, named_paths, split_list
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.formats.hardened_xml import check_size
from crm_mail.importers.formats.hybrid_pdf import extract_invoice_xml
from crm_mail.importers.formats.named_pdf import import_named_pdf
from crm_mail.permissions import Actor
from crm_mail.storage import BlobStore

SIZE_LIMIT: Final = 50 * 1024 * 1024
_TOGETHER: Final = 128 * 1024 * 1024
"""Bytes of an archive that are looked at together for pairs."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file, or of the files of one document: a result, or why it was refused."""

    name: str
    result: DocumentFileResult | None = None
    refused: ImportRefused | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Where files are brought to: one company, inside one transaction of the caller.

    Args:
        dry_run: say what would happen; nothing is written.
        size_limit: bytes of one file.
    """

    session: Session
    store: BlobStore
    actor: Actor
    company: Company
    dry_run: bool = False
    size_limit: int = SIZE_LIMIT
    _kept: dict[str, str] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """How the company writes the names of its PDFs."""
        if "pattern" not in self._kept:
            self._kept["pattern"] = read_pattern(self.session, self.company.id)
        return self._kept["pattern"]


def import_files(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    name: str,
    data: bytes,
    *,
    dry_run: bool = False,
    size_limit: int = SIZE_LIMIT,
) -> Iterator[ImportedFile]:
    """Import a file, or every file of a ZIP archive, each document inside a savepoint of its own.

    Args:
        name: the file's name; those of an archive's files are put behind it.
        size_limit: bytes of one file.

    Raises:
        PermissionDenied: the actor may not bring documents in.
    """
    yield from import_together(Door(session, store, actor, company, dry_run, size_limit), {name: data})


def import_together(door: Door, files: Mapping[str, bytes]) -> Iterator[ImportedFile]:
    """Import files that came together, those of one base name as one document.

    A canonical JSON may name others of them by path. Raises PermissionDenied.
    """
    named = {name: named_beside(name, data) for name, data in files.items() if name.lower().endswith(".json")}
    for group in group_files(files, named):
        yield from import_group(door, group, files, _among(files, group.lead))


def named_beside(name: str, data: bytes) -> set[str]:
    """The names of the files that a canonical JSON asks for, written as its own name is."""
    folder = PurePosixPath(name.replace("\\", "/")).parent
    return {str(folder / path) for path in named_paths(data)}


def _among(files: Mapping[str, bytes], lead: str) -> Beside:
    folder = PurePosixPath(lead.replace("\\", "/")).parent
    return lambda path: files.get(str(folder / path))


def import_group(
    door: Door, group: Group, files: Mapping[str, bytes], beside: Beside
) -> Iterator[ImportedFile]:
    """Import the files of one document, or an archive, or a list of documents.

    Arguments: `files`, the bytes of each of the group's names; `beside`, fetches files that a JSON names by path.
    Raises PermissionDenied; whatever is wrong with the files is in what is given back.
    """
    data = files[group.lead]
    others = {name: files[name] for name in (group.pdf, *group.extras) if name}
    try:
        if sniff_document_format(data) is FileFormat.ZIP and not others:
            yield from _import_archive(door, group.lead, data)
            return
        items = split_list(data) if sniff_document_format(data) is FileFormat.JSON else [data]
        if len(items) > 1 and others:
            names = ", ".join(base_name(name) for name in others)
            raise ImportRefused("pair_of_many", name=base_name(group.lead), number=len(items), others=names)
    except ImportRefused as refused:  # the archive as a whole, or from here on
        yield ImportedFile(group.lead, refused=refused)
        return
    for place, item in enumerate(items, start=1):
        label = f"{group.lead}[{place}]" if len(items) > 1 else " + ".join((group.lead, *others))
        yield _import_one(door, label, group, item, others, beside)


def base_name(name: str) -> str:
    """The name without its folders."""
    return name.replace("\\", "/").rpartition("/")[2]


def _import_archive(door: Door, name: str, data: bytes) -> Iterator[ImportedFile]:
    """The archive's files, looked at some hundred megabytes at a time for those that belong together."""
    held: list[Unpacked] = []
    for file in open_archive(name, data, ArchiveLimits(file_bytes=door.size_limit)):
        if held and sum(len(one.content) for one in held) + len(file.content) > _TOGETHER:
            yield from _import_unpacked(door, name, held)
            held = []
        held.append(file)
    yield from _import_unpacked(door, name, held)


def _import_unpacked(door: Door, archive: str, held: list[Unpacked]) -> Iterator[ImportedFile]:
    files: dict[str, bytes] = {}
    for file in held:
        label = f"{archive}/{file.name}"
        if file.refused is not None or label in files:
            again = file.refused or ImportRefused("zip_damaged", detail=file.name)
            yield ImportedFile(label, refused=again)
        else:
            files[label] = file.content
    yield from import_together(door, files)


def _import_one(
    door: Door, label: str, group: Group, data: bytes, others: Mapping[str, bytes], beside: Beside
) -> ImportedFile:
    try:
        companions = [_companion(name, content, group, door.size_limit) for name, content in others.items()]
        with door.session.begin_nested():
            result = _bring(door, base_name(group.lead), data, companions, beside)
    except ImportRefused as refused:
        return ImportedFile(label, refused=refused)
    return ImportedFile(label, result)


def _bring(
    door: Door, name: str, data: bytes, companions: list[ParsedFile], beside: Beside
) -> DocumentFileResult:
    arguments = (door.session, door.store, door.actor, door.company, name, data)
    try:
        return import_document_file(
            *arguments,
            dry_run=door.dry_run,
            size_limit=door.size_limit,
            companions=companions,
            beside=beside,
        )
    except ImportRefused as refused:
        if refused.code != "pdf_needs_fields":
            raise
    if part_of(name) is Part.EXTRA:
        raise ImportRefused("lone_extra", name=name)
    return import_named_pdf(*arguments, door.pattern, extras=companions, dry_run=door.dry_run)


def _companion(name: str, content: bytes, group: Group, size_limit: int) -> ParsedFile:
    """A file beside the lead. Raises ImportRefused: a printed form that is no PDF, cut off, or too large."""
    check_size(content, size_limit)
    base = base_name(name)
    if name == group.pdf:
        if sniff_document_format(content) is not FileFormat.PDF:
            raise ImportRefused("not_a_pdf", name=base)
        extract_invoice_xml(content)  # opens it, within limits; its data do not count beside a side-car
        return ParsedFile(FileRole.MAIN.value, base, "application/pdf", content)
    role = FileRole.LEGAL_XML if part_of(name) is Part.SIDECAR else FileRole.ATTACHMENT
    return ParsedFile(role.value, base, mime_of(base, content), content)
