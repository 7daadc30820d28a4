"""Reaching an IMAP server: network, encryption, greeting, login (RFC 9051, 8314). Every way to fail is a MailboxFailed.

Certificates are always verified, as for sending. Answers are bounded: a server cannot fill the memory.
"""

import imaplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed
from crm_mail.delivery.mailbox.responses import quote
from crm_mail.delivery.mailbox.settings import MailboxSettings
from crm_mail.delivery.replies import printable
from crm_mail.delivery.smtp_connect import REACH_SECONDS, network_outcome, tls_context
from crm_mail.delivery.transports import Security

LONGEST_LINE = 8 * 1024 * 1024
"""Bytes of an answer without literals: a SEARCH of a million mails fits."""
LARGEST_LITERAL = 160 * 1024 * 1024
"""Bytes of one mail: a full receipt of the largest PEC message, 100 MB in base 64."""
_STRANGE = ("unexpected", "is too large", "a line of more")
_LATER = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "TOO MANY", "TRY AGAIN", "TEMPORAR")


class ImapConnection(imaplib.IMAP4):
    """The standard client, with the socket made here and every answer bounded."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._incoming: BinaryIO
        super().__init__(settings.host, settings.port, settings.timeout_seconds)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        patience = self._settings.timeout_seconds
        sock = socket.create_connection((host, port), min(patience, REACH_SECONDS))
        sock.settimeout(patience)
        self.sock = sock
        if self._settings.security is Security.TLS:
            self.encrypt()
        self._incoming = cast("BinaryIO", self.sock.makefile("rb"))

    def encrypt(self) -> None:
        """Put TLS over the socket."""
        context = tls_context(self._settings.ca_file, self._settings.ca_pem)
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def switch_to_tls(self) -> None:
        """STARTTLS (RFC 9051 6.2.1); what the server said before counts no more."""
        if "STARTTLS" not in self.capabilities:
            raise MailboxFailed(
                MailboxCause.TLS_NOT_OFFERED, "The server does not offer encryption (STARTTLS)."
            )
        answer, _ = self._simple_command("STARTTLS")
        if answer != "OK":
            raise MailboxFailed(MailboxCause.TLS_NOT_OFFERED, "The server refused STARTTLS.")
        self.encrypt()
        self._incoming = cast("BinaryIO", self.sock.makefile("rb"))
        self.refresh_capabilities()

    def log_in_plainly(self, user: str, password: str) -> None:
        """LOGIN (RFC 9051 6.2.3), for servers without SASL PLAIN; both words quoted."""
        answer, lines = self._simple_command("LOGIN", quote(user), quote(password))
        if answer != "OK":
            raise self.error(lines[-1])
        self.state = "AUTH"

    def refresh_capabilities(self) -> None:
        """Ask again: after TLS and after the login a server offers something else."""
        answer, lines = self.capability()
        if answer == "OK" and lines and lines[-1]:
            words = bytes(lines[-1]).decode("ascii", "replace").upper()
            self.capabilities = tuple(words.split())

    def read(self, size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise self.abort(f"an answer of {size} bytes is too large")
        return self._incoming.read(size)

    def readline(self) -> bytes:
        line = self._incoming.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.abort(f"a line of more than {LONGEST_LINE} bytes")
        return line

    def shutdown(self) -> None:
        if hasattr(self, "_incoming"):
            self._incoming.close()
        self.sock.close()


@contextmanager
def failing(settings: MailboxSettings) -> Iterator[None]:
    """Turns whatever goes wrong inside into a MailboxFailed."""
    try:
        yield
    except imaplib.IMAP4.abort as error:
        told = _told(error, settings)
        is_strange = any(words in told for words in _STRANGE)
        raise MailboxFailed(MailboxCause.PROTOCOL if is_strange else MailboxCause.DROPPED, told) from None
    except imaplib.IMAP4.error as error:
        told = _told(error, settings)
        is_bye = "* BYE" in told  # instead of a greeting
        raise MailboxFailed(MailboxCause.BUSY if is_bye else MailboxCause.PROTOCOL, told) from None
    except OSError as error:
        outcome = network_outcome(error, settings)
        raise MailboxFailed(MailboxCause(outcome.cause.value), outcome.detail) from None
    except UnicodeError as error:
        raise MailboxFailed(MailboxCause.PROTOCOL, _told(error, settings)) from None


def open_imap(settings: MailboxSettings) -> ImapConnection:
    """A connection, encrypted as asked and logged in. Raises MailboxFailed."""
    with failing(settings):
        connection = ImapConnection(settings)
    try:
        with failing(settings):
            if settings.security is Security.STARTTLS:
                connection.switch_to_tls()
            _log_in(connection, settings)
            connection.refresh_capabilities()
    except BaseException:
        connection.shutdown()
        raise
    return connection


def certificate_of(connection: ImapConnection) -> bytes | None:
    """The server's certificate (DER); None without encryption."""
    return (
        connection.sock.getpeercert(binary_form=True) if isinstance(connection.sock, ssl.SSLSocket) else None
    )


def _log_in(connection: ImapConnection, settings: MailboxSettings) -> None:
    """One attempt, with one mechanism: a second one would count towards a lock-out."""
    user, password = settings.username, settings.password
    offered = connection.capabilities
    try:
        if settings.access_token:
            line = f"user={user}\1auth=Bearer {settings.access_token}\1\1".encode()
            answers = iter((line,))  # a challenge that follows tells why; it is answered by nothing
            connection.authenticate("XOAUTH2", lambda _challenge: next(answers, b""))
        elif "AUTH=PLAIN" in offered:
            connection.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())
        elif "LOGINDISABLED" in offered:
            detail = "The server offers no login that this program knows."
            raise MailboxFailed(MailboxCause.LOGIN_NOT_OFFERED, detail)
        else:
            connection.log_in_plainly(user, password)
    except imaplib.IMAP4.abort:
        raise
    except ValueError:
        detail = "The user name or the password has characters that this server's login cannot take."
        raise MailboxFailed(MailboxCause.LOGIN, detail) from None
    except imaplib.IMAP4.error as error:
        told = _told(error, settings)
        is_later = any(word in told.upper() for word in _LATER)
        raise MailboxFailed(MailboxCause.BUSY if is_later else MailboxCause.LOGIN, told) from None


def _told(error: Exception, settings: MailboxSettings) -> str:
    """The server's words in one line, without the password or the token."""
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    for secret in (settings.password, settings.access_token):
        text = printable(text, secret)
    return f"{settings.host}: {text}"
