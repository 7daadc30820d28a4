"""The bell between processes, what repeats in a thread, and the guard against a second embedded instance.

The only file that knows huey.

The tables are the truth; a bell only says "look now", with a name and an id. A bell that is lost (huey forgets a task
the moment it is taken) costs a few seconds: every worker looks by itself as well. So ringing never fails a door: call
it after the commit, and trouble is only logged.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from huey import MemoryHuey, PostgresHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer

from config import Settings
from crm_mail.refusals import Refusal

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

log = logging.getLogger(__name__)

Handler = Callable[[int], None]

_QUEUE = "crm-mail"
_LONGEST_POLL = 1.0


class Bell:
    """Rings tasks by name, in this process or another one.

    Args:
        settings: SQLite means a small file in the data folder, PostgreSQL two tables beside ours (`huey_*`).
        inline: answer at once, in the caller's thread (tests, and commands that wait for the result).
    """

    def __init__(self, settings: Settings, *, inline: bool = False) -> None:
        self.inline = inline
        self._handlers: dict[str, Handler] = {}
        self._huey: Huey = _open_queue(settings, inline)
        self._task = self._huey.task(name="ring")(self._answer)

    def ring(self, name: str, id_: int = 0) -> None:
        """Say that there is something to do; never raises for trouble with the queue."""
        try:
            self._task(name, id_)
        except Exception:  # sqlite3, psycopg or the disk: the sweep finds the work without the bell
            log.exception("The bell %s %s could not be rung; the next sweep finds the work.", name, id_)

    def _answer(self, name: str, id_: int) -> None:
        handler = self._handlers.get(name)
        if handler is None:
            log.warning("Nobody answers the bell %s here.", name)
            return
        handler(id_)

    @contextmanager
    def answering(self, handlers: Mapping[str, Handler], threads: int = 1) -> Iterator[None]:
        """Answer bells while the block runs; what is being done at its end is waited for.

        Args:
            handlers: what to do for each name; every handler can be repeated without harm.
        """
        self._handlers = dict(handlers)
        if self.inline:
            yield
            return
        consumer = _Consumer(
            self._huey, workers=threads, periodic=False, initial_delay=0.05, max_delay=_LONGEST_POLL
        )
        consumer.start()
        try:
            yield
        finally:
            consumer.stop(graceful=True)
            self._huey.storage.close()

    def close(self) -> None:
        """Close the queue's connection."""
        self._huey.storage.close()


class _Consumer(Consumer):
    """huey's consumer as a part of our process: the signals stay ours, threads close their own connections."""

    def __init__(self, huey: Huey, **options: Any) -> None:
        super().__init__(huey, **options)
        huey.on_shutdown(name="close")(huey.storage.close)

    def _set_signal_handlers(self) -> None:
        """None: the door has its own."""


def _open_queue(settings: Settings, inline: bool) -> Huey:
    if inline:
        return MemoryHuey(_QUEUE, immediate=True, results=False)
    url = settings.resolved_database_url
    if url.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(_QUEUE, filename=str(settings.data_dir / "bell.sqlite3"), results=False)
    return PostgresHuey(_QUEUE, dsn=url.replace("postgresql+psycopg://", "postgresql://"), results=False)


@contextmanager
def repeating(
    name: str,
    act: Callable[[], object],
    seconds: float,
    *,
    first: float = 0.0,
    stop: threading.Event | None = None,
    patience: float | None = None,
) -> Iterator[None]:
    """Do something over and over in a thread of this process while the block runs; the turn in hand is ended first.

    A turn that fails (the database is away, a share is gone) is logged, and the next one tries again.

    Args:
        name: of the thread, for the log.
        seconds: between the end of a turn and the next one.
        first: seconds before the first turn.
        stop: set when the block ends, for turns that look at it; else one of our own.
        patience: how many seconds the turn in hand is waited for; None: until its end.
    """
    is_over = stop or threading.Event()

    def work() -> None:
        pause = first
        while not is_over.wait(pause):
            pause = seconds
            try:
                act()
            except Exception:
                log.exception("A turn of %s failed; the next one tries again.", name)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(patience)


class AlreadyRunning(Refusal):
    """Another process serves this installation: use that one, or stop it first."""

    def __init__(self, holder: dict[str, Any], folder: Path) -> None:
        pid, address = holder.get("pid", "unknown"), holder.get("address", "")
        where = f" at {address}" if address else ""
        super().__init__(
            f"CRM Mail already runs on {folder}: process {pid}{where}. It sends what is committed; "
            "stop it before starting another one"
        )
        self.pid = pid
        self.address = address


@contextmanager
def hold_instance(settings: Settings, address: str = "") -> Iterator[bool]:
    """Be the only serving or sending process of an SQLite installation while the block runs.

    The system lets go of the lock when the process ends, however it ends. On PostgreSQL any number of processes may
    run, and nothing is locked.

    Args:
        address: where this process serves, told to whoever tries to start a second one.

    Yields:
        Whether this is certainly the only process (SQLite).

    Raises:
        AlreadyRunning: naming the other process.
    """
    if not settings.resolved_database_url.startswith("sqlite"):
        yield False
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / "instance.lock"
    with path.open("a+", encoding="utf-8") as file:
        if not lock_file(file.fileno()):
            raise AlreadyRunning(_read_holder(file), settings.data_dir)
        file.truncate(0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(json.dumps({"pid": os.getpid(), "address": address, "started_at": started}))
        file.flush()
        yield True


def lock_file(handle: int, *, is_shared: bool = False) -> bool:
    """Lock an open file until it is closed or the process ends; False while somebody else has locked it.

    Args:
        handle: the file's number (`fileno`).
        is_shared: several may hold it so at a time (not on Windows).
    """
    try:
        if sys.platform == "win32":
            os.lseek(
                handle, 1_000_000, os.SEEK_SET
            )  # behind the text: Windows forbids reading what is locked
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read_holder(file: TextIO) -> dict[str, Any]:
    try:
        file.seek(0)
        holder = json.loads(file.read())
    except (OSError, ValueError):
        return {}  # it has just begun
    return holder if isinstance(holder, dict) else {}
