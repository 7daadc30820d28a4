"""The movements of files in a hot folder: which are ready, whose they are, where they go. Knows no database.

A file is ready when two looks in a row saw the same size and time, or when its `.ok` marker lies beside it. Its group
is claimed by renaming the lead into a folder of the claim's own in `processing/`: of several watchers, on whatever
machines, the rename succeeds for one. From there it goes to `done/YYYY-MM-DD/` or to `error/` with a reason beside
it. What a dead watcher left in `processing/` is taken up again. Polled, because network shares tell of nothing.
"""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from crm_mail.importers.documents.pairing import Group, group_files, split_name
from crm_mail.importers.folders.claims import keep_alive, new_claim, take_over
from crm_mail.importers.folders.settings import DONE, ERROR

MOST_FILES: Final = 20_000
MARKER: Final = ".ok"
REASON: Final = ".reason.txt"
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", REASON)
_IGNORED: Final = frozenset({"thumbs.db", "desktop.ini"})

NamedBy = Callable[[Path], set[str]]
"""The files that a side-car names by path; given its path, gives names of the same folder."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as one look saw it; `arrived_at` in seconds since 1970."""

    size: int
    modified: int
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Claim:
    """Files that are this watcher's: they lie in a folder of their own inside `processing/`."""

    folder: Path
    group: Group

    def path(self, name: str) -> Path:
        """Where a file of the claim lies."""
        return self.folder / name

    def keep_alive(self) -> None:
        """Tell other machines that the claim is being worked on."""
        keep_alive(self.folder)


