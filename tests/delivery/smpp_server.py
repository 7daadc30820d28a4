"""A small SMPP 3.4 server for tests: takes binds and texts, and hands reports to receivers."""

import socket
import socketserver
import struct
import threading
from dataclasses import dataclass, field
from typing import Any, Self

BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT, DELIVER, UNBIND = 1, 2, 4, 5, 6
_ANSWER = 0x80000000


@dataclass(frozen=True)
class TakenPdu:
    """A submit_sm, as far as tests ask."""

    source: str
    number: str
    esm_class: int
    registered: int
    coding: int
    data: bytes


@dataclass
class SmppServer:
    """Takes whoever knows the password.

    Args:
        states: command states that the next texts are answered with; 0 is good.
        waiting: short messages and their esm class and source, that the next receiver is given.
    """

    password: str = "secret"
    states: list[int] = field(default_factory=list)
    waiting: list[tuple[bytes, int, str]] = field(default_factory=list)
    taken: list[TakenPdu] = field(default_factory=list)
    confirmed: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                owner._talk(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        while head := reader.read(16):
            length, command, _status, sequence = struct.unpack(">LLLL", head)
            body = reader.read(length - 16)
            if command in (BIND_RECEIVER, BIND_TRANSMITTER):
                _system_id, password = body.split(b"\0")[:2]
                is_right = password.decode() == self.password
                self._send(connection, command | _ANSWER, sequence, b"test\0", 0 if is_right else 0x0E)
                if is_right and command == BIND_RECEIVER:
                    self._deliver(connection)
            elif command == SUBMIT:
                self.taken.append(_read(body))
                state = self.states.pop(0) if self.states else 0
                id_ = b"" if state else f"M{len(self.taken)}\0".encode()
                self._send(connection, command | _ANSWER, sequence, id_, state)
            elif command == DELIVER | _ANSWER:
                self.confirmed += 1
            elif command == UNBIND:
                self._send(connection, command | _ANSWER, sequence, b"", 0)
                return

    def _deliver(self, connection: socket.socket) -> None:
        for place, (message, esm_class, source) in enumerate(self.waiting, 1):
            addresses = b"\0\1\1" + source.encode() + b"\0\0\0sender\0"
            flags = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0, len(message)))
            self._send(connection, DELIVER, place, addresses + flags + message, 0)

    def _send(self, connection: Any, command: int, sequence: int, body: bytes, status: int) -> None:
        connection.sendall(struct.pack(">LLLL", 16 + len(body), command, status, sequence) + body)


def _read(body: bytes) -> TakenPdu:
    _service, rest = body.split(b"\0", 1)
    source, rest = rest[2:].split(b"\0", 1)
    number, rest = rest[2:].split(b"\0", 1)
    esm_class, rest = rest[0], rest[3:]
    _schedule, _validity, rest = rest.split(b"\0", 2)
    registered, _replace, coding, _default, length = rest[:5]
    return TakenPdu(source.decode(), number.decode(), esm_class, registered, coding, rest[5 : 5 + length])
