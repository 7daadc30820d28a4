"""Taking in one mail as evidence: kept as it was received, matched, and what it proves recorded.

A receipt is believed when its signature holds (valid, or weak and labelled so). Anything else that claims to be one
becomes an alarm and changes nothing. Ordinary mail that came back is believed as it is: it certifies nothing, and it
only ever says that a message did not arrive. Nothing that is read here causes mail to its sender.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.mailbox.reader import ReceivedMail
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.pec.verdict import StepName, Verification
from crm_mail.evidence import consequences
from crm_mail.evidence.admission import (
    CERTIFIED,
    clues_of,
    is_left_alone,
    is_our_own,
    is_repeated,
    receipt_type_of,
    wrong_place,
)
from crm_mail.evidence.alarms import CHANGES_NOTHING, Alarm
from crm_mail.evidence.anchors import anchors_of
from crm_mail.evidence.applying import add_proof, lock_message
from crm_mail.evidence.classification import Reading, read_mail
from crm_mail.evidence.facts import (
    concerns,
    facts_of_bounce,
    facts_of_receipt,
    receipt_reason,
    receipt_status,
    report_for,
)
from crm_mail.evidence.matching import find_message
from crm_mail.evidence.models import ItemKind, MailItem, MessageProof
from crm_mail.evidence.proof import Proof
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import MessageState

Keep = Callable[[bytes], object]

_NEVER_SENT = (MessageState.PENDING, MessageState.WITHHELD, MessageState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Examined:
    """A mail that was read and whose signature was checked, before any transaction: `examine`."""

    sha256: str
    reading: Reading | None


def examine(home: Installation, data: bytes) -> Examined:
    """Read a mail; the slow part of taking it in, to be done outside the transaction."""
    return Examined(hashlib.sha256(data).hexdigest(), read_mail(data, anchors_of(home)))


def take_in(
    session: Session,
    home: Installation,
    account: SenderAccount,
    mail: ReceivedMail,
    *,
    examined: Examined | None = None,
    is_by_hand: bool = False,
    keep: Keep | None = None,
) -> MailItem | None:
    """Keep a mail that concerns a message of ours, and let the message's proof and state follow. Never commits.

    Args:
        account: whose mailbox it came to.
        examined: what `examine` said of the same bytes; done here without it.
        is_by_hand: a person handed it in: receipts and bounces are kept even when they match nothing.
        keep: stores the bytes, at the latest before the caller commits; the store itself without it.

    None: it concerns none of ours, or is kept already; nothing was written.
    """
    examined = examined or examine(home, mail.data)
    reading = examined.reading
    if reading is None or find_item(session, account, examined.sha256) is not None:
        return None
    message = find_message(session, clues_of(home, reading))
    alarm = wrong_place(account, reading, message, session)
    if alarm is Alarm.OTHER_COMPANY:
        message = None
    if is_left_alone(reading, message, alarm, is_by_hand) or is_our_own(account, reading, message):
        return None
    if is_repeated(session, account, reading, message):
        return None
    (keep or home.store.put)(mail.data)
    item = _item(account, mail, examined, reading)
    if message is not None:
        lock_message(session, message)
        _tell_of(item, reading, _recipients(session, message))
    item.message_id = message.id if message is not None else None
    own = _alarm_of(session, reading, message)
    item.alarm = (own if own in (Alarm.FORGED, Alarm.HEADERS) else alarm or own) or ""
    try:
        with session.begin_nested():
            session.add(item)
            session.flush()
    except IntegrityError:  # another worker took it in a moment ago
        return None
    if message is not None:
        _apply(session, home, item, reading, message)
    else:
        consequences.tell(session, item, None, [])
    session.flush()
    return item


def find_item(session: Session, account: SenderAccount, sha256: str) -> MailItem | None:
    """The mail with these bytes, if it was taken in from this account before."""
    return session.scalar(
        select(MailItem).where(MailItem.account_id == account.id, MailItem.sha256 == sha256)
    )


def _item(account: SenderAccount, mail: ReceivedMail, examined: Examined, reading: Reading) -> MailItem:
    receipt, verification = reading.receipt, reading.verification
    signed_at = receipt.occurred_at if receipt is not None else None
    return MailItem(
        account_id=account.id,
        company_id=account.company_id,
        kind=reading.kind,
        sha256=examined.sha256,
        size=len(mail.data),
        folder=mail.folder[:250],
        uid_validity=mail.uid_validity,
        uid=mail.uid,
        own_id=reading.own_id,
        taken_at=now(),
        occurred_at=signed_at or reading.written_at or mail.internal_date,
        receipt_type=receipt_type_of(reading),
        trust=verification.trust.value if verification else "",
        verification=verification.as_json() if verification else [],
        facts=consequences.facts_shown(reading),
        reason=reading.fault[:40],
        detail=reading.fault_detail[:500],
    )


def _recipients(session: Session, message: Message) -> list[str]:
    """Whom a receipt may speak of: the address, the copies, and where a test run sends everything."""
    company = session.get_one(Company, message.company_id)
    return [one for one in (message.to_address, company.test_address, *message.cc) if one]


def _tell_of(item: MailItem, reading: Reading, recipients: list[str]) -> None:
    """Whom the mail concerns, and why it says that the message did not arrive."""
    receipt, bounce = reading.receipt, reading.bounce
    if bounce is not None and (report := report_for(bounce, recipients)) is not None:
        item.recipient, item.status = report.address[:254], report.status[:20]
        item.reason, item.detail = report.reason.value, report.diagnostic[:500]
    elif receipt is not None and reading.kind is ItemKind.RECEIPT:
        item.recipient = receipt.recipient[:254]
        if receipt.type in consequences.FAILURES:
            item.reason, item.status = receipt_reason(receipt), receipt_status(receipt)
            item.detail = receipt.error_detail[:500]


def _alarm_of(session: Session, reading: Reading, message: Message | None) -> Alarm | None:
    """What about the mail itself needs a person's look, the most serious first."""
    receipt = reading.receipt
    if reading.kind is ItemKind.UNREADABLE:
        return Alarm.UNREADABLE
    if reading.kind in CERTIFIED and (doubt := _doubt(reading.verification)) is not None:
        return doubt
    if receipt is None or message is None or reading.kind is not ItemKind.RECEIPT:
        return None
    if not concerns(receipt.recipient, _recipients(session, message)):
        return Alarm.OTHER_RECIPIENT
    if message.state in _NEVER_SENT:
        return Alarm.NOT_SENT
    return None


