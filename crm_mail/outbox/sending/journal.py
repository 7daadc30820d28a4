"""The journal: which messages a worker began with, and what the servers answered, in a file that outlives `kill -9`.

A claim covers many messages and outcomes are recorded many at a time, so all of them would be in doubt when the worker
dies. The journal tells them apart. It is written to the kernel's cache, not to the disk: it survives the end of the
process, not of the machine. So it is believed only during the same run of the machine, and only when its writer is
certainly gone: the writer holds a lock on it that ends with the process. Where it is not believed, all are in doubt.
"""

import contextlib
import json
import logging
import mmap
import os
import threading
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from crm_mail.background import lock_file
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.installation import Installation
from crm_mail.outbox.sending.attempting import Result
from crm_mail.outbox.sending.claiming import Job

log = logging.getLogger(__name__)

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NEW: Final = ".new"
_DEAD: Final = ".dead"
_BYTES: Final = 4_000_000
_BLANK: Final = bytes(8)
_STALE_SECONDS: Final = 86_400
"""A file of another run of some machine is of no more use; one that is still written to is left alone."""
_KEPT_SECONDS: Final = 60
"""A dead worker's last transaction may end after it: its journal is kept for a while."""


def journals_folder(home: Installation) -> Path:
    """Where the workers of this installation keep their journals."""
    return home.settings.data_dir / "journals"


def boot_id() -> str:
    """What names this run of the machine; empty where the system has no such name (then there are no journals)."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Journal:
    """What one worker writes down; used by the sender's thread and its lanes at the same time.

    The file is mapped into memory: a line costs no call of the system, at which threads would queue up for the
    interpreter's lock. Its room is reserved, so that no line can fail on a full disk. It is made when there is
    something to write, anew when it is full, and again when it had to be withdrawn and nothing is held.

    Args:
        folder: of the installation; made when needed.
        owner: the worker's name.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self._path = folder / owner
        self._lock = threading.Lock()
        self._lines: dict[int, bytes] = {}  # of each message that is held; empty until it is begun with
        self._file = -1
        self._map: mmap.mmap | None = None
        self._end = 0
        self._begin = 0
        self._is_troubled = False
        self._boot = boot_id()

    def held(self, ids: Sequence[int]) -> None:
        """Messages that are being claimed: told before the claim is durable."""
        with self._lock:
            if self._boot and self._map is None and not self._lines:
                self._begin_anew(0)
            self._lines.update(dict.fromkeys(ids, b""))
            self._write(_held(ids))

    def began(self, job: Job) -> None:
        """From now on the message may leave: there is a connection."""
        line = b"b %d\n" % job.id
        with self._lock:
            self._lines[job.id] = line
            self._write(line)

    def ended(self, result: Result) -> None:
        """What became of it."""
        if self._map is None:
            return
        line = b"e %d %d %b\n" % (result.job.id, result.job.attempt, _packed(result))
        with self._lock:
            self._lines[result.job.id] = line
            self._write(line)

    def settled(self, ids: Iterable[int]) -> None:
        """Messages of which the database knows everything. When none is left, what was sent is wiped from the file."""
        with self._lock:
            for id_ in ids:
                self._lines.pop(id_, None)
            if self._map is not None and not self._lines:
                self._map[self._begin : self._end] = bytes(self._end - self._begin)
                self._end = self._begin

    def close(self) -> None:
        """The worker has ended with nothing in hand."""
        with self._lock:
            self._withdraw()

    def _write(self, line: bytes) -> None:
        if self._map is not None and self._end + len(line) >= len(self._map):
            self._begin_anew(len(line))
        if self._map is not None:
            self._map[self._end : self._end + len(line)] = line
            self._end += len(line)

    def _begin_anew(self, room: int) -> None:
        """A file with what is still held, in place of the present one; without one, where that cannot be."""
        waiting = [id_ for id_, line in self._lines.items() if not line]
        text = b"".join((_held(waiting), *self._lines.values()))
        try:
            file, content, begin = _make_file(
                self._path, self._boot, max(_BYTES, 2 * (len(text) + room)), text
            )
        except OSError as error:
            if not self._is_troubled:
                log.warning("The worker's journal cannot be written (%s); it works without one.", error)
            self._is_troubled = True
            self._withdraw()
            return
        self._is_troubled = False
        self._blank()  # whoever has opened the old file must not believe it when its lock goes
        self._release()
        self._file, self._map, self._begin, self._end = file, content, begin, begin + len(text)

    def _withdraw(self) -> None:
        """Half a journal would tell lies: without its head nobody believes it, wherever it lies."""
        if self._map is not None:
            self._blank()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._release()

    def _blank(self) -> None:
        if self._map is not None:
            self._map[: len(_BLANK)] = _BLANK

    def _release(self) -> None:
        if self._map is not None:
            self._map.close()
            os.close(self._file)
            self._map = None


