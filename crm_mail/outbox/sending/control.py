"""Steering a run that was committed: pause, resume, cancel, try failures again, settle the uncertain; its progress.

Each needs the right to commit for every document type of the run. What is under way when a run is paused or cancelled
finishes: about a fifth of a second of work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import suppression
from crm_mail.delivery.models import SenderAccount
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.sending.quiet_hours import closed_accounts
from crm_mail.outbox.sending.sms_budget import over_cap
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import QUEUED, MessageState, RunState, check_transition
from crm_mail.permissions import Actor, Permission, Sight
from crm_mail.refusals import Refusal
from crm_mail.webhooks.models import Topic
from crm_mail.webhooks.noting import note_messages

_MESSAGES = Message.__table__
_WAITING = (MessageState.COMMITTED, MessageState.RETRYING)
_OUT = (MessageState.SENT, MessageState.DELIVERED, MessageState.BOUNCED)
_AGAIN = (MessageState.FAILED, MessageState.BOUNCED)


class ControlRefused(Refusal):
    """What was asked for is not possible in the run's present state; ``code`` says why, the message what to do."""

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.params = params


class Resolution(StrEnum):
    """What a person decides about an uncertain message."""

    SENT = "sent"
    SEND_AGAIN = "send_again"


def _take(session: Session, actor: Actor, run: Run, allowed: Sequence[RunState], verb: str) -> None:
    """Lock the run, and see that the actor and its state allow the step."""
    session.refresh(run, with_for_update=True)
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
    if run.state not in allowed:
        raise ControlRefused(
            "wrong_state", f"run {run.id} is {run.state.value} and cannot be {verb}", state=run.state.value
        )


def _note(session: Session, actor: Actor, run: Run, what: str, **detail: Any) -> None:
    audit.record(
        session,
        actor,
        f"outbox.run.{what}",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        **detail,
    )


def pause_run(session: Session, actor: Actor, run: Run) -> None:
    """Let nothing more of a run begin until it is resumed.

    Raises:
        PermissionDenied: the right to commit is missing. ControlRefused: the run is not committed or sending.
    """
    _take(session, actor, run, (RunState.COMMITTED, RunState.SENDING), "paused")
    run.state = RunState.PAUSED
    _queue_times(session, run, None)
    _note(session, actor, run, "paused")


def resume_run(session: Session, actor: Actor, run: Run) -> None:
    """Let a paused run go on, not before its start time.

    Raises:
        PermissionDenied: the right to commit is missing. ControlRefused: the run is not paused.
    """
    _take(session, actor, run, (RunState.PAUSED,), "resumed")
    moment = now()
    starts_at = run.starts_at or moment
    run.state = RunState.COMMITTED if starts_at > moment else RunState.SENDING
    _queue_times(session, run, starts_at)
    _note(session, actor, run, "resumed")


def _queue_times(session: Session, run: Run, at: datetime | None) -> None:
    """Take a run's waiting messages out of the queue's index (None), or put them back: see `claiming`."""
    session.connection().execute(
        update(_MESSAGES)  # type: ignore[arg-type]
        .where(_MESSAGES.c.run_id == run.id, _MESSAGES.c.state.in_(_WAITING))
        .values(next_attempt_at=at)
    )


def cancel_run(session: Session, actor: Actor, run: Run) -> int:
    """Call back what has not left; how many messages were cancelled, as far as the actor may know them.

    Raises:
        PermissionDenied: the right to commit is missing. ControlRefused: the run is finished or cancelled already.
    """
    allowed = (RunState.REVIEW, RunState.APPROVAL, RunState.COMMITTED, RunState.SENDING, RunState.PAUSED)
    _take(session, actor, run, allowed, "cancelled")
    remaining = [Message.run_id == run.id, Message.state.in_((MessageState.PENDING, *_WAITING))]
    count = _count(session, [*remaining, messages_in_sight(actor.sight)])
    _add_events(session, remaining, "cancelled", actor)
    session.connection().execute(
        update(Message).where(*remaining).values(state=MessageState.CANCELLED, next_attempt_at=None)
    )
    run.state = RunState.CANCELLED
    _note(session, actor, run, "cancelled", messages=count)
    return count


