"""An IMAP server of a few lines that misbehaves as it is told, for what a good one never does."""

import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import BinaryIO


class ScriptedImap:
    """Answers by the command's first words; what is not in the script is OK.

    Args:
        greeting: the first line; empty: none, ever.
        script: beginning of a command in capitals → untagged lines and the tagged end without its tag; an empty
            answer hangs up.
        challenges: what is sent before the end of AUTHENTICATE, each after a line of the client.
    """

    def __init__(
        self,
        script: Mapping[str, bytes],
        greeting: bytes = b"* OK hello\r\n",
        challenges: Sequence[bytes] = (b"",),
    ) -> None:
        self.script, self.greeting, self.challenges = dict(script), greeting, challenges
        self.answers: list[bytes] = []
        self.commands: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ScriptedImap":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:  # type: ignore[assignment]
                self._talk(stream)

    def _talk(self, stream: BinaryIO) -> None:
        stream.write(self.greeting)
        stream.flush()
        for line in iter(stream.readline, b""):
            tag, _, command = line.decode("latin-1").strip().partition(" ")
            self.commands.append(command)
            if command.upper().startswith("AUTHENTICATE"):
                self._challenge(stream)
            known = [words for words in self.script if command.upper().startswith(words)]
            answer = self.script[max(known, key=len)] if known else b"OK done"
            if not answer:
                return
            *untagged, end = answer.split(b"\r\n")
            stream.write(b"".join(one + b"\r\n" for one in untagged) + tag.encode() + b" " + end + b"\r\n")
            stream.flush()
            if command.upper() == "LOGOUT":
                return

    def _challenge(self, stream: BinaryIO) -> None:
        for challenge in self.challenges:
            stream.write(b"+ " + challenge + b"\r\n")
            stream.flush()
            self.answers.append(stream.readline().strip())
