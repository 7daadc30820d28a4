"""Claiming: which messages are due, and taking some of them for one worker, with a lease (outbox law 1).

Everything here runs inside a short transaction that `sender` owns. A claim is durable before a byte of the message
leaves, so a message found *sending* after a crash may have left, and one that is not *sending* has not.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Integer, and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.delivery import limits, suppression
from crm_mail.delivery.envelope import Attachment
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.many_rows import Ids, is_one_of
from crm_mail.outbox.consent_gate import may_not_go
from crm_mail.outbox.models import Message, MessageContent, MessageFile, Run
from crm_mail.outbox.sending import sms_budget
from crm_mail.outbox.sending.quiet_hours import closed_accounts
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import INSTALLATION

LEASE_MARGIN = timedelta(seconds=60)
"""What a lease lasts beyond the account's time-out; it is renewed while its message is under way."""

_MESSAGES = Message.__table__


class Job(NamedTuple):
    """One claimed message with everything that its sending needs; no database behind it."""

    id: int
    run_id: int
    account_id: int
    attempt: int
    claimed_at: datetime
    due_at: datetime
    """When its run began: what goes back into the queue is due again at once, whatever the clock says."""
    message_id: str
    frozen_sha256: str
    channel: Channel
    language: str
    to_address: str
    cc: Sequence[str]
    bcc: Sequence[str]
    reply_to: str
    subject: str
    body_text: str
    body_html: str
    test_address: str
    timeout_seconds: int
    """Of this message alone (PM-10); 0: the account's."""
    suppressed_as: str | None = None
    """Why the recipient's address is not written to any more, when that is so (`delivery.suppression`)."""
    unsubscribe_url: str = ""
    is_unsubscribed: bool = False
    """It has a purpose, and the recipient does not allow it any more (`consent_gate`)."""
    files: tuple[Attachment, ...] = ()


def start_due_runs(session: Session, moment: datetime) -> list[int]:
    """Let committed runs whose undo window and start time have passed begin; their ids (BX-8)."""
    query = select(Run).where(Run.state == RunState.COMMITTED, Run.starts_at <= moment)
    runs = session.scalars(query.with_for_update(skip_locked=True)).all()
    for run in runs:
        run.state = RunState.SENDING
        audit.record(
            session,
            INSTALLATION,
            "outbox.run.started",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
        )
    return [run.id for run in runs]


def has_runs_to_start(session: Session, moment: datetime) -> bool:
    """Whether `start_due_runs` would find something: asked first, so that an idle worker writes nothing."""
    query = select(Run.id).where(Run.state == RunState.COMMITTED, Run.starts_at <= moment).limit(1)
    return session.scalar(query) is not None


def next_start(session: Session) -> datetime | None:
    """When the next committed run begins."""
    return session.scalar(select(func.min(Run.starts_at)).where(Run.state == RunState.COMMITTED))


def horizon(session: Session, moment: datetime) -> datetime:
    """Up to which time queued messages are due: now, or the latest start of a run that has begun.

    A run that has begun stays begun when the clock goes back: its messages are due although the time they
    were queued for seems to lie ahead.
    """
    started = session.scalar(select(func.max(Run.starts_at)).where(Run.state == RunState.SENDING))
    return max(moment, started) if started is not None else moment


def accounts_with_work(session: Session, moment: datetime, until: datetime) -> list[SenderAccount]:
    """Enabled accounts that did not stop and have a due message, each found by one look into the queue's index."""

    def queued(state: MessageState, due: datetime) -> Any:
        return exists().where(
            Message.account_id == SenderAccount.id, Message.state == state, Message.next_attempt_at <= due
        )

    query = select(SenderAccount).where(
        SenderAccount.is_enabled,
        SenderAccount.stopped_at.is_(None),
        or_(queued(MessageState.COMMITTED, until), queued(MessageState.RETRYING, moment)),
    )
    found = list(session.scalars(query.order_by(SenderAccount.id)))
    closed = closed_accounts(session, found, moment) | sms_budget.over_cap(session, found, moment)
    return [account for account in found if account.id not in closed]


def is_slowed(slowed_until: datetime | None, moment: datetime) -> bool:
    """Whether the account's server asked to send less, and the pause is not over."""
    return slowed_until is not None and slowed_until > moment


