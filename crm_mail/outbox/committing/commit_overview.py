"""What a commit would let go, before it is done: how much, from which accounts, how long, and what stays behind."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.limits import UNLIMITED, allowance, windows
from crm_mail.delivery.models import SenderAccount
from crm_mail.many_rows import chunks
from crm_mail.outbox.committing.commit import fingerprint
from crm_mail.outbox.committing.rechecking import outdated, stale_copies
from crm_mail.outbox.models import Message, MessageIssue, Run
from crm_mail.outbox.preparing.kinds import count_undetermined
from crm_mail.outbox.preparing.rules import leaves_from_own_account, own_accounts
from crm_mail.outbox.reasons import COPY_DROPPED
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, Sight

PER_CONNECTION = 2.0
"""Messages a second over one connection to an ordinary provider, when no limit says less."""


@dataclass(frozen=True, slots=True)
class AccountShare:
    """An account and what leaves from it; ``seconds``: how long that takes within its limits."""

    id: int
    name: str
    from_address: str
    kind: str
    messages: int
    seconds: float
    is_stopped: bool
    limits: tuple[tuple[timedelta, int], ...]


@dataclass(frozen=True, slots=True)
class CommitOverview:
    """What a commit would do, as far as the actor may know it."""

    mark: str
    messages: int
    recipients: int
    files: int
    size: int
    languages: tuple[tuple[str, int], ...]
    accounts: tuple[AccountShare, ...]
    without_account: int
    outdated: dict[str, int] = field(default_factory=dict)
    blocked: tuple[tuple[str, int], ...] = ()
    warned: int = 0
    withheld: tuple[tuple[str, int], ...] = ()
    left_for_colleague: int = 0
    undetermined: int = 0  # addresses of which nobody knows the kind: asked before they leave

    @property
    def seconds(self) -> float:
        """How long it takes: the accounts work side by side."""
        return max((share.seconds for share in self.accounts), default=0.0)


def overview(session: Session, actor: Actor, run: Run) -> CommitOverview:
    """Look at a run as its commit would; writes nothing."""
    gone = {reason.value: ids for reason, ids in _outdated_ids(session, actor, run).items()}
    dropped = set().union(*gone.values()) if gone else set()
    visible = [Message.run_id == run.id, messages_in_sight(actor.sight)]
    pending = [*visible, Message.state == MessageState.PENDING]
    ready = [*pending, Message.blockers == 0, *_not_in(dropped)]
    totals = select(
        func.count(),
        func.coalesce(func.sum(Message.file_count), 0),
        func.coalesce(func.sum(Message.size), 0),
        func.count(Message.to_address.distinct()),
    )
    messages, files, size, recipients = session.execute(totals.where(*ready)).one()
    copies = [len(row.gone) for row in stale_copies(session, *ready)]
    languages = select(Message.language, func.count()).where(*ready).group_by(Message.language)
    shares, without = _shares(session, actor, run, ready)
    return CommitOverview(
        mark=fingerprint(session, run.id, actor.sight, *_not_in(dropped), changing=len(copies)),
        messages=messages,
        recipients=recipients,
        files=int(files),
        size=int(size),
        languages=tuple((language, count) for language, count in session.execute(languages)),
        accounts=shares,
        without_account=without,
        outdated={reason: len(ids) for reason, ids in gone.items()}
        | ({COPY_DROPPED: sum(copies)} if copies else {}),
        blocked=_blocked(session, run, pending),
        warned=session.scalar(select(func.count()).where(*ready, Message.warnings > 0)) or 0,
        withheld=_withheld(session, visible),
        left_for_colleague=_above(session, run, actor.sight),
        undetermined=0
        if run.state is RunState.APPROVAL  # the first person has answered
        else count_undetermined(session, run, actor.sight),
    )


def _outdated_ids(session: Session, actor: Actor, run: Run) -> dict[Any, set[int]]:
    """Rows that would drop out, each under the first reason that holds."""
    found: dict[Any, set[int]] = {}
    seen: set[int] = set()
    visible = [
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        messages_in_sight(actor.sight),
    ]
    for reason, condition in outdated(run):
        ids = set(session.scalars(select(Message.id).where(*visible, condition))) - seen
        if ids:
            found.setdefault(reason, set()).update(ids)
            seen |= ids
    return found


def _not_in(ids: Iterable[int]) -> list[ColumnElement[bool]]:
    """Rows that are none of these; in pieces that fit into one statement's parameters."""
    ordered = sorted(ids)
    return [Message.id.not_in(part) for part in chunks(ordered, 5000)]