def _make_file(path: Path, boot: str, size: int, text: bytes) -> tuple[int, mmap.mmap, int]:
    """A file that begins with a head and a text, its room reserved on the disk; locked before anybody can find it.

    Returns:
        Its number, its content, and where the text begins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + _NEW)
    file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if not lock_file(file):
            raise OSError("it cannot be locked")
        os.posix_fallocate(file, 0, size)
        content = mmap.mmap(file, size)
        head = _head(boot, os.fstat(file))
        content[: len(head) + len(text)] = head + text
        new.replace(path)
        return file, content, len(head)
    except OSError:
        os.close(file)
        new.unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class Told:
    """What the journal of a dead worker tells of the messages that it held last, once it is read."""

    path: Path
    untouched: set[int] = field(default_factory=set)
    ended: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # which attempt, and what came of it

    @property
    def owner(self) -> str:
        """The worker's name."""
        return self.path.name.removesuffix(_DEAD)

    def read(self) -> None:
        """Take in what it tells; nothing of a damaged one.

        Raises:
            OSError: it cannot be read.
        """
        lines = self.path.read_bytes().split(b"\n")[1:-1]  # without the head, and what has no end
        try:
            for line in lines:
                if b"\0" not in line:  # else it was not finished
                    self._take(line)
        except ValueError:
            log.warning("The journal %s is damaged; what it told of is in doubt.", self.path)
            self.untouched.clear()
            self.ended.clear()

    def _take(self, line: bytes) -> None:
        kind, _, rest = line.partition(b" ")
        number, _, result = rest.partition(b" ")
        ids = {int(id_) for id_ in (rest.split() if kind == b"h" else [number])}
        self.untouched -= ids
        for id_ in ids:
            self.ended.pop(id_, None)
        if kind == b"h":
            self.untouched |= ids
        elif kind == b"e":
            attempt, _, outcome = result.partition(b" ")
            self.ended[int(number)] = (int(attempt), outcome)

    def results(self, jobs: Iterable[Job]) -> list[Result]:
        """The outcomes of those messages whose present attempt had ended; of a damaged line nothing is known."""
        results = []
        for job in jobs:
            attempt, line = self.ended.get(job.id, (0, b""))
            if attempt == job.attempt:
                with contextlib.suppress(ValueError, TypeError):
                    results.append(_unpacked(job, line))
        return results

    def lay_aside(self) -> None:
        """Everything is settled by it: it is kept for `_KEPT_SECONDS`, then removed."""
        try:
            if not self.path.name.endswith(_DEAD):
                dead = self.path.rename(self.path.with_name(self.owner + _DEAD))
                os.utime(dead)
            elif time.time() - self.path.stat().st_mtime > _KEPT_SECONDS:
                self.path.unlink()
        except FileNotFoundError:  # another worker was quicker
            pass
        except OSError as error:
            log.warning("The journal %s cannot be removed: %s", self.path, error)


def is_kept(folder: Path, owner: str) -> bool:
    """Whether there is a journal of this worker."""
    return any((folder / (owner + end)).exists() for end in ("", _DEAD))


def of_dead_workers(folder: Path) -> Iterator[Told]:
    """The journals that may be believed. Files that nobody can believe any more are removed."""
    present = boot_id()
    try:
        paths = sorted(folder.iterdir()) if present and folder.is_dir() else []
    except OSError as error:
        log.warning("The journals of dead workers cannot be looked through: %s", error)
        return
    for path in paths:
        try:
            is_believed = _is_believed(path, present)
        except FileNotFoundError:  # taken away meanwhile
            continue
        except OSError as error:
            log.warning("The journal %s cannot be read: %s", path, error)
            continue
        if is_believed:
            yield Told(path)


def _is_believed(path: Path, present: str) -> bool:
    """Whether its writer is dead, and it was written by it during this run of the machine."""
    is_stale = path.stat().st_mtime < time.time() - _STALE_SECONDS
    if path.name.endswith(_NEW) and not is_stale:
        return False  # being made: it must not be locked
    with path.open("rb") as file:
        if not lock_file(file.fileno(), is_shared=True):
            return False
        head = _head(present, os.fstat(file.fileno()))
        is_ours = file.read(len(head)) == head and not path.name.endswith(_NEW)
    if is_stale and not is_ours:
        path.unlink()
    return is_ours


def _head(boot: str, file: os.stat_result) -> bytes:
    """The form of the lines, the run of the machine, and the file itself: a copy is not believed."""
    return f"journal 1 {boot} {file.st_dev}:{file.st_ino}\n".encode()


def _held(ids: Iterable[int]) -> bytes:
    return b"h " + b" ".join(b"%d" % id_ for id_ in ids) + b"\n"


def _packed(result: Result) -> bytes:
    """In one line: what was sent, then all the rest but the job."""
    _job, kind, cause, code, detail, started_at, finished_at, mime, *rest = result
    times = (started_at.isoformat(), finished_at.isoformat())
    told = json.dumps((kind, cause, code, detail, *times, mime is not None, *rest))
    return b2a_base64(mime or b"", newline=False) + b" " + told.encode()


def _unpacked(job: Job, line: bytes) -> Result:
    mime, _, told = line.partition(b" ")
    kind, cause, code, detail, started_at, finished_at, has_mime, sha256, is_connection, ids = json.loads(
        told
    )
    return Result(
        job,
        OutcomeKind(kind),
        cause,
        code,
        detail,
        datetime.fromisoformat(started_at),
        datetime.fromisoformat(finished_at),
        a2b_base64(mime) if has_mime else None,
        sha256,
        is_connection,
        tuple(ids),
    )
