"""What one received mail is, and what it says: from its bytes alone, so that it can be read outside any transaction.

Reading and checking a signature take milliseconds; `intake` then matches and records the result.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from crm_mail.delivery.bounces.parsed import BounceKind, ParsedBounce
from crm_mail.delivery.bounces.parts import words
from crm_mail.delivery.bounces.reading import read_bounce
from crm_mail.delivery.pec.reading import ReceiptUnreadable, read_receipt
from crm_mail.delivery.pec.receipt import ParsedReceipt, ReceiptType
from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors
from crm_mail.delivery.pec.verdict import Verification
from crm_mail.delivery.pec.verification import verify
from crm_mail.evidence.matching import our_ids
from crm_mail.evidence.models import ItemKind

MAX_HEADER = 64 * 1024
_END = re.compile(rb"\r?\n\r?\n")
_IDS = re.compile(r"<[^<>\s]{3,250}>")
_NEAREST_IDS = 30

_OF_BOUNCE = {
    BounceKind.HARD: ItemKind.BOUNCE,
    BounceKind.SOFT: ItemKind.BOUNCE,
    BounceKind.DELAY: ItemKind.DELAY,
    BounceKind.AUTO_REPLY: ItemKind.AUTO_REPLY,
    BounceKind.CHALLENGE: ItemKind.CHALLENGE,
    BounceKind.COMPLAINT: ItemKind.COMPLAINT,
    BounceKind.MDN: ItemKind.READ_RECEIPT,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail is. Everything else than ``kind`` as far as it is told.

    ``answers``: Message-IDs that it replies to, the nearest first. ``fault``: why a receipt cannot be read.
    """

    kind: ItemKind
    own_id: str = ""
    written_at: datetime | None = None
    sender: str = ""
    subject: str = ""
    answers: tuple[str, ...] = ()
    receipt: ParsedReceipt | None = field(default=None, repr=False)
    verification: Verification | None = field(default=None, repr=False)
    bounce: ParsedBounce | None = field(default=None, repr=False)
    fault: str = ""
    fault_detail: str = ""


def read_mail(data: bytes, anchors: Anchors = BUILT_IN) -> Reading | None:
    """What the mail is; None when it can be no evidence. Never raises for what a stranger wrote."""
    head = _headers(data)
    try:
        receipt = read_receipt(data)
    except ReceiptUnreadable as problem:
        return _reading(
            head,
            ItemKind.UNREADABLE,
            answers=our_ids(head.get("x-riferimento-message-id", "")),
            fault=problem.code,
            fault_detail=problem.detail,
            verification=verify(data, anchors),
        )
    if receipt is not None:
        return _of_receipt(head, data, receipt, anchors)
    if (bounce := read_bounce(data)) is not None:
        return _reading(head, _OF_BOUNCE[bounce.kind], bounce=bounce)
    if our_ids(head.get("message-id", "")):
        return _reading(head, ItemKind.SENT_COPY)
    if _answered(head):
        return _reading(head, ItemKind.REPLY, answers=_answered(head))
    return None


def _of_receipt(head: dict[str, str], data: bytes, receipt: ParsedReceipt, anchors: Anchors) -> Reading:
    kind = {ReceiptType.ENVELOPE: ItemKind.ENVELOPE, ReceiptType.ANOMALY: ItemKind.ANOMALY}.get(
        receipt.type, ItemKind.RECEIPT
    )
    bounce = None
    answers = receipt.answers
    if (
        kind is ItemKind.ANOMALY and receipt.postacert
    ):  # what failed for an ordinary recipient comes back in one
        bounce = read_bounce(receipt.postacert)
        answers = answers or _answered(_headers(receipt.postacert))
    return _reading(
        head, kind, receipt=receipt, verification=verify(data, anchors), bounce=bounce, answers=answers
    )


def _reading(head: dict[str, str], kind: ItemKind, **found: object) -> Reading:
    return Reading(
        kind=kind,
        own_id=head.get("message-id", "")[:250],
        written_at=_date(head.get("date", "")),
        sender=head.get("from", "")[:320],
        subject=head.get("subject", "")[:500],
        **found,  # type: ignore[arg-type]
    )


def _headers(data: bytes) -> dict[str, str]:
    """The first header of each name, names in lower case, encoded words read (some programs encode even long ids)."""
    end = _END.search(data, 0, MAX_HEADER)
    parsed = BytesHeaderParser().parsebytes(data[: end.end() if end else MAX_HEADER])
    found: dict[str, str] = {}
    for name, value in parsed.items():
        found.setdefault(name.lower(), words(" ".join(str(value).split())))
    return found


def _answered(head: dict[str, str]) -> tuple[str, ...]:
    """In-Reply-To, then References from its end: the nearest first (RFC 5322 3.6.4)."""
    replied = _IDS.findall(head.get("in-reply-to", "")[:4000])
    references = _IDS.findall(head.get("references", "")[-16_000:])[::-1]
    return tuple(dict.fromkeys([*replied, *references]))[:_NEAREST_IDS]


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    try:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
