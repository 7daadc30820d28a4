"""What the check of a dossier found, as values (pure)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.pec.receipt import ReceiptType
from crm_mail.delivery.pec.verdict import Trust


class NotADossier(ValueError):
    """The file cannot be checked at all; `code`: no_zip, no_manifest, other_format, no_sums, too_large."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file that is not as it was. `code`: changed, missing, unlisted, unreadable."""

    path: str
    code: str


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """One receipt judged anew. `kept_trust` is what was found when the dossier was made."""

    path: str
    type: str
    recipient: str
    occurred_at: str
    trust: Trust
    kept_trust: str
    is_of_message: bool
    is_daticert_same: bool
    steps: list[dict[str, Any]] = field(default_factory=list)
    content: list[dict[str, str]] = field(default_factory=list)
    is_content_proven: bool | None = None
    was_content_proven: bool = True
    recipients: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether it proves today what it proved then."""
        was_trusted = self.kept_trust in (Trust.VALID, Trust.WEAK)
        is_content_lost = self.is_content_proven is False and self.was_content_proven
        holds = self.is_proof and not is_content_lost
        return self.is_daticert_same and (not was_trusted or holds)

    @property
    def is_proof(self) -> bool:
        """Whether an operator signed it, about this very message."""
        return self.trust.is_trusted and self.is_of_message


@dataclass(frozen=True, slots=True)
class MessageCheck:
    """One message of a dossier."""

    folder: str
    message_id: str
    to: str
    subject: str
    state: str
    is_source_same: bool
    receipts: list[ReceiptCheck]

    @property
    def is_good(self) -> bool:
        return (
            self.is_source_same
            and self.is_recipient_certified
            and self.is_state_proven
            and all(receipt.is_good for receipt in self.receipts)
        )

    @property
    def is_recipient_certified(self) -> bool:
        """Whether the signed receipts, if there are any, name whom the message is said to have gone to."""
        named = {address_key(one) for receipt in self._proofs for one in receipt.recipients}
        return not named or address_key(self.to) in named

    @property
    def is_state_proven(self) -> bool:
        """Whether a message that is said to be delivered has a signed receipt that says so."""
        return self.state != "delivered" or any(one.type == ReceiptType.DELIVERY for one in self._proofs)

    @property
    def _proofs(self) -> list[ReceiptCheck]:
        return [one for one in self.receipts if one.is_proof and one.type != ReceiptType.ENVELOPE]


@dataclass(slots=True)
class DossierCheck:
    """Everything that was found."""

    created_at: str
    scope: dict[str, Any]
    company: dict[str, Any]
    sha256: str
    files: int = 0
    problems: list[FileProblem] = field(default_factory=list)
    messages: list[MessageCheck] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing changed since it was made, and every receipt still proves what it did."""
        return not self.problems and all(message.is_good for message in self.messages)

    @property
    def receipts(self) -> list[ReceiptCheck]:
        """Those of all messages."""
        return [receipt for message in self.messages for receipt in message.receipts]

    def as_json(self) -> dict[str, Any]:
        """For `crm-mail dossier verify --json`."""
        return {"is_intact": self.is_intact} | asdict(self)
