"""Settling an alarm: a person has looked at it, and says so with a note. What was received stays as it is."""

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.evidence.models import MailItem, MessageProof
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

LONGEST_NOTE = 500


class NoteMissing(Refusal):
    """An alarm is settled with a note: what was found, or done."""

    def __init__(self) -> None:
        super().__init__("write what was found or done: an alarm is settled with a note")


def settle_item(session: Session, actor: Actor, item: MailItem, note: str) -> None:
    """Settle the alarm of a mail that exists for the actor.

    Raises:
        PermissionDenied: the right to commit the message (of an unmatched mail: to manage accounts) is missing.
        NoteMissing
    """
    message = session.get(Message, item.message_id) if item.message_id else None
    _require(actor, message, item.company_id)
    if not item.alarm or item.alarm_settled_at is not None:
        return
    item.alarm_note = _checked(note)
    item.alarm_settled_at, item.alarm_settled_by = now(), actor.user_id
    _record(session, actor, message, item, item.company_id, item.alarm, item.alarm_note)


def settle_silence(session: Session, actor: Actor, message: Message, note: str) -> None:
    """Settle the silence of a message that exists for the actor. Raises as `settle_item`."""
    _require(actor, message, message.company_id)
    proof = session.get(MessageProof, message.id)
    if proof is None or not proof.alarm or proof.alarm_settled_at is not None:
        return
    proof.alarm_note = _checked(note)
    proof.alarm_settled_at, proof.alarm_settled_by = now(), actor.user_id
    _record(session, actor, message, message, message.company_id, proof.alarm, proof.alarm_note)


def _require(actor: Actor, message: Message | None, company_id: int) -> None:
    if message is None:
        actor.require(Permission.ACCOUNTS_MANAGE, company_id)
    else:
        actor.require(Permission.OUTBOX_COMMIT, message.company_id, *message.document_types.split())


def _checked(note: str) -> str:
    kept = " ".join(note.split())[:LONGEST_NOTE]
    if not kept:
        raise NoteMissing
    return kept


def _record(
    session: Session,
    actor: Actor,
    message: Message | None,
    subject: MailItem | Message,
    company_id: int,
    alarm: str,
    note: str,
) -> None:
    if message is not None:
        session.add(
            MessageEvent(
                message_id=message.id,
                kind="alarm_settled",
                actor_name=actor.name,
                detail={"alarm": alarm, "note": note},
            )
        )
    audit.record(
        session,
        actor,
        "evidence.alarm.settled",
        company_id=company_id,
        subject=subject,
        label=message.to_address if message is not None else alarm,
        privacy_level=message.privacy_level if message is not None else 0,
        alarm=alarm,
        note=note,
    )
