"""A PEC receipt or envelope as values. Everything comes from the signed part (daticert.xml) unless it says so.

Source: RFC 6109 section 2 and the technical rules (DM 2 November 2005), with their DTD.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ReceiptType(StrEnum):
    """`postacert/@tipo` of daticert.xml; an unknown value is kept as it is beside UNKNOWN."""

    ACCEPTANCE = "accettazione"  # legal proof of sending
    NON_ACCEPTANCE = "non-accettazione"  # never left; final
    TAKEN_OVER = "presa-in-carico"  # between providers; never waited for
    DELIVERY = "avvenuta-consegna"  # proof of delivery, one for each recipient
    DELIVERY_ERROR = "errore-consegna"  # final
    DELAY = "preavviso-errore-consegna"  # after 12 hours a warning, after 24 hours final
    VIRUS = "rilevazione-virus"  # between providers; never waited for
    ENVELOPE = "posta-certificata"  # busta di trasporto: somebody's message
    ANOMALY = "anomalia"  # busta di anomalia: uncertified mail; has no daticert of its own
    UNKNOWN = "unknown"


class ReceiptError(StrEnum):
    """`postacert/@errore`."""

    NONE = "nessuno"
    NO_RECIPIENT = "no-dest"
    NO_DOMAIN = "no-dominio"
    VIRUS = "virus"
    OTHER = "altro"


class Disagreement(StrEnum):
    """The unsigned headers say something else than the signed part: an alarm."""

    TYPE = "header_type"
    REFERENCE = "header_reference"
    SENDER = "header_from"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of `destinatari`. `is_certified` is the sending provider's own look-up: certificato or esterno."""

    address: str
    is_certified: bool


@dataclass(frozen=True, slots=True)
class ParsedReceipt:
    """What a receipt or an envelope says.

    `reference_id` is *our* Message-ID with angle brackets (daticert `msgid`), `provider_id` the provider's
    (`identificativo`), `own_id` the receipt's own Message-ID. `recipient` is the one that it concerns (`consegna`).
    `answers` (envelopes only): the Message-IDs that the enclosed mail replies to.
    """

    type: ReceiptType
    raw_type: str
    reference_id: str
    provider_id: str
    own_id: str
    sender: str
    recipients: tuple[Recipient, ...]
    recipient: str
    occurred_at: datetime | None
    subject: str
    provider: str
    error: str
    error_detail: str
    form: str  # completa, breve, sintetica; empty when not told
    is_final: bool  # a failure for good; False for the 12-hour warning
    daticert: bytes = field(repr=False)
    postacert: bytes | None = field(repr=False)
    answers: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
