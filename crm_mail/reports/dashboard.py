"""The figures of the dashboard: what waits for a person, what runs, the accounts' limits, the last thirty days.

One company at a time (the one chosen in the top bar). Counts of finished runs are remembered by this process; what may
still change in them (failures, uncertain messages) is read each time and is part of the key.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.access import count_suggestions
from crm_mail.contacts.finding.listing import count_parties
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.domains.checkups import count_faulty_domains
from crm_mail.delivery.limits import used_today
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth_tokens import SignIn, sign_in_state
from crm_mail.documents.models import Document
from crm_mail.evidence.due_mailboxes import count_full_mailboxes, count_silent_mailboxes
from crm_mail.evidence.listing import count_alarms
from crm_mail.importers.folders.list import count_refusals
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.queries import NOT_REACHED, RunTotals
from crm_mail.reports.visibility import of_types, visible_types

DAYS = 30
RECENT_RUNS = 200
LISTED = 5
_WAITING = (RunState.PREPARING, RunState.REVIEW, RunState.APPROVAL)
_GOING = (RunState.COMMITTED, RunState.SENDING, RunState.PAUSED)
_TROUBLE = (*NOT_REACHED, MessageState.UNCERTAIN)
_KEPT = 2000

_known: OrderedDict[tuple[Any, ...], RunTotals] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run and its rows by state."""

    run: Run
    totals: RunTotals


@dataclass(frozen=True, slots=True)
class Day:
    """Messages of the runs whose sending began on a day."""

    on: date
    sent: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account and what it was granted in the last 24 hours: the figure that its limits look at."""

    account: SenderAccount
    used: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """The four steps of a new installation; True: done."""

    has_account: bool
    has_parties: bool
    has_documents: bool
    has_runs: bool

    @property
    def is_over(self) -> bool:
        """Whether there is anything to show."""
        return self.has_runs


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page. ``None`` where the actor may not know."""

    beginning: Beginning
    waiting: Sequence[RunLine] = ()
    going: Sequence[RunLine] = ()
    failed: Sequence[RunLine] = ()
    uncertain: Sequence[RunLine] = ()
    accounts: Sequence[AccountLine] = ()
    parties_without_address: int | None = None
    suggestions: int | None = None
    folder_refusals: int | None = None
    alarms: int | None = None
    silent: int | None = None
    silent_mailboxes: int = 0
    full_mailboxes: int = 0
    faulty_domains: int = 0
    days: Sequence[Day] = field(default_factory=list)

    @property
    def stopped(self) -> list[AccountLine]:
        """Accounts that refused the login."""
        return [line for line in self.accounts if line.account.stopped_at is not None]

    @property
    def sign_ins(self) -> list[AccountLine]:
        """Accounts in use whose sign-in at the provider is missing, or ends soon."""
        moment = now()
        return [
            line
            for line in self.accounts
            if line.account.is_enabled
            and line.account.auth is AuthMethod.OAUTH2
            and sign_in_state(line.account, moment) is not SignIn.GOOD
        ]

    @property
    def has_work(self) -> bool:
        """Whether anything waits for a person."""
        return bool(
            self.waiting
            or self.failed
            or self.uncertain
            or self.stopped
            or self.sign_ins
            or self.parties_without_address
            or self.suggestions
            or self.folder_refusals
            or self.alarms
            or self.silent
            or self.silent_mailboxes
            or self.full_mailboxes
            or self.faulty_domains
        )


def read_dashboard(session: Session, actor: Actor, company: Company, zone: tzinfo) -> Dashboard:
    """The figures for one person in one company.

    Args:
        zone: in which the days of the chart begin.
    """
    runs = _recent_runs(session, actor, company)
    trouble = _counts(session, actor, company, [run.id for run in runs], _TROUBLE)
    totals = _totals(session, actor, company, runs, trouble)
    lines = [RunLine(run, totals[run.id]) for run in runs]
    settled = [line for line in lines if line.run.state not in _WAITING]
    may_see_data = actor.can(Permission.DOCUMENTS_SEE, company.id)
    may_manage = actor.can(Permission.CONTACTS_MANAGE, company.id)
    alarms, silent = count_alarms(session, actor, company.id) if may_see_data else (None, None)
    return Dashboard(
        beginning=_beginning(session, company),
        waiting=[line for line in lines if line.run.state in _WAITING],
        going=[line for line in lines if line.run.state in _GOING],
        failed=[line for line in settled if line.totals.failed],
        uncertain=[line for line in settled if line.totals.uncertain],
        accounts=_accounts(session, actor, company),
        faulty_domains=count_faulty_domains(session, company.id)
        if actor.can(Permission.ACCOUNTS_MANAGE, company.id)
        else 0,
        parties_without_address=_without_address(session, actor, company) if may_see_data else None,
        suggestions=count_suggestions(session, actor, company.id) if may_manage else None,
        folder_refusals=count_refusals(session, actor, company.id) if may_manage else None,
        silent_mailboxes=count_silent_mailboxes(session, actor, company.id),
        full_mailboxes=count_full_mailboxes(session, actor, company.id),
        alarms=alarms,
        silent=silent,
        days=_days(lines, zone),
    )


