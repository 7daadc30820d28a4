"""What the check of a receipt found: a result for each step, and what they add up to."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm_mail.delivery.pec.mime_parts import cleaned


class Trust(StrEnum):
    """What the steps add up to."""

    VALID = "valid"
    WEAK = "weak"  # everything holds, but something rests on SHA-1
    INVALID = "invalid"  # a step failed: forged, altered, unknown authority…
    UNSIGNED = "unsigned"  # no signature to check

    @property
    def is_trusted(self) -> bool:
        """Whether it may be believed."""
        return self in (Trust.VALID, Trust.WEAK)


class StepName(StrEnum):
    """The steps, in the order in which they are checked and shown."""

    STRUCTURE = "structure"  # one signed part and one signature, where they belong
    DIGEST = "digest"  # the signed bytes are the ones that came
    SIGNATURE = "signature"  # the certificate's key made the signature
    CHAIN = "chain"  # the certificate leads to an authority that we know, at the time of signing
    SENDER = "sender"  # From is the address in the certificate
    DOMAIN = "domain"  # the authority may certify that domain
    POLICY = "policy"  # the certificate was issued for PEC operators
    RECEIPT = "receipt"  # what is signed is a receipt or an envelope that can be read
    TIME = "time"  # the signature's time fits the receipt's
    HEADERS = "headers"  # what is not signed says nothing else
    REFERENCE = "reference"  # it is about the message that was asked for; only when one was


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `is_ok` None: could not be checked, or does not apply; that alone does no harm.

    `code` says what was found (the words are in `crm_mail.evidence.verification_words`), `detail` its parameters.
    """

    name: StepName
    is_ok: bool | None
    code: str
    detail: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `MailItem.verification`."""
        return {
            "name": self.name.value,
            "is_ok": self.is_ok,
            "code": self.code,
            "detail": {k: cleaned(v) for k, v in self.detail.items()},
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps. `certificates`: DER, signer first, then the path up to the anchor. `signed_at`: UTC, as signed."""

    trust: Trust
    steps: tuple[Step, ...]
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    signed_at: datetime | None = None
    signer: str = ""

    def as_json(self) -> list[dict[str, Any]]:
        """For `MailItem.verification`."""
        return [step.as_json() for step in self.steps]

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that say no."""
        return tuple(step for step in self.steps if step.is_ok is False)
