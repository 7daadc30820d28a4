"""Which address of a contact, through which channel, and why (IT-18; issue section 7).

Pure. The rule: the PEC account if and only if the recipient's address is PEC, the ordinary account otherwise.
An address whose kind nobody has settled is given the ordinary way and asked about before it is sent. Codes are
returned, never texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.envelope import Envelope


class AddressKind(StrEnum):
    """What is known of an address; settled by a person, an import or a receipt, never by a guess."""

    ORDINARY = "ordinary"
    PEC = "pec"
    UNKNOWN = "unknown"


class ChannelPreference(StrEnum):
    """Per document type and company, for a contact that has both."""

    PEC_FIRST = "pec_first"
    ORDINARY_ONLY = "ordinary_only"
    PEC_ONLY = "pec_only"


class Channel(StrEnum):
    SMTP = "smtp"
    PEC = "pec"
    SMS = "sms"


class Reason(StrEnum):
    """Why this address was taken."""

    ONLY_ADDRESS = "only_address"
    PREFERRED_ADDRESS = "preferred_address"  # the contact's own choice among several fit ones
    PEC_FIRST = "pec_first"  # the document type asks for PEC, and there is one
    NO_PEC = "no_pec"  # the document type would like PEC, and there is none
    ORDINARY_ONLY = "ordinary_only"
    PEC_ONLY = "pec_only"
    MOBILE_NUMBER = "mobile_number"  # a text: the contact's own mobile number


class RefusalCode(StrEnum):
    """Why no address can be used."""

    NO_ADDRESS = "no_address"
    NO_PEC_ADDRESS = "no_pec_address"
    ONLY_PEC_ADDRESS = "only_pec_address"


ADDRESS_KIND_UNKNOWN = "address_kind_unknown"


class Evidence(NamedTuple):
    """Why an address is held to be what it is, where no card says so (`delivery.domains.pec_ladder`).

    ``since``: the day of the verdict, as ISO text; ``looks_like_pec``: its domain's name suggests PEC.
    """

    reason: str
    detail: str = ""
    since: str = ""
    looks_like_pec: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As it stands among the reasons of a message (BX-1)."""
        return _reasons_of(self).copy()


@lru_cache(maxsize=256)
def _reasons_of(evidence: Evidence) -> dict[str, Any]:
    """Thousands of addresses share a few verdicts."""
    return {name: value for name, value in evidence._asdict().items() if value}


class AddressOption(NamedTuple):
    """One address that could be used. ``evidence``: None when its card says what it is."""

    email: str
    kind: AddressKind = AddressKind.UNKNOWN
    preferred: bool = False
    evidence: Evidence | None = None


class RoutingDecision(NamedTuple):
    """The address and the channel taken. `reason` and `warnings` are codes."""

    email: str
    kind: AddressKind
    channel: Channel
    reason: Reason
    warnings: tuple[str, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """No address fits."""

    code: RefusalCode


def channel_for(kind: AddressKind) -> Channel:
    """PEC if and only if the address is PEC (IT-18)."""
    return Channel.PEC if kind is AddressKind.PEC else Channel.SMTP


def choose_channel(option: AddressOption, reason: Reason = Reason.ONLY_ADDRESS) -> RoutingDecision:
    """The decision for an address that is already chosen."""
    warnings = (ADDRESS_KIND_UNKNOWN,) if option.kind is AddressKind.UNKNOWN else ()
    return RoutingDecision(
        option.email, option.kind, channel_for(option.kind), reason, warnings, option.evidence
    )


def choose_address(
    options: Sequence[AddressOption], preference: ChannelPreference
) -> RoutingDecision | Refusal:
    """One of a contact's addresses. Among fit ones: the preferred, then one of known kind, then the first."""
    if not options:
        return Refusal(RefusalCode.NO_ADDRESS)
    certified = [option for option in options if option.kind is AddressKind.PEC]
    others = [option for option in options if option.kind is not AddressKind.PEC]
    if preference is ChannelPreference.PEC_ONLY:
        if not certified:
            return Refusal(RefusalCode.NO_PEC_ADDRESS)
        return _best(certified, len(options), Reason.PEC_ONLY)
    if preference is ChannelPreference.ORDINARY_ONLY:
        if not others:
            return Refusal(RefusalCode.ONLY_PEC_ADDRESS)
        return _best(others, len(options), Reason.ORDINARY_ONLY)
    if certified:
        return _best(certified, len(options), Reason.PEC_FIRST)
    return _best(others, len(options), Reason.NO_PEC)


def _best(fit: Sequence[AddressOption], known: int, rule: Reason) -> RoutingDecision:
    best = min(fit, key=lambda option: (not option.preferred, option.kind is AddressKind.UNKNOWN))
    if known == 1:
        return choose_channel(best, Reason.ONLY_ADDRESS)
    if best.preferred and len(fit) > 1:
        return choose_channel(best, Reason.PREFERRED_ADDRESS)
    return choose_channel(best, rule)


class PecProblem(StrEnum):
    """What a PEC provider refuses (RFC 6109 3.1.1: the access point's checks)."""

    BLIND_COPY = "pec_blind_copy"
    SEVERAL_RECIPIENTS = "pec_several_recipients"
    SENDER_DIFFERS = "pec_sender_differs"


def check_pec_rules(envelope: Envelope, envelope_sender: str | None = None) -> list[PecProblem]:
    """Problems of a message that is to leave by PEC; empty when there is none.

    No Bcc; one recipient per message, so that each has a receipt of its own and sees no other address; the
    envelope sender (the account's address) equals From.
    """
    problems: list[PecProblem] = []
    if envelope.bcc:
        problems.append(PecProblem.BLIND_COPY)
    if len(envelope.recipients) != 1:
        problems.append(PecProblem.SEVERAL_RECIPIENTS)
    if envelope_sender is not None and address_key(envelope_sender) != address_key(envelope.from_address):
        problems.append(PecProblem.SENDER_DIFFERS)
    return problems