@dataclass(slots=True)
class HotFolder:
    """One folder and what was seen in it at the last look.

    Args:
        wait_seconds: how long a lone half waits for the other one.
        named_by: reads which files a side-car names itself.
        stands_alone: whether a lone file is complete by its name (a PDF that follows the company's pattern).
    """

    folder: Path
    wait_seconds: float = 0.0
    named_by: NamedBy = lambda _path: set()
    stands_alone: Callable[[str], bool] = lambda _name: False
    _seen: dict[str, Seen] = field(default_factory=dict)
    _named: dict[str, tuple[Seen, set[str]]] = field(default_factory=dict)

    def ready(self, now: float) -> list[Group]:
        """Look, and give the groups that may be taken; `now` in seconds since 1970.

        Raises OSError: the folder cannot be listed.
        """
        before, self._seen = self._seen, _look(self.folder)
        names = [name for name in self._seen if not name.lower().endswith(MARKER)]
        lower = {name.lower() for name in self._seen}
        self._named = {name: self._read_names(name) for name in names if name.lower().endswith(".json")}
        groups = group_files(names, {name: found for name, (_seen, found) in self._named.items()})
        return [group for group in groups if self._is_ready(group, before, lower, now)]

    def waiting(self) -> int:
        """How many files lay there at the last look."""
        return len(self._seen)

    def _read_names(self, name: str) -> tuple[Seen, set[str]]:
        seen, known = self._seen[name], self._named.get(name)
        if known is not None and known[0] == seen:
            return known
        try:
            return seen, self.named_by(self.folder / name)
        except OSError:  # still held by whoever writes it
            return seen, set()

    def _lacks_half(self, group: Group) -> bool:
        wanted = self._named[group.lead][1] if group.lead in self._named else set()
        if wanted:
            return not wanted <= self._seen.keys()
        return group.lacks_half and not self.stands_alone(group.lead)

    def _is_ready(self, group: Group, before: Mapping[str, Seen], lower: set[str], now: float) -> bool:
        if any(marker in lower for marker in _markers(group)):
            return True
        if any(before.get(name) != self._seen[name] for name in group.names):
            return False
        if not self._lacks_half(group):
            return True
        return now - max(self._seen[name].arrived_at for name in group.names) >= self.wait_seconds

    def claim(self, group: Group) -> Claim | None:
        """Take a group; None when another watcher was quicker, or a file is still held by another program."""
        if not all(_is_free(self.folder / name) for name in group.names):
            return None
        own = new_claim(self.folder)
        own.mkdir(parents=True)
        taken: list[str] = []
        for name in group.names:  # the lead first: whoever has it has the group
            try:
                (self.folder / name).rename(own / name)
            except OSError:
                self._put_back(own, taken)
                return None
            taken.append(name)
        for name in os.listdir(self.folder):
            if name.lower() in _markers(group):
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()
        return Claim(own, group)

    def _put_back(self, own: Path, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                _move(own / name, self.folder)
        with contextlib.suppress(OSError):
            own.rmdir()

    def release(self, claim: Claim) -> None:
        """Put a group back, to be tried again: the database or the disk was in trouble, not the files."""
        self._put_back(claim.folder, _files_of(claim.folder))

    def abandoned(self, now: float) -> Iterator[Claim]:
        """Take up again what dead watchers claimed; each claim is given to one caller."""
        for own in take_over(self.folder, now):
            names = _files_of(own)
            named = {name: self.named_by(own / name) for name in names if name.lower().endswith(".json")}
            groups = group_files(names, named)
            if len(groups) == 1:
                yield Claim(own, groups[0])
            else:  # empty, or not one of ours: nothing is lost by looking at it afresh
                self._put_back(own, names)

    def finish(self, claim: Claim, today: date, *, is_deleted: bool = False) -> None:
        """The documents are kept: move the files to done, or delete them. Raises OSError."""
        for name in _files_of(claim.folder):
            if is_deleted:
                claim.path(name).unlink(missing_ok=True)
            else:
                target = self.folder / DONE / today.isoformat()
                target.mkdir(parents=True, exist_ok=True)
                _move(claim.path(name), target)
        claim.folder.rmdir()

    def refuse(self, claim: Claim, reason: str) -> str:
        """Move the files to error, the reason beside the lead; returns the lead's name there. Raises OSError."""
        target = self.folder / ERROR
        target.mkdir(parents=True, exist_ok=True)
        names = _files_of(claim.folder)
        lead = _free_name(target, claim.group.lead)
        (target / f"{lead}{REASON}").write_text(f"{reason}\n", encoding="utf-8")
        for name in names:
            _move(claim.path(name), target, lead if name == claim.group.lead else "")
        claim.folder.rmdir()
        return lead


def outer_file(folder: Path, path: PurePosixPath, limit: int) -> bytes | None:
    """The bytes of an ordinary file inside a folder, links followed only while they stay inside; None for others.

    Arguments: `limit`, bytes; of a longer file one byte more is read, so that its reader refuses it.
    """
    try:
        found = (folder / path).resolve(strict=True)
        if folder.resolve() not in found.parents or not found.is_file():
            return None
        with found.open("rb") as stream:
            return stream.read(limit + 1)
    except (OSError, RuntimeError):
        return None


def _look(folder: Path) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (is_wanted(entry.name) or entry.name.lower().endswith(MARKER)):
                continue
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            if stat.S_ISDIR(info.st_mode):
                continue
            arrived = max(info.st_mtime, info.st_ctime)
            found[entry.name] = Seen(info.st_size, info.st_mtime_ns, min(arrived, time.time()))
            if len(found) >= MOST_FILES:
                break
    return found


def is_wanted(name: str) -> bool:
    """Whether a name may be a document's: not hidden, not half-written, no marker, not the system's own."""
    lower = name.lower()
    return not (lower.startswith((".", "~$")) or lower.endswith((*_UNFINISHED, MARKER)) or lower in _IGNORED)


def is_ordinary(path: Path) -> bool:
    """Whether it is a plain file: no link, no pipe, no device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _markers(group: Group) -> set[str]:
    names = {group.lead, *((group.pdf,) if group.pdf else ())}
    return {f"{name}{MARKER}".lower() for name in (*names, split_name(group.lead)[0])}


def _is_free(path: Path) -> bool:
    """Whether it can be read, or is nothing to be read at all (then it is refused later)."""
    if not is_ordinary(path):
        return path.is_symlink() or path.exists()
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _files_of(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def _free_name(folder: Path, name: str) -> str:
    """The name, numbered when it is taken: nothing that lies there is ever overwritten."""
    base, _ending = split_name(name)
    candidate, number = name, 1
    while os.path.lexists(folder / candidate) or os.path.lexists(folder / f"{candidate}{REASON}"):
        number += 1
        candidate = f"{base} ({number}){name[len(base) :]}"
    return candidate


def _move(path: Path, folder: Path, name: str = "") -> None:
    path.rename(folder / (name or _free_name(folder, path.name)))
