"""Several worker processes under one roof: as many as there are cores to spare, sharing one queue.

The parent holds the instance (SQLite), starts the children, and takes over what a dead one left: its claimed messages
are settled at once, and another child is started in its place.
"""

import contextlib
import logging
import multiprocessing
import threading
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from config import Settings
from crm_mail.background import hold_instance
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.logs import configure_logging
from crm_mail.outbox import tasks
from crm_mail.outbox.sending import finishing, journal, reconcile
from crm_mail.outbox.sending.sender import Tally
from crm_mail.outbox.sending.worker import (
    Progress,
    prepare_process,
    run_worker,
    stop_on_signals,
    worker_name,
)

log = logging.getLogger(__name__)

_SPAWN = multiprocessing.get_context("spawn")
_LOOK_SECONDS = 0.1


class _Child:
    """One worker process, its name and what it told last."""

    def __init__(self, settings: Settings, until_idle: bool) -> None:
        self.name = worker_name()
        self.tally: dict[str, int] = {}
        self.pipe, theirs = _SPAWN.Pipe(duplex=False)
        self.process: SpawnProcess = _SPAWN.Process(
            target=_work, args=(settings, self.name, until_idle, theirs), name=self.name
        )
        self.process.start()
        theirs.close()

    def listen(self) -> bool:
        """Read what the child told; whether it is still there."""
        try:
            while self.pipe.poll():
                self.tally = self.pipe.recv()
        except (EOFError, OSError):
            return False
        return True


def _work(settings: Settings, name: str, until_idle: bool, pipe: Connection) -> None:
    """The life of a child: a worker that tells its counts."""
    configure_logging(settings.log_level)
    prepare_process()
    home = Installation(settings)
    stop, wake = threading.Event(), threading.Event()

    def tell(tally: Tally) -> None:
        with contextlib.suppress(OSError):  # the parent is gone: go on until told to stop
            pipe.send(asdict(tally))

    with stop_on_signals(stop, wake):
        run_worker(home, until_idle=until_idle, on_progress=tell, stop=stop, wake=wake, name=name)
    home.database.dispose()


def run_worker_processes(
    home: Installation, count: int, *, until_idle: bool = False, on_progress: Progress | None = None
) -> Tally:
    """Send with several processes until they are idle, or until SIGTERM or Ctrl-C; what all of them did.

    Args:
        count: processes; one for each core that the mail server leaves free.

    Raises:
        AlreadyRunning: another process sends for this SQLite installation.
    """
    stop, wake = threading.Event(), threading.Event()
    ended: list[dict[str, int]] = []
    with hold_instance(home.settings) as is_alone, stop_on_signals(stop, wake):
        tasks.sweep(home, is_alone=is_alone)
        children = [_Child(home.settings, until_idle) for _ in range(count)]
        is_ending, finished_runs = False, 0
        while children:
            wait([child.pipe for child in children], timeout=_LOOK_SECONDS)
            for child in list(children):
                if child.listen() and child.process.is_alive():
                    continue
                child.process.join()
                children.remove(child)
                ended.append(child.tally)
                if child.process.exitcode != 0 and not (stop.is_set() and not child.tally):
                    _bury(home, child)
                    if not stop.is_set():
                        children.append(_Child(home.settings, until_idle))
            total = _sum([*ended, *(child.tally for child in children)])
            if total.finished_runs != finished_runs or not children:
                finished_runs = total.finished_runs
                finishing.report_finished_runs(home)
            if on_progress:
                on_progress(total)
            if stop.is_set() and not is_ending:
                is_ending = True
                for child in children:
                    child.process.terminate()
    return _sum(ended)


def _bury(home: Installation, child: _Child) -> None:
    log.error(
        "The worker %s died (exit code %s); its messages are settled.", child.name, child.process.exitcode
    )
    tasks.settle_dead_workers(home)
    if not journal.is_kept(journal.journals_folder(home), child.name):
        with home.database.write() as session:
            reconcile.settle_dead(session, child.name, now())


def _sum(tallies: list[dict[str, int]]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name, value in tally.items():
            setattr(total, name, getattr(total, name) + value)
    return total
