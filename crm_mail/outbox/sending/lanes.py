"""A lane: one account's kept connections within one worker, a thread for each. Knows no database.

A lane holds little: about a fifth of a second of measured work, at least one message for each connection, so that
a pause takes effect at once, and a machine that dies leaves little in doubt.
"""

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from crm_mail.db import now
from crm_mail.delivery.blobs import EncodedBlobs
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.sms.gateway import SmsTransport
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings
from crm_mail.outbox.sending.attempting import Attempts, KeptTransport, Result, SenderIdentity
from crm_mail.outbox.sending.attempting_sms import SmsAttempts
from crm_mail.outbox.sending.claiming import Job
from crm_mail.outbox.sending.journal import Journal

WORK_AHEAD = 0.2
"""Seconds of measured work that a lane holds at most."""
MOST_AHEAD = 500
IDLE_SECONDS = 5.0
"""Seconds without work after which a connection is closed."""
PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds before the next try when the server cannot be reached, or says that it is busy."""
AnyTransport = KeptTransport | SmsTransport
"""Mail, or texts."""
_SMOOTHING = 0.1
_BLOB_BYTES = 16_000_000


class Lane:
    """The connections of one account.

    Args:
        lease: how long a claim holds (`claiming.lease_of`).
        read: gives a stored file by its hash.
        journal: told what is begun with, and what became of it.
        done: called from the lane's threads with each result.
        nudge: called once when half of what the lane was given is done.
        connect: makes a transport; tests may give another one.
    """

    def __init__(
        self,
        identity: SenderIdentity,
        settings: AccountSettings,
        connections: int,
        lease: timedelta,
        read: Callable[[str], bytes],
        journal: Journal,
        done: Callable[[Result], None],
        nudge: Callable[[], None],
        connect: Callable[[AccountSettings], AnyTransport] = SmtpSession,
    ) -> None:
        self.identity = identity
        self.settings = settings
        self.connections = max(1, connections)
        self.lease = lease
        self._read, self._done, self._nudge, self._connect = read, done, nudge, connect
        self._journal = journal
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._login = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._in_hand = 0
        self._has_nudged = False  # once for each helping: more would only make smaller groups to record
        self._seconds: float | None = None  # per message and connection, smoothed
        self._failures = 0
        self._paused_until = 0.0
        self._paused_at = now()
        self.is_refused = False
        """The server refused the account: nothing more is tried."""
        self.is_stopping = False

    @property
    def in_hand(self) -> int:
        """Messages given to this lane and not finished."""
        return self._in_hand

    @property
    def is_halted(self) -> bool:
        """Whether messages in the queue should be given back."""
        return self.is_refused or self.is_stopping or self.pause_left > 0

    @property
    def pause_left(self) -> float:
        """Seconds until the server is tried again; 0 when it may be."""
        return max(0.0, self._paused_until - time.monotonic())

    def hasten(self, asked_at: datetime | None) -> None:
        """Try the server at once if a person asked for it since the pause began."""
        if asked_at is not None and asked_at > self._paused_at:
            self._paused_until = 0.0

    def room(self) -> int:
        """How many messages the lane takes now; 0 while it holds enough."""
        if self.is_halted:
            return 0
        if self._failures:
            return max(0, 1 - self._in_hand)  # one message finds out whether the server is back
        target = self._target()
        missing = target - self._in_hand
        return missing if target == self.connections or missing * 2 >= target else 0

    def _target(self) -> int:
        """Messages to hold: `WORK_AHEAD` of measured work, at least one for each connection."""
        if not self._seconds:
            return self.connections
        return max(self.connections, min(MOST_AHEAD, int(WORK_AHEAD * self.connections / self._seconds)))

    def put(self, jobs: list[Job]) -> None:
        """Hand claimed messages over to the connections."""
        with self._lock:
            self._has_nudged = False
            self._in_hand += len(jobs)
            for job in jobs:
                self._queue.put(job)
            self._start_connections()

    def go_on(self) -> None:
        """Work on what a pause left in the queue when it began and ended between two of the worker's rounds: the
        connections ended with it, and nobody took the messages back."""
        if self._in_hand and not self._threads and not self.is_halted:
            with self._lock:
                if not self._queue.empty():
                    self._start_connections()

    def _start_connections(self) -> None:
        """As many as the messages in hand need; the lock is held."""
        wanted = min(self.connections, self._in_hand)
        for _ in range(wanted - len(self._threads)):
            thread = threading.Thread(
                target=self._work, name=f"account-{self.identity.account_id}", daemon=True
            )
            self._threads.add(thread)
            thread.start()

    def take_back(self) -> list[Job]:
        """The messages that no connection has begun with; the signs to stop stay for those who wait for them."""
        taken: list[Job | None] = []
        while True:
            try:
                taken.append(self._queue.get_nowait())
            except queue.Empty:
                break
        jobs = [job for job in taken if job is not None]
        for _ in range(len(taken) - len(jobs)):
            self._queue.put(None)
        with self._lock:
            self._in_hand -= len(jobs)
        return jobs

    def stop(self) -> None:
        """Begin with nothing more; connections close when their present message is done."""
        self.is_stopping = True
        for _ in list(self._threads):
            self._queue.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the connections to end; whether they did."""
        deadline = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in list(self._threads))

    def _work(self) -> None:
        transport = self._connect(self.settings)
        attempts = self._attempts_over(transport)
        try:
            while (job := attempts.next_job or self._next()) is not None:
                self._handle(job, attempts)
                if self.is_halted:
                    self._return(attempts.give_back())
        finally:
            transport.close()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _attempts_over(self, transport: AnyTransport) -> Attempts | SmsAttempts:
        if isinstance(transport, SmsTransport):
            return SmsAttempts(self.identity, transport, self._journal.began)
        blobs = EncodedBlobs(self._read, keep_bytes=_BLOB_BYTES, is_verified=True)
        return Attempts(self.identity, transport, blobs, self._journal.began, self._take_ahead)

    def _take_ahead(self) -> Job | None:
        """A message that this connection will attempt later, where there is enough for the others too."""
        if self.is_halted or self._queue.qsize() < self.connections:
            return None
        try:
            job = self._queue.get_nowait()
        except queue.Empty:
            return None
        if job is None:  # a sign to stop: it is for `_next`
            self._queue.put(None)
        return job

    def _next(self) -> Job | None:
        while True:
            if not self.is_halted:
                try:
                    return self._queue.get(timeout=IDLE_SECONDS)
                except queue.Empty:
                    pass
            with self._lock:  # nobody can put meanwhile: what is put later gets a new thread
                if self.is_halted or self._queue.empty():
                    self._threads.discard(threading.current_thread())
                    return None

    def _handle(self, job: Job, attempts: Attempts | SmsAttempts) -> None:
        if attempts.transport.is_open:
            result = self._attempt(job, attempts)
        else:
            with self._login:  # one at a time: a wrong password, or a server that is closed, is tried once
                if self.is_halted:  # once: a message taken ahead is among those given back
                    self._return(attempts.give_back() or [job])
                    return
                result = self._attempt(job, attempts)
        with self._lock:
            self._in_hand -= 1
            is_hungry = not self._has_nudged and self._in_hand * 2 <= self._target()
            self._has_nudged |= is_hungry
        self._done(result)
        if is_hungry:
            self._nudge()

    def _attempt(self, job: Job, attempts: Attempts | SmsAttempts) -> Result:
        began = time.monotonic()
        result = attempts.attempt(job)
        self._journal.ended(result)
        with self._lock:
            self._learn(result, time.monotonic() - began)
        return result

    def _return(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._queue.put(job)

    def _learn(self, result: Result, seconds: float) -> None:
        if result.kind is OutcomeKind.ACCOUNT_REFUSED:
            self.is_refused = True
        elif result.is_connection:
            if not self.pause_left:
                self._paused_at = now()
                self._paused_until = time.monotonic() + PAUSES[min(self._failures, len(PAUSES) - 1)]
                self._failures += 1
        else:
            self._failures = 0
            old = self._seconds
            self._seconds = seconds if old is None else old + _SMOOTHING * (seconds - old)
