"""What a received mail is, in words (pure)."""

from crm_mail.delivery.pec.receipt import ReceiptType
from crm_mail.evidence.models import ItemKind
from crm_mail.words import Translate


def kind_words(kind: ItemKind, _: Translate) -> str:
    """Of each kind of mail."""
    return {
        ItemKind.RECEIPT: _("PEC receipt"),
        ItemKind.ENVELOPE: _("Answer by PEC"),
        ItemKind.ANOMALY: _("Ordinary mail to the PEC mailbox"),
        ItemKind.BOUNCE: _("Mail that came back"),
        ItemKind.DELAY: _("Report of a delay"),
        ItemKind.AUTO_REPLY: _("Automatic answer"),
        ItemKind.CHALLENGE: _("Request for confirmation"),
        ItemKind.REPLY: _("Answer"),
        ItemKind.READ_RECEIPT: _("Read receipt"),
        ItemKind.COMPLAINT: _("Reported as unwanted mail"),
        ItemKind.SENT_COPY: _("Copy in the sent mail"),
        ItemKind.UNREADABLE: _("Unreadable receipt"),
    }[kind]


def receipt_words(receipt_type: str, is_final: bool, _: Translate) -> str:
    """Of each type of PEC receipt; an unknown one is called by its own name."""
    if receipt_type == ReceiptType.DELAY.value and is_final:
        return _("Failed delivery after 24 hours")
    return {
        ReceiptType.ACCEPTANCE.value: _("Acceptance receipt"),
        ReceiptType.NON_ACCEPTANCE.value: _("Notice of non-acceptance"),
        ReceiptType.TAKEN_OVER.value: _("Taken over by the other operator"),
        ReceiptType.DELIVERY.value: _("Delivery receipt"),
        ReceiptType.DELIVERY_ERROR.value: _("Notice of failed delivery"),
        ReceiptType.DELAY.value: _("Warning after 12 hours"),
        ReceiptType.VIRUS.value: _("Virus found"),
        ReceiptType.ENVELOPE.value: _("Answer by PEC"),
        ReceiptType.ANOMALY.value: _("Ordinary mail to the PEC mailbox"),
    }.get(receipt_type, receipt_type)