def _recent_runs(session: Session, actor: Actor, company: Company) -> list[Run]:
    """Runs of the last thirty days, and older ones that are still open, newest first."""
    since = now() - timedelta(days=DAYS + 1)
    recent = or_(Run.created_at >= since, Run.starts_at >= since, Run.state.in_((*_WAITING, *_GOING)))
    query = select(Run).where(Run.company_id == company.id, recent).order_by(Run.id.desc()).limit(RECENT_RUNS)
    return [run for run in session.scalars(query) if can_see_run(actor, run)]


def _counts(
    session: Session, actor: Actor, company: Company, ids: Iterable[int], states: Sequence[MessageState] = ()
) -> dict[int, dict[str, int]]:
    conditions: list[ColumnElement[bool]] = [
        Message.run_id.in_(list(ids)),
        messages_in_sight(actor.sight),
        *of_types(actor, company.id, company_types(session, company.id).ids),
    ]
    if states:
        conditions.append(Message.state.in_(states))
    query = select(Message.run_id, Message.state, func.count()).where(*conditions)
    found: dict[int, dict[str, int]] = {}
    for run_id, state, count in session.execute(query.group_by(Message.run_id, Message.state)):
        found.setdefault(run_id, {})[state.value] = count
    return found


def _totals(
    session: Session, actor: Actor, company: Company, runs: Sequence[Run], trouble: dict[int, dict[str, int]]
) -> dict[int, RunTotals]:
    """Counts per run; those of finished runs are remembered until their failures change."""
    types = tuple(visible_types(actor, company.id, company_types(session, company.id).ids))
    place = str(session.get_bind().engine.url)
    keys: dict[int, tuple[Any, ...]] = {
        run.id: (
            place,
            run.id,
            run.created_at,
            run.finished_at,
            actor.sight,
            types,
            *_pairs(trouble, run.id),
        )
        for run in runs
    }
    with _lock:
        known = {run.id: _known[keys[run.id]] for run in runs if run.finished_at and keys[run.id] in _known}
    missing = [run for run in runs if run.id not in known]
    counted = _counts(session, actor, company, [run.id for run in missing])
    fresh = {run.id: RunTotals(counted.get(run.id, {})) for run in missing}
    with _lock:
        for run in missing:
            if run.finished_at:
                _known[keys[run.id]] = fresh[run.id]
        while len(_known) > _KEPT:
            _known.popitem(last=False)
    return known | fresh


def _pairs(counts: dict[int, dict[str, int]], run_id: int) -> list[tuple[str, int]]:
    return sorted(counts.get(run_id, {}).items())


def _days(lines: Sequence[RunLine], zone: tzinfo) -> list[Day]:
    today = now().astimezone(zone).date()
    counted: dict[date, tuple[int, int]] = {}
    for line in lines:
        began = line.run.starts_at
        if began is not None:
            on = began.astimezone(zone).date()
            sent, failed = counted.get(on, (0, 0))
            counted[on] = (sent + line.totals.sent, failed + line.totals.failed)
    return [
        Day(on, *counted.get(on, (0, 0)))
        for on in (today - timedelta(days=back) for back in range(DAYS - 1, -1, -1))
    ]


def _accounts(session: Session, actor: Actor, company: Company) -> list[AccountLine]:
    """The company's accounts and the actor's own."""
    if not actor.can(Permission.DOCUMENTS_SEE, company.id) and not actor.can(
        Permission.ACCOUNTS_MANAGE, company.id
    ):
        return []
    owner = or_(SenderAccount.user_id.is_(None), SenderAccount.user_id == actor.user_id)
    query = select(SenderAccount).where(
        SenderAccount.company_id == company.id, owner, SenderAccount.is_enabled
    )
    accounts = session.scalars(query.order_by(SenderAccount.kind, SenderAccount.name)).all()
    used = used_today(session, [account.id for account in accounts], now())
    return [AccountLine(account, used.get(account.id, 0)) for account in accounts]


def _without_address(session: Session, actor: Actor, company: Company) -> int:
    return count_parties(session, actor, PartyFilter(company.id, has_address=False, blocked=False))


def _beginning(session: Session, company: Company) -> Beginning:
    def has(column: Any, owner: Any) -> bool:
        return session.scalar(select(column).where(owner == company.id).limit(1)) is not None

    return Beginning(
        has(SenderAccount.id, SenderAccount.company_id),
        has(Party.id, Party.company_id),
        has(Document.id, Document.company_id),
        has(Run.id, Run.company_id),
    )
