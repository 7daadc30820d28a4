"""The state of the mailer, as database and folders show it: who runs, what was done last, what waits, what is wrong.

PM-21 (*one status window*), PD-8, PD-14: one reading for the page and for `crm-mail status`.
"""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.db import now
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.models import ErrorNotice
from crm_mail.importers.folders.claims import claims_in
from crm_mail.importers.folders.hot_folder import is_wanted
from crm_mail.importers.folders.settings import ERROR, FolderInvalid, resolve_path
from crm_mail.importers.models import FileOutcome, HotFolder, HotFolderFile
from crm_mail.outbox.models import Attempt, Message, Run
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import QUEUED, MessageState, RunState
from crm_mail.permissions import Sight
from crm_mail.reports.mailer_state import Mailer, read_mailer_state
from crm_mail.send_orders.folder import count_files, oldest_age
from crm_mail.send_orders.models import OrderState, SendOrder, SendOrderFolder
from crm_mail.send_orders.settings import OrderChoices, OrdersInvalid, folder_of
from crm_mail.status.beating import ALIVE
from crm_mail.status.models import WorkerBeat

SHOWN_DEAD = timedelta(hours=24)
STUCK_AFTER = timedelta(minutes=10)
"""A file that lies in a watched folder for so long has nobody who takes it."""
SHOWN_ERRORS = 10
RECENT_ATTEMPTS = 200


