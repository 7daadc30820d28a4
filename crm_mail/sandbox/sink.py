"""A mail server that takes everything as fast as it can and writes down what it took: for measuring and for tests.

Each accepted recipient is a line `recipient TAB Message-ID` in the record file, written before the server answers
250, so the file is the truth even when somebody is killed. Faults on request: answers 451 or 550 for a share of the
recipients, a pause before each answer to a message. `python -m crm_mail.sandbox.sink --record FILE` prints its port.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(rb"<([^>]*)>")
_ROOM = 65_536
_END = b"\r\n.\r\n"
_TAKEN = b"250 2.0.0 Ok: queued\r\n"
_ABILITIES = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"


@dataclass
class SinkSettings:
    """`delay` in seconds before the answer to a message; ratios between 0 and 1, per recipient."""

    record: Path | None = None
    delay: float = 0.0
    ratio_451: float = 0.0
    ratio_550: float = 0.0
    seed: int = 1


@dataclass
class SinkCounts:
    """What happened so far."""

    connections: int = 0
    messages: int = 0
    bytes: int = 0
    answers_451: int = 0
    answers_550: int = 0


@dataclass
class Sink:
    """Counts, settings and the open record file, shared by all connections of one server."""

    settings: SinkSettings = field(default_factory=SinkSettings)
    counts: SinkCounts = field(default_factory=SinkCounts)

    def __post_init__(self) -> None:
        self.random = random.Random(self.settings.seed)  # noqa: S311 which recipient to refuse is no secret
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.file = os.open(self.settings.record, flags, 0o644) if self.settings.record else None

    def take(self, recipients: list[bytes], message: bytes) -> None:
        """Writes the message down."""
        self.counts.messages += 1
        self.counts.bytes += len(message)
        if self.file is not None:
            found = _MESSAGE_ID.search(message, 0, 8192)
            message_id = found.group(1) if found else b"-"
            os.write(self.file, b"".join(b"%s\t%s\n" % (to, message_id) for to in recipients))

    def refusal(self) -> bytes | None:
        """The answer for a recipient that is to be refused, by the dice."""
        settings = self.settings
        if not settings.ratio_451 and not settings.ratio_550:
            return None
        dice = self.random.random()
        if dice < settings.ratio_451:
            self.counts.answers_451 += 1
            return b"451 4.3.0 Try again later\r\n"
        if dice < settings.ratio_451 + settings.ratio_550:
            self.counts.answers_550 += 1
            return b"550 5.1.1 No such user\r\n"
        return None

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Starts to listen; port 0 takes a free one."""
        return await asyncio.get_running_loop().create_server(
            lambda: SinkProtocol(self), host, port, backlog=512
        )


class SinkProtocol(asyncio.BufferedProtocol):
    """One connection: commands by line, messages up to the lonely dot."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._room = memoryview(bytearray(_ROOM))  # the loop's own would be made anew for each piece
        self._buffer = b""
        self._message: bytearray | None = None  # being received
        self._recipients: list[bytes] = []
        self._answers: list[bytes] = []  # not written yet
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.counts.connections += 1
        transport.write(b"220 sink ESMTP\r\n")

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._room[:nbytes])
        if self._message is None:
            self._buffer += data
        else:
            self._receive(data)
        self._run_commands()

    def _run_commands(self) -> None:
        """Every whole line there is; the answers leave together."""
        while not self._is_waiting and (end := self._buffer.find(b"\r\n")) >= 0:
            line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            self._answers.append(self._answer(line))
            if self._message is not None:
                rest, self._buffer = self._buffer, b""
                self._receive(rest)
        if self._answers and not self._is_waiting:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            return self._recipient(line)
        if verb == b"DATA":
            if not self._recipients:
                return b"554 5.5.1 No valid recipients\r\n"
            self._message = bytearray()
            return b"354 Go ahead\r\n"
        if verb in (b"MAIL", b"RSET"):
            self._recipients = []
            return b"250 2.0.0 Ok\r\n"
        if verb == b"QUIT":
            asyncio.get_running_loop().call_soon(self._transport.close)
            return b"221 2.0.0 Bye\r\n"
        return {b"EHLO": _ABILITIES, b"HELO": b"250 sink\r\n", b"NOOP": b"250 Ok\r\n"}.get(
            verb, b"502 5.5.2 Not here\r\n"
        )

    def _recipient(self, line: bytes) -> bytes:
        refusal = self._sink.refusal()
        if refusal is not None:
            return refusal
        found = _ADDRESS.search(line)
        self._recipients.append(found.group(1) if found else line[8:])
        return b"250 2.1.5 Ok\r\n"

    def _receive(self, data: bytes) -> None:
        """A piece of a message; what follows its end are commands again (RFC 2920 3.1)."""
        assert self._message is not None
        known = max(0, len(self._message) - len(_END) + 1)  # the end may have begun in the piece before
        self._message += data
        end = self._message.find(_END, known)
        if end < 0:
            return
        end += len(_END)
        message, self._buffer = bytes(self._message[:end]), bytes(self._message[end:])
        self._message = None
        self._sink.take(self._recipients, message)
        self._recipients = []
        if self._sink.settings.delay:
            self._is_waiting = True
            asyncio.get_running_loop().call_later(self._sink.settings.delay, self._go_on)
        else:
            self._answers.append(_TAKEN)

    def _go_on(self) -> None:
        self._is_waiting = False
        self._answers.append(_TAKEN)
        self._run_commands()


async def _serve(settings: SinkSettings, host: str, port: int) -> None:
    sink = Sink(settings)
    server = await sink.listen(host, port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()
    sys.stdout.write(f"{sink.counts}\n")


def main(arguments: list[str] | None = None) -> None:
    """Runs until SIGTERM; the first line printed is the port, the last the counts."""
    parser = argparse.ArgumentParser(description="A mail server that takes everything and writes it down.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the answer to a message")
    parser.add_argument("--ratio-451", type=float, default=0.0)
    parser.add_argument("--ratio-550", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args(arguments))
    host, port = given.pop("host"), given.pop("port")
    asyncio.run(_serve(SinkSettings(**given), host, port))


if __name__ == "__main__":
    main()
