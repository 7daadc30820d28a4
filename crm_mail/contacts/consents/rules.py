"""Whether a person may be written to for a purpose by a channel, and why not (GDPR 6, 7, 21; ePrivacy 13). Pure.

Documents owed by contract (invoices, orders, statements…) ask nobody: `crm_mail.document_types.PURPOSES` names the
types that do. What asks goes in this order: a withdrawal forbids, a consent allows, and without either the law of the
company's country may allow e-mail to existing customers (*soft opt-in*), where the company relies on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Purpose(StrEnum):
    """What a consent is for; what is owed by contract has no purpose here."""

    COMMERCIAL = "commercial"  # advertising, price lists, news
    GREETINGS = "greetings"  # birthdays and holidays
    PROFILING = "profiling"  # choosing people by what they bought or did


class ConsentChannel(StrEnum):
    """By what a consent lets people be reached."""

    EMAIL = "email"
    SMS = "sms"
    NONE = "none"  # the purpose reaches nobody by itself: profiling


class Decision(StrEnum):
    """What somebody said."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Source(StrEnum):
    """How the word came to us."""

    PERSON = "person"  # a colleague wrote down what was said or signed
    IMPORT = "import"
    LINK = "link"  # the page behind the link of a message
    ONE_CLICK = "one_click"  # the button of the mail program (RFC 8058)
    REPLY = "reply"  # an answer such as STOP
    API = "api"


class Reason(StrEnum):
    """Why somebody may or may not be written to."""

    OWED = "owed"  # owed by contract: nobody is asked
    GIVEN = "given"
    SOFT_OPT_IN = "soft_opt_in"
    WITHDRAWN = "withdrawn"
    NOT_GIVEN = "not_given"


Subject = tuple[Purpose, ConsentChannel]

SUBJECTS: Final[tuple[Subject, ...]] = (
    (Purpose.COMMERCIAL, ConsentChannel.EMAIL),
    (Purpose.COMMERCIAL, ConsentChannel.SMS),
    (Purpose.GREETINGS, ConsentChannel.EMAIL),
    (Purpose.GREETINGS, ConsentChannel.SMS),
    (Purpose.PROFILING, ConsentChannel.NONE),
)
"""Everything that can be given or withdrawn, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class SoftOptIn:
    """What a country lets firms send to those who bought from them: by which channels, and where that stands."""

    law: str
    channels: frozenset[ConsentChannel]


_EMAIL = frozenset({ConsentChannel.EMAIL})
_BOTH = frozenset({ConsentChannel.EMAIL, ConsentChannel.SMS})

SOFT_OPT_IN: Final[Mapping[str, SoftOptIn]] = MappingProxyType(
    {
        "IT": SoftOptIn("art. 130 c. 4 d.lgs. 196/2003", _EMAIL),  # names electronic mail only
        "ES": SoftOptIn("art. 21.2 Ley 34/2002 (LSSI)", _BOTH),
        "FR": SoftOptIn("art. L34-5 CPCE", _BOTH),
        "DE": SoftOptIn("§ 7 Abs. 3 UWG", _EMAIL),
    }
)
"""By country of the sending company. A country that is not here has no such rule as far as this product knows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message may go, why, and the law that a soft opt-in rests on."""

    is_allowed: bool
    reason: Reason
    law: str = ""


OWED = Verdict(True, Reason.OWED)


def soft_opt_in(country: str, is_relied_on: bool) -> SoftOptIn | None:
    """The rule that a company may use for existing customers; None when it does not rely on it, or has none."""
    return SOFT_OPT_IN.get(country.strip().upper()) if is_relied_on else None


def decide(
    purpose: str,
    channel: ConsentChannel,
    own: Decision | None,
    *,
    of_address: Decision | None = None,
    soft: SoftOptIn | None = None,
    is_customer: bool = False,
) -> Verdict:
    """Whether somebody may be written to.

    Args:
        purpose: of the message; empty: owed by contract.
        own: what the contact said last; None when it never did, or when there is no contact.
        of_address: what was said last for the address itself; a withdrawal holds whoever the card belongs to.
        soft: the rule for existing customers, where the company relies on it; for advertising only.
        is_customer: whether the party is one.
    """
    if not purpose:
        return OWED
    if Decision.WITHDRAWN in (own, of_address):
        return Verdict(False, Reason.WITHDRAWN)
    if Decision.GIVEN in (own, of_address):
        return Verdict(True, Reason.GIVEN)
    if purpose == Purpose.COMMERCIAL and is_customer and soft is not None and channel in soft.channels:
        return Verdict(True, Reason.SOFT_OPT_IN, soft.law)
    return Verdict(False, Reason.NOT_GIVEN)


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One word from a file: what it is about, and the day, where the file says it."""

    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    on: date | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return self.purpose, self.channel


