"""What a sender account needs to reach its server, and the four operations that every way of sending offers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from crm_mail.delivery.dkim import DkimSigner
from crm_mail.delivery.envelope import Outcome
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.gateway import GatewaySettings

DEFAULT_TIMEOUT = 120.0
"""Seconds without a sign of the server before giving up (IT-19: two minutes, extensible to ten)."""
MAX_TIMEOUT = 600.0


class Security(StrEnum):
    """How the connection is protected. NONE only by the explicit choice of an administrator."""

    TLS = "tls"  # from the first byte, usually port 465 (RFC 8314)
    STARTTLS = "starttls"  # after a command, usually port 587; refused when the server does not offer it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One sender account. An empty `username` means no login.

    `ca_file` (a path) and `ca_pem` (text) add a private authority. With `access` the login is XOAUTH2: it gives an
    access token, another one than the one it is told was refused (empty: none was), and raises ConnectionFailed.
    `dkim` signs what leaves by this account. `sms`: of a gateway for texts.
    """

    kind: Channel
    host: str
    port: int
    security: Security
    from_address: str
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = DEFAULT_TIMEOUT
    messages_per_connection: int = 100
    ca_file: str | None = None
    ca_pem: str = ""
    access: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    dkim: DkimSigner | None = field(default=None, repr=False, compare=False)
    sms: GatewaySettings | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.timeout_seconds <= MAX_TIMEOUT:
            raise ValueError(f"The time-out must be between 1 and {MAX_TIMEOUT:g} seconds.")
        if self.messages_per_connection < 1:
            raise ValueError("At least one message per connection.")


class ConnectionFailed(Exception):
    """No usable connection; `outcome` tells whether to try later (transient) or to stop the account."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class Mail(NamedTuple):
    """One message as a server takes it: MAIL FROM, RCPT TO and, in the form of DATA, its text (`blobs.payload`)."""

    sender: str
    recipients: Sequence[str]
    payload: bytes
    timeout_seconds: float = 0
    """Of its own (PM-10); 0: the account's."""


class Transport(Protocol):
    """A way to send: knows nothing of contacts, runs or the database. One instance per thread."""

    def connect(self) -> None:
        """Raises ConnectionFailed."""

    def is_usable(self) -> bool:
        """Whether the next message may go over this connection; if not: close, connect."""

    def send(self, envelope_from: str, recipients: Sequence[str], data: bytes) -> Outcome:
        """Sends one message; never raises for what a server or a network does."""

    def hand_over(
        self, mail: Mail, following: Mail | None = None, meanwhile: Callable[[], None] = lambda: None
    ) -> Outcome:
        """The same for a message already in the form of DATA.

        Args:
            following: what will be handed over next, if that is known: it may be announced at once.
            meanwhile: called while the server reads the message, unless the connection breaks before; never raises.
        """

    def close(self) -> None:
        """Never raises."""
