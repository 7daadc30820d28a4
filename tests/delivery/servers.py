"""Mail servers that misbehave on purpose, on loopback, one thread per connection.

with FaultyServer(Faults(replies={"RCPT": "550 5.1.1 No such user"})) as server:
    session = SmtpSession(server.account())
"""

import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import AccountSettings, Security


@dataclass
class Faults:
    """What goes wrong. Stages: GREETING EHLO STARTTLS AUTH MAIL RCPT DATA END (after the final dot) RSET.

    `replies`: another answer than the good one, for a stage, `MAIL <address>` or `RCPT <address>`; `\\r\\n` for several
    lines.
    `hang_up`: close the connection instead of answering there. `hang_up_after_bytes`: close when so many bytes of
    the message have come. `pause`: seconds before the answer of a stage. `times`: faults only for the first so
    many messages (MAIL commands), over all connections.
    """

    replies: dict[str, str] = field(default_factory=dict)
    hang_up: frozenset[str] | set[str] = frozenset()
    hang_up_after_bytes: int | None = None
    pause: dict[str, float] = field(default_factory=dict)
    abilities: tuple[str, ...] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "AUTH PLAIN LOGIN")
    reset: bool = False
    """Hang up with a TCP reset instead of an orderly end."""
    times: int | None = None


class _Gone(Exception):
    pass


class _Connection(socketserver.BaseRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self.owner = self.server.owner
        self.owner.connections += 1
        try:
            if self.owner.implicit_tls is not None:
                self.request = self.owner.implicit_tls.wrap_socket(self.request, server_side=True)
            self.reader = self.request.makefile("rb")
            self._say("GREETING", "220 faulty ESMTP")
            while line := self.reader.readline(65_536):
                self._obey(line.decode("utf-8", "replace").rstrip("\r\n"))
        except (_Gone, OSError):
            pass
        finally:
            self.request.close()

    def _obey(self, line: str) -> None:
        self.owner.commands.append(line)
        verb = line.split(" ")[0].split(":")[0].upper()
        if verb == "EHLO":
            lines = ["faulty", *self.owner.faults.abilities]
            good = "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{x}" for i, x in enumerate(lines))
            self._say("EHLO", good)
        elif verb == "STARTTLS":
            self._say("STARTTLS", "220 Go")
            assert self.owner.starttls is not None
            self.request = self.owner.starttls.wrap_socket(self.request, server_side=True)
            self.reader = self.request.makefile("rb")
        elif verb == "AUTH":
            self._auth(line)
        elif verb == "MAIL":
            self.owner.tries += 1
            self.recipients: list[str] = []
            sender = line.partition("<")[2].partition(">")[0]
            self.has_sender = self._say("MAIL", "250 2.1.0 Ok", detail=sender).startswith("2")
        elif verb == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            good = "250 2.1.5 Ok" if self.has_sender else "503 5.5.1 MAIL first"
            if self._say("RCPT", good, detail=address).startswith("2"):
                self.recipients.append(address)
        elif verb == "DATA":
            good = "354 Go ahead" if self.recipients else "554 5.5.1 No valid recipients"
            if self._say("DATA", good).startswith("354"):
                self._take_message()
        elif verb == "QUIT":
            self._say("QUIT", "221 Bye")
            raise _Gone
        else:
            self._say(verb, "250 Ok")

    def _auth(self, line: str) -> None:
        if line.upper() == "AUTH LOGIN" or line.upper().startswith("AUTH LOGIN "):
            self.request.sendall(b"334 UGFzc3dvcmQ6\r\n")
            self.owner.commands.append(self.reader.readline().decode().strip())
        self._say("AUTH", "235 2.7.0 Ok")

    def _take_message(self) -> None:
        faults, taken = self.owner.faults, bytearray()
        limit = faults.hang_up_after_bytes if self._is_faulty() else None
        while not taken.endswith(b"\r\n.\r\n"):
            line = self.reader.readline()
            if not line:
                raise _Gone
            taken += line
            if limit is not None and len(taken) >= limit:
                self._leave()
        self.owner.received.append((tuple(self.recipients), bytes(taken)))
        self._say("END", "250 2.0.0 Ok: queued")

    def _is_faulty(self) -> bool:
        times = self.owner.faults.times
        return times is None or self.owner.tries <= times

    def _say(self, stage: str, good: str, detail: str = "") -> str:
        faults = self.owner.faults
        answer = good
        if self._is_faulty():
            time.sleep(faults.pause.get(stage, 0))
            if stage in faults.hang_up:
                self._leave()
            answer = faults.replies.get(f"{stage} {detail}", faults.replies.get(stage, good))
        self.request.sendall(answer.encode() + b"\r\n")
        if answer.startswith("421"):
            raise _Gone
        return answer

    def _leave(self) -> None:
        if self.owner.faults.reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raise _Gone


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: "FaultyServer"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that goes away is part of the game."""


class FaultyServer:
    """A server with faults; what it heard is in `commands` and `received` ((recipients, bytes with dots))."""

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        implicit_tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.implicit_tls, self.starttls = implicit_tls, starttls
        if starttls is not None:
            self.faults.abilities = (*self.faults.abilities, "STARTTLS")
        self.commands: list[str] = []
        self.received: list[tuple[tuple[str, ...], bytes]] = []
        self.connections = self.tries = 0
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.owner = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "FaultyServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def account(self, **changes: Any) -> AccountSettings:
        """Settings of an account here."""
        values: dict[str, Any] = {
            "kind": Channel.SMTP,
            "host": "127.0.0.1",
            "port": self.port,
            "security": Security.NONE,
            "from_address": "office@acme.example",
            "timeout_seconds": 5,
        }
        return AccountSettings(**{**values, **changes})


def certificate_context(folder: Path, *names: str) -> ssl.SSLContext:
    """A server's TLS with a certificate of a new authority in the folder (`ca.pem`), for these names."""
    from crm_mail.sandbox.certificates import ensure_certificates
    from crm_mail.sandbox.servers import server_context

    return server_context(ensure_certificates(folder, names or ("localhost", "127.0.0.1")))