class EntryInvalid(ValueError):
    """A piece of a `consents` cell that says nothing known; its text is the piece."""


_NO = frozenset({"no", "n", "withdrawn", "revocato", "revocado", "ritirato", "retirado", "false", "0"})
_YES = frozenset({"yes", "y", "si", "sì", "sí", "s", "given", "dato", "dado", "true", "1", ""})
DAY_ALONE: Final = time(12, tzinfo=UTC)
"""The time of a word of which the day alone is known: noon in London is the same day nearly everywhere."""


def moment_of(day: date, present: datetime) -> datetime:
    """When a word was said of which the day is known; never later than now."""
    return min(datetime.combine(day, DAY_ALONE), present)


_DAY_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y")


def read_entries(cell: str) -> list[ConsentEntry]:
    """Read a cell such as ``commercial=2026-01-05|sms``: pieces by ``|``, each a purpose with an optional channel.

    ``sms`` alone means advertising by SMS, ``greetings/sms`` greetings by SMS; after ``=`` stands a day, ``no``, or
    ``no`` and a day.

    Raises:
        EntryInvalid: naming the piece.
    """
    pieces = [piece.strip() for piece in cell.replace(";", "|").split("|")]
    return [_read_entry(piece) for piece in pieces if piece]


def _read_entry(piece: str) -> ConsentEntry:
    what, _equals, said = (part.strip().lower() for part in piece.partition("="))
    purpose, channel = _read_subject(what, piece)
    word, _blank, rest = said.partition(" ")
    day = _read_day(word)
    if day is not None:
        word, rest = "", word
    if word not in _YES | _NO or (rest and _read_day(rest) is None):
        raise EntryInvalid(piece)
    decision = Decision.WITHDRAWN if word in _NO else Decision.GIVEN
    return ConsentEntry(purpose, channel, decision, _read_day(rest) if rest else None)


def _read_subject(what: str, piece: str) -> Subject:
    name, _slash, by = what.partition("/")
    if name == ConsentChannel.SMS and not by:
        return Purpose.COMMERCIAL, ConsentChannel.SMS
    for purpose, channel in SUBJECTS:  # the first of a purpose is the one meant without a channel
        if name == purpose and by in ("", channel):
            return purpose, channel
    raise EntryInvalid(piece)


def _read_day(text: str) -> date | None:
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def write_entry(purpose: Purpose, channel: ConsentChannel, decision: Decision, on: date) -> str:
    """One piece of a `consents` cell, as `read_entries` reads it."""
    what = purpose.value if (purpose, channel) in _SHORT else f"{purpose}/{channel}"
    return f"{what}={'no ' if decision is Decision.WITHDRAWN else ''}{on.isoformat()}"


_SHORT = {(Purpose.COMMERCIAL, ConsentChannel.EMAIL), (Purpose.GREETINGS, ConsentChannel.EMAIL)} | {
    (Purpose.PROFILING, ConsentChannel.NONE)
}
