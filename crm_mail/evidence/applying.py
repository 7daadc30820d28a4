"""A message's proof row and its state, after a mail added something to it. Never commits."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.evidence.alarms import Silence
from crm_mail.evidence.models import MessageProof
from crm_mail.evidence.proof import NOT_ACCEPTED, Conflict, Failure, Proof, join, next_state
from crm_mail.outbox.models import Attempt, Message, MessageEvent
from crm_mail.outbox.states import MessageState, check_transition
from crm_mail.webhooks.models import Topic
from crm_mail.webhooks.noting import note_messages

CAUSE_PREFIX = "bounce:"
"""Before a reason in `Message.last_cause`, which also holds what servers answered at once (`outbox.cause_words`)."""
_TOPICS = {
    MessageState.SENT: Topic.MESSAGE_SENT,
    MessageState.BOUNCED: Topic.MESSAGE_BOUNCED,
    MessageState.DELIVERED: Topic.MESSAGE_DELIVERED,
}


def proof_of(row: MessageProof | None) -> Proof:
    """The row as a value."""
    if row is None:
        return Proof()
    failure = Failure(row.failed_at, row.failure_reason, row.failure_detail) if row.failed_at else None
    return Proof(
        provider_id=row.provider_id,
        accepted_at=row.accepted_at,
        recipient_is_pec=row.recipient_is_pec,
        taken_over_at=row.taken_over_at,
        delivered_at=row.delivered_at,
        delayed_at=row.delayed_at,
        failure=failure,
        replied_at=row.replied_at,
        in_sent_folder_at=row.in_sent_folder_at,
    )


def lock_message(session: Session, message: Message) -> None:
    """One at a time: whoever adds to a message's proof, sends it or decides about it."""
    session.flush()
    session.refresh(message, with_for_update=True)


def add_proof(session: Session, message: Message, addition: Proof) -> MessageProof:
    """Join the addition to the proof of a locked message, and let its state and alarms follow."""
    row = session.get(MessageProof, message.id)
    if row is None:
        row = MessageProof(
            message_id=message.id,
            company_id=message.company_id,
            conflict="",
            alarm="",
            waits_for_sender=False,
        )
        session.add(row)
    proof = join(proof_of(row), addition)
    _write(row, proof)
    _end_silence(session, row, proof)
    row.updated_at = now()
    follow(session, message, row)
    return row


def _write(row: MessageProof, proof: Proof) -> None:
    row.provider_id, row.recipient_is_pec = proof.provider_id, proof.recipient_is_pec
    row.accepted_at, row.taken_over_at = proof.accepted_at, proof.taken_over_at
    row.delivered_at, row.delayed_at = proof.delivered_at, proof.delayed_at
    row.replied_at, row.in_sent_folder_at = proof.replied_at, proof.in_sent_folder_at
    row.failed_at = proof.failure.at if proof.failure else None
    row.failure_reason = proof.failure.reason if proof.failure else ""
    row.failure_detail = proof.failure.detail if proof.failure else ""
    row.conflict = proof.conflict.value if proof.conflict else ""


def _end_silence(session: Session, row: MessageProof, proof: Proof) -> None:
    """What was missed has come."""
    ended = proof.delivered_at is not None or proof.failure is not None
    if row.alarm == Silence.NO_ACCEPTANCE and (ended or proof.accepted_at is not None):
        came = True
    else:
        came = row.alarm == Silence.NO_OUTCOME and (ended or proof.recipient_is_pec is False)
    if came:
        session.add(MessageEvent(message_id=row.message_id, kind="silence_ended", detail={}))
        row.alarm, row.alarm_at = "", None
        row.alarm_settled_at, row.alarm_settled_by, row.alarm_note = None, None, ""


def follow(session: Session, message: Message, row: MessageProof) -> bool:
    """Let the state of a locked message follow its proof; whether it changed."""
    proof, before = proof_of(row), message.state
    row.waits_for_sender = before is MessageState.SENDING
    resent_at = resent_since(session, message) if proof.failure else None
    after = next_state(before, proof, resent_at)
    if after is before:
        if (
            before is MessageState.BOUNCED
            and proof.failure
            and proof.failure.at >= (resent_at or proof.failure.at)
        ):
            _tell_cause(message, proof.failure)  # the latest reason counts, whichever came first
        return False
    check_transition(before, after)
    message.state = after
    message.next_attempt_at = message.lease_owner = message.lease_until = None
    if message.sent_at is None:
        message.sent_at = message.claimed_at or _first(proof) or now()
    if after is MessageState.BOUNCED and proof.failure is not None:
        _tell_cause(message, proof.failure)
    else:
        message.last_cause, message.last_code, message.last_detail = "", None, ""
    kind = {MessageState.SENT: "proven_sent", MessageState.BOUNCED: "bounced"}.get(after, "delivered")
    session.add(MessageEvent(message_id=message.id, kind=kind, detail={"before": before.value}))
    session.flush()
    note_messages(session, _TOPICS[after], [message.id])
    return True


def resent_since(session: Session, message: Message) -> datetime | None:
    """When the present try began, if there was one before it; None for the first."""
    if message.claimed_at is None:
        return None
    earlier = select(func.count()).where(
        Attempt.message_id == message.id, Attempt.finished_at < message.claimed_at
    )
    return message.claimed_at if session.scalar(earlier) else None


def _tell_cause(message: Message, failure: Failure) -> None:
    reason = failure.reason
    message.last_cause = reason if reason.startswith(NOT_ACCEPTED) else f"{CAUSE_PREFIX}{reason}"
    message.last_code, message.last_detail = None, failure.detail


def _first(proof: Proof) -> datetime | None:
    times = (
        proof.accepted_at,
        proof.in_sent_folder_at,
        proof.taken_over_at,
        proof.delayed_at,
        proof.delivered_at,
    )
    return min((one for one in times if one is not None), default=None)


def is_conflict_new(row: MessageProof, before: str) -> bool:
    """Whether a contradiction has just appeared."""
    return bool(row.conflict) and row.conflict != before and row.conflict in set(Conflict)
