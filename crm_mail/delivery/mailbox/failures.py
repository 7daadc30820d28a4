"""Why a mailbox could not be read, as values."""

from dataclasses import dataclass
from enum import StrEnum


class MailboxCause(StrEnum):
    """Closed set; the first ten are those of `delivery.envelope.Cause`, with the same codes."""

    DNS = "dns"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    DROPPED = "dropped"
    TLS = "tls"
    TLS_NOT_OFFERED = "tls_not_offered"
    CERTIFICATE = "certificate"
    LOGIN = "login"
    LOGIN_NOT_OFFERED = "login_not_offered"
    BUSY = "busy"
    FOLDER = "folder"  # not there, or not to be opened
    PROTOCOL = "protocol"  # an answer that is no IMAP, or none that was asked for


@dataclass(frozen=True, slots=True)
class MailboxFailure:
    """What went wrong; `detail` is the server's own answer or says what happened, in English."""

    cause: MailboxCause
    detail: str

    def __str__(self) -> str:
        """As it is kept beside the account: the code first, so that pages can say what to do."""
        return f"{self.cause}: {self.detail}"[:500]

    @property
    def needs_a_person(self) -> bool:
        """Whether it will not pass by itself."""
        return self.cause not in _PASSING


_PASSING = frozenset(
    {
        MailboxCause.DNS,
        MailboxCause.CONNECTION,
        MailboxCause.TIMEOUT,
        MailboxCause.DROPPED,
        MailboxCause.BUSY,
        MailboxCause.PROTOCOL,
    }
)


def read_failure(kept: str) -> MailboxFailure | None:
    """A failure as `str` wrote it; None for an empty text."""
    code, _, detail = kept.partition(": ")
    try:
        return MailboxFailure(MailboxCause(code), detail) if kept else None
    except ValueError:
        return MailboxFailure(MailboxCause.PROTOCOL, kept)


class MailboxFailed(Exception):
    """The mailbox cannot be used now."""

    def __init__(self, cause: MailboxCause, detail: str) -> None:
        super().__init__(detail)
        self.failure = MailboxFailure(cause, detail[:500])