def retry_failed(session: Session, actor: Actor, run: Run, message_ids: Sequence[int] | None = None) -> int:
    """Send failed and bounced messages once more, under the same Message-ID, and waiting ones at once; how many. What
    would go to an address on the suppression list stays as it is: it could only fail, and lose its true cause.

    Args:
        message_ids: only these; None means every failure of the run that exists for the actor.

    Raises:
        PermissionDenied: the right to commit is missing. ControlRefused: the run was not committed, or was cancelled.
    """
    _take(session, actor, run, (RunState.SENDING, RunState.PAUSED, RunState.FINISHED), "tried again")
    chosen = [
        Message.run_id == run.id,
        Message.state.in_(_AGAIN),
        Message.message_id.is_not(None),
        messages_in_sight(actor.sight),
    ]
    if not session.get_one(Company, run.company_id).test_address:
        chosen.append(suppression.reason_for(Message.company_id, Message.to_address).is_(None))
    if message_ids is not None:
        chosen.append(Message.id.in_(list(message_ids)))
    count = _count(session, chosen)
    if count:
        _add_events(session, chosen, "retried", actor)
        _queue_again(session, run, chosen)
    count += _hasten(session, run, actor, message_ids)
    if count:
        _note(session, actor, run, "retried", messages=count)
    return count


def hasten_waiting(session: Session, actor: Actor, run: Run) -> int:
    """Try at once what a server put off or could not be reached for; how many. What failed for good stays so.

    Raises:
        PermissionDenied: the right to commit is missing. ControlRefused: the run is not sending.
    """
    _take(session, actor, run, (RunState.SENDING,), "hastened")
    count = _hasten(session, run, actor, None)
    if count:
        _note(session, actor, run, "hastened", messages=count)
    return count


def _hasten(session: Session, run: Run, actor: Actor, message_ids: Sequence[int] | None) -> int:
    """Messages that wait for another try are due at once; how many."""
    if run.state is RunState.PAUSED:
        return 0
    waiting = [
        Message.run_id == run.id,
        Message.state == MessageState.RETRYING,
        messages_in_sight(actor.sight),
    ]
    if message_ids is not None:
        waiting.append(Message.id.in_(list(message_ids)))
    used = select(Message.account_id).where(*waiting)
    execute = session.connection().execute
    execute(
        update(SenderAccount).where(SenderAccount.id.in_(used)).values(hastened_at=now(), slowed_until=None)
    )
    return execute(update(Message).where(*waiting).values(next_attempt_at=now())).rowcount


def resolve_uncertain(session: Session, actor: Actor, message: Message, resolution: Resolution) -> None:
    """Settle a message of which nobody knows whether it left.

    Raises:
        PermissionDenied: the right to commit is missing. TransitionRefused: the message is not uncertain.
        ControlRefused: it is to be sent again and its run was cancelled.
    """
    run = message.run
    session.refresh(run, with_for_update=True)
    session.refresh(message, with_for_update=True)
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *message.document_types.split())
    if resolution is Resolution.SENT:
        check_transition(message.state, MessageState.SENT)
        message.state, message.sent_at = MessageState.SENT, message.claimed_at or now()
        session.flush()
        note_messages(session, Topic.MESSAGE_SENT, [message.id])
    else:
        check_transition(message.state, MessageState.COMMITTED)
        if run.state is RunState.CANCELLED:
            raise ControlRefused("cancelled", f"run {run.id} was cancelled: prepare the document again")
        session.flush()
        _queue_again(session, run, [Message.id == message.id])
        session.refresh(message)
    session.add(
        MessageEvent(
            message_id=message.id, kind=f"resolved_{resolution.value}", actor_name=actor.name, detail={}
        )
    )
    audit.record(
        session,
        actor,
        "outbox.message.resolved",
        company_id=message.company_id,
        subject=message,
        label=message.to_address,
        privacy_level=message.privacy_level,
        resolution=resolution.value,
    )


def find_uncertain(session: Session, actor: Actor, message_id: int) -> Message | None:
    """A message by its id if it exists for the actor; None answers 404."""
    return session.scalar(select(Message).where(Message.id == message_id, messages_in_sight(actor.sight)))


def _queue_again(session: Session, run: Run, chosen: Sequence[ColumnElement[bool]]) -> None:
    """Back into the queue with all tries open; a finished run opens again, and will be reported again."""
    at = None if run.state is RunState.PAUSED else run.starts_at or now()
    session.connection().execute(
        update(Message)
        .where(*chosen)
        .values(state=MessageState.COMMITTED, attempt_count=0, next_attempt_at=at, sent_at=None)
    )
    if run.state is RunState.FINISHED:
        run.state, run.finished_at, run.reported_at = RunState.SENDING, None, None


def _count(session: Session, chosen: Sequence[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count()).select_from(Message).where(*chosen)) or 0


