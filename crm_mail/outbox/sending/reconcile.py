"""Reconcile: messages whose worker is gone. What its journal does not tell of may have left, so it becomes *uncertain*
and waits for evidence or a person (outbox law 4); nothing is ever sent again blindly.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.orm import Session

from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.models import LONGEST_TIMEOUT_SECONDS
from crm_mail.outbox.models import Attempt, Message, MessageEvent
from crm_mail.outbox.sending import recording
from crm_mail.outbox.sending.attempting import OwnCause
from crm_mail.outbox.sending.claiming import LEASE_MARGIN, load_jobs
from crm_mail.outbox.sending.journal import Told
from crm_mail.outbox.states import MessageState

LONGEST_LEASE = timedelta(seconds=LONGEST_TIMEOUT_SECONDS) + LEASE_MARGIN
AT_ONCE = 1000
CRASH_DETAIL = (
    "The worker stopped while this message was being sent. It may have arrived: look into the sent mail or ask the "
    "recipient, then mark it as sent or send it again."
)


def settle_lost(session: Session, moment: datetime, *, is_alone: bool = False) -> list[int]:
    """Mark messages as uncertain whose worker died; their ids.

    Args:
        moment: the present, compared with the leases kept in the database. A lease that ends later than any lease
            can is one of a worker that died before the clock was set back.
        is_alone: there is certainly no other worker on this database, so that every message *sending* is lost.
    """
    lost: list[ColumnElement[bool]] = [Message.state == MessageState.SENDING]
    if not is_alone:
        lost.append(or_(Message.lease_until <= moment, Message.lease_until > moment + 2 * LONGEST_LEASE))
    return _settle(session, lost, moment)


def has_left(session: Session, owner: str) -> bool:
    """Whether a worker left messages behind."""
    return session.scalar(select(Message.id).where(*_left_by(owner)).limit(1)) is not None


def settle_dead(session: Session, owner: str, moment: datetime, told: Told | None = None) -> int:
    """Settle what one worker left that is certainly dead; how many messages.

    Args:
        told: by its journal: what it had not begun with goes back into the queue, outcomes that it had not recorded
            are recorded, and only what it was sending is uncertain.
    """
    lost = _left_by(owner)
    settled = 0
    if told is not None:
        # what the worker's last transaction still holds is for the next sweep
        held = select(Message.id).where(*lost).order_by(Message.id).with_for_update(skip_locked=True)
        ids = session.scalars(held).all()
        jobs = load_jobs(session, [id_ for id_ in ids if id_ in told.ended or id_ in told.untouched])
        results = told.results(jobs)
        if results:
            recording.record_results(session, owner, results)
        settled += len(results)
        settled += recording.give_back(session, owner, [job for job in jobs if job.id in told.untouched])
    while uncertain := _settle(session, lost, moment):
        settled += len(uncertain)
    return settled


def _left_by(owner: str) -> list[ColumnElement[bool]]:
    """Found by the index of leases."""
    return [
        Message.state == MessageState.SENDING,
        Message.lease_until.is_not(None),
        Message.lease_owner == owner,
    ]


def _settle(session: Session, lost: Sequence[ColumnElement[bool]], moment: datetime) -> list[int]:
    rows = session.execute(
        select(Message.id, Message.account_id, Message.claimed_at, Message.lease_owner)
        .where(*lost)
        .order_by(Message.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    connection = session.connection()
    connection.execute(
        update(Message)
        .where(Message.id.in_(ids))
        .values(
            state=MessageState.UNCERTAIN,
            lease_owner=None,
            lease_until=None,
            next_attempt_at=None,
            last_cause=OwnCause.CRASH.value,
            last_code=None,
            last_detail=CRASH_DETAIL,
        )
    )
    connection.execute(insert(Attempt), [_attempt(row, moment) for row in rows])
    connection.execute(
        insert(MessageEvent),
        [
            {
                "message_id": id_,
                "at": moment,
                "kind": "uncertain",
                "actor_name": "",
                "detail": {"cause": OwnCause.CRASH.value},
            }
            for id_ in ids
        ],
    )
    return ids


def _attempt(row: Any, moment: datetime) -> dict[str, Any]:
    return {
        "message_id": row.id,
        "account_id": row.account_id,
        "worker": row.lease_owner or "",
        "started_at": row.claimed_at or moment,
        "finished_at": moment,
        "outcome": OutcomeKind.UNCERTAIN.value,
        "cause": OwnCause.CRASH.value,
        "code": None,
        "detail": CRASH_DETAIL,
        "mime": None,
        "mime_sha256": "",
    }
