"""Why a message did not arrive: from the words, the status (RFC 3463) and the code of the other side. Pure.

The words come first: servers give `5.7.1` and `550` for almost everything, while their text says what they mean.
The tables grew from the published formats of mail systems and the answers of large providers.
"""

import re
from collections.abc import Iterable, Sequence

from crm_mail.delivery.bounces.parsed import BounceReason as R
from crm_mail.delivery.bounces.reason_patterns import STRONG, WEAK


def _compiled(table: tuple[tuple[R, str], ...]) -> tuple[tuple[R, re.Pattern[str]], ...]:
    return tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in table)


_STRONG_PATTERNS, _WEAK_PATTERNS = _compiled(STRONG), _compiled(WEAK)
_MAX_WORDS = 2000

_STATUS: dict[str, R] = {
    "1.0": R.USER_UNKNOWN,
    "1.1": R.USER_UNKNOWN,
    "1.2": R.DOMAIN_UNKNOWN,
    "1.3": R.USER_UNKNOWN,
    "1.4": R.USER_UNKNOWN,
    "1.6": R.MOVED,
    "1.7": R.SENDER_REFUSED,
    "1.8": R.SENDER_REFUSED,
    "1.10": R.NOT_ACCEPTED,
    "2.0": R.USER_UNKNOWN,
    "2.1": R.DISABLED,
    "2.2": R.MAILBOX_FULL,
    "2.3": R.TOO_BIG,
    "2.4": R.USER_UNKNOWN,
    "3.0": R.SYSTEM,
    "3.1": R.MAILBOX_FULL,
    "3.2": R.SYSTEM,
    "3.3": R.CONTENT,
    "3.4": R.TOO_BIG,
    "3.5": R.SYSTEM,
    "4.0": R.NETWORK,
    "4.1": R.NETWORK,
    "4.2": R.NETWORK,
    "4.3": R.NETWORK,
    "4.4": R.NETWORK,
    "4.5": R.RATE_LIMIT,
    "4.6": R.NETWORK,
    "4.7": R.EXPIRED,
    "5.0": R.SYSTEM,
    "5.3": R.RATE_LIMIT,
    "6.0": R.CONTENT,
    "6.1": R.CONTENT,
    "6.3": R.CONTENT,
    "6.7": R.CONTENT,
    "7.0": R.POLICY,
    "7.1": R.POLICY,
    "7.2": R.POLICY,
    "7.7": R.CONTENT,
    "7.17": R.USER_UNKNOWN,
    "7.20": R.POLICY,
    "7.23": R.POLICY,
    "7.24": R.POLICY,
    "7.25": R.POLICY,
    "7.26": R.POLICY,
    "7.27": R.SENDER_REFUSED,
    "7.28": R.RATE_LIMIT,
}
_DERIVED: dict[R, str] = {
    R.USER_UNKNOWN: "1.1",
    R.DOMAIN_UNKNOWN: "1.2",
    R.MOVED: "1.6",
    R.SENDER_REFUSED: "1.8",
    R.NOT_ACCEPTED: "1.10",
    R.DISABLED: "2.1",
    R.MAILBOX_FULL: "2.2",
    R.SYSTEM: "3.0",
    R.TOO_BIG: "3.4",
    R.NETWORK: "4.0",
    R.EXPIRED: "4.7",
    R.CONTENT: "6.0",
    R.VIRUS: "7.0",
    R.RELAY_DENIED: "7.1",
    R.BLOCKED: "7.1",
    R.POLICY: "7.1",
    R.SPAM: "7.1",
    R.RATE_LIMIT: "7.28",
}
_PASSING = frozenset({R.EXPIRED, R.RATE_LIMIT, R.NETWORK})
"""Without a status of the other side these count as 4.x.x: the way was blocked, not the address wrong."""

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d)\.(\d{1,3})(?![\d.]*\d)")
_QMAIL = re.compile(r"\(#([45]\.\d\.\d{1,3})\)")
_CODE = re.compile(r"(?<![\d.#/:-])([45]\d\d)(?=[ -]|$)(?! ?(?:bytes|kb|mb|hours|minutes|seconds|days))")
_LOOP = re.compile(r"hops?\b|loop", re.IGNORECASE)
_VAGUE = frozenset({R.POLICY, R.SYSTEM, R.NETWORK})
"""A status that says so little gives way to plain words."""