def _add_events(session: Session, chosen: Sequence[ColumnElement[bool]], kind: str, actor: Actor) -> None:
    values: tuple[Any, ...] = (now(), kind, actor.name, {})
    columns = (MessageEvent.at, MessageEvent.kind, MessageEvent.actor_name, MessageEvent.detail)
    constants = [bindparam(None, v, type_=c.type) for v, c in zip(values, columns, strict=True)]
    session.connection().execute(
        insert(MessageEvent).from_select(
            ["message_id", "at", "kind", "actor_name", "detail"],
            select(Message.id, *constants).where(*chosen),
            include_defaults=False,
        )
    )


@dataclass(frozen=True, slots=True)
class WaitingAccount:
    """An account that messages of a run wait for."""

    account_id: int
    name: str
    reason: str
    """What it answered when it stopped; empty when it is switched off."""
    opens_at: datetime | None = None
    """When the company's send window opens again, or a new day its cap; None: it is stopped or switched off."""
    is_over_cap: bool = False
    """Its texts cost as much today as the account allows."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is, as far as the reader may know it."""

    state: RunState
    counts: dict[MessageState, int]
    sent: int
    total: int
    """Messages that were to leave."""
    per_minute: float
    seconds_left: float | None
    """None: not known (nothing was sent yet, or nothing can go on)."""
    starts_at: datetime | None
    next_retry_at: datetime | None
    waiting_accounts: tuple[WaitingAccount, ...]

    @property
    def done(self) -> int:
        """Messages of which nothing is left to do."""
        return self.total - sum(self.counts.get(state, 0) for state in QUEUED)


_NEVER_LEAVING = (MessageState.PENDING, MessageState.WITHHELD)
_RATE_WINDOW = timedelta(seconds=60)


def read_progress(session: Session, run: Run, sight: Sight) -> RunProgress:
    """The counts of a run, its speed over the last minute and the time it still needs."""
    visible = [Message.run_id == run.id, messages_in_sight(sight)]
    rows = session.execute(select(Message.state, func.count()).where(*visible).group_by(Message.state))
    counts = {MessageState(state): int(count) for state, count in rows}
    left = sum(counts.get(state, 0) for state in QUEUED)
    per_minute = _per_minute(session, run, visible)
    return RunProgress(
        state=run.state,
        counts=counts,
        sent=sum(counts.get(s, 0) for s in (MessageState.SENT, MessageState.DELIVERED, MessageState.BOUNCED)),
        total=sum(count for state, count in counts.items() if state not in _NEVER_LEAVING),
        per_minute=per_minute,
        seconds_left=left / per_minute * 60 if left and per_minute else (None if left else 0.0),
        starts_at=run.starts_at,
        next_retry_at=_next_retry(session, visible) if counts.get(MessageState.RETRYING) else None,
        waiting_accounts=_waiting_accounts(session, visible) if left else (),
    )


def _per_minute(session: Session, run: Run, visible: Sequence[ColumnElement[bool]]) -> float:
    if run.state is not RunState.SENDING or run.starts_at is None:
        return 0.0
    moment = now()
    window = min(_RATE_WINDOW, max(moment - run.starts_at, timedelta(seconds=1)))
    recent = [*visible, Message.state.in_(_OUT), Message.sent_at > moment - window]
    return _count(session, recent) * 60 / window.total_seconds()


def _next_retry(session: Session, visible: Sequence[ColumnElement[bool]]) -> datetime | None:
    return session.scalar(
        select(func.min(Message.next_attempt_at)).where(*visible, Message.state == MessageState.RETRYING)
    )


def _waiting_accounts(session: Session, visible: Sequence[ColumnElement[bool]]) -> tuple[WaitingAccount, ...]:
    used = select(Message.account_id).where(*visible, Message.state.in_(_WAITING)).distinct()
    accounts = session.scalars(
        select(SenderAccount).where(SenderAccount.id.in_(used)).order_by(SenderAccount.id)
    ).all()
    capped = over_cap(session, accounts, now())
    closed = closed_accounts(session, accounts, now())
    closed |= {id_: at for id_, at in capped.items() if id_ not in closed}
    stopped = {one.id for one in accounts if not one.is_enabled or one.stopped_at is not None}
    return tuple(
        WaitingAccount(
            one.id,
            one.name,
            one.stopped_reason,
            None if one.id in stopped else closed.get(one.id),
            is_over_cap=one.id in capped and one.id not in stopped,
        )
        for one in accounts
        if one.id in stopped or one.id in closed
    )
