"""A mail read as a PEC receipt or envelope; everything from its signed part (daticert.xml; RFC 6109 sections 2 and 3).

Reading believes nothing: whether the signed part is genuine is for `verification.verify` to say.
"""

import re
from datetime import datetime, timedelta

from crm_mail.delivery.pec.daticert import Daticert, DaticertRefused, bracketed, read_daticert
from crm_mail.delivery.pec.mime_parts import Part
from crm_mail.delivery.pec.receipt import Disagreement, ParsedReceipt, ReceiptType
from crm_mail.delivery.pec.signed_message import SignedMessage, open_message

MOST_BYTES = 200_000_000  # of a mail; operators take 100 MB
FINAL_NOTICE_AFTER = timedelta(
    hours=22
)  # the notice of 24 hours comes between the 22nd and the 24th (RFC 6109 3.2)
_ANOMALY = "errore"  # X-Trasporto of a busta di anomalia
_FINAL_DELAY = re.compile(r"\A\W*5\.4\.1\b|MancataConsegna24h", re.I)  # Namirial; ULib's logs
_FINAL = {ReceiptType.NON_ACCEPTANCE, ReceiptType.DELIVERY_ERROR}
_ID = re.compile(r"<[^<>\s]{1,500}>")
_MOST_ANSWERS = 100
_ON_BEHALF = re.compile(r"(?:per conto di|on behalf of)\s*:?\s*(\S+@\S+)", re.I)


class ReceiptUnreadable(ValueError):
    """It claims to be a PEC receipt and cannot be read. `code` with `detail` for pages; the text is English.

    Codes: too_large, no_daticert, several_daticert, and those of `DaticertRefused`: xml_entities, xml_malformed,
    xml_root, xml_too_large. Their words are in `crm_mail.evidence.verification_words`.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


def read_receipt(data: bytes) -> ParsedReceipt | None:
    """What a received mail's bytes say. None: no PEC mail at all. Raises `ReceiptUnreadable`.

    Bounded: linear in the size, no network, no entities. Receipts inside enclosed mails are not looked at.
    """
    if len(data) > MOST_BYTES:
        raise ReceiptUnreadable("too_large")
    return receipt_in(open_message(data))


def receipt_in(message: SignedMessage) -> ParsedReceipt | None:
    """As `read_receipt`, of a mail that is already taken apart."""
    if not message.claims_to_be_pec:
        return None
    if not message.daticerts:
        if _transport(message.mail) == _ANOMALY:
            return _anomaly(message)
        raise ReceiptUnreadable("no_daticert")
    if len(message.daticerts) > 1:
        raise ReceiptUnreadable("several_daticert", str(len(message.daticerts)))
    xml = message.daticerts[0].decoded()
    try:
        facts = read_daticert(xml)
    except DaticertRefused as refused:
        raise ReceiptUnreadable(refused.code, refused.detail) from None
    return _receipt(message, facts, xml)


def is_final_delay(receipt: ParsedReceipt, accepted_at: datetime | None) -> bool:
    """Whether a preavviso is the failure for good: by its own words, or because it comes 22 hours after acceptance.

    Both notices have the same type (RFC 6109); operators rarely say which of the two it is.
    """
    if receipt.type is not ReceiptType.DELAY:
        return False
    late = accepted_at is not None and receipt.occurred_at is not None
    return receipt.is_final or (late and receipt.occurred_at - accepted_at >= FINAL_NOTICE_AFTER)  # type: ignore[operator]


def _receipt(message: SignedMessage, facts: Daticert, xml: bytes) -> ParsedReceipt:
    kind = _type(facts.type)
    postacert = message.postacert
    return ParsedReceipt(
        type=kind,
        raw_type=facts.type,
        reference_id=facts.message_id,
        provider_id=facts.provider_id,
        own_id=bracketed(message.mail.header("message-id")),
        sender=facts.sender,
        recipients=facts.recipients,
        recipient=_concerned(kind, facts),
        occurred_at=facts.occurred_at,
        subject=facts.subject,
        provider=facts.provider,
        error=facts.error,
        error_detail=facts.error_detail,
        form=facts.form,
        is_final=kind in _FINAL
        or (kind is ReceiptType.DELAY and bool(_FINAL_DELAY.search(facts.error_detail))),
        daticert=xml,
        postacert=postacert,
        answers=_answers(postacert) if kind is ReceiptType.ENVELOPE else (),
        disagreements=_disagreements(message.mail, facts),
    )


def _type(raw: str) -> ReceiptType:
    try:
        known = ReceiptType(raw.lower())
    except ValueError:
        return ReceiptType.UNKNOWN
    return (
        ReceiptType.UNKNOWN if known is ReceiptType.ANOMALY else known
    )  # "anomalia" is our word, not the DTD's


def _concerned(kind: ReceiptType, facts: Daticert) -> str:
    """`consegna`; for presa in carico `ricezione`; the only recipient when there is just one."""
    if kind is ReceiptType.ENVELOPE:
        return ""
    if facts.delivered_to:
        return facts.delivered_to
    if len(facts.received_by) == 1:
        return facts.received_by[0]
    return facts.recipients[0].address if len(facts.recipients) == 1 else ""


def _anomaly(message: SignedMessage) -> ParsedReceipt:
    """Uncertified mail in an envelope: what it says is the enclosed mail's own word, signed by nobody."""
    enclosed = Part(message.postacert) if message.postacert is not None else message.mail
    senders = enclosed.addresses("from")
    return ParsedReceipt(
        type=ReceiptType.ANOMALY,
        raw_type=_transport(message.mail),
        reference_id="",
        provider_id="",
        own_id=bracketed(message.mail.header("message-id")),
        sender=senders[0] if senders else "",
        recipients=(),
        recipient="",
        occurred_at=None,
        subject=enclosed.text("subject"),
        provider="",
        error="",
        error_detail="",
        form="",
        is_final=False,
        daticert=b"",
        postacert=message.postacert,
        answers=_answers(message.postacert),
    )


def _answers(postacert: bytes | None) -> tuple[str, ...]:
    """What the enclosed mail replies to: In-Reply-To first, then References from the newest."""
    if postacert is None:
        return ()
    mail = Part(postacert)
    found = [match for value in mail.every("in-reply-to") for match in _ID.findall(value)]
    older = [match for value in mail.every("references") for match in _ID.findall(value)]
    return tuple(dict.fromkeys([*found, *reversed(older)]))[:_MOST_ANSWERS]


def _disagreements(mail: Part, facts: Daticert) -> tuple[Disagreement, ...]:
    """The headers are not signed: what they say otherwise, any one of several alike, is an alarm; what lacks is not."""
    transport = {value.lower() for value in mail.every("x-trasporto")}
    types = {value.lower() for value in mail.every("x-ricevuta")} | transport
    references = {bracketed(value) for value in mail.every("x-riferimento-message-id")}
    found = []
    if types - {facts.type.lower()}:
        found.append(Disagreement.TYPE)
    if references - {facts.message_id, ""}:
        found.append(Disagreement.REFERENCE)
    if _sender_differs(mail, facts):
        found.append(Disagreement.SENDER)
    return tuple(found)


def _sender_differs(mail: Part, facts: Daticert) -> bool:
    """Two different From; or an envelope "per conto di" somebody else than the signed sender."""
    if len(set(mail.addresses("from"))) > 1:
        return True
    named = _ON_BEHALF.search(mail.text("from"))
    return named is not None and named[1].strip("\"'<>,;").lower() != facts.sender.lower()


def _transport(mail: Part) -> str:
    return mail.header("x-trasporto").lower()