def claim(
    session: Session, account: SenderAccount, owner: str, wanted: int, moment: datetime, until: datetime
) -> list[int]:
    """Take up to ``wanted`` due messages of an account for a worker; their ids.

    Args:
        owner: the worker's name, unique among all workers there ever were.
        moment: the present; its whole second is the Date header of this attempt.
        until: see `horizon`.
    """
    connection = session.connection()
    state = connection.execute(_ACCOUNT_STATE, {"account": account.id}).one()
    if not state.is_enabled or state.stopped_at is not None or is_slowed(state.slowed_until, moment):
        return []
    asked = {"account": account.id, "state": MessageState.RETRYING, "until": moment, "count": wanted}
    ids = list(connection.scalars(_DUE, asked))
    if len(ids) < wanted:
        asked |= {"state": MessageState.COMMITTED, "until": until, "count": wanted - len(ids)}
        ids += connection.scalars(_DUE, asked)
    is_sms = account.kind is AccountKind.SMS
    if is_sms:
        ids = sms_budget.affordable(session, account, ids, moment)
    ids = ids[: limits.reserve(session, account, len(ids), moment)]
    if not ids:
        return []
    if is_sms:
        sms_budget.book(session, account, ids, moment)
    connection.execute(
        _CLAIM,
        {
            "ids": ids,
            "owner": owner,
            "lease": moment + lease_of(account),
            "second": moment.replace(microsecond=0),
        },
    )
    return ids


_ACCOUNT_STATE = select(SenderAccount.is_enabled, SenderAccount.stopped_at, SenderAccount.slowed_until).where(
    SenderAccount.id == bindparam("account")
)
# In the order of `ix_messages_queue`, so that the database stops after `count` rows.
_DUE = (
    select(Message.id)
    .join(Run, and_(Run.id == Message.run_id, Run.state == RunState.SENDING))
    .where(
        Message.account_id == bindparam("account"),
        Message.state == bindparam("state", type_=Message.state.type),
        Message.next_attempt_at <= bindparam("until", type_=Message.next_attempt_at.type),
    )
    .order_by(Message.next_attempt_at, Message.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(of=Message, skip_locked=True)
)
_CLAIM = (
    update(_MESSAGES)  # type: ignore[arg-type]
    .where(is_one_of(_MESSAGES.c.id, bindparam("ids", type_=Ids)))
    .values(
        state=MessageState.SENDING,
        lease_owner=bindparam("owner"),
        lease_until=bindparam("lease", type_=_MESSAGES.c.lease_until.type),
        claimed_at=bindparam("second", type_=_MESSAGES.c.claimed_at.type),
        attempt_count=_MESSAGES.c.attempt_count + 1,
    )
)


def lease_of(account: SenderAccount) -> timedelta:
    """How long a claim on this account's messages holds without being renewed."""
    return timedelta(seconds=account.timeout_seconds) + LEASE_MARGIN


def renew(session: Session, owner: str, ids: Sequence[int], until: datetime) -> None:
    """Prolong the leases of messages that are still under way."""
    session.connection().execute(
        update(_MESSAGES)  # type: ignore[arg-type]
        .where(
            _MESSAGES.c.id.in_(ids),
            _MESSAGES.c.state == MessageState.SENDING,
            _MESSAGES.c.lease_owner == owner,
        )
        .values(lease_until=until)
    )


_TABLES = (Message.__table__, MessageContent.__table__, Company.__table__, Run.__table__)
_M, _C, _COMPANY, _R = (table.c for table in _TABLES)
_JOBS = (
    select(
        _M.id,
        _M.run_id,
        _M.account_id,
        _M.attempt_count,
        _M.claimed_at,
        _R.starts_at,
        _M.message_id,
        _M.frozen_sha256,
        _M.channel,
        _M.language,
        _M.to_address,
        _M.cc,
        _M.bcc,
        _M.reply_to,
        _M.subject,
        _C.body_text,
        _C.body_html,
        _COMPANY.test_address,
        _M.timeout_seconds,
        suppression.reason_for(_M.company_id, _M.to_address),
        _M.unsubscribe_url,
        case((may_not_go(), True), else_=False),
    )
    .join_from(_TABLES[0], _TABLES[1], _C.message_id == _M.id)
    .join(_TABLES[2], _COMPANY.id == _M.company_id)
    .join(_TABLES[3], _R.id == _M.run_id)
    .where(is_one_of(_M.id, bindparam("ids", type_=Ids)))
    .order_by(_M.id)
)
_FILES = (
    select(
        MessageFile.message_id,
        MessageFile.name,
        MessageFile.mime,
        MessageFile.sha256,
        MessageFile.size,
        MessageFile.content_id,
    )
    .where(is_one_of(MessageFile.message_id, bindparam("ids", type_=Ids)))
    .order_by(MessageFile.message_id, MessageFile.position)
)


def load_jobs(session: Session, ids: Sequence[int]) -> list[Job]:
    """The claimed messages, whole; read after the claim's transaction has ended."""
    connection = session.connection()
    files: dict[int, list[Attachment]] = {}
    for row in connection.execute(_FILES, {"ids": ids}):
        files.setdefault(row[0], []).append(Attachment(*row[1:]))
    rows = connection.execute(_JOBS, {"ids": ids})
    return [Job(*row, tuple(files.get(row[0], ()))) for row in rows]  # type: ignore[call-arg, arg-type]
