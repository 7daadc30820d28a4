"""Two processes work at a long run: one beside this one makes parts of it, this one makes others and writes all.

What both read must be committed: the other process has a connection of its own. It starts when a run proves long,
while this one goes on; where it cannot be had, dies or does not answer, its parts are made here, and nothing is lost.
It ends with its parent. A script that prepares runs needs the usual ``if __name__ == "__main__":``.
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import pickle
import secrets
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import chain, islice
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from config import Settings
from crm_mail.installation import Installation
from crm_mail.logs import configure_logging
from crm_mail.outbox.preparing.draft_rows import Part
from crm_mail.outbox.preparing.parts import PartMaker, Task

log = logging.getLogger(__name__)

LONG: Final = 4
"""Parts up to which a run is too short for a second process: it is done before that one is ready."""
AHEAD: Final = 4
"""Parts that the other process has before it, so that it need not wait for this one."""
MOST_WAITING: Final = 8
"""Parts in memory, at most: those of this process wait for those of the other, which come before them."""

CACHE_KB: Final = 8192
"""SQLite's cache in the other process, which reads every row once."""

PATIENCE_SECONDS: Final = 60.0
"""How long a part of the other process is waited for; it may wait itself for a lock that stands behind this one's."""

_SPAWN = multiprocessing.get_context("spawn")
_PROTOCOL: Final = pickle.HIGHEST_PROTOCOL

Documents = Sequence[int]
"""Ids of a part's documents."""


def make_parts(
    batches: Iterable[Documents], here: Callable[[Documents], Part], settings: Settings, task: Task
) -> Generator[Part]:
    """The parts of a run in the order of their batches, made by two processes where the run is long.

    Args:
        batches: read one after the other, a few ahead of what is given back.
        here: makes a part in this process.
    """
    batches = iter(batches)
    first = list(islice(batches, LONG + 1))
    beside = _Beside(settings, task)
    waiting: deque[Part | Documents] = deque()  # the documents of a part that the other process makes
    try:
        if len(first) > LONG:
            beside.start()
        for documents in chain(first, batches):
            waiting.append(documents if beside.take_on(documents) else here(documents))
            while waiting and (
                isinstance(waiting[0], Part) or len(waiting) > MOST_WAITING or beside.has_made_one()
            ):
                yield _next(waiting, beside, here)
        while waiting:
            yield _next(waiting, beside, here)
    finally:
        beside.end()


def _next(waiting: "deque[Part | Documents]", beside: "_Beside", here: Callable[[Documents], Part]) -> Part:
    first = waiting.popleft()
    return first if isinstance(first, Part) else beside.receive() or here(first)


class _Beside:
    """The other process: it is given documents, and gives back the parts in the same order."""

    def __init__(self, settings: Settings, task: Task) -> None:
        self._settings = settings
        self._task = task
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_ready = False
        self._blocks: deque[str] = deque()  # names of the shared memory for what it has before it

    def start(self) -> None:
        """Start it, where there is a processor for it; it tells when it is ready."""
        if _processors() < 2:
            return
        self._pipe, theirs = _SPAWN.Pipe()
        try:
            self._process = _SPAWN.Process(
                target=_serve, args=(self._settings, self._task, theirs), daemon=True, name="preparing"
            )
            self._process.start()
        except (OSError, AssertionError) as error:  # a daemon may have no children
            self._go_on_alone(error)
        finally:
            theirs.close()

    def take_on(self, documents: Documents) -> bool:
        """Give it the documents of a part; whether it takes them: it may not be ready, or have enough to do."""
        if self._pipe is None or len(self._blocks) >= AHEAD:
            return False
        try:
            if not self._is_ready:
                if not self._pipe.poll():
                    return False
                self._pipe.recv()
                self._is_ready = True
            block = f"crm-mail-{secrets.token_hex(8)}"
            self._pipe.send((documents, block))
        except (OSError, EOFError) as error:
            self._go_on_alone(error)
            return False
        self._blocks.append(block)
        return True

    def has_made_one(self) -> bool:
        """Whether `receive` would give a part at once; also when it would not give one any more."""
        if self._pipe is None:
            return True
        try:
            return self._pipe.poll()
        except OSError:
            return True

    def receive(self) -> Part | None:
        """The next part, waited for; None when the process is gone."""
        if self._pipe is None:
            return None
        try:
            if not self._pipe.poll(PATIENCE_SECONDS):
                raise TimeoutError(f"no answer in {PATIENCE_SECONDS:g} s")
            size = self._pipe.recv()
            return _take(self._blocks.popleft(), size)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._go_on_alone(error)
            return None

    def _go_on_alone(self, error: Exception) -> None:
        log.warning("Run %s is prepared by one process; there is no second (%r).", self._task.run_id, error)
        self.end()

    def end(self) -> None:
        """End it at once; parts that nobody took are thrown away."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None and process.pid is not None:
            process.kill()
            process.join()
        if pipe is not None:
            pipe.close()
        while self._blocks:
            with contextlib.suppress(OSError):  # it was not made yet
                _free(SharedMemory(self._blocks.popleft()))


def _take(name: str, size: int) -> Part:
    """Read a part that the other process put into shared memory, and free that."""
    block = SharedMemory(name)
    try:
        assert block.buf is not None
        with block.buf[:size] as data:
            part: Part = pickle.loads(data)  # noqa: S301  (our own process wrote it)
        return part
    finally:
        _free(block)


def _free(block: SharedMemory) -> None:
    block.close()
    block.unlink()


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _serve(settings: Settings, task: Task, pipe: Connection) -> None:
    """The other process's whole life: make the parts that are asked for, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    gc.disable()  # rows hold no reference cycles, and each search for them costs
    configure_logging(settings.log_level)
    home = Installation(settings)
    held: deque[SharedMemory] = deque()  # some systems free what nobody holds
    with contextlib.suppress(EOFError, BrokenPipeError), home.database.read() as session:
        if session.connection().dialect.name == "sqlite":
            session.connection().exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
        maker = PartMaker.of(session, task, home.store.has, home)
        pipe.send(None)
        while True:
            documents, name = pipe.recv()
            data = pickle.dumps(maker.make(documents), _PROTOCOL)
            block = SharedMemory(name, create=True, size=len(data))
            assert block.buf is not None
            block.buf[: len(data)] = data
            held.append(block)
            pipe.send(len(data))
            if len(held) > AHEAD:
                held.popleft().close()
