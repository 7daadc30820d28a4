"""Drafts: messages before their rows are made, with what hinders them (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm_mail.contacts.consents.rules import OWED, Reason, Verdict
from crm_mail.delivery.bounces.parsed import Suppressed
from crm_mail.delivery.routing import AddressKind, Channel, Evidence
from crm_mail.documents.packaging import PackagingFacts
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.preparing.facts import DocumentFacts, FileFacts, Policy
from crm_mail.outbox.preparing.recipients import PartyFacts, Recipient

BASE64_NUMERATOR, BASE64_DENOMINATOR = 78, 57  # 57 bytes become a line of 76 characters and CR LF


@dataclass(frozen=True, slots=True)
class LinkedFiles:
    """Files offered by a link (CO-6). ``files``: with the document that each belongs to."""

    token: str
    url: str
    days: int
    files: tuple[tuple[FileFacts, int], ...]


@dataclass(frozen=True, slots=True)
class ComposedParts:
    """What a message says and carries that was composed, not filled in from a document type's text.

    ``subject`` and bodies may name `composing.parts.UNSUBSCRIBE`; ``why`` joins the reasons of the row. ``reply_to``
    and ``timeout_seconds``: this message's own, in place of the type's and the packaging's.
    """

    subject: str
    body_text: str
    body_html: str
    files: tuple[FileFacts, ...]
    document_type: str
    why: Mapping[str, Any] = field(default_factory=dict)
    reply_to: str = ""
    timeout_seconds: int = 0


@dataclass(slots=True)
class Draft:
    """A message before it is written: the row's values without its texts."""

    party: PartyFacts
    recipient: Recipient
    language: str
    to_address: str
    to_kind: AddressKind
    channel: Channel
    account_id: int | None
    policy: Policy
    documents: list[DocumentFacts]
    route: str  # delivery.routing.Reason, or a refusal
    privacy_level: int
    cc: list[str] = field(default_factory=list)
    issues: list[tuple[Issue, dict[str, Any]]] = field(default_factory=list)
    last_sent_at: datetime | None = None
    packaging: PackagingFacts | None = None
    archive: FileFacts | None = None  # all files in one, in their place
    linked: "LinkedFiles | None" = None  # the files are offered by a link, and none is attached
    evidence: Evidence | None = None  # why the address is PEC or ordinary, where no card says so
    consent: Verdict = OWED
    composed: ComposedParts | None = None

    @property
    def types(self) -> list[str]:
        """The document types that the message carries."""
        if self.composed is not None:
            return [self.composed.document_type]
        return list(dict.fromkeys(document.type for document in self.documents))

    @property
    def files(self) -> list[FileFacts]:
        """Every file that is attached, in the order of the documents."""
        if self.composed is not None:
            return list(self.composed.files)
        if self.linked is not None:
            return []
        if self.archive is not None:
            return [self.archive]
        return [file for document in self.documents for file in document.files]

    @property
    def reply_to(self) -> str:
        """Where answers go; empty: as the account says."""
        return (self.composed.reply_to if self.composed is not None else "") or self.policy.reply_to

    @property
    def timeout_seconds(self) -> int:
        """How long the server may take over this message (PM-10); 0: as the account says."""
        own = self.composed.timeout_seconds if self.composed is not None else 0
        return own or (self.packaging.timeout_seconds if self.packaging is not None else 0)

    @property
    def why(self) -> dict[str, Any]:
        """The reason for this row, as JSON (BX-1)."""
        contact = self.recipient.contact
        why: dict[str, Any] = {
            "rule": self.recipient.rule.value,
            "types": self.types,
            "route": self.route,
            "preference": self.policy.preference.value,
        }
        if contact is not None:
            why["contact"] = contact.name
        if self.recipient.is_address_chosen:
            why["address_chosen"] = True
        if self.evidence is not None:
            why["kind"] = self.evidence.to_dict()
        if self.consent.reason is not Reason.OWED:
            why["consent"] = self.consent.reason.value
            if self.consent.law:
                why["law"] = self.consent.law
        if self.composed is not None:
            why |= self.composed.why
        if self.cc:
            why["cc"] = len(self.cc)
        if self.packaging is not None:
            why["packaging"] = self.packaging.code
            if self.archive is not None or self.linked is not None:
                why["archived"] = True
            if self.linked is not None:
                why["link"], why["link_days"] = self.linked.url, self.linked.days
            if self.packaging.text_name:
                why["text"] = self.packaging.text_name
        return why


def encoded_size(files: Iterable[FileFacts]) -> int:
    """Bytes that files take in a message (base64, RFC 2045 6.8)."""
    return sum(file.size for file in files) * BASE64_NUMERATOR // BASE64_DENOMINATOR


def find_issues(draft: Draft, max_bytes: int) -> None:
    """Add what the files themselves say: missing, failed, too large, or worth a look."""
    for document in draft.documents:
        if document.problem is not None:
            draft.issues.append((document.problem, {"document": document.number}))
        if document.warning is not None:
            draft.issues.append((document.warning, {"document": document.number}))
    size = encoded_size(draft.files)
    if size > max_bytes:
        params = {"mb": round(size / 1e6, 1), "limit_mb": round(max_bytes / 1e6, 1)}
        draft.issues.append((Issue.FILE_TOO_LARGE, params))


def suppressed_params(address: str, known: Suppressed) -> dict[str, Any]:
    """What a row keeps of why an address is not written to."""
    since = known.since_at.date().isoformat()
    return {"address": address, "reason": known.reason, "status": known.status, "since": since}
