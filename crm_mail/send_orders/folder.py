"""The movements of order files: which are ready, who has them, where they end. Knows no database.

An order is ready when two looks in a row saw the same size and time. It is claimed by renaming it into a folder of
the claimer's own in `processing/`: of any number of workers, on whatever machines, the rename succeeds for one. What a
dead worker left there is taken up again. Every later movement may be repeated without harm.

```
<folder>/_CFD_MAIL_REQ_….XML   written by other programs
<folder>/processing/           being read
<folder>/accepted/             in the outbox: waiting for a file, a person or the server
<folder>/done/2026-11-22/      settled, with the answer beside it
<folder>/recycle/2026-11/      settled, where the company wants it so
<folder>/quarantine/           refused, with the reason and the answer beside it
```
"""

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from crm_mail.importers.folders.claims import PROCESSING, claims_in, keep_alive, new_claim, take_over
from crm_mail.send_orders.names import order_id, result_name

ACCEPTED, DONE, RECYCLE, QUARANTINE = "accepted", "done", "recycle", "quarantine"
RESERVED: Final = frozenset({PROCESSING, ACCEPTED, DONE, RECYCLE, QUARANTINE})
REASON: Final = ".reason.txt"
MOST_FILES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that is this worker's: in a folder of the claim's own."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name, as it came."""
        return self.path.name


