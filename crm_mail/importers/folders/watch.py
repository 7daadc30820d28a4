"""The watcher of the hot folders: looks into each, claims what is ready, has it imported, moves it on.

Any number of watchers may look into the same folders. One of them owns its transactions, one for each group of
files, because files are moved only when their documents are kept.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail.background import repeating
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.db import now
from crm_mail.events.intake import is_event_file
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.bundles import Door, ImportedFile
from crm_mail.importers.folders.hot_folder import Claim
from crm_mail.importers.folders.hot_folder import HotFolder as Folder
from crm_mail.importers.folders.settings import FolderChoices, FolderInvalid, read_folder, resolve_path
from crm_mail.importers.folders.taking import FOLDER_ACTOR, import_claim, read_claim, record
from crm_mail.importers.formats.canonical import named_paths
from crm_mail.importers.formats.name_patterns import read_name
from crm_mail.importers.formats.named_pdf import company_words
from crm_mail.importers.models import Afterwards, FileOutcome, HotFolder, HotFolderFile
from crm_mail.installation import Installation

log = logging.getLogger(__name__)

PEEK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one group of files."""

    company: str
    name: str
    outcome: str
    documents: list[int]
    reason: str = ""


OnFile = Callable[[FileReport], object]


@dataclass(slots=True)
class _Watched:
    """One company's folder, with the choices it was made for."""

    company_id: int
    code: str
    zone: str
    choices: FolderChoices
    folder: Folder
    is_silent: bool = False  # its trouble was logged already


@dataclass(slots=True)
class Watcher:
    """Looks into the hot folders whenever it is told to.

    Args:
        company_id: look into this company's folder only, watched or not; None means every watched one.
        on_file: told of each group of files.
        stop: set it to end the present look after the file in hand.
    """

    home: Installation
    company_id: int | None = None
    on_file: OnFile = lambda _report: None
    stop: threading.Event = field(default_factory=threading.Event)
    _known: dict[int, _Watched] = field(default_factory=dict)

    def turn(self) -> int:
        """One look into every folder; how many groups of files were settled."""
        self._refresh()
        return sum(self._look(watched) for watched in self._known.values())

    def waiting(self) -> int:
        """Files that lay in the folders at the last look and were not taken."""
        return sum(watched.folder.waiting() for watched in self._known.values())

    def _refresh(self) -> None:
        """The folders as the settings have them now; what was seen stays while nothing changes."""
        with self.home.database.read() as session:
            wanted = {one.company_id: one for one in self._wanted(session)}
        for company_id, watched in wanted.items():
            known = self._known.get(company_id)
            if known is not None and known.choices == watched.choices:
                wanted[company_id] = known
        self._known = wanted

    def _wanted(self, session: Session) -> Iterator[_Watched]:
        if self.company_id is not None:
            ids = [self.company_id]
        else:
            ids = list(session.scalars(select(HotFolder.company_id).where(HotFolder.is_watched)))
        for company in session.scalars(select(Company).where(Company.id.in_(ids)).order_by(Company.code)):
            choices = read_folder(session, company)
            try:
                path = resolve_path(self.home.settings.resolved_hot_folder_root, choices.path)
            except FolderInvalid:
                log.warning("The hot folder of %s lies outside the root; it is not watched.", company.code)
                continue
            words = company_words(company_types(session, company.id))
            says = partial(read_name, pattern=choices.name_pattern, words=words)
            folder = Folder(
                path,
                choices.wait_minutes * 60.0,
                _names_in,
                lambda name, says=says: is_event_file(name) or says(name) is not None,  # type: ignore[misc]
            )
            yield _Watched(company.id, company.code, company.timezone, choices, folder)

    def _look(self, watched: _Watched) -> int:
        folder, settled = watched.folder, 0
        try:
            folder.folder.mkdir(parents=True, exist_ok=True)
            for claim in folder.abandoned(time.time()):
                settled += self._settle(watched, claim)
            for group in folder.ready(time.time()):
                if self.stop.is_set():
                    break
                taken = folder.claim(group)
                if taken is not None:
                    settled += self._settle(watched, taken)
        except OSError as trouble:  # the share is away, the disk is full: it is looked at again
            if not watched.is_silent:
                log.warning("The hot folder of %s cannot be worked in: %s", watched.code, trouble)
            watched.is_silent = True
        else:
            watched.is_silent = False
        return settled

    def _settle(self, watched: _Watched, claim: Claim) -> int:
        """Import a claim and move it on; put back when the trouble is ours. Raises OSError."""
        claim.keep_alive()
        try:
            outcome, reason, documents = self._import(watched, claim)
        except (OSError, DBAPIError):
            watched.folder.release(claim)
            raise
        name = " + ".join(claim.group.names)
        if outcome is FileOutcome.REFUSED:
            watched.folder.refuse(claim, reason)
        else:
            is_deleted = watched.choices.afterwards is Afterwards.DELETE
            watched.folder.finish(claim, _today(watched.zone), is_deleted=is_deleted)
        self.on_file(FileReport(watched.code, name, outcome.value, documents, reason))
        return 1

    def _import(self, watched: _Watched, claim: Claim) -> tuple[FileOutcome, str, list[int]]:
        limit = self.home.settings.max_upload_mb * 1024 * 1024
        try:
            files = read_claim(claim, limit)
            with self.home.database.write() as session:
                company = session.get_one(Company, watched.company_id)
                door = Door(session, self.home.store, FOLDER_ACTOR, company)
                return _told(import_claim(door, claim, files, watched.folder.folder))
        except ImportRefused as refused:
            return self._refuse(watched, claim, refused)
        except (OSError, DBAPIError):
            raise
        except Exception as error:  # one file that breaks us must not stop the others
            log.exception("A file of the hot folder of %s could not be worked on.", watched.code)
            return self._refuse(watched, claim, ImportRefused("folder_failed", detail=type(error).__name__))

    def _refuse(
        self, watched: _Watched, claim: Claim, refused: ImportRefused
    ) -> tuple[FileOutcome, str, list[int]]:
        with self.home.database.write() as session:
            company = session.get_one(Company, watched.company_id)
            return _told(record(session, company, claim, [ImportedFile(claim.group.lead, refused=refused)]))


def _told(line: HotFolderFile) -> tuple[FileOutcome, str, list[int]]:
    return line.outcome, line.reason, list(line.document_ids)


def _today(zone: str) -> date:
    moment: datetime = now()
    return moment.astimezone(ZoneInfo(zone)).date()


def _names_in(path: Path) -> set[str]:
    """The files of its own folder that a canonical JSON names."""
    with path.open("rb") as stream:
        data = stream.read(PEEK_BYTES + 1)
    if len(data) > PEEK_BYTES:
        return set()
    return {path.name for path in named_paths(data) if len(path.parts) == 1}


@contextmanager
def watching_folders(home: Installation) -> Iterator[None]:
    """Watch the hot folders of every company in a thread of this process, for as long as the block runs."""
    watcher = Watcher(home)
    with repeating("hot-folders", watcher.turn, home.settings.hot_folder_seconds, stop=watcher.stop):
        yield
