"""What preparing goes by: documents and their files, what was sent before, what the company decided (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from crm_mail.delivery.bounces.parsed import Suppressed
from crm_mail.delivery.routing import Channel, ChannelPreference
from crm_mail.documents.packaging import PackagingFacts
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.preparing.recipients import PartyFacts

UNLIMITED = 1 << 62


class FileFacts(NamedTuple):
    """A file of a document that would be attached."""

    name: str
    mime: str
    sha256: str
    size: int
    role: str = ""  # documents.models.DocumentFile.role
    content_id: str = ""  # a picture that stands in the text: <img src="cid:…">
    document_id: int | None = None  # of a composed message's file that belongs to a linked document


class DocumentFacts(NamedTuple):
    """What a message needs of a document."""

    id: int
    type: str
    number: str
    series: str
    dated_on: date
    currency: str
    total: Decimal | None
    due_on: date | None
    files: tuple[FileFacts, ...]
    privacy_level: int = 0
    problem: Issue | None = None  # why it cannot be sent as it is
    warning: Issue | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A document that a recipient was already sent, or that is on its way."""

    at: datetime | None
    run_id: int
    is_pending: bool  # prepared in another run that nobody has committed yet
    is_returned: bool = False  # it came back undelivered


@dataclass(frozen=True, slots=True)
class Policy:
    """What the company decides for one document type; ``is_own``: it leaves from the account of who commits."""

    preference: ChannelPreference
    is_bundled: bool
    smtp_account_id: int | None
    pec_account_id: int | None
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    is_own: bool = False
    sms_account_id: int | None = None
    purpose: str = (
        ""  # contacts.consents.rules.Purpose: asked before anybody receives it; empty: owed by contract
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a whole run. ``sent``: (document id, contact id or address) → what is known of it."""

    policies: Mapping[str, Policy]
    languages: frozenset[str]
    company_language: str
    only_unsent: bool
    only_contacts: bool
    max_bytes: int
    has_links: bool = False  # what is too large for a message is offered by a link, and never divided
    suppressed: Mapping[str, Suppressed] = field(default_factory=dict)  # by address_key
    packagings: "Mapping[str, Packed | None]" = field(default_factory=dict)
    default_packaging: "Packed | None" = None

    def room(self, channel: Channel) -> int:
        """Bytes of files, encoded, above which the documents of a message are divided."""
        return UNLIMITED if self.has_links and channel is Channel.SMTP else self.max_bytes

    def packed(self, party: PartyFacts) -> "Packed | None":
        """How the party's documents are packed; None: as they are."""
        found = self.packagings.get(party.packaging, self.default_packaging)
        if found is not None and found.facts.party_code not in ("", party.code):
            found = self.default_packaging  # it is another customer's alone
        if party.addenda:
            own = found or Packed(PackagingFacts(party.packaging), self)
            return replace(own, facts=replace(own.facts, addenda=party.addenda))
        return found


@dataclass(frozen=True, slots=True)
class Packed:
    """A packaging, and the rules of the run as they are for the parties that name it."""

    facts: PackagingFacts
    rules: Rules
