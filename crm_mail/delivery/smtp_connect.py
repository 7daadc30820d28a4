"""Reaching a mail server: network, greeting, encryption, login. Every way to fail becomes one clear Outcome.

Certificates are always verified, against the system's authorities and the account's own. What needs a person (a
refused login, a bad certificate, no encryption on offer) is `account_refused`; what may pass by itself is
`transient`.
"""

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.replies import Reply, judge, printable
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Security
from crm_mail.delivery.wire import describe

T = TypeVar("T")

GREETING_NAME = "[127.0.0.1]"
"""What we call ourselves in EHLO: as mail programs do, nothing of the office's network (RFC 5321 4.1.3)."""
REACH_SECONDS = 30.0
"""Longest wait for the network connection itself; the account's time-out then rules every answer."""


class Place(Protocol):
    """Where a server is, and how long it is waited for."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def timeout_seconds(self) -> float: ...


class SmtpConnection(smtplib.SMTP):
    """The standard client, with the socket made here: implicit TLS, and a short wait for the network only."""

    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings
        super().__init__(
            settings.host, settings.port, local_hostname=GREETING_NAME, timeout=settings.timeout_seconds
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        implicit = self._settings.security is Security.TLS
        context = tls_context(self._settings.ca_file, self._settings.ca_pem) if implicit else None
        sock = socket.create_connection((host, port), min(timeout, REACH_SECONDS))
        sock.settimeout(timeout)
        return context.wrap_socket(sock, server_hostname=host) if context else sock


def tls_context(ca_file: str | None, ca_pem: str = "") -> ssl.SSLContext:
    """A verifying client context: the system's authorities plus the account's own. Kept while they are unchanged."""
    changed_at = Path(ca_file).stat().st_mtime_ns if ca_file else 0
    return _tls_context(ca_file, changed_at, ca_pem)


@lru_cache(maxsize=32)
def _tls_context(ca_file: str | None, _changed_at: int, ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    return context


def open_connection(settings: AccountSettings) -> SmtpConnection:
    """A connection that is encrypted as asked, logged in, and has told what it can. Raises ConnectionFailed.

    An access token that the server refuses is renewed once, and tried over a new connection.
    """
    if settings.access is None:
        return _open(settings)
    token = settings.access("")
    try:
        return _open(replace(settings, password=token))
    except ConnectionFailed as failure:
        if failure.outcome.cause is not Cause.SIGN_IN or failure.outcome.kind is OutcomeKind.TRANSIENT:
            raise
    return _open(replace(settings, password=settings.access(token)))


def _open(settings: AccountSettings) -> SmtpConnection:
    connection = _reaching(settings, lambda: SmtpConnection(settings))
    try:
        _reaching(settings, lambda: _introduce(connection, settings))
        return connection
    except ConnectionFailed:
        connection.close()
        raise


def _introduce(connection: SmtpConnection, settings: AccountSettings) -> None:
    connection.ehlo_or_helo_if_needed()
    if settings.security is Security.STARTTLS:
        if not connection.has_extn("starttls"):
            raise _refused(Cause.TLS_NOT_OFFERED, "The server does not offer encryption (STARTTLS).")
        connection.starttls(context=tls_context(settings.ca_file, settings.ca_pem))
        connection.ehlo_or_helo_if_needed()
    if settings.access is not None:
        _sign_in(connection, settings)
    elif settings.username:
        _log_in(connection, settings)


def _log_in(connection: SmtpConnection, settings: AccountSettings) -> None:
    """One attempt, with the first mechanism offered: a second one would count towards a lock-out."""
    offered = connection.esmtp_features.get("auth", "").upper().split()
    login, password = settings.username.encode(), settings.password.encode()
    if "PLAIN" in offered:
        token = base64.b64encode(b"\0" + login + b"\0" + password).decode("ascii")
        code, text = connection.docmd("AUTH", f"PLAIN {token}")
    elif "LOGIN" in offered:
        code, text = connection.docmd("AUTH", f"LOGIN {base64.b64encode(login).decode('ascii')}")
        if code == 334:
            code, text = connection.docmd(base64.b64encode(password).decode("ascii"))
    elif "CRAM-MD5" in offered:
        connection.user, connection.password = settings.username, settings.password
        code, text = connection.auth("CRAM-MD5", connection.auth_cram_md5)
    else:
        raise _refused(Cause.LOGIN_NOT_OFFERED, "The server offers no login that this program knows.")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


def _sign_in(connection: SmtpConnection, settings: AccountSettings) -> None:
    """With the access token in `password`. A refusal is told in a challenge first (334), which wants an answer
    before the final code comes (XOAUTH2; RFC 7628 3.2.3 for OAUTHBEARER).
    """
    offered = connection.esmtp_features.get("auth", "").upper().split()
    bearer = f"auth=Bearer {settings.password}\x01\x01"
    if "XOAUTH2" in offered:
        mechanism, text, farewell = "XOAUTH2", f"user={settings.username}\x01{bearer}", ""
    elif "OAUTHBEARER" in offered:
        who = settings.username.replace("=", "=3D").replace(",", "=2C")
        mechanism, text, farewell = "OAUTHBEARER", f"n,a={who},\x01{bearer}", "AQ=="
    else:
        raise _refused(Cause.LOGIN_NOT_OFFERED, "The server offers no login with an access token (XOAUTH2).")
    code, told = connection.docmd("AUTH", f"{mechanism} {base64.b64encode(text.encode()).decode('ascii')}")
    if code == 334:
        code, last = connection.docmd(farewell)
        told = last or told
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, told)


def _reaching(settings: AccountSettings, step: Callable[[], T]) -> T:
    """Runs one step and turns whatever goes wrong into a ConnectionFailed."""
    try:
        return step()
    except smtplib.SMTPAuthenticationError as error:
        cause = Cause.LOGIN if settings.access is None else Cause.SIGN_IN
        raise ConnectionFailed(_login_outcome(_reply_of(error), settings.password, cause)) from None
    except smtplib.SMTPResponseException as error:
        raise ConnectionFailed(_greeting_outcome(_reply_of(error), settings)) from None
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, TimeoutError):
            raise _later(Cause.TIMEOUT, _silent(settings)) from None
        raise _later(
            Cause.DROPPED, f"{settings.host} closed the connection before anything was sent."
        ) from None
    except (smtplib.SMTPException, UnicodeError) as error:
        raise _refused(Cause.LOGIN, printable(str(error), settings.password)) from None
    except OSError as error:
        raise ConnectionFailed(network_outcome(error, settings)) from None


def network_outcome(error: OSError, settings: Place) -> Outcome:
    """What an error of the network or of TLS means; the same for every protocol."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _refused(Cause.CERTIFICATE, f"{where}: {printable(error.verify_message)}").outcome
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _later(Cause.DROPPED, f"{where} closed the connection during the TLS handshake.").outcome
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "no TLS there").replace("_", " ").lower()
        return _refused(
            Cause.TLS, f"{where}: encryption could not be agreed on ({printable(reason)})."
        ).outcome
    if isinstance(error, FileNotFoundError):
        return _refused(Cause.CERTIFICATE, "The account's authority file is missing.").outcome
    if isinstance(error, socket.gaierror):
        return _later(Cause.DNS, f"{settings.host}: {describe(error)}").outcome
    if isinstance(error, TimeoutError):
        return _later(Cause.TIMEOUT, _silent(settings)).outcome
    cause = Cause.DROPPED if isinstance(error, ConnectionResetError | BrokenPipeError) else Cause.CONNECTION
    return _later(cause, f"{where}: {describe(error)}").outcome


