"""The worker: one loop that sweeps, claims, sends and records until it is told to stop, or until nothing is left.

Any number of workers may share a database; what one of them has claimed no other touches.
"""

import gc
import logging
import os
import re
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from crm_mail.background import Bell, hold_instance
from crm_mail.db import now
from crm_mail.delivery.oauth import renew_idle
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings
from crm_mail.installation import Installation
from crm_mail.outbox import tasks
from crm_mail.outbox.sending import claiming, finishing
from crm_mail.outbox.sending.attempting import KeptTransport
from crm_mail.outbox.sending.recording import RETRY_PAUSES
from crm_mail.outbox.sending.sender import Sender, Tally

log = logging.getLogger(__name__)

Progress = Callable[[Tally], None]

SWEEP_SECONDS = 10.0
RESTART_SECONDS = 5.0
COUNT_SECONDS = 3600.0
"""Between two counts of what stands in the tables, see `Database.count_anew`."""
SOON = timedelta(seconds=60)
"""With ``until_idle``: a run that starts, or an account whose limit allows more, within this time is waited for."""
PATIENCE = 5.0
"""With ``until_idle``: seconds that an unreachable server is waited for."""


def worker_name() -> str:
    """A name that no other worker has or had: machine, process, chance."""
    machine = re.sub(r"[^\w.-]", "-", socket.gethostname()[:40])
    return f"{machine}-{os.getpid()}-{secrets.token_hex(4)}"


def run_worker(
    home: Installation,
    *,
    until_idle: bool = False,
    on_progress: Progress | None = None,
    is_alone: bool = False,
    stop: threading.Event | None = None,
    wake: threading.Event | None = None,
    pauses: Sequence[timedelta] = RETRY_PAUSES,
    connect: Callable[[AccountSettings], KeptTransport] = SmtpSession,
    name: str = "",
) -> Tally:
    """Send what is committed; what was done.

    Args:
        until_idle: return when nothing can be sent now or soon (`SOON`, `PATIENCE`); messages that wait for another
            try minutes ahead are left to the next worker.
        on_progress: told the counts after each round in which something happened.
        is_alone: no other worker uses this database (`background.hold_instance`): messages that a dead worker left
            *sending* are settled at once instead of when their lease ends.
        stop: set it to end the loop; what is under way is finished, the rest given back.
        wake: set it to have the queue looked at at once.
        pauses: between tries; see `recording.RETRY_PAUSES`.
        connect: makes the transport of an account.
        name: this worker's name, when the caller must know it; never one that was used before.
    """
    stop = stop or threading.Event()
    sender = Sender(home, name or worker_name(), pauses=pauses, connect=connect)
    sender.wake = wake or sender.wake
    upkeep = _Upkeep(home)
    try:
        tasks.sweep(home, is_alone=is_alone)
        while not stop.is_set():
            finished_runs = sender.tally.finished_runs
            happened = sender.turn()
            if sender.tally.finished_runs != finished_runs:
                finishing.report_finished_runs(home)
            if happened and on_progress:
                on_progress(sender.tally)
            upkeep.turn()
            if until_idle and sender.is_sure_to_be_idle and not _is_worth_waiting(home, sender, upkeep):
                break
            sender.rest()
    finally:
        sender.stop(_patience(sender))
        upkeep.join()
    tasks.sweep(home)
    if on_progress:
        on_progress(sender.tally)
    return sender.tally


def _is_worth_waiting(home: Installation, sender: Sender, upkeep: "_Upkeep") -> bool:
    moment = now()
    if upkeep.is_busy or any(pause <= PATIENCE for pause in sender.pauses_left):
        return True
    if sender.limit_free_at is not None and sender.limit_free_at <= moment + SOON:
        return True
    with home.database.read() as session:
        start = claiming.next_start(session)
    if start is not None and start <= moment + SOON:
        return True
    return tasks.has_waiting_runs(home)


