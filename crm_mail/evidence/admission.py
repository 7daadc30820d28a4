"""Whether a received mail is any of our business, and which message it concerns."""

import re
from email.utils import parseaddr

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.bounces.tokens import read_token, token_key
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.pec.receipt import ReceiptType
from crm_mail.evidence.alarms import Alarm
from crm_mail.evidence.classification import Reading
from crm_mail.evidence.matching import OUR_ID, Clues
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.sending.envelopes import raw_headers
from crm_mail.outbox.states import MessageState

CERTIFIED = (ItemKind.RECEIPT, ItemKind.ENVELOPE)
_KNOWN_TO_HAVE_LEFT = (MessageState.SENT, MessageState.DELIVERED, MessageState.BOUNCED)


def clues_of(home: Installation, reading: Reading) -> Clues:
    """What a mail says of the message that it concerns."""
    ids: list[str] = []
    row_id = None
    named = list(reading.answers)
    if reading.receipt is not None and reading.receipt.reference_id:
        ids.append(reading.receipt.reference_id)
    if reading.receipt is not None and reading.kind is ItemKind.RECEIPT:
        named = [reading.receipt.provider_id]
    if reading.bounce is not None:
        ids.append(reading.bounce.original_message_id)
        named.append(reading.bounce.original_message_id)  # the operator's own id, for an ordinary recipient
        if reading.bounce.token:
            token = read_token(token_key(home.secret_key), reading.bounce.token)
            row_id = token.message_id if token else None
    if reading.kind is ItemKind.SENT_COPY:
        ids.append(reading.own_id)
    ids += [one for one in reading.answers if reading.kind is not ItemKind.RECEIPT]
    return Clues(row_id, tuple(one for one in ids if one), tuple(one for one in named if one))


def wrong_place(
    account: SenderAccount, reading: Reading, message: Message | None, session: Session
) -> Alarm | None:
    """Whether a mail came to a mailbox where it has no business; ordinary mail is then nobody's."""
    if message is None:
        return None
    if message.company_id != account.company_id:
        return Alarm.OTHER_COMPANY
    if reading.kind is not ItemKind.RECEIPT or reading.receipt is None:
        return None
    sender = session.get(SenderAccount, message.account_id) if message.account_id else None
    named = address_key(reading.receipt.sender)
    ours = {address_key(account.from_address), address_key(sender.from_address if sender else "")}
    if ours == {named} or (message.account_id == account.id and named == _sent_from(session, message)):
        return None
    return Alarm.OTHER_ADDRESS


def _sent_from(session: Session, message: Message) -> str:
    """The sender in the very bytes that left: the account's address may have been changed since."""
    try:
        head, is_sent = raw_headers(session, message)
    except ValueError:
        return ""
    found = re.search(r"^From:(.*(?:\r\n[ \t].*)*)", head, re.MULTILINE)
    return address_key(parseaddr(found[1])[1]) if is_sent and found else ""


def is_left_alone(reading: Reading, message: Message | None, alarm: Alarm | None, is_by_hand: bool) -> bool:
    """Whether a mail that matches no message is none of our business."""
    if message is not None:
        return False
    if alarm is not None:
        return reading.kind is not ItemKind.RECEIPT
    if reading.kind in (ItemKind.RECEIPT, ItemKind.BOUNCE, ItemKind.UNREADABLE) and is_by_hand:
        return False
    if reading.kind is ItemKind.UNREADABLE:
        return not reading.answers
    if reading.kind is ItemKind.RECEIPT and reading.receipt is not None:
        return OUR_ID.fullmatch(reading.receipt.reference_id) is None
    bounce = reading.bounce
    is_of_ours = bounce is not None and OUR_ID.fullmatch(bounce.original_message_id) is not None
    return reading.kind is not ItemKind.BOUNCE or not is_of_ours


def is_our_own(account: SenderAccount, reading: Reading, message: Message | None) -> bool:
    """Whether the office wrote it itself: its answer in a thread, or the copy of what is known to have left."""
    if reading.kind is ItemKind.SENT_COPY:
        return message is not None and message.state in _KNOWN_TO_HAVE_LEFT
    _name, sender = parseaddr(reading.sender)
    return reading.kind is ItemKind.REPLY and address_key(sender) == address_key(account.from_address)


def is_repeated(session: Session, account: SenderAccount, reading: Reading, message: Message | None) -> bool:
    """Whether the same receipt was taken in from another folder, where a server added a header to it."""
    if message is None or not reading.own_id or reading.kind not in CERTIFIED:
        return False
    trust = reading.verification.trust.value if reading.verification else ""
    return (
        session.scalar(
            select(MailItem.id).where(
                MailItem.message_id == message.id,
                MailItem.account_id == account.id,
                MailItem.own_id == reading.own_id,
                MailItem.receipt_type == receipt_type_of(reading),
                MailItem.trust == trust,
            )
        )
        is not None
    )


def receipt_type_of(reading: Reading) -> str:
    if reading.receipt is None:
        return ""
    known = reading.receipt.type
    return (reading.receipt.raw_type if known is ReceiptType.UNKNOWN else known.value)[:40]
