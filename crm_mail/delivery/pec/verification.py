"""A receipt's S/MIME signature checked offline, step by step (RFC 8551, RFC 5652, RFC 5280; RFC 6109 section 4).

The signature covers daticert.xml and postacert.eml, not the headers: headers that contradict it make the mail
untrusted, because somebody has changed them.
"""

from datetime import UTC, datetime

from crm_mail.delivery.pec.certificate_chain import facts_of
from crm_mail.delivery.pec.daticert import bracketed
from crm_mail.delivery.pec.reading import ReceiptUnreadable, receipt_in
from crm_mail.delivery.pec.signed_message import open_message
from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors
from crm_mail.delivery.pec.verdict import Step, StepName, Trust, Verification
from crm_mail.delivery.pec.verification_steps import Case, steps_of

__all__ = ["Step", "StepName", "Trust", "Verification", "verify"]


def verify(
    data: bytes, anchors: Anchors = BUILT_IN, *, message_id: str = "", now: datetime | None = None
) -> Verification:
    """Check a received mail's bytes. Never raises: what is not in order is a step that says so.

    ``message_id``: the message that it is to be about; a genuine receipt of another one then fails.
    ``now``: this computer's time, against signatures from the future.
    """
    message = open_message(data)
    receipt, fault = None, ""
    try:
        receipt = receipt_in(message)
    except ReceiptUnreadable as unreadable:
        fault = unreadable.code
    case = Case(message, receipt, fault, anchors, now or datetime.now(UTC), bracketed(message_id))
    steps = tuple(steps_of(case))
    return Verification(
        trust=_trust(case, steps),
        steps=steps,
        certificates=_certificates(case),
        signed_at=case.signature.signed_at if case.signature is not None else None,
        signer=facts_of(case.chain.path[0]).subject if case.chain is not None else "",
    )


def _trust(case: Case, steps: tuple[Step, ...]) -> Trust:
    if case.message.signed is None:
        return Trust.UNSIGNED
    if any(step.is_ok is False for step in steps) or case.chain is None:
        return Trust.INVALID
    return Trust.WEAK if case.weak else Trust.VALID


def _certificates(case: Case) -> tuple[bytes, ...]:
    if case.signature is None:
        return ()
    path = case.chain.path if case.chain is not None else (case.signature.signer,)
    return tuple(dict.fromkeys((*path, *case.signature.others)))
