"""A receipt's S/MIME signature checked offline, step by step (RFC 8551, RFC 5652, RFC 5280; RFC 6109 section 4)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors


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
    IDENTITY = "identity"  # From, the certificate's address, the operator's domain, the PEC policy
    TIME = "time"  # the signature's time fits the receipt's


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `is_ok` None: could not be checked, because an earlier one failed.

    `code` says what was found (the words are in `crm_mail.evidence.verification_words`), `detail` its parameters.
    """

    name: StepName
    is_ok: bool | None
    code: str
    detail: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `MailItem.verification`."""
        return {"name": self.name.value, "is_ok": self.is_ok, "code": self.code, "detail": dict(self.detail)}


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps. `certificates`: DER, signer first. `signed_at`: what the signature says, UTC."""

    trust: Trust
    steps: tuple[Step, ...]
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    signed_at: datetime | None = None
    signer: str = ""

    def as_json(self) -> list[dict[str, Any]]:
        """For `MailItem.verification`."""
        return [step.as_json() for step in self.steps]


def verify(data: bytes, anchors: Anchors = BUILT_IN) -> Verification:
    """Check the signature of a received mail's bytes. Never raises: what is not in order is a step that says so."""
    raise NotImplementedError