def _patience(sender: Sender) -> float:
    """How long the slowest server may take to answer for a message under way."""
    slowest = [lane.settings.timeout_seconds for lane in sender.lanes.values() if lane.in_hand]
    return max(slowest, default=1.0) + 5.0


@contextmanager
def answering_bells(home: Installation, bell: Bell, wake: threading.Event) -> Iterator[None]:
    """Answer the bells of the outbox in this process: prepare a run, look into the queue."""

    def fill(run_id: int) -> None:
        tasks.fill_one_run(home, run_id)

    def drain(_run_id: int) -> None:
        wake.set()

    with bell.answering({tasks.FILL_RUN: fill, tasks.DRAIN: drain}):
        yield


def prepare_process() -> None:
    """Spare a process that only works on messages the search for garbage among what it loaded at its start: a tenth
    of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run_worker_process(
    home: Installation, *, until_idle: bool = False, on_progress: Progress | None = None
) -> Tally:
    """A whole worker process: guard, bells, signals and `run_worker`. For the main thread of `crm-mail worker`.

    Raises:
        AlreadyRunning: another process sends for this SQLite installation.
    """
    prepare_process()
    stop, wake = threading.Event(), threading.Event()
    bell = Bell(home.settings)
    with (
        hold_instance(home.settings) as is_alone,
        stop_on_signals(stop, wake),
        answering_bells(home, bell, wake),
    ):
        return run_worker(
            home, until_idle=until_idle, on_progress=on_progress, is_alone=is_alone, stop=stop, wake=wake
        )


@contextmanager
def embedded_worker(home: Installation, *, is_alone: bool) -> Iterator[Bell]:
    """A worker in a thread of this process, for `crm-mail serve`; gives the bell that the pages ring.

    Args:
        is_alone: what `background.hold_instance` said; the caller holds it.
    """
    stop, wake = threading.Event(), threading.Event()
    bell = Bell(home.settings)

    def work() -> None:
        while not stop.is_set():
            try:
                run_worker(home, is_alone=is_alone, stop=stop, wake=wake)
            except Exception:  # the pages go on; the queue is taken up again
                log.exception("The worker stopped; it starts again.")
                stop.wait(RESTART_SECONDS)

    thread = threading.Thread(target=work, name="worker", daemon=True)
    with answering_bells(home, bell, wake):
        thread.start()
        try:
            yield bell
        finally:
            stop.set()
            wake.set()
            thread.join()


RENEW_SECONDS = 3600.0
"""Between two looks for accounts whose sign-in would lapse unused."""


class _Upkeep:
    """The sweep, and runs to be prepared, in a thread of its own: a run of 100,000 messages takes a while."""

    def __init__(self, home: Installation) -> None:
        self.home = home
        self._next = time.monotonic() + SWEEP_SECONDS / 2
        self._renews_at = time.monotonic() + SWEEP_SECONDS
        self._counts_at = time.monotonic() + SWEEP_SECONDS
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def turn(self) -> None:
        """Begin a sweep when it is time."""
        if time.monotonic() < self._next or self.is_busy:
            return
        self._next = time.monotonic() + SWEEP_SECONDS
        self._thread = threading.Thread(target=self._sweep, name="sweep", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the present sweep ends."""
        if self._thread is not None:
            self._thread.join()

    def _sweep(self) -> None:
        try:
            tasks.sweep(self.home)
            tasks.fill_waiting_runs(self.home)
            if time.monotonic() >= self._renews_at:
                self._renews_at = time.monotonic() + RENEW_SECONDS
                renew_idle(self.home)
            if time.monotonic() >= self._counts_at:
                self._counts_at = time.monotonic() + COUNT_SECONDS
                self.home.database.count_anew()
        except Exception:  # the next sweep tries again
            log.exception("The sweep failed.")


@contextmanager
def stop_on_signals(stop: threading.Event, wake: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set the events instead of killing; the second one kills. For a process's main thread."""

    def handle(number: int, _frame: object) -> None:
        stop.set()
        wake.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
