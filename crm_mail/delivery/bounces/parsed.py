"""What ordinary mail systems send back, as values: bounces, delays, automatic answers, complaints. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BounceKind(StrEnum):
    """What the mail that came back means for the message it speaks of."""

    HARD = "hard"  # it did not arrive, and the address will not take the next one either
    SOFT = "soft"  # it did not arrive, for a reason that may pass: full, refused, not reached in time
    DELAY = "delay"  # not yet: the server still tries; nothing is decided
    AUTO_REPLY = "auto_reply"  # out of office and the like (RFC 3834)
    CHALLENGE = "challenge"  # the recipient's server wants the sender to prove something
    COMPLAINT = "complaint"  # the recipient called it spam (RFC 5965)
    MDN = "mdn"  # a read receipt (RFC 8098); it arrived


class BounceReason(StrEnum):
    """Why, as a code; words in `delivery.bounces.reason_words`."""

    USER_UNKNOWN = "user_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    MAILBOX_FULL = "mailbox_full"
    DISABLED = "disabled"
    MOVED = "moved"
    NOT_ACCEPTED = "not_accepted"  # the domain takes no mail at all (RFC 7505, 7504)
    RELAY_DENIED = "relay_denied"
    SENDER_REFUSED = "sender_refused"
    BLOCKED = "blocked"  # the sending server's reputation, a block list
    POLICY = "policy"  # the recipient's rules, or SPF, DKIM, DMARC
    SPAM = "spam"
    VIRUS = "virus"
    CONTENT = "content"
    TOO_BIG = "too_big"
    RATE_LIMIT = "rate_limit"
    EXPIRED = "expired"  # tried for as long as the server tries
    NETWORK = "network"  # not reached, or going in circles
    SYSTEM = "system"  # the other side's mail system is in trouble
    COMPLAINT = "complaint"
    UNKNOWN = "unknown"  # it says no more than that it failed


DEAD = frozenset(
    {
        BounceReason.USER_UNKNOWN,
        BounceReason.DOMAIN_UNKNOWN,
        BounceReason.DISABLED,
        BounceReason.MOVED,
        BounceReason.NOT_ACCEPTED,
    }
)
"""Reasons that lie in the address: with a permanent status (5.x.x) the bounce is hard."""


BY_PERSON = "by_person"
BY_READER = "by_reader"
"""The reason of an address that a person put on the suppression list; otherwise a `BounceReason`."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why an address is not written to any more, and since when (`delivery.suppression`)."""

    reason: str
    status: str
    detail: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What is said of one recipient.

    `address` is the one that was written to, as far as the report tells it (Original-Recipient before
    Final-Recipient); `final_address` where it ended up, when that is another one. `status` as RFC 3463 has it
    (`5.1.1`), given by the report or derived from its words; empty where nothing failed. `code` is the SMTP reply
    code (0: not told). `diagnostic` is the other side's own words in one printable line of at most 500 characters.
    """

    address: str
    kind: BounceKind
    status: str = ""
    reason: BounceReason = BounceReason.UNKNOWN
    code: int = 0
    diagnostic: str = ""
    final_address: str = ""


@dataclass(frozen=True, slots=True)
class ParsedBounce:
    """A mail that came back.

    `reports` is empty for an automatic answer without a sender; its only report has an empty `address` when a mail
    system names nobody, yet tells which message it speaks of.

    `original_message_id` is the Message-ID of what we sent, with angle brackets, as returned or as answered to;
    empty when not told. `token` is a text in the form of `tokens.make_token` found where our return path or
    Reply-To would stand; unverified. `original_to`, `original_subject`: of the returned headers.
    """

    reports: tuple[RecipientReport, ...]
    kind: BounceKind
    original_message_id: str = ""
    token: str = ""
    original_to: str = ""
    original_subject: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it speaks of, each once."""
        return tuple(dict.fromkeys(report.address for report in self.reports if report.address))

    @property
    def worst(self) -> RecipientReport | None:
        """The report that decides: the first of the mail's own kind."""
        return next((one for one in self.reports if one.kind is self.kind), None)

    @property
    def status(self) -> str:
        return self.worst.status if self.worst else ""

    @property
    def reason(self) -> BounceReason:
        return self.worst.reason if self.worst else BounceReason.UNKNOWN

    @property
    def diagnostic(self) -> str:
        return self.worst.diagnostic if self.worst else ""
