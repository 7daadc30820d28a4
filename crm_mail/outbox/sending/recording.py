"""Recording: what attempts came to, many in one transaction; the report reads what is written here.

A worker whose lease was lost (another one settled the message meanwhile) adds its attempt to the history and changes
nothing else.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.models import SenderAccount
from crm_mail.many_rows import Ids, insert_many, is_one_of, update_many
from crm_mail.outbox.models import Attempt, Message, MessageEvent, Run
from crm_mail.outbox.sending import sms_settling
from crm_mail.outbox.sending.attempting import Result
from crm_mail.outbox.sending.claiming import Job
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import INSTALLATION
from crm_mail.webhooks.models import Topic
from crm_mail.webhooks.noting import note_messages

log = logging.getLogger(__name__)

RETRY_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 720, 1440))
"""Pauses after the first, second… transient failure; after the last one the message has failed."""

STATE_OF = {
    OutcomeKind.SENT: MessageState.SENT,
    OutcomeKind.TRANSIENT: MessageState.RETRYING,
    OutcomeKind.PERMANENT: MessageState.FAILED,
    OutcomeKind.UNCERTAIN: MessageState.UNCERTAIN,
    OutcomeKind.ACCOUNT_REFUSED: MessageState.COMMITTED,
}
_EVENT_OF = {
    MessageState.SENT: "sent",
    MessageState.RETRYING: "deferred",
    MessageState.FAILED: "failed",
    MessageState.UNCERTAIN: "uncertain",
    MessageState.COMMITTED: "account_stopped",
}

_TOPICS = {MessageState.SENT: Topic.MESSAGE_SENT, MessageState.FAILED: Topic.MESSAGE_FAILED}
_MESSAGES = Message.__table__
_OURS = (
    select(Message.id, Message.attempt_count)
    .where(
        is_one_of(Message.id, bindparam("ids", type_=Ids)),
        Message.state == MessageState.SENDING,
        Message.lease_owner == bindparam("owner"),
    )
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written, by run: how many messages came to which state."""

    states: dict[int, dict[MessageState, int]]

    @property
    def run_ids(self) -> set[int]:
        return set(self.states)


def next_state(result: Result, pauses: Sequence[timedelta]) -> tuple[MessageState, datetime | None]:
    """The state that follows an attempt and, when it is to be tried again, from when on. Pure."""
    state = STATE_OF[result.kind]
    if state is MessageState.RETRYING:
        if result.job.attempt > len(pauses):
            return MessageState.FAILED, None
        return state, result.finished_at + pauses[result.job.attempt - 1]
    if state is MessageState.COMMITTED:
        return state, result.job.due_at
    return state, None


def record_results(
    session: Session, owner: str, results: Sequence[Result], pauses: Sequence[timedelta] = RETRY_PAUSES
) -> Recorded:
    """Write the outcomes of attempts; see the module's text for lost leases."""
    ours = _still_ours(session, owner, [result.job for result in results])
    values: list[dict[str, Any]] = []
    states: dict[int, dict[MessageState, int]] = {}
    events: list[dict[str, Any]] = []
    for result in results:
        job = result.job
        state, next_at = next_state(result, pauses)
        if job.id not in ours:
            log.warning("The outcome of message %s came after its lease was lost; only kept.", job.id)
            events.append(_event(job.id, "late_outcome", result))
            continue
        counts = states.setdefault(job.run_id, {})
        counts[state] = counts.get(state, 0) + 1
        values.append(_changes(result, state, next_at))
        events.append(_event(job.id, _EVENT_OF[state], result))
    insert_many(session, Attempt, [_attempt(result, owner) for result in results])
    insert_many(session, MessageEvent, events)
    sms_settling.settle(session, results)
    if values:
        update_many(session, Message, values)
        for state, topic in _TOPICS.items():
            note_messages(session, topic, [row["id"] for row in values if row["state"] is state])
    _stop_refusing_accounts(session, results)
    _slow_down(session, results, pauses)
    return Recorded(states)


