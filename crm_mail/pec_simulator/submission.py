"""The submission server of a PEC operator: TLS, login, its refusals, and its bad days."""

import asyncio
import hmac
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crm_mail.pec_simulator.scenarios import Fault, fault_for
from crm_mail.sandbox.certificates import Certificates

HOST = "127.0.0.1"
_START_SECONDS = 20.0
_AFTER_354 = b"354 End data with <CR><LF>.<CR><LF>\r\n"
Take = Callable[[bytes, str, tuple[str, ...]], object]


@dataclass(slots=True)
class SubmissionLimits:
    """`size`: bytes above which the server itself refuses (552). `per_minute`: messages of one sender, 0: any number.
    `failures`: wrong passwords until a login is locked for `lock_seconds`."""

    size: int = 60 * 1024 * 1024
    recipients: int = 500
    per_minute: int = 0
    failures: int = 5
    lock_seconds: float = 600.0


class SubmissionServer:
    """Listens on the loopback in a thread of its own.

    Args:
        passwords: by login, which is the address; may change while it runs.
        take: is given each message that is answered with 250.
        fault_of: the fault for these recipients; by default the one their names ask for.
    """

    def __init__(
        self,
        certificates: Certificates,
        passwords: dict[str, str],
        take: Take,
        port: int = 0,
        fault_of: Callable[[tuple[str, ...]], Fault | None] = fault_for,
    ) -> None:
        self.host = HOST
        self.port = port
        self.passwords = passwords
        self.limits = SubmissionLimits()
        self.take = take
        self.fault_of = fault_of
        self._certificates = certificates
        self._sent: dict[str, deque[float]] = defaultdict(deque)
        self._failures: dict[str, list[float]] = defaultdict(list)
        self._postponed: set[tuple[str, ...]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> None:
        """Returns when it listens. Raises OSError."""
        sock = socket.create_server((HOST, self.port))
        self.port = sock.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(sock, ready)), name="pec-submission", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise OSError("The submission server does not start")

    def stop(self) -> None:
        """Ends it; open connections are closed."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(_START_SECONDS)
        self._thread = self._loop = self._stopping = None

    async def _serve(self, sock: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.cert_file, self._certificates.key_file)
        server = await self._loop.create_server(self._protocol, sock=sock, ssl=context)
        ready.set()
        await self._stopping.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        """`auth_require_tls` False: aiosmtpd counts only STARTTLS as TLS, and would hide AUTH here."""
        return _FaultySMTP(
            self,
            hostname="localhost",
            ident="PEC simulator",
            data_size_limit=self.limits.size,
            enable_SMTPUTF8=False,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        """535 for a wrong password (RFC 4954 6); 454 while the login is locked, also with the right one."""
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        login = data.login.decode("utf-8", "replace").lower()
        failures = self._failures[login]
        failures[:] = [at for at in failures if at > time.monotonic() - self.limits.lock_seconds]
        if len(failures) >= self.limits.failures:
            return AuthResult(success=False, handled=False, message="454 4.7.0 Account temporarily locked")
        expected = self.passwords.get(login)
        if expected is not None and hmac.compare_digest(expected.encode(), data.password):
            failures.clear()
            return AuthResult(success=True, auth_data=login)
        failures.append(time.monotonic())
        return AuthResult(
            success=False, handled=False, message="535 5.7.8 Authentication credentials invalid"
        )

    async def handle_MAIL(  # noqa: N802 aiosmtpd finds its hooks by these names
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """553 for a sender that the login does not own; 550 above the rate."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if address.lower() != str(session.auth_data).lower():
            return "553 5.7.1 Sender address rejected: not owned by user"
        if self._is_too_much(address.lower()):
            return "550 5.7.1 Class Of Service: Too much traffic from this sender"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refusals that a recipient asks for; others are taken, whoever they are."""
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            return "452 4.5.3 Too many recipients"
        fault = self.fault_of((address,))
        if fault is Fault.TOO_MUCH:
            return "550 5.7.1 Class Of Service: Too much traffic from this sender"
        if fault is Fault.NOT_NOW:
            key = (envelope.mail_from or "", address)
            if key not in self._postponed:
                self._postponed.add(key)
                return "451 4.3.2 Servizio temporaneamente non disponibile"
            self._postponed.discard(key)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes the message; where its reply is to be lost, the connection ends here."""
        recipients = tuple(envelope.rcpt_tos)
        await asyncio.to_thread(
            self.take, envelope.original_content or b"", envelope.mail_from or "", recipients
        )
        if self.fault_of(recipients) is Fault.REPLY_LOST:
            _abort(server)
        return "250 2.0.0 Ok: message accepted"

    def _is_too_much(self, sender: str) -> bool:
        sent, now = self._sent[sender], time.monotonic()
        while sent and sent[0] < now - 60:
            sent.popleft()
        if self.limits.per_minute and len(sent) >= self.limits.per_minute:
            return True
        sent.append(now)
        return False


class _FaultySMTP(SMTP):
    """Ends the connection in the middle of a message when a recipient asks for that."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        server: SubmissionServer = self.event_handler
        if self.envelope is None or server.fault_of(tuple(self.envelope.rcpt_tos)) is not Fault.DROP:
            await super().smtp_DATA(arg)
            return
        assert self._writer is not None
        assert self._reader is not None
        self._writer.write(_AFTER_354)
        await self._reader.read(64)
        _abort(self)
        await self._reader.read()  # the rest must not be taken for commands


def _abort(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