def reason_of(text: str, status: str = "", code: int = 0) -> R:
    """The reason that one text gives; see `reason_among`."""
    return reason_among([text], status, code)


def reason_among(specific: Sequence[str], status: str = "", code: int = 0, general: str = "") -> R:
    """The reason, by words, then status, then SMTP code; UNKNOWN when none of them says it.

    Args:
        specific: what is said of this very recipient, most telling first; 2,000 characters of each are read.
        status: such as ``5.1.1``; may be empty.
        code: SMTP reply code, or 0.
        general: the rest of the mail's own words: asked when nothing specific says more.
    """
    detail = status.partition(".")[2]
    strong = _first(_STRONG_PATTERNS, specific)
    if strong:
        return strong
    by_status = _STATUS.get(detail)
    if by_status and not (by_status in _VAGUE and general):
        return by_status
    found = _first(_WEAK_PATTERNS[:1], specific) or _first(_STRONG_PATTERNS, (general,)) or by_status
    return found or _first(_WEAK_PATTERNS, (*specific, general)) or _by_code(code)


def reason_of_status(status: str) -> R | None:
    """The reason that a status alone means; None for those that say nothing."""
    return _STATUS.get(status.partition(".")[2])


def is_telling(text: str) -> bool:
    """Whether a text gives a reason, a status or a reply code."""
    return bool(_first(_STRONG_PATTERNS, (text,)) or _ENHANCED.search(text) or _CODE.search(text))


def has_expired(text: str) -> bool:
    """Whether a text says that the time for trying is over."""
    return bool(_STRONG_PATTERNS[0][1].search(text[:_MAX_WORDS]))


def _first(patterns: Iterable[tuple[R, re.Pattern[str]]], texts: Sequence[str]) -> R | None:
    for text in texts:
        text = text[:_MAX_WORDS]
        for reason, pattern in patterns:
            if text and pattern.search(text):
                return reason
    return None


def _by_code(code: int) -> R:
    if code == 552:
        return R.MAILBOX_FULL
    if code in (521, 556):
        return R.NOT_ACCEPTED
    if code in (550, 551, 553):
        return R.USER_UNKNOWN if code != 551 else R.MOVED
    return R.UNKNOWN


def status_in(text: str) -> str:
    """The most telling enhanced status in a text: qmail's last one in brackets, else the first that is not x.0.0."""
    text = text[:_MAX_WORDS]
    found = [".".join(match.groups()) for match in _ENHANCED.finditer(text)]
    found = [one for one in found if one[0] != "2"]
    telling = [one for one in found if not one.endswith(".0.0")]
    qmail = _QMAIL.search(text)
    return qmail[1] if qmail else next(iter(telling or found), "")


def code_in(text: str) -> int:
    """The first SMTP reply code of a failure in a text; 0 when there is none."""
    found = _CODE.search(text[:_MAX_WORDS])
    return int(found[1]) if found else 0


def derived_status(reason: R, text: str, code: int, is_temporary: bool) -> str:
    """A status for what came without one, or with one that says nothing.

    Args:
        is_temporary: the report calls it so (a delay, an action that was not final).
    """
    detail = "4.6" if reason is R.NETWORK and _LOOP.search(text) else _DERIVED.get(reason, "0.0")
    if is_temporary or 400 <= code < 500:
        return f"4.{detail}"
    is_passing = code < 500 and reason in _PASSING and detail != "4.6"
    return f"{4 if is_passing else 5}.{detail}"
