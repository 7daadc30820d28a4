"""The watcher of the folders of orders: claims what is ready, has it recorded, moves it on (PM-1, PM-22, PM-23).

Any number of watchers, on any machines, may look into the same folders.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail.background import repeating
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks
from crm_mail.outbox import tasks
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.refusals import Refusal
from crm_mail.send_orders import settling
from crm_mail.send_orders.answers import write_answer
from crm_mail.send_orders.element_paths import parse_paths
from crm_mail.send_orders.folder import ACCEPTED, Claimed, OrderFolder
from crm_mail.send_orders.models import SETTLED_ORDERS, OrderState, SendOrder, SendOrderFolder
from crm_mail.send_orders.names import order_id
from crm_mail.send_orders.orders import OrderRefused
from crm_mail.send_orders.reading import LOCKED_SECONDS, SETTLING_SECONDS, Reading, ReadOrder
from crm_mail.send_orders.recording import MOST_PER_RUN, Recorded, Recorder, Verdict
from crm_mail.send_orders.settings import OrderChoices, OrdersInvalid, folder_of, read_choices, roots_of

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Files claimed and recorded together."""
LEASE = timedelta(seconds=60)
"""How long an order that waits for a file is one worker's."""
GONE_AFTER = timedelta(minutes=15)
"""An order whose file has been missing for so long after its waiting ended was taken away."""


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What became of one file."""

    company: str
    name: str
    verdict: str
    state: str
    reason: str = ""


OnOrder = Callable[[OrderReport], object]


@dataclass(slots=True)
class _Watched:
    company_id: int
    code: str
    choices: OrderChoices
    most_per_run: int
    path: Path
    folder: OrderFolder
    is_silent: bool = False  # its trouble was logged already
    held: dict[str, float] = field(
        default_factory=dict
    )  # names that another program holds: when to try again


@dataclass(slots=True)
class OrderWatcher:
    """Looks into the folders of orders whenever it is told to.

    Args:
        company_id: look into this company's folder only, watched or not; None means every watched one.
        on_order: told of each file.
        on_let_go: called when runs were let go, to wake the sender.
        stop: set it to end the present look after the batch in hand.
        patience: seconds; see `reading.Reading`.
    """

    home: Installation
    company_id: int | None = None
    on_order: OnOrder = lambda _report: None
    on_let_go: Callable[[], object] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)
    patience: float = SETTLING_SECONDS
    lock_patience: float = LOCKED_SECONDS
    _known: dict[int, _Watched] = field(default_factory=dict)

    def turn(self) -> int:
        """One look into every folder; how many files were dealt with."""
        self._refresh()
        return sum(self._look(watched) for watched in self._known.values())

    def waiting(self) -> int:
        """Orders that lay in the folders at the last look and were not taken."""
        return sum(watched.folder.waiting() for watched in self._known.values())

    def _refresh(self) -> None:
        """The folders as the settings have them now; what was seen and claimed stays while the folder does."""
        with self.home.database.read() as session:
            wanted = {one.company_id: one for one in self._wanted(session)}
        for company_id, watched in wanted.items():
            known = self._known.get(company_id)
            if known is not None and known.path == watched.path:
                watched.folder, watched.is_silent, watched.held = known.folder, known.is_silent, known.held
        self._known = wanted

    def _wanted(self, session: Session) -> Iterator[_Watched]:
        if self.company_id is not None:
            ids = [self.company_id]
        else:
            ids = list(session.scalars(select(SendOrderFolder.company_id).where(SendOrderFolder.is_watched)))
        for company in session.scalars(select(Company).where(Company.id.in_(ids)).order_by(Company.code)):
            choices = read_choices(session, company)
            try:
                path = folder_of(self.home.settings, choices)
            except OrdersInvalid:
                log.warning("The folder of send orders of %s lies outside; it is not watched.", company.code)
                continue
            standing = session.get(StandingAuthorisation, choices.authorisation_id or 0)
            most = min(standing.most_per_run, MOST_PER_RUN) if standing is not None else MOST_PER_RUN
            yield _Watched(company.id, company.code, choices, max(1, most), path, OrderFolder(path))

    def _look(self, watched: _Watched) -> int:
        count = 0
        try:
            if not settling.is_reachable(self.home.settings, watched.path):
                raise FileNotFoundError(2, "the folder is not there", str(watched.path))
            watched.folder.take_over(time.time())
            count += self._take_in(watched)
            count += self._look_again(watched)
            watched.folder.tidy()
            self._move_on(watched)
        except OSError as trouble:  # the share is away, the disk is full: it is looked at again
            if not watched.is_silent:
                log.warning("The folder of send orders of %s cannot be worked in: %s", watched.code, trouble)
            watched.is_silent = True
        else:
            watched.is_silent = False
        return count

    # Coming in

    def _take_in(self, watched: _Watched) -> int:
        folder, count = watched.folder, 0
        count += self._work(watched, [(claim, claim.name) for claim in folder.in_hand()])
        ready = [name for name in folder.ready() if watched.held.get(name, 0.0) <= time.monotonic()]
        for part in chunks(ready, AT_ONCE):
            if self.stop.is_set():
                break
            claims = [one for name in part if (one := self._claim(watched, name))]
            count += self._work(watched, [(claim, claim.name) for claim in claims])
            self._move_on(watched)
        return count

    def _claim(self, watched: _Watched, name: str) -> Claimed | None:
        try:
            return watched.folder.claim(name)
        except (
            PermissionError
        ):  # Windows: another program holds it open; it is tried now and then, not over and over
            if name not in watched.held:
                log.warning("The send order %s is held by another program.", name)
            watched.held[name] = time.monotonic() + LOCKED_SECONDS / 5
            return None

    def _work(self, watched: _Watched, claims: Sequence[tuple[Claimed, str]]) -> int:
        """Read, record, move; what is not whole yet stays in hand."""
        if not claims:
            return 0
        watched.folder.keep_alive()
        with self.home.database.read() as session:
            reading = self._reading(session, watched)
        now_at, read = time.time(), []
        for claim, name in claims:
            one = self._read(reading, claim, name, now_at)
            if one is not None:
                read.append(one)
        for recorded in self._record(watched, read):
            self._settle_file(watched, recorded)
            state, verdict = recorded.state.value, recorded.verdict.value
            self.on_order(OrderReport(watched.code, recorded.read.name, verdict, state, recorded.reason))
        return len(read)

    def _reading(self, session: Session, watched: _Watched) -> Reading:
        settings = self.home.settings
        return Reading(
            roots_of(session, settings, watched.company_id, watched.choices),
            self.home.store.put,
            parse_paths(watched.choices.element_paths),
            settings.max_upload_mb * 1024 * 1024,
            self.patience,
            self.lock_patience,
        )

    def _read(self, reading: Reading, claim: Claimed, name: str, now_at: float) -> ReadOrder | None:
        id_ = order_id(name) or name
        try:
            return reading.read(claim.path, name, id_, now_at)
        except (OSError, DBAPIError):
            raise
        except Exception as error:  # one file that breaks us must not stop the others
            log.exception("The send order %s could not be read.", name)
            return ReadOrder(
                claim.path, name, id_, refused=OrderRefused("failed", detail=type(error).__name__)
            )

    def _record(self, watched: _Watched, read: Sequence[ReadOrder]) -> list[Recorded]:
        """All of them in one transaction; when one breaks it, each in its own."""
        if not read:
            return []
        try:
            return self._record_together(watched, read)
        except (OSError, DBAPIError):
            raise
        except Exception as error:
            if len(read) > 1:
                return [recorded for one in read for recorded in self._record(watched, [one])]
            log.exception("The send order %s could not be recorded.", read[0].name)
            why = str(error) if isinstance(error, Refusal) else type(error).__name__
            broken = ReadOrder(
                *(read[0].path, read[0].name, read[0].order_id, read[0].sha256),
                refused=OrderRefused("failed", detail=why[:200]),
            )
            return self._record_together(watched, [broken])

    def _record_together(self, watched: _Watched, read: Sequence[ReadOrder]) -> list[Recorded]:
        with self.home.database.write() as session:
            company = session.get_one(Company, watched.company_id)
            recorder = Recorder(session, self.home, company, watched.choices, watched.most_per_run)
            return recorder.record(read)

    def _settle_file(self, watched: _Watched, recorded: Recorded) -> None:
        """Move the file to where its row says it is. Raises OSError: it is done when the file is taken up again."""
        folder, read = watched.folder, recorded.read
        claimed = Claimed(read.path)
        accepted = folder.folder / ACCEPTED
        is_known = recorded.state in SETTLED_ORDERS or os.path.lexists(accepted / read.name)
        if recorded.verdict is Verdict.REFUSED:
            answer = write_answer(read.order_id, "refused", now(), code=recorded.code, reason=recorded.reason)
            folder.quarantine(claimed, recorded.reason, answer)
        elif read.path.parent == accepted:
            return
        elif recorded.is_copy or is_known:
            folder.discard(claimed)
        else:
            folder.accept(claimed)

    # Waiting for attachments

    def _look_again(self, watched: _Watched) -> int:
        claims: list[tuple[Claimed, str]] = []
        with self.home.database.write() as session:
            due = session.scalars(
                select(SendOrder)
                .where(
                    SendOrder.company_id == watched.company_id,
                    SendOrder.state == OrderState.WAITING,
                    SendOrder.look_at <= now(),
                )
                .order_by(SendOrder.look_at)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            for row in due:
                row.look_at = now() + LEASE
                path = watched.folder.folder / ACCEPTED / row.name
                if os.path.lexists(path):
                    claims.append((Claimed(path), row.name))
                elif row.wait_until is not None and row.wait_until + GONE_AFTER <= now():
                    row.state, row.problem, row.params = OrderState.REFUSED, "file_gone", {}
                    row.look_at, row.settled_at = None, now()
        return self._work(watched, claims)

    # Going on

    def _move_on(self, watched: _Watched) -> None:
        home, company_id = self.home, watched.company_id
        for run_id in self._unprepared(company_id):
            tasks.fill_one_run(home, run_id)
        settling.follow_runs(home, company_id)
        if settling.let_go(home, company_id, watched.choices.authorisation_id):
            self.on_let_go()
        self._quarantine_late(watched)
        settling.settle(home, company_id, watched.choices, watched.folder)

    def _unprepared(self, company_id: int) -> Sequence[int]:
        with self.home.database.read() as session:
            return settling.unprepared_runs(session, company_id)

    def _quarantine_late(self, watched: _Watched) -> None:
        """Orders that were accepted and turned out to become nothing: their files go to quarantine too."""
        with self.home.database.read() as session:
            late = settling.refused_late(session, watched.company_id)
        for one in late:
            claimed = watched.folder.withdraw(one.name)
            if claimed is not None:
                answer = write_answer(one.order_id, "refused", now(), code=one.code, reason=one.reason)
                watched.folder.quarantine(claimed, one.reason, answer)


@contextmanager
def watching_orders(home: Installation, on_let_go: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Watch the folders of every company in a thread of this process, for as long as the block runs."""
    watcher = OrderWatcher(home, on_let_go=on_let_go)
    with repeating("send-orders", watcher.turn, home.settings.mailer_seconds, stop=watcher.stop):
        yield
