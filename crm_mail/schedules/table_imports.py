"""Spreadsheets with their saved columns, brought in at given times (BX-12).

They lie in the company's folder for documents: a file that another program writes again and again stays where it is; of
a folder every file is taken, and moved to its `done` or `error`. Rows that could not be taken are told in a text
beside the file, as the hot folder tells its reasons.
"""

import contextlib
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.importers.base import ImportRefused, RowError
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.importers.folders.hot_folder import REASON, Claim, HotFolder, is_ordinary
from crm_mail.importers.folders.settings import FolderInvalid, read_folder, resolve_path
from crm_mail.importers.sentences import explain_in
from crm_mail.importers.tables import mappings as contact_mappings
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables import mappings as ledger_mappings
from crm_mail.receivables.importing import import_ledger
from crm_mail.refusals import Refusal
from crm_mail.web.translating import translator
from crm_mail.words import Translate

PAUSE_SECONDS: Final = 2.0
"""Between two looks: a file that grows within it is left for the next time."""
TOLD_ROWS: Final = 100
TABLE: Final = "table:"


class Target(StrEnum):
    """What the rows become."""

    CONTACTS = "contacts"
    LEDGER = "ledger"  # open items or movements


RIGHT: Final = {Target.CONTACTS: Permission.CONTACTS_MANAGE, Target.LEDGER: Permission.DOCUMENTS_MANAGE}


class TableImportRefused(Refusal):
    """The file or folder cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class TableImport:
    """What is brought in.

    Args:
        mapping: name of a saved mapping of columns; empty: they are known by their names.
        place: of the file or folder, inside the company's folder for documents.
    """

    target: Target
    mapping: str
    place: str

    @classmethod
    def parse(cls, what: str, place: str) -> "TableImport":
        """Read `text`. Raises ValueError."""
        target, _, mapping = what.removeprefix(TABLE).partition(":")
        return cls(Target(target), mapping, place.strip())

    @property
    def text(self) -> str:
        """As it stands among a schedule's options."""
        return f"{TABLE}{self.target.value}:{self.mapping}"


def check_table(session: Session, actor: Actor, company_id: int, wanted: TableImport) -> None:
    """Raise unless the actor may bring this in, and its mapping is there.

    Raises:
        PermissionDenied, MappingUnknown
    """
    actor.require(RIGHT[wanted.target], company_id)
    _columns(session, actor, company_id, wanted)


def bring_in(home: Installation, actor: Actor, company_id: int, wanted: TableImport) -> Counter[str]:
    """Bring in the file, or what lies in the folder; counts of files, rows, imported, unchanged and failed rows.

    Owns its transactions, one for each file, because files are moved only when their rows are kept.

    Raises:
        TableImportRefused, ImportRefused, MappingUnknown, PermissionDenied
    """
    with home.database.read() as session:
        company = session.get_one(Company, company_id)
        check_table(session, actor, company_id, wanted)
        place = _place(home, session, company, wanted.place)
        zone, language = company.timezone, company.language
    work = _Work(home, actor, company_id, wanted, translator(language))
    try:
        if place.is_dir():
            return work.take_folder(place, now().astimezone(ZoneInfo(zone)).date())
        return work.take_file(place)
    except OSError as trouble:
        raise TableImportRefused(f"{place.name} cannot be worked on: {trouble.strerror}") from None


def _place(home: Installation, session: Session, company: Company, text: str) -> Path:
    try:
        own = resolve_path(home.settings.resolved_hot_folder_root, read_folder(session, company).path)
        place = resolve_path(own, text)
    except FolderInvalid:
        raise TableImportRefused(
            f"“{text}” must name a file or folder inside the company's folder for documents"
        ) from None
    if not place.exists():
        raise TableImportRefused(f"there is no “{text}” in the company's folder for documents ({own})")
    return place


def _columns(session: Session, actor: Actor, company_id: int, wanted: TableImport) -> dict[str, str] | None:
    if not wanted.mapping:
        return None
    if wanted.target is Target.CONTACTS:
        return contact_mappings.load_mapping(session, actor, company_id, wanted.mapping)
    return ledger_mappings.load_mapping(session, actor, company_id, wanted.mapping)


@dataclass(frozen=True, slots=True)
class _Work:
    home: Installation
    actor: Actor
    company_id: int
    wanted: TableImport
    translate: Translate

    def take_file(self, path: Path) -> Counter[str]:
        """A file that stays; what is said about its rows lies beside it until they are right."""
        if not is_ordinary(path):
            raise TableImportRefused(f"{path.name} is no ordinary file")
        before = path.stat()
        threading.Event().wait(PAUSE_SECONDS)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise TableImportRefused(f"{path.name} is still being written: the next time takes it")
        counts, said = self._import(path)
        beside = path.with_name(f"{path.name}{REASON}")
        with contextlib.suppress(OSError):  # it may be a folder that is only read
            if said:
                beside.write_text(f"{said}\n", encoding="utf-8")
            else:
                beside.unlink(missing_ok=True)
        return counts

    def take_folder(self, path: Path, today: date) -> Counter[str]:
        """Every file of a folder, claimed by rename: any number of workers share it."""
        folder = HotFolder(path, stands_alone=lambda _name: True)
        folder.ready(time.time())
        threading.Event().wait(PAUSE_SECONDS)
        total: Counter[str] = Counter()
        for claim in folder.abandoned(time.time()):
            total += self._take_claim(folder, claim, today)
        for group in folder.ready(time.time()):
            if (taken := folder.claim(group)) is not None:
                total += self._take_claim(folder, taken, today)
        return total

    def _take_claim(self, folder: HotFolder, claim: Claim, today: date) -> Counter[str]:
        claim.keep_alive()
        path = claim.path(claim.group.lead)
        try:
            if not is_ordinary(path):
                raise ImportRefused("folder_file_odd", name=path.name)
            counts, said = self._import(path)
        except ImportRefused as refused:
            folder.refuse(claim, explain_in(self.translate, refused.code, refused.params))
            return Counter(files=1, failed=1)
        except BaseException:  # ours, not the file's: it is tried again
            folder.release(claim)
            raise
        if said:
            folder.refuse(claim, said)
        else:
            folder.finish(claim, today)
        return counts

    def _import(self, path: Path) -> tuple[Counter[str], str]:
        """Counts, and what is said about rows that were not taken."""
        with self.home.database.write() as session:
            company = session.get_one(Company, self.company_id)
            columns = _columns(session, self.actor, self.company_id, self.wanted)
            run = import_contacts if self.wanted.target is Target.CONTACTS else import_ledger
            result = run(session, self.actor, company, path, columns=columns, name=path.name)
        taken = result.created + result.updated
        counts = Counter(files=1, rows=result.rows, imported=taken)
        counts += Counter(unchanged=result.unchanged, failed=result.error_rows)
        return counts, "\n".join(self._said(error) for error in result.errors[:TOLD_ROWS])

    def _said(self, error: RowError) -> str:
        place = f"{error.row}, {error.column}" if error.column else str(error.row)
        return f"{place}: {explain_in(self.translate, error.code, error.params)}"
