"""What one mail adds to the proof of the message that it concerns (pure)."""

from collections.abc import Collection
from datetime import datetime

from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.bounces.parsed import BounceKind, BounceReason, ParsedBounce, RecipientReport
from crm_mail.delivery.bounces.reasons import code_in, reason_of, status_in
from crm_mail.delivery.pec.reading import is_final_delay
from crm_mail.delivery.pec.receipt import ParsedReceipt, ReceiptError, ReceiptType
from crm_mail.evidence.matching import bare_id
from crm_mail.evidence.proof import NOT_ACCEPTED, Failure, Proof

_OF_ERROR = {
    ReceiptError.NO_RECIPIENT.value: BounceReason.USER_UNKNOWN,
    ReceiptError.NO_DOMAIN.value: BounceReason.DOMAIN_UNKNOWN,
    ReceiptError.VIRUS.value: BounceReason.VIRUS,
}


def receipt_reason(receipt: ParsedReceipt) -> str:
    """Why a receipt says that a message did not arrive: a code of `BounceReason`, prefixed when it never left.

    Operators write most things into `errore-esteso` (Aruba reports an unknown mailbox as *altro* with 5.1.1).
    """
    reason = BounceReason.EXPIRED if receipt.type is ReceiptType.DELAY else _OF_ERROR.get(receipt.error)
    if reason is None:
        words = receipt.error_detail
        reason = reason_of(words, status_in(words), code_in(words)) if words else BounceReason.UNKNOWN
    if receipt.type is not ReceiptType.NON_ACCEPTANCE:
        return reason.value
    return NOT_ACCEPTED if reason is BounceReason.UNKNOWN else f"{NOT_ACCEPTED}_{reason.value}"


def receipt_status(receipt: ParsedReceipt) -> str:
    """The enhanced status that the receipt tells (RFC 3463), or nothing."""
    return status_in(receipt.error_detail)


def concerns(recipient: str, ours: Collection[str]) -> bool:
    """Whether what a receipt says of a recipient is said of one of ours; one that names nobody speaks of all."""
    return not recipient or address_key(recipient) in {address_key(one) for one in ours}


def facts_of_receipt(
    receipt: ParsedReceipt, recipients: Collection[str], at: datetime, handed_over_at: datetime | None
) -> Proof:
    """What a genuine receipt proves of the message to these recipients (the address, and the one of a test run).

    Args:
        at: when it happened: what its signed part says, else when it came.
        handed_over_at: when we handed the message to our operator: a notice 22 hours later is the final one.
    """
    known = bare_id(receipt.provider_id)[:250]
    match receipt.type:
        case ReceiptType.ACCEPTANCE:
            return Proof(provider_id=known, accepted_at=at, recipient_is_pec=_certified(receipt, recipients))
        case ReceiptType.TAKEN_OVER:
            return Proof(provider_id=known, taken_over_at=at)
        case ReceiptType.NON_ACCEPTANCE:
            return Proof(failure=_failure(receipt, at))
        case ReceiptType.ENVELOPE:
            return Proof(provider_id=known, in_sent_folder_at=at)  # our own message, in our own mailbox
    if not concerns(receipt.recipient, recipients):
        return Proof()
    match receipt.type:
        case ReceiptType.DELIVERY:
            return Proof(provider_id=known, delivered_at=at)
        case ReceiptType.DELIVERY_ERROR:
            return Proof(provider_id=known, failure=_failure(receipt, at))
        case ReceiptType.DELAY if is_final_delay(receipt, handed_over_at):
            return Proof(provider_id=known, failure=_failure(receipt, at))
        case ReceiptType.DELAY:
            return Proof(provider_id=known, delayed_at=at)
    return (
        Proof()
    )  # rilevazione-virus is between operators; an unknown type is kept, shown, and proves nothing


def _certified(receipt: ParsedReceipt, recipients: Collection[str]) -> bool | None:
    """What the sender's operator found in the directory for our recipient: certificato, esterno, or not told."""
    keys = {address_key(one) for one in recipients}
    return next((one.is_certified for one in receipt.recipients if address_key(one.address) in keys), None)


def _failure(receipt: ParsedReceipt, at: datetime) -> Failure:
    return Failure(at, receipt_reason(receipt), receipt.error_detail[:500])


def report_for(bounce: ParsedBounce, recipients: Collection[str]) -> RecipientReport | None:
    """What a bounce says of one of the recipients; of a message with one recipient, whatever address failed last.

    None: it speaks of an address that none of several recipients has, such as one that somebody forwards to.
    """
    keys = {address_key(one) for one in recipients}
    for report in bounce.reports:
        if {address_key(report.address), address_key(report.final_address)} & keys:
            return report
    return bounce.worst if len(keys) == 1 else None


def facts_of_bounce(bounce: ParsedBounce, report: RecipientReport | None, at: datetime) -> Proof:
    """What a mail that came back proves; automatic answers, complaints and read receipts prove nothing."""
    kind = report.kind if report is not None else bounce.kind
    if report is not None and kind in (BounceKind.HARD, BounceKind.SOFT):
        return Proof(failure=Failure(at, report.reason.value, report.diagnostic[:500]))
    return Proof(delayed_at=at) if kind is BounceKind.DELAY else Proof()