def _login_outcome(reply: Reply, secret: str, cause: Cause) -> Outcome:
    """5xx stops the account (535, 534, 530…); 4xx such as 454 or 421 may pass by itself (RFC 4954 6)."""
    judged = judge(reply, cause, secret=secret)
    if judged.kind in (OutcomeKind.PERMANENT, OutcomeKind.ACCOUNT_REFUSED):
        return Outcome(OutcomeKind.ACCOUNT_REFUSED, judged.code, judged.detail, judged.enhanced, cause)
    return judged


def _greeting_outcome(reply: Reply, settings: AccountSettings) -> Outcome:
    """A refusal at the greeting, at EHLO or at STARTTLS: later if 4xx, else the account's matter."""
    judged = judge(reply, Cause.BUSY, about=settings.host, secret=settings.password)
    if judged.kind is OutcomeKind.PERMANENT:
        return Outcome(
            OutcomeKind.ACCOUNT_REFUSED, judged.code, judged.detail, judged.enhanced, Cause.CONNECTION
        )
    return judged


def _reply_of(error: smtplib.SMTPResponseException) -> Reply:
    text = error.smtp_error
    return Reply(error.smtp_code, text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))


def _silent(settings: Place) -> str:
    return f"{settings.host}:{settings.port} did not answer within {settings.timeout_seconds:g} s."


def _later(cause: Cause, detail: str) -> ConnectionFailed:
    return ConnectionFailed(Outcome(OutcomeKind.TRANSIENT, None, detail, None, cause))


def _refused(cause: Cause, detail: str) -> ConnectionFailed:
    return ConnectionFailed(Outcome(OutcomeKind.ACCOUNT_REFUSED, None, detail, None, cause))
