"""What follows from a mail besides the message's proof: its history, what it teaches, who is told."""

from typing import Any

from sqlalchemy.orm import Session

from crm_mail.delivery import suppression
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.bounces.parsed import BounceKind
from crm_mail.delivery.pec.receipt import ReceiptType
from crm_mail.delivery.routing import Channel
from crm_mail.evidence import error_notices
from crm_mail.evidence.address_facts import learn_kind
from crm_mail.evidence.alarms import CHANGES_NOTHING, Alarm
from crm_mail.evidence.classification import Reading
from crm_mail.evidence.models import ItemKind, MailItem, MessageProof
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.outbox.states import MessageState

FAILURES = (ReceiptType.NON_ACCEPTANCE, ReceiptType.DELIVERY_ERROR, ReceiptType.DELAY)
_TOLD = (*CHANGES_NOTHING, Alarm.UNREADABLE)
_EVENT_OF_RECEIPT = {
    ReceiptType.ACCEPTANCE: "pec_accepted",
    ReceiptType.NON_ACCEPTANCE: "pec_not_accepted",
    ReceiptType.TAKEN_OVER: "pec_taken_over",
    ReceiptType.DELIVERY: "pec_delivered",
    ReceiptType.DELIVERY_ERROR: "pec_not_delivered",
    ReceiptType.DELAY: "pec_delayed",
}


def facts_shown(reading: Reading) -> dict[str, Any]:
    """What a page shows of a mail beside the columns of its row."""
    found: dict[str, Any] = {"from": reading.sender, "subject": reading.subject}
    receipt = reading.receipt
    if receipt is not None:
        found |= {
            "reference_id": receipt.reference_id,
            "provider_id": receipt.provider_id,
            "provider": receipt.provider,
            "sender": receipt.sender,
            "recipients": [[one.address, one.is_certified] for one in receipt.recipients],
            "error": receipt.error,
            "form": receipt.form,
            "is_final": receipt.is_final,
            "raw_type": receipt.raw_type,
            "disagreements": [one.value for one in receipt.disagreements],
        }
    if reading.bounce is not None:
        found |= {
            "bounce": reading.bounce.kind.value,
            "original_to": reading.bounce.original_to,
            "original_id": reading.bounce.original_message_id,
        }
    if reading.verification is not None:
        found["signer"] = reading.verification.signer
        signed_at = reading.verification.signed_at
        found["signed_at"] = signed_at.isoformat() if signed_at else ""
    return {key: value for key, value in found.items() if value not in ("", [], None)}


def event_of(item: MailItem) -> MessageEvent:
    """The line of the message's history that tells of the mail."""
    detail: dict[str, Any] = {"item": item.id}
    if item.alarm in _TOLD:
        kind, detail["alarm"] = "evidence_alarm", item.alarm
    elif item.kind is ItemKind.RECEIPT:
        known = next((t for t in _EVENT_OF_RECEIPT if t.value == item.receipt_type), None)
        kind = _EVENT_OF_RECEIPT[known] if known else "pec_other"
    else:
        kind = f"came_{item.kind.value}"
    if item.recipient:
        detail["to"] = item.recipient
    if item.detail:
        detail["detail"] = item.detail
    return MessageEvent(message_id=item.message_id, kind=kind, detail=detail)


def learn(
    session: Session, home: Installation, item: MailItem, reading: Reading, message: Message
) -> list[MessageEvent]:
    """Correct what is believed of the addresses, and keep a list of those that do not work; more history."""
    receipt = reading.receipt
    events: list[MessageEvent] = []
    if reading.kind is ItemKind.RECEIPT and receipt is not None and receipt.type is ReceiptType.ACCEPTANCE:
        at = item.occurred_at or item.taken_at
        for one in receipt.recipients:
            if address_key(one.address) in {address_key(message.to_address), *map(address_key, message.cc)}:
                learn_kind(session, one.address, one.is_certified, at, f"{receipt.provider} {item.id}")
                if not one.is_certified and message.channel is Channel.PEC:
                    item.alarm = item.alarm or Alarm.NOT_PEC
                    events.append(
                        MessageEvent(message_id=message.id, kind="not_pec", detail={"to": one.address})
                    )
    if reading.kind is ItemKind.REPLY:
        suppression.note_alive(session, message.company_id, message.to_address)
    _suppress(session, home, item, reading, message)
    return events


def _suppress(
    session: Session, home: Installation, item: MailItem, reading: Reading, message: Message
) -> None:
    """Addresses that failed for good, or too often, are not written to any more (CO-5); an answer shows a live one."""
    bounce = reading.bounce
    if bounce is None:
        return
    at = item.occurred_at or item.taken_at
    if bounce.kind is BounceKind.AUTO_REPLY:
        suppression.note_alive(session, message.company_id, message.to_address)
    proof = session.get(MessageProof, message.id)
    if proof is not None and proof.delivered_at is not None:
        return  # anybody can write a bounce: an operator signed that the address takes mail
    for address in dict.fromkeys([message.to_address, *message.cc]):
        keys = {address_key(address)}
        reports = [
            one for one in bounce.reports if {address_key(one.address), address_key(one.final_address)} & keys
        ]
        if not reports and not message.cc:
            reports = [bounce.worst] if bounce.worst is not None else []
        for report in reports[:1]:
            suppression.record_bounce(
                session,
                message.company_id,
                address,
                report,
                at,
                home.settings.soft_bounces,
                message.privacy_level,
                f"message {message.id}",
            )


def tell(session: Session, item: MailItem, message: Message | None, events: list[MessageEvent]) -> None:
    """Write the history, and have the company's error address told of what needs a person (PM-19)."""
    session.add_all(events)
    is_nameless = message is not None and message.privacy_level > 0  # the error desk has no clearance
    who = "" if is_nameless else item.recipient or (message.to_address if message else item.own_id)
    if item.alarm in _TOLD:
        error_notices.note(session, item.company_id, f"alarm:{item.alarm}", who)
    elif item.kind is ItemKind.RECEIPT and item.reason and message is not None and _is_failure(item, message):
        error_notices.note(session, item.company_id, "pec_failed", who)


def _is_failure(item: MailItem, message: Message) -> bool:
    """Whether a receipt says for good that a message did not arrive: the warning after twelve hours does not."""
    is_delay = item.receipt_type == ReceiptType.DELAY
    return not is_delay or bool(item.facts.get("is_final")) or message.state is MessageState.BOUNCED