def _blocked(session: Session, run: Run, pending: list[Any]) -> tuple[tuple[str, int], ...]:
    query = (
        select(MessageIssue.code, func.count(MessageIssue.message_id.distinct()))
        .join(Message, Message.id == MessageIssue.message_id)
        .where(MessageIssue.run_id == run.id, MessageIssue.is_blocker.is_(True), *pending)
        .group_by(MessageIssue.code)
        .order_by(func.count().desc(), MessageIssue.code)
    )
    return tuple((code, count) for code, count in session.execute(query))


def _withheld(session: Session, visible: list[Any]) -> tuple[tuple[str, int], ...]:
    query = (
        select(Message.withheld_reason, func.count())
        .where(*visible, Message.state == MessageState.WITHHELD)
        .group_by(Message.withheld_reason)
        .order_by(func.count().desc(), Message.withheld_reason)
        .limit(10)
    )
    return tuple((reason, count) for reason, count in session.execute(query))


def _above(session: Session, run: Run, sight: Sight) -> int:
    query = select(func.count()).where(
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        ~messages_in_sight(sight),
    )
    return session.scalar(query) or 0


def _shares(
    session: Session, actor: Actor, run: Run, ready: list[Any]
) -> tuple[tuple[AccountShare, ...], int]:
    """The accounts as they would be after the commit, and how many messages have none."""
    own = own_accounts(session, run, actor)
    query = (
        select(
            Message.account_id,
            Message.document_types,
            Message.channel,
            or_(leaves_from_own_account(actor)),
            func.count(),
        )
        .where(*ready)
        .group_by(Message.account_id, Message.document_types, Message.channel)
    )
    counts: dict[int | None, int] = {}
    for account_id, types, channel, is_replaced, count in session.execute(query):
        account = own[types, channel] if is_replaced and (types, channel) in own else account_id
        counts[account] = counts.get(account, 0) + count
    without = counts.pop(None, 0)
    accounts = session.scalars(select(SenderAccount).where(SenderAccount.id.in_(counts)))
    shares = [_share(session, account, counts[account.id]) for account in accounts]
    return tuple(sorted(shares, key=lambda share: -share.messages)), without


def _share(session: Session, account: SenderAccount, messages: int) -> AccountShare:
    limits = tuple(windows(account))
    return AccountShare(
        account.id,
        account.name,
        account.from_address,
        account.kind.value,
        messages,
        sending_seconds(
            messages,
            account.max_connections,
            limits,
            allowance(session, account, now()) if limits else UNLIMITED,
        ),
        account.stopped_at is not None or not account.is_enabled,
        limits,
    )


def sending_seconds(
    messages: int, connections: int, limits: Iterable[tuple[timedelta, int]], room: int = UNLIMITED
) -> float:
    """How long sending takes at least. Pure.

    Args:
        limits: (window, messages in any such window).
        room: messages that may leave at once, after what was sent already.
    """
    longest = messages / (PER_CONNECTION * max(1, connections))
    for window, limit in limits:
        waiting = messages - min(room, limit)
        if waiting > 0:
            longest = max(longest, -(-waiting // limit) * window.total_seconds())
    return longest


def ends_at(seconds: float, starts_at: datetime | None = None) -> datetime:
    """When sending ends at the earliest."""
    return (starts_at or now()) + timedelta(seconds=seconds)
