"""Bytes to and answers from a mail server over a connected socket, plain or TLS. No knowledge of mail in it."""

import re
import select
import socket
import ssl
import time

from crm_mail.delivery.envelope import Cause
from crm_mail.delivery.replies import Reply, printable

_CHUNK = 262_144  # bytes handed over at once: the time-out then counts per chunk, not per message
_MAX_LINE = 65_536
_MAX_LINES = 200
_SHORT_REPLY = re.compile(rb"(\d{3}) ([^\r\n]{0,1000})\r\n")


class WireLost(Exception):
    """The connection is of no more use. `cause` says why as a code, the message in words."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Wire:
    """One connection. Every method raises WireLost; after that only `close` makes sense."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(timeout)
        self._sock = sock
        self._timeout = timeout
        self._buffer = b""

    def wait_for(self, seconds: float) -> None:
        """From now on the server has so long for each sign of life."""
        if seconds != self._timeout:
            self._sock.settimeout(seconds)
            self._timeout = seconds

    def write(self, data: bytes, then: bytes = b"") -> None:
        """Hands everything to the operating system. If it raises, the last byte was certainly not handed over.

        (On TLS too: the last byte travels in the last record, and an unfinished record cannot be read.)

        Args:
            then: commands in the same go (RFC 2920 3.1). Trouble with these alone raises nothing: that no answer comes
                tells it.
        """
        if not then:
            self._write(memoryview(data), len(data))
        elif isinstance(self._sock, ssl.SSLSocket) or len(data) > _CHUNK:
            # With TLS a failing call does not tell which records have left; a long text is not copied.
            self._write(memoryview(data), len(data))
            self._write(memoryview(then), 0)
        else:
            self._write(memoryview(data + then), len(data))

    def _write(self, view: memoryview, decisive: int) -> None:
        """Hands over; what goes wrong after the first ``decisive`` bytes is passed over."""
        handed = 0
        try:
            while handed < len(view):
                handed += self._sock.send(view[handed : handed + _CHUNK])
        except OSError as error:
            if handed >= decisive:
                return
            if isinstance(error, TimeoutError):
                raise WireLost(Cause.TIMEOUT, f"The server took nothing for {self._timeout:g} s.") from None
            raise WireLost(
                Cause.DROPPED, f"The connection broke while sending ({describe(error)})."
            ) from None

    def read_reply(self) -> Reply:
        """The next answer, of one or more lines (RFC 5321 4.2.1), within the time-out as a whole."""
        self._buffer = self._buffer or self._receive()
        short = _SHORT_REPLY.match(self._buffer)
        if short is not None:  # whole and of one line, as nearly all are
            self._buffer = self._buffer[short.end() :]
            return Reply(int(short[1]), short[2].decode("utf-8", "replace"))
        deadline = time.monotonic() + self._timeout
        texts: list[str] = []
        while len(texts) < _MAX_LINES:
            line = self._read_line(deadline)
            mark = line[3:4]
            if not line[:3].isdigit() or mark not in (b"", b" ", b"-"):
                raise WireLost(
                    Cause.PROTOCOL, f"Not an SMTP answer: {printable(line[:80].decode('latin-1'))}"
                )
            texts.append(line[4:].decode("utf-8", "replace"))
            if mark != b"-":
                return Reply(int(line[:3]), texts[0] if len(texts) == 1 else _joined(texts))
        raise WireLost(Cause.PROTOCOL, "The server's answer has no end.")

    def _read_line(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_LINE:
                raise WireLost(Cause.PROTOCOL, "The server's answer has no end.")
            if time.monotonic() > deadline:
                raise WireLost(Cause.TIMEOUT, f"The server's answer took longer than {self._timeout:g} s.")
            self._buffer += self._receive()
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.rstrip(b"\r")

    def _receive(self) -> bytes:
        try:
            chunk = self._sock.recv(65_536)
        except TimeoutError:
            raise WireLost(Cause.TIMEOUT, f"The server did not answer for {self._timeout:g} s.") from None
        except OSError as error:
            raise WireLost(Cause.DROPPED, f"The connection broke ({describe(error)}).") from None
        if not chunk:
            raise WireLost(Cause.DROPPED, "The server closed the connection.")
        return chunk

    def is_quiet(self) -> bool:
        """True while the server has said nothing unasked: neither a farewell (421) nor the end of the line."""
        if self._buffer:
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def close(self, farewell: bytes = b"") -> None:
        """Closes, saying farewell first if it may be said without waiting long. Never raises."""
        try:
            if farewell:
                self._sock.settimeout(min(self._timeout, 2))
                self._sock.sendall(farewell)
                self._sock.recv(512)
        except OSError:
            pass  # the other side is gone already, which is what we want
        finally:
            self._sock.close()


def _joined(texts: list[str]) -> str:
    """The lines of an answer as one text; the enhanced status, repeated on every line, is kept once."""
    status = texts[0].split(" ", 1)[0]
    repeated = status.count(".") == 2 and all(text.startswith(status) for text in texts)
    return " ".join(
        [texts[0], *(text.removeprefix(status).strip() if repeated else text for text in texts[1:])]
    )


def describe(error: OSError) -> str:
    """What the operating system said, without its number and without file names."""
    return printable(str(error.strerror or error) or type(error).__name__)
