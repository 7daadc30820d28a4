"""From what is said of one recipient to status, reason and kind. Pure."""

import re
from collections.abc import Sequence

from crm_mail.delivery.bounces.parsed import DEAD, BounceKind, BounceReason, RecipientReport
from crm_mail.delivery.bounces.reasons import code_in, derived_status, has_expired, reason_among, status_in
from crm_mail.delivery.replies import printable

_BLANKS = re.compile(r"\s+")
_ANSWER = re.compile(r"(?<![\d.#/:-])[45]\d\d[ -](?=\S)|(?<![\d.])[45]\.\d\.\d{1,3} ")
_GIVEN_UP = frozenset(
    {BounceReason.NETWORK, BounceReason.SYSTEM, BounceReason.RATE_LIMIT, BounceReason.UNKNOWN}
)


def judged(
    address: str, final: str, status: str, said: Sequence[str], general: str, *, is_delay: bool
) -> RecipientReport:
    """One recipient's report.

    A status that says something stands; `5.0.0` gives way to a telling one in the words, of the same class, or is
    made finer by the reason.

    Args:
        final: where it ended up, when that is not `address`.
        status: of the report's own field; may be empty.
        said: of this recipient, the most telling first; may hold empty texts.
        general: the rest of what the mail says.
        is_delay: nothing is decided yet.
    """
    said = [text for text in said if text]
    answers = [answer for text in said if (answer := _answer(text))]
    specific = [*answers, *(_without(text, address) for text in said)]
    code = next((found for text in (*said, general) if (found := code_in(text))), 0)
    status = _better(
        status, next((s for text in (*said, general) if (s := status_in(text))), ""), is_delay=is_delay
    )
    reason = reason_among(specific, status, code, _without(general, address))
    if _is_given_up(reason, status, code, (*said, general), is_delay=is_delay):
        reason = BounceReason.EXPIRED
    derived = derived_status(reason, " ".join(said), code, is_delay)
    if not status:
        status = derived
    elif status.endswith(".0.0"):
        status = f"{status[0]}.{derived[2:]}"
    return RecipientReport(
        address=address,
        kind=_kind(status, reason, is_delay=is_delay),
        status=status,
        reason=reason,
        code=code,
        diagnostic=printable(_BLANKS.sub(" ", next(iter([*answers, *said]), "") or general)),
        final_address=final,
    )


def _answer(text: str) -> str:
    """The other server's answer, from its reply code on."""
    found = _ANSWER.search(text[:2000])
    return text[found.start() :].strip() if found else ""


def _without(text: str, address: str) -> str:
    """The words without the address: `full@quota.example` says nothing about a quota."""
    return text.replace(address, " ") if address else text


def _better(status: str, found: str, *, is_delay: bool) -> str:
    if not found or (status and not status.endswith(".0.0")):
        return status
    return found if not status or found[0] == status[0] or is_delay else status


def _is_given_up(
    reason: BounceReason, status: str, code: int, texts: Sequence[str], *, is_delay: bool
) -> bool:
    """Whether the time was over, which matters more than what the last attempt met; a delay needs a better reason."""
    if not (status.endswith(".4.7") or any(has_expired(text) for text in texts)):
        return False
    if is_delay:
        return reason is BounceReason.UNKNOWN
    is_passing = status.startswith("4") or (not status and (code == 0 or code < 500))
    return is_passing and reason in _GIVEN_UP


def _kind(status: str, reason: BounceReason, *, is_delay: bool) -> BounceKind:
    if is_delay:
        return BounceKind.DELAY
    return BounceKind.HARD if status.startswith("5") and reason in DEAD else BounceKind.SOFT
