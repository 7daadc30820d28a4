"""What is sent and what became of it: Envelope, Attachment, Outcome. Values only.

An Envelope is everything that decides the bytes of one message: the same Envelope always builds the same
bytes (mime.py), so what was reviewed is what leaves (outbox law 3). Named tuples: each message makes several,
and a frozen dataclass takes ten times as long to make.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import idna

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


class Attachment(NamedTuple):
    """A file of a message. The bytes lie in the content-addressed store under `sha256` (64 hex digits).

    One with a `content_id` is a picture of the HTML body: ``<img src="cid:…">`` (RFC 2392).
    """

    name: str
    mime: str
    sha256: str
    size: int
    content_id: str = ""


class Envelope(NamedTuple):
    """One message, complete. Addresses are bare (no display names) and already checked by `addresses`.

    `message_id` with its angle brackets; `date` aware; `language` such as `it`; `extra_headers` are pairs
    of name and value. An empty `body_html` counts as none.
    """

    message_id: str
    date: datetime
    from_name: str
    from_address: str
    to: str
    subject: str
    body_text: str
    body_html: str | None = None
    reply_to: str | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    extra_headers: tuple[tuple[str, str], ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody the mail server is told about: To, Cc, Bcc, each once, in that order."""
        return tuple(dict.fromkeys((self.to, *self.cc, *self.bcc)))


def receipt_header(is_pec: bool, form: str) -> tuple[tuple[str, str], ...]:
    """The header that asks a PEC operator for a kind of delivery receipt: completa, breve, sintetica (RFC 6109 2.2).

    The form comes from `ReceiptForm`; empty leaves the choice to the operator, who then gives the full one.
    """
    return (("X-TipoRicevuta", form),) if is_pec and form else ()


class OutcomeKind(StrEnum):
    """What an attempt came to, as the outbox must act on it (outbox laws 4 and 5)."""

    SENT = "sent"  # the server took the responsibility
    TRANSIENT = "transient"  # not sent; try again later
    PERMANENT = "permanent"  # not sent; trying again as it is makes no sense
    UNCERTAIN = "uncertain"  # it had the whole message, its answer was lost: never send again blindly
    ACCOUNT_REFUSED = "account_refused"  # the account cannot be used until somebody acts


class Cause(StrEnum):
    """Why, as a code: the report groups by it and says it in words with the remedy."""

    ACCEPTED = "accepted"
    DNS = "dns"  # the server's name has no address, or the name service does not answer
    CONNECTION = "connection"  # nobody listens there, or the network does not lead there
    TIMEOUT = "timeout"
    DROPPED = "dropped"  # the server closed the connection
    TLS = "tls"  # encryption could not be agreed on
    TLS_NOT_OFFERED = "tls_not_offered"
    CERTIFICATE = "certificate"  # the server could not prove who it is
    LOGIN = "login"
    LOGIN_NOT_OFFERED = "login_not_offered"
    SIGN_IN = "sign_in"  # OAuth2: a person must sign in at the provider (again)
    PROVIDER = "provider"  # OAuth2: the provider's own server cannot be reached
    BUSY = "busy"  # 421 and other "later" answers
    CREDIT = "credit"  # SMS: the gateway wants to be paid first
    THROTTLED = "throttled"  # too much was sent by this account: all of it waits
    SENDER = "sender"  # MAIL FROM refused
    RECIPIENT = "recipient"  # RCPT TO refused
    CONTENT = "content"  # refused at or after DATA
    SIZE = "size"
    SMTPUTF8 = "smtputf8"  # the address needs RFC 6531 and the server does not know it
    ADDRESS = "address"  # an address that may not be written into a command
    PROTOCOL = "protocol"  # an answer that is no SMTP


class Outcome(NamedTuple):
    """One attempt's end. `code` is the SMTP reply code, `enhanced` the RFC 3463 status (`5.1.1`), if given.

    `detail` is the server's own answer in one printable line, or what the system said; never a secret.
    """

    kind: OutcomeKind
    code: int | None
    detail: str
    enhanced: str | None = None
    cause: Cause = Cause.ACCEPTED

    @property
    def is_sent(self) -> bool:
        return self.kind is OutcomeKind.SENT


def new_message_id(domain: str, token: str) -> str:
    """`<token@domain>` (RFC 5322 3.6.4). The token must be unique and is the caller's; both are checked."""
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as refusal:
        raise ValueError(f"Not a domain for a Message-ID: {domain!r} ({refusal})") from None
    if not _TOKEN.fullmatch(token) or not _TOKEN.fullmatch(host):
        raise ValueError(f"Not usable in a Message-ID: {token!r} at {domain!r}")
    return f"<{token}@{host.lower()}>"
