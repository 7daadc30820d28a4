"""A mail server's answers: reading their parts, and what each means for the message (RFC 5321 4.2, RFC 3463).

Pure. 4xx is "later", 5xx is "never as it is", 421 besides closes the connection.
"""

import re
from typing import NamedTuple

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind

MAX_DETAIL = 500
"""Characters of a server's answer that are kept."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")

_TOO_MUCH = re.compile(
    r"too much traffic|class of service|too many (?:messages|e-?mails) (?:from|sent)|submission ?quota"
    r"|(?:sending|sender|submission|outgoing|hourly|daily|message) (?:message )?(?:rate|limit|quota)",
    re.IGNORECASE,
)
LOGIN_CODES = frozenset({530, 534, 535, 538})
"""Answers that speak of the login whatever command they follow (RFC 4954 6)."""
CLOSING = 421


class Reply(NamedTuple):
    """One answer: three-digit code and text (lines joined by a blank)."""

    code: int
    text: str

    @property
    def enhanced(self) -> str | None:
        found = _ENHANCED.match(self.text)
        return found.group(1) if found else None

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300


def printable(text: str, secret: str = "") -> str:
    """The text on one printable line, at most MAX_DETAIL characters, the secret blotted out."""
    if secret:
        text = text.replace(secret, "***")
    return _UNPRINTABLE.sub(" ", text).strip()[:MAX_DETAIL]


def judge(reply: Reply, cause: Cause, *, about: str = "", secret: str = "") -> Outcome:
    """The outcome that a refusing answer means. `about` names what was refused, such as an address."""
    detail = printable(f"{reply.code} {reply.text}", secret)
    if about:
        detail = f"{printable(about)}: {detail}"
    if reply.code in LOGIN_CODES:
        return Outcome(OutcomeKind.ACCOUNT_REFUSED, reply.code, detail, reply.enhanced, Cause.LOGIN)
    if says_too_much(reply, cause):
        return Outcome(OutcomeKind.TRANSIENT, reply.code, detail, reply.enhanced, Cause.THROTTLED)
    if reply.code == CLOSING:
        cause = Cause.BUSY
    elif _is_about_size(reply, cause):
        cause = Cause.SIZE
    if 400 <= reply.code < 500:
        return Outcome(OutcomeKind.TRANSIENT, reply.code, detail, reply.enhanced, cause)
    if 500 <= reply.code < 600:
        return Outcome(OutcomeKind.PERMANENT, reply.code, detail, reply.enhanced, cause)
    return Outcome(OutcomeKind.TRANSIENT, reply.code, detail, reply.enhanced, Cause.PROTOCOL)


def says_too_much(reply: Reply, cause: Cause) -> bool:
    """Whether the server complains of how much this account sends, whatever its code: InfoCert answers
    `550 … Too much traffic from this sender` and `550 … Class Of Service`, which ask for a pause and are no verdict
    on the message. A full mailbox of the recipient (x.2.2) is another matter.
    """
    is_about_mailbox = reply.enhanced is not None and reply.enhanced.endswith(
        (".1.1", ".2.2", ".2.3", ".3.4")
    )
    return (
        cause not in (Cause.LOGIN, Cause.SIGN_IN)
        and not is_about_mailbox
        and bool(_TOO_MUCH.search(reply.text))
    )


def _is_about_size(reply: Reply, cause: Cause) -> bool:
    """5.3.4 and 5.2.3 say "too big" (RFC 3463); a bare 552 does so unless it speaks of a recipient's full box."""
    if reply.enhanced is not None:
        return reply.enhanced.endswith((".3.4", ".2.3"))
    return reply.code == 552 and cause is not Cause.RECIPIENT