class Trouble(StrEnum):
    """Why the mailer does not do its work."""

    NO_WORKER = "no_worker"
    SILENT = "silent"  # messages are due and nobody takes them
    ACCOUNT_STOPPED = "account_stopped"
    FOLDER_AWAY = "folder_away"
    FOLDER_STUCK = "folder_stuck"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that sends and watches. ``last_at``: when it last tried to send something."""

    name: str
    host: str
    pid: int
    kind: str
    processes: int
    started_at: datetime
    beat_at: datetime
    is_alive: bool
    ended_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in the outbox of a company. ``stopped``: names of accounts that were stopped."""

    company: str
    to_send: int
    retrying: int
    in_review: int
    uncertain: int
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder: ``kind`` is orders or documents; numbers of files; ``oldest_seconds`` of those nobody took."""

    company: str
    kind: str
    path: str
    is_reachable: bool
    waiting: int = 0
    processing: int = 0
    accepted: int = 0
    quarantine: int = 0
    oldest_seconds: int = 0


@dataclass(frozen=True, slots=True)
class LastError:
    """An error of the last days: ``kind`` is send_order, hot_folder or a cause of `evidence.error_notices`."""

    at: datetime | None
    company: str
    kind: str
    name: str
    code: str = ""
    params: dict[str, object] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MailerStatus:
    """Everything at one moment."""

    at: datetime
    mailer: Mailer
    processes: tuple[Process, ...]
    last_at: datetime | None
    last_outcome: str
    last_worker: str
    queues: tuple[Queue, ...]
    folders: tuple[Folder, ...]
    orders: dict[str, int]
    errors: tuple[LastError, ...]
    troubles: tuple[tuple[Trouble, str], ...]

    @property
    def running(self) -> tuple[Process, ...]:
        """The processes that are alive."""
        return tuple(one for one in self.processes if one.is_alive)

    @property
    def since(self) -> datetime | None:
        """Since when somebody runs without a break that we know of."""
        return min((one.started_at for one in self.running), default=None)


def read_status(
    session: Session,
    settings: Settings,
    companies: Sequence[Company],
    sight: Sight,
    *,
    errors_of: Collection[int] = (),
) -> MailerStatus:
    """The status of these companies.

    Args:
        sight: messages and orders outside it are neither counted nor told of.
        errors_of: companies whose errors are told: they name files and addresses, which is not for everybody.
    """
    moment = now()
    ids = {company.id: company.code for company in companies}
    state = read_mailer_state(session)
    attempts = session.execute(
        select(Attempt.finished_at, Attempt.outcome, Attempt.worker)
        .order_by(Attempt.id.desc())
        .limit(RECENT_ATTEMPTS)
    ).all()
    processes = _processes(session, moment, [(row.finished_at, row.worker) for row in attempts])
    queues, folders = _queues(session, ids, sight), _folders(session, settings, companies)
    last = attempts[0] if attempts else None
    return MailerStatus(
        moment,
        state.mailer,
        processes,
        last.finished_at if last else None,
        last.outcome if last else "",
        last.worker if last else "",
        queues,
        folders,
        _orders(session, ids, sight),
        _errors(session, {id_: ids[id_] for id_ in errors_of}, sight, moment),
        _troubles(state.mailer, processes, queues, folders),
    )


def _processes(
    session: Session, moment: datetime, attempts: Sequence[tuple[datetime, str]]
) -> tuple[Process, ...]:
    rows = session.scalars(
        select(WorkerBeat)
        .where(WorkerBeat.beat_at >= moment - SHOWN_DEAD)
        .order_by(WorkerBeat.started_at.desc())
        .limit(50)
    )
    found = []
    for row in rows:
        is_alive = row.ended_at is None and row.beat_at >= moment - ALIVE
        prefix = f"{row.host}-{row.pid}-"
        last = next(
            (at for at, worker in attempts if worker.startswith(prefix) and at >= row.started_at), None
        )
        found.append(
            Process(
                *(
                    row.name,
                    row.host,
                    row.pid,
                    row.kind,
                    row.processes,
                    row.started_at,
                    row.beat_at,
                    is_alive,
                ),
                row.ended_at,
                last,
            )
        )
    return tuple(sorted(found, key=lambda one: not one.is_alive))


def _queues(session: Session, ids: dict[int, str], sight: Sight) -> tuple[Queue, ...]:
    wanted = (*QUEUED, MessageState.UNCERTAIN)
    counted: Counter[tuple[int, MessageState]] = Counter()
    query = (
        select(Message.company_id, Message.state, func.count())
        .where(Message.state.in_(sorted(wanted)), Message.company_id.in_(ids), messages_in_sight(sight))
        .group_by(Message.company_id, Message.state)
    )
    for company_id, state, count in session.execute(query):
        counted[company_id, state] = count
    in_review = session.execute(
        select(Run.company_id, func.count())
        .where(Run.state.in_((RunState.REVIEW, RunState.APPROVAL)), Run.company_id.in_(ids))
        .group_by(Run.company_id)
    )
    review = {company_id: count for company_id, count in in_review}
    stopped: dict[int, list[str]] = {}
    accounts = select(SenderAccount.company_id, SenderAccount.name).where(
        SenderAccount.stopped_at.is_not(None), SenderAccount.is_enabled, SenderAccount.company_id.in_(ids)
    )
    for company_id, name in session.execute(accounts):
        stopped.setdefault(company_id, []).append(name)
    return tuple(
        Queue(
            code,
            counted[id_, MessageState.COMMITTED] + counted[id_, MessageState.SENDING],
            counted[id_, MessageState.RETRYING],
            review.get(id_, 0),
            counted[id_, MessageState.UNCERTAIN],
            tuple(stopped.get(id_, ())),
        )
        for id_, code in ids.items()
    )


def _folders(session: Session, settings: Settings, companies: Sequence[Company]) -> tuple[Folder, ...]:
    ids = {company.id: company.code for company in companies}
    found = []
    for row in session.scalars(
        select(SendOrderFolder).where(SendOrderFolder.is_watched, SendOrderFolder.company_id.in_(ids))
    ):
        try:
            path = folder_of(settings, OrderChoices(path=row.path))
        except OrdersInvalid:
            continue
        found.append(_order_folder(ids[row.company_id], path))
    for hot in session.scalars(select(HotFolder).where(HotFolder.is_watched, HotFolder.company_id.in_(ids))):
        try:
            path = resolve_path(settings.resolved_hot_folder_root, hot.path)
        except FolderInvalid:
            continue
        found.append(_hot_folder(ids[hot.company_id], path, hot.wait_minutes * 60.0))
    return tuple(sorted(found, key=lambda one: (one.company, one.kind)))


def _order_folder(company: str, path: Path) -> Folder:
    if not path.is_dir():
        return Folder(company, "orders", str(path), is_reachable=False)
    oldest = oldest_age(path, time.time()) or 0.0
    return Folder(company, "orders", str(path), True, **count_files(path), oldest_seconds=max(0, int(oldest)))


def _hot_folder(company: str, path: Path, patience: float) -> Folder:
    if not path.is_dir():
        return Folder(company, "documents", str(path), is_reachable=False)
    files = [one for one in _files_in(path) if is_wanted(one.name)]
    now_at = time.time()
    oldest = max((now_at - _changed_at(one, now_at) for one in files), default=0.0)
    claims = [one for claim in claims_in(path) for one in _files_in(claim)]
    quarantine = [one for one in _files_in(path / ERROR) if not one.name.endswith(".reason.txt")]
    seconds = max(0, int(oldest - patience))
    return Folder(
        *(company, "documents", str(path), True, len(files), len(claims), 0, len(quarantine), seconds)
    )


def _files_in(path: Path) -> list[Path]:
    try:
        return [one for one in path.iterdir() if one.is_file()]
    except OSError:
        return []


def _changed_at(path: Path, default: float) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return default


def _orders(session: Session, ids: Collection[int], sight: Sight) -> dict[str, int]:
    query = (
        select(SendOrder.state, func.count())
        .where(SendOrder.company_id.in_(ids), SendOrder.privacy_level <= sight.clearance)
        .where(*of_visible_party(SendOrder.party_id, sight))
        .where(SendOrder.state.in_((OrderState.WAITING, OrderState.OUTBOX)))
        .group_by(SendOrder.state)
    )
    return {state.value: count for state, count in session.execute(query)}


def _errors(session: Session, ids: dict[int, str], sight: Sight, moment: datetime) -> tuple[LastError, ...]:
    """The newest errors of the last week, each kind with its own limit."""
    since = moment - timedelta(days=7)
    orders = session.scalars(
        select(SendOrder)
        .where(
            SendOrder.company_id.in_(ids),
            SendOrder.state.in_((OrderState.REFUSED, OrderState.FAILED)),
            SendOrder.settled_at >= since,
            SendOrder.privacy_level <= sight.clearance,
            *of_visible_party(SendOrder.party_id, sight),
        )
        .order_by(SendOrder.settled_at.desc())
        .limit(SHOWN_ERRORS)
    )
    found = [
        LastError(row.settled_at, ids[row.company_id], "send_order", row.name, row.problem, dict(row.params))
        for row in orders
    ]
    files = session.scalars(
        select(HotFolderFile)
        .where(
            HotFolderFile.company_id.in_(ids),
            HotFolderFile.outcome == FileOutcome.REFUSED,
            HotFolderFile.at >= since,
            HotFolderFile.privacy_level <= sight.clearance,
        )
        .order_by(HotFolderFile.id.desc())
        .limit(SHOWN_ERRORS)
    )
    found += [
        LastError(row.at, ids[row.company_id], "hot_folder", row.name, detail=row.reason) for row in files
    ]
    notices = session.scalars(
        select(ErrorNotice)
        .where(ErrorNotice.company_id.in_(ids), ErrorNotice.cause != "send_order")
        .where((ErrorNotice.told_at >= since) | (ErrorNotice.waiting > 0))
        .limit(SHOWN_ERRORS)
    )
    found += [
        LastError(row.told_at, ids[row.company_id], "notice", row.cause, detail=row.last_detail)
        for row in notices
    ]
    return tuple(sorted(found, key=lambda one: one.at or moment, reverse=True)[:SHOWN_ERRORS])


def _troubles(
    mailer: Mailer, processes: Sequence[Process], queues: Sequence[Queue], folders: Sequence[Folder]
) -> tuple[tuple[Trouble, str], ...]:
    found: list[tuple[Trouble, str]] = []
    if not any(one.is_alive for one in processes):
        found.append((Trouble.NO_WORKER, ""))
    if mailer is Mailer.SILENT:
        found.append((Trouble.SILENT, ""))
    found += [
        (Trouble.ACCOUNT_STOPPED, f"{queue.company}: {name}") for queue in queues for name in queue.stopped
    ]
    for folder in folders:
        if not folder.is_reachable:
            found.append((Trouble.FOLDER_AWAY, folder.path))
        elif folder.waiting and folder.oldest_seconds > STUCK_AFTER.total_seconds():
            found.append((Trouble.FOLDER_STUCK, folder.path))
    return tuple(found)