@dataclass(slots=True)
class OrderFolder:
    """One folder of orders, and what was seen in it at the last look."""

    folder: Path
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _own: Path | None = None
    _folders: list[Path] = field(default_factory=list)

    def ready(self) -> list[str]:
        """Look, and give the names that may be claimed, oldest name first. Raises OSError."""
        before, self._seen = self._seen, self._look()
        return sorted(name for name, seen in self._seen.items() if before.get(name) == seen)

    def waiting(self) -> int:
        """How many orders lay there at the last look."""
        return len(self._seen)

    def _look(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if order_id(entry.name) is None:
                    continue
                try:
                    info = entry.stat(follow_symlinks=False)
                except OSError:  # gone meanwhile
                    continue
                if not stat.S_ISDIR(info.st_mode):
                    found[entry.name] = (info.st_size, info.st_mtime_ns)
                if len(found) >= MOST_FILES:
                    break
        return found

    def claim(self, name: str) -> Claimed | None:
        """Take a file; None when another worker was quicker.

        Raises:
            PermissionError: another program holds it (Windows), or the folder may not be changed.
        """
        own = self._own_folder()
        if os.path.lexists(own / name):  # the name came again while its first file is in hand
            return None
        try:
            (self.folder / name).rename(own / name)
        except FileNotFoundError:
            if own.is_dir():
                return None
            self._own = (
                None  # somebody took this claim for a dead worker's: the next one has a folder of its own
            )
            return self.claim(name)
        self._seen.pop(name, None)
        return Claimed(own / name)

    def _own_folder(self) -> Path:
        if self._own is None:
            self._own = new_claim(self.folder)
            self._own.mkdir(parents=True)
            self._folders.append(self._own)
        return self._own

    def keep_alive(self) -> None:
        """Tell other machines that this worker's claims are being worked on."""
        for own in self._folders:
            keep_alive(own)

    def in_hand(self) -> list[Claimed]:
        """What this worker claimed and has not moved on yet."""
        return [Claimed(path) for own in self._folders for path in _files_of(own)]

    def take_over(self, now: float) -> int:
        """Take up what dead workers had claimed, each file for one caller; how many. ``now``: seconds since 1970."""
        count = 0
        for mine in take_over(self.folder, now, self._folders):
            self._folders.append(mine)
            count += len(_files_of(mine))
        return count

    def tidy(self) -> None:
        """Remove folders of claims that are empty, but for the one in use."""
        for own in [one for one in self._folders if one != self._own]:
            with contextlib.suppress(OSError):
                own.rmdir()
                self._folders.remove(own)

    def accept(self, claimed: Claimed) -> Path:
        """It is in the outbox: out of `processing/`. Raises OSError."""
        return self._move(claimed.path, ACCEPTED)

    def finish(self, name: str, answer: bytes, today: date, *, recycles: bool, deletes: bool) -> Path:
        """Settled: the answer is written, and the order kept beside it, recycled or deleted. Raises OSError.

        May be repeated: what was moved already stays where it is.
        """
        target = self.folder / (f"{RECYCLE}/{today:%Y-%m}" if recycles else f"{DONE}/{today.isoformat()}")
        target.mkdir(parents=True, exist_ok=True)
        write_whole(target / result_name(name), answer)
        source = self.folder / ACCEPTED / name
        with contextlib.suppress(FileNotFoundError):
            if deletes:
                source.unlink()
            else:
                source.rename(target / name)
        return target

    def quarantine(self, claimed: Claimed, reason: str, answer: bytes) -> Path:
        """Refused for good: moved out of the way, with the reason and the answer beside it. Raises OSError."""
        target = self.folder / QUARANTINE
        target.mkdir(parents=True, exist_ok=True)
        name = _free_name(target, claimed.name)
        write_whole(target / f"{name}{REASON}", f"{reason}\n".encode())
        write_whole(target / result_name(name), answer)
        claimed.path.rename(target / name)
        return target / name

    def withdraw(self, name: str) -> Claimed | None:
        """An accepted order that fails after all, so that it can be quarantined; None when its file is gone."""
        path = self.folder / ACCEPTED / name
        return Claimed(path) if os.path.lexists(path) else None

    def discard(self, claimed: Claimed) -> None:
        """A second copy of what is known already: beside the first one. Raises OSError."""
        target = self.folder / DONE / "repeated"
        target.mkdir(parents=True, exist_ok=True)
        claimed.path.rename(target / _free_name(target, claimed.name))

    def _move(self, path: Path, where: str) -> Path:
        target = self.folder / where
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / path.name)
        return target / path.name


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file, one more than the limit at most.

    Raises:
        IsADirectoryError: it is no ordinary file (a link, a pipe, a device). OSError: it cannot be read now.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    if not stat.S_ISREG(path.lstat().st_mode):
        raise IsADirectoryError(str(path))
    with os.fdopen(os.open(path, flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise IsADirectoryError(str(path))
        return stream.read(limit + 1)


def age_of(path: Path, now: float) -> float:
    """Seconds since a file was written, by the clock of this machine; 0 when it is gone."""
    try:
        return now - path.lstat().st_mtime
    except OSError:
        return 0.0


def count_files(folder: Path) -> dict[str, int]:
    """How many orders lie in the folder itself, in processing and in quarantine. Raises OSError."""

    def orders_in(where: Path) -> int:
        try:
            return sum(order_id(name) is not None for name in os.listdir(where))
        except FileNotFoundError:
            return 0

    claims = sum(orders_in(claim) for claim in claims_in(folder))
    return {
        "waiting": orders_in(folder),
        PROCESSING: claims,
        ACCEPTED: orders_in(folder / ACCEPTED),
        QUARANTINE: orders_in(folder / QUARANTINE),
    }


def oldest_age(folder: Path, now: float, most: int = 1000) -> float | None:
    """Age of the oldest order that nobody took, in seconds, among the first ``most``; None without one."""
    ages: list[float] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if order_id(entry.name) is not None and len(ages) < most:
                ages.append(age_of(Path(entry.path), now))
    return max(ages, default=None)


def _files_of(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if order_id(path.name) is not None)
    except OSError:
        return []


def _free_name(folder: Path, name: str) -> str:
    """The name, numbered when it is taken: nothing that lies there is ever overwritten."""
    stem, dot, ending = name.rpartition(".")
    candidate, number = name, 1
    while os.path.lexists(folder / candidate):
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}"
    return candidate


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all: whoever waits for the answer never reads half of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