def _doubt(verification: Verification | None) -> Alarm | None:
    """Why a mail that claims to be certified is not believed."""
    if verification is not None and verification.trust.is_trusted:
        return None
    failed = {step.name for step in verification.failed} if verification is not None else set()
    return Alarm.HEADERS if failed == {StepName.HEADERS} else Alarm.FORGED


def _apply(session: Session, home: Installation, item: MailItem, reading: Reading, message: Message) -> None:
    """Let the proof of a locked message grow by what the mail says, and do what follows."""
    events = [consequences.event_of(item)]
    proof: MessageProof | None = None
    if item.alarm not in CHANGES_NOTHING and reading.kind is not ItemKind.UNREADABLE:
        before = session.get(MessageProof, message.id)
        conflict = before.conflict if before else ""
        addition = _addition(item, reading, message, item.occurred_at or item.taken_at, session)
        proof = add_proof(session, message, addition)
        if proof.conflict and proof.conflict != conflict and not item.alarm:
            item.alarm = Alarm.CONFLICT
        events += consequences.learn(session, home, item, reading, message)
    consequences.tell(session, item, message, events)


def _addition(item: MailItem, reading: Reading, message: Message, at: datetime, session: Session) -> Proof:
    if reading.kind in (ItemKind.REPLY, ItemKind.ANOMALY) and reading.bounce is None:
        return Proof(replied_at=at)
    if reading.kind is ItemKind.ENVELOPE and reading.receipt is not None:
        is_own = reading.receipt.reference_id == message.message_id
        return facts_of_receipt(reading.receipt, (), at, None) if is_own else Proof(replied_at=at)
    if reading.kind is ItemKind.RECEIPT and reading.receipt is not None:
        to = [message.to_address, session.get_one(Company, message.company_id).test_address]
        return facts_of_receipt(reading.receipt, [one for one in to if one], at, message.claimed_at)
    if reading.kind is ItemKind.SENT_COPY:
        return Proof(in_sent_folder_at=at)
    if reading.bounce is not None and not _is_of_a_copy(item, message):
        report = report_for(reading.bounce, _recipients(session, message))
        return facts_of_bounce(reading.bounce, report, at)
    return Proof()


def _is_of_a_copy(item: MailItem, message: Message) -> bool:
    """Whether a bounce speaks of somebody in Cc only: the message itself may well have arrived."""
    return address_key(item.recipient) in {address_key(one) for one in message.cc}