def _still_ours(session: Session, owner: str, jobs: Iterable[Job]) -> set[int]:
    attempts = {job.id: job.attempt for job in jobs}
    rows = session.connection().execute(_OURS, {"ids": list(attempts), "owner": owner})
    return {id_ for id_, attempt in rows if attempts[id_] == attempt}


def _changes(result: Result, state: MessageState, next_at: datetime | None) -> dict[str, Any]:
    return {
        "id": result.job.id,
        "state": state,
        "sent_at": result.finished_at if state is MessageState.SENT else None,
        "next_attempt_at": next_at,
        "last_cause": result.cause,
        "last_code": result.code,
        "last_detail": result.detail,
        "lease_owner": None,
        "lease_until": None,
    }


def _event(message_id: int, kind: str, result: Result) -> dict[str, Any]:
    detail = {} if result.kind is OutcomeKind.SENT else {"cause": result.cause, "detail": result.detail}
    return {
        "message_id": message_id,
        "at": result.finished_at,
        "kind": kind,
        "actor_name": "",
        "detail": detail,
    }


def _attempt(result: Result, owner: str) -> dict[str, Any]:
    return {
        "message_id": result.job.id,
        "account_id": result.job.account_id,
        "worker": owner,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "outcome": result.kind.value,
        "cause": result.cause,
        "code": result.code,
        "detail": result.detail,
        "mime": result.mime,
        "mime_sha256": result.mime_sha256,
    }


def _stop_refusing_accounts(session: Session, results: Sequence[Result]) -> None:
    refused = {r.job.account_id: r for r in results if r.kind is OutcomeKind.ACCOUNT_REFUSED}
    for account_id, result in refused.items():
        stop_account(session, account_id, result.detail)


def _slow_down(session: Session, results: Sequence[Result], pauses: Sequence[timedelta]) -> None:
    """Too much was sent: every worker lets the whole account rest as long as the refused message does."""
    for result in results:
        if result.cause != Cause.THROTTLED or not pauses:
            continue
        pause = pauses[min(result.job.attempt, len(pauses)) - 1]
        account = session.get(SenderAccount, result.job.account_id, with_for_update=True)
        until = result.finished_at + pause
        if account is not None and (account.slowed_until is None or account.slowed_until < until):
            account.slowed_until = until


def stop_account(session: Session, account_id: int, reason: str) -> None:
    """Let an account's queue wait until a person acts; the others go on (law 5)."""
    account = session.get(SenderAccount, account_id, with_for_update=True)
    if account is None or account.stopped_at is not None:
        return
    account.stopped_at, account.stopped_reason = now(), reason[:500]
    audit.record(
        session,
        INSTALLATION,
        "delivery.account.stopped",
        company_id=account.company_id,
        subject=account,
        label=f"{account.name} <{account.from_address}>",
        reason=account.stopped_reason,
    )


def give_back(session: Session, owner: str, jobs: Sequence[Job]) -> int:
    """Put claimed messages that were never tried back into the queue, as if they had not been claimed."""
    ours = _still_ours(session, owner, jobs)
    if not ours:
        return 0
    session.connection().execute(
        update(_MESSAGES)  # type: ignore[arg-type]
        .where(_MESSAGES.c.id.in_(ours))
        .values(
            state=MessageState.COMMITTED,
            attempt_count=_MESSAGES.c.attempt_count - 1,
            next_attempt_at=select(Run.starts_at).where(Run.id == _MESSAGES.c.run_id).scalar_subquery(),
            lease_owner=None,
            lease_until=None,
        )
    )
    counted: dict[tuple[int, datetime], int] = {}
    for job in jobs:
        if job.id in ours:
            key = (job.account_id, job.claimed_at)
            counted[key] = counted.get(key, 0) + 1
    for (account_id, claimed_at), count in counted.items():
        limits.give_back(session, account_id, claimed_at, count)
    sms_settling.give_back(session, [job for job in jobs if job.id in ours])
    return len(ours)
