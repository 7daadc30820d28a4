"""The sender: claims, hands out to the lanes, records. The only file of the product that owns its transactions.

One `Sender` lives in one thread of a worker. Each round is one short write transaction (record what was done, claim
what comes next: one commit for both) and one read; no transaction is open while a message is on its way.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.bounces.tokens import token_key
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.connecting import open_gateway
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings
from crm_mail.installation import Installation, SecretUnreadable
from crm_mail.outbox.sending import claiming, finishing, recording
from crm_mail.outbox.sending.attempting import KeptTransport, Result, SenderIdentity
from crm_mail.outbox.sending.claiming import Job
from crm_mail.outbox.sending.journal import Journal, journals_folder
from crm_mail.outbox.sending.lanes import Lane
from crm_mail.outbox.sending.recording import RETRY_PAUSES

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.5
"""Seconds between two looks into an empty queue, unless somebody rings."""
GROUP_SECONDS = 0.05
"""Longest time that an outcome waits for others to be recorded with."""
IDLE_SECONDS = 0.2
RENEW_SECONDS = 20.0
_LONGEST_TROUBLE_PAUSE = 10.0


@dataclass
class Tally:
    """What a worker did so far."""

    sent: int = 0
    failed: int = 0
    retrying: int = 0
    uncertain: int = 0
    given_back: int = 0
    stopped_accounts: int = 0
    finished_runs: int = 0

    def add(self, result: Result, is_final: bool) -> None:
        """Count one result."""
        if result.kind is OutcomeKind.SENT:
            self.sent += 1
        elif result.kind is OutcomeKind.UNCERTAIN:
            self.uncertain += 1
        elif result.kind is OutcomeKind.ACCOUNT_REFUSED:
            self.stopped_accounts += 1
        elif is_final:
            self.failed += 1
        else:
            self.retrying += 1


@dataclass
class _Look:
    """What one look into the queue found."""

    claimed: dict[int, list[int]] = field(default_factory=dict)  # account id → message ids
    accounts: dict[int, SenderAccount] = field(default_factory=dict)
    free_at: list[datetime] = field(default_factory=list)  # when accounts at their limit may go on
    unreadable: dict[int, str] = field(default_factory=dict)


class Sender:
    """Sends what is due, account beside account.

    Args:
        owner: this worker's name, unique among all workers there ever were.
        connect: makes a transport for an account's settings; tests may give another one.
        pauses: see `recording.RETRY_PAUSES`.
    """

    def __init__(
        self,
        home: Installation,
        owner: str,
        *,
        pauses: Sequence[timedelta] = RETRY_PAUSES,
        connect: Callable[[AccountSettings], KeptTransport] = SmtpSession,
    ) -> None:
        self.home = home
        self.owner = owner
        self.tally = Tally()
        self.lanes: dict[int, Lane] = {}
        self.journal = Journal(journals_folder(home), owner)
        self._pauses, self._connect = pauses, connect
        self._signatures: dict[int, tuple[object, ...]] = {}
        self._done: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._unrecorded: list[Result] = []
        self._unreturned: list[Job] = []
        self._unloaded: dict[int, list[int]] = {}
        self._under_way: dict[int, Job] = {}
        self._until = now()
        self._share = home.settings.worker_connections
        self._next_look = self._next_full_look = 0.0
        self._empty_looks = 0
        self._is_full_look = True
        self._due: list[SenderAccount] = []  # accounts that had work at the last full look
        self._held: set[int] = set()  # accounts that had work at the last look, but no room for it
        self._next_renewal = time.monotonic() + RENEW_SECONDS
        self._trouble = 0
        self.wake = threading.Event()
        """Rung from outside: look into the queue at once."""
        self.nudge = threading.Event()
        """Rung by the lanes: there is something to record, and room for more."""
        self.limit_free_at: datetime | None = None
        """When the first account that reached its limits may send again."""

    # --- one round -------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Wait until a turn is worth while: outcomes are recorded in groups, an empty queue is looked at seldom."""
        if self.in_hand:
            self.nudge.wait(GROUP_SECONDS)
            self.nudge.clear()
        else:
            self.wake.wait(IDLE_SECONDS)

    def turn(self, *, is_claiming: bool = True) -> bool:
        """One round: record, give back, claim, hand out. Whether anything happened.

        Trouble with the database (locked, disk full, gone) is logged and waited out: nothing that is known is
        forgotten, and nothing more is claimed meanwhile.
        """
        try:
            happened = self._turn(is_claiming)
        except (DBAPIError, OSError) as error:
            self._trouble += 1
            pause = min(_LONGEST_TROUBLE_PAUSE, 0.2 * 2**self._trouble)
            log.error("The database cannot be written (%s); trying again in %.1f s.", error, pause)
            time.sleep(pause)
            return True
        self._trouble = 0
        return happened

    def _turn(self, is_claiming: bool) -> bool:
        self._collect()
        has_looked = is_claiming and self._is_time_to_look()
        accounts = self._look() if has_looked else []
        is_recording = bool(self._unrecorded or self._unreturned)
        look = _Look()
        if is_recording or accounts or self._is_time_to_renew():
            moment = now()
            try:
                with self.home.database.write() as session:
                    finished = self._record(session)
                    self._renew(session, moment)
                    for account in accounts:
                        self._claim(session, account, moment, look)
            except BaseException:
                self.journal.settled(chain.from_iterable(look.claimed.values()))  # they are nobody's
                raise
            self._settle_round(finished, look)
        if has_looked:
            self.limit_free_at = min(look.free_at, default=None)
            self._next_look = 0.0 if look.claimed or self._held else time.monotonic() + LOOK_AGAIN
        is_empty_look = has_looked and self._is_full_look
        self._empty_looks = 0 if is_recording or look.claimed else self._empty_looks + is_empty_look
        return self._load() or is_recording

    def _collect(self) -> None:
        """Take over what the lanes have done, and what halted lanes have not begun."""
        while True:
            try:
                self._unrecorded.append(self._done.get_nowait())
            except queue.Empty:
                break
        for lane in self.lanes.values():
            if lane.is_halted:
                self._unreturned += lane.take_back()
            else:
                lane.go_on()

    def _is_time_to_look(self) -> bool:
        if self.wake.is_set():
            self.wake.clear()
            self._next_look = self._next_full_look = 0.0
        moment = time.monotonic()
        if moment < self._next_look:
            return False
        self._is_full_look = moment >= self._next_full_look or not self.in_hand
        if self._is_full_look:  # accounts without a lane yet are looked for now and then only
            self._next_full_look = moment + LOOK_AGAIN
            return True
        return any(lane.room() for lane in self.lanes.values())

    def _look(self) -> list[SenderAccount]:
        """Accounts that have something due and room for it.

        Between two full looks only those that had work at the last one are asked: a busy worker does not search
        for others after every few messages.
        """
        if self._is_full_look:
            self._due = self._find_due()
        self._held = {account.id for account in self._due if not self._may_have_room(account.id)}
        return [account for account in self._due if account.id not in self._held]

    def _find_due(self) -> list[SenderAccount]:
        moment = now()
        with self.home.database.read() as session:
            must_start = claiming.has_runs_to_start(session, moment)
        if must_start:
            with self.home.database.write() as session:
                claiming.start_due_runs(session, moment)
        with self.home.database.read() as session:
            self._until = claiming.horizon(session, moment)
            due = claiming.accounts_with_work(session, moment, self._until)
        self._share_connections(due)
        for account in due:
            if account.id in self.lanes:
                self.lanes[account.id].hasten(account.hastened_at)
        return due

    def _may_have_room(self, account_id: int) -> bool:
        lane = self.lanes.get(account_id)
        return lane is None or lane.is_refused or lane.is_stopping or lane.room() > 0

    def _record(self, session: Session) -> list[int]:
        if self._unreturned:
            recording.give_back(session, self.owner, self._unreturned)
        if not self._unrecorded:
            return []
        recorded = recording.record_results(session, self.owner, self._unrecorded, self._pauses)
        known = {result.job.id for result in self._unrecorded}
        going_on = {job.run_id for job in self._under_way.values() if job.id not in known}
        may_be_done = recorded.run_ids - going_on
        return finishing.finish_runs(session, may_be_done) if may_be_done else []

    def _claim(self, session: Session, account: SenderAccount, moment: datetime, look: _Look) -> None:
        lane = self._lane(account, look)
        if lane is None:
            recording.stop_account(session, account.id, look.unreadable[account.id])
            return
        wanted = lane.room()
        if wanted <= 0:
            self._held.add(account.id)  # the lane measured itself anew since the look: ask again soon
            return
        ids = claiming.claim(session, account, self.owner, wanted, moment, self._until)
        if ids:
            self.journal.held(ids)
            look.claimed[account.id] = ids
        elif account.slowed_until is not None and claiming.is_slowed(account.slowed_until, moment):
            look.free_at.append(account.slowed_until)
        elif limits.windows(account):
            free_at = limits.next_free_at(session, account, moment)
            if free_at > moment:
                look.free_at.append(free_at)

    def _settle_round(self, finished: list[int], look: _Look) -> None:
        """The transaction is durable: forget what it holds, remember what it claimed."""
        for result in self._unrecorded:
            self._under_way.pop(result.job.id, None)
            self.tally.add(result, recording.next_state(result, self._pauses)[1] is None)
        known = {result.job.id for result in self._unrecorded} | {job.id for job in self._unreturned}
        self.journal.settled(known.difference(*look.claimed.values()))  # some may be claimed again already
        self.tally.given_back += len(self._unreturned)
        for job in self._unreturned:
            self._under_way.pop(job.id, None)
        self.tally.finished_runs += len(finished)
        self._unrecorded, self._unreturned = [], []
        for account_id, ids in look.claimed.items():
            self._unloaded.setdefault(account_id, []).extend(ids)

    def _load(self) -> bool:
        """Read what was claimed and hand it to the lanes."""
        if not self._unloaded:
            return False
        with self.home.database.read() as session:
            loaded = {key: claiming.load_jobs(session, ids) for key, ids in self._unloaded.items()}
        self._unloaded = {}
        for account_id, jobs in loaded.items():
            self._under_way.update((job.id, job) for job in jobs)
            self.lanes[account_id].put(jobs)
        return True

    # --- leases ----------------------------------------------------------------------------------------------------

    def _is_time_to_renew(self) -> bool:
        return bool(self._under_way) and time.monotonic() >= self._next_renewal

    def _renew(self, session: Session, moment: datetime) -> None:
        if not self._is_time_to_renew():
            return
        self._next_renewal = time.monotonic() + RENEW_SECONDS
        by_account: dict[int, list[int]] = {}
        for job in self._under_way.values():
            by_account.setdefault(job.account_id, []).append(job.id)
        for account_id, ids in by_account.items():
            claiming.renew(session, self.owner, ids, moment + self.lanes[account_id].lease)

    # --- lanes -----------------------------------------------------------------------------------------------------

    def _lane(self, account: SenderAccount, look: _Look) -> Lane | None:
        """The account's lane, a new one when the account was changed; None when its secret cannot be read."""
        signature = tuple(getattr(account, name) for name in _DECISIVE)
        lane = self.lanes.get(account.id)
        is_fit = lane is not None and not (lane.is_refused or lane.is_stopping)
        if is_fit and self._signatures[account.id] == signature:
            return lane
        if lane is not None and lane.in_hand:
            lane.stop()  # finish what it has; the next round makes the new one
            return lane
        try:
            settings = account_settings(self.home, account)
        except SecretUnreadable as error:
            look.unreadable[account.id] = str(error)
            return None
        identity = SenderIdentity(
            account.id,
            Channel(account.kind.value),
            account.from_name,
            account.from_address,
            account.reply_to,
            settings.dkim,
            account.receipt_form,
            account.max_message_mb,
            account.bounce_address,
            token_key(self.home.secret_key) if account.bounce_address else b"",
        )
        if lane is not None:
            lane.stop()
        self.lanes[account.id] = Lane(
            identity,
            settings,
            min(account.max_connections, self._share),
            claiming.lease_of(account),
            self.home.store.read,
            self.journal,
            self._done.put,
            self.nudge.set,
            open_gateway if settings.sms is not None else self._connect,
        )
        self._signatures[account.id] = signature
        return self.lanes[account.id]

    def _share_connections(self, due: Sequence[SenderAccount]) -> None:
        """Each busy account has one connection at least; the setting's others are shared out evenly."""
        busy = {account.id for account in due} | {id_ for id_, lane in self.lanes.items() if lane.in_hand}
        self._share = max(1, self.home.settings.worker_connections // max(1, len(busy)))
        for account in due:
            if account.id in self.lanes:
                self.lanes[account.id].connections = min(account.max_connections, self._share)

    # --- outside view ----------------------------------------------------------------------------------------------

    @property
    def in_hand(self) -> int:
        """Messages claimed and not recorded yet."""
        return len(self._under_way) + sum(len(ids) for ids in self._unloaded.values())

    @property
    def pauses_left(self) -> list[float]:
        """For each account that has work but was not looked at: seconds until its server is tried again."""
        return [self.lanes[account_id].pause_left for account_id in self._held]

    @property
    def is_sure_to_be_idle(self) -> bool:
        """Nothing in hand, and a look into the queue after the last change found nothing to claim."""
        return not self.in_hand and not self._unrecorded and self._empty_looks > 0

    def stop(self, seconds: float) -> None:
        """Finish what is under way, give the rest back, close the connections.

        Args:
            seconds: how long to wait for messages under way; what is not done by then becomes uncertain when this
                process has ended, or its lease.
        """
        for lane in self.lanes.values():
            lane.stop()
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.turn(is_claiming=False)
                if not self.in_hand and not self._unrecorded and not self._unreturned:
                    break
                time.sleep(0.02)
            for lane in self.lanes.values():
                lane.join(max(0.1, min(3.0, deadline - time.monotonic())))
        finally:
            if not self.in_hand:
                self.journal.close()  # else it is kept, and locked, as long as this process lives


_DECISIVE = (
    "host",
    "port",
    "security",
    "ca_file",
    "ca_pem",
    "username",
    "secret",
    "auth",
    "dkim_domain",
    "dkim_selector",
    "dkim_key",
    "dkim_is_used",
    "receipt_form",
    "max_message_mb",
    "from_name",
    "from_address",
    "reply_to",
    "bounce_address",
    "timeout_seconds",
    "max_connections",
    "messages_per_connection",
    "sms",
    "sms_headers",
)
