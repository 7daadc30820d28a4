"""Where a local server keeps what it received: one .eml file per message, exactly as it came."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from itertools import count
from pathlib import Path

_HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One received message. `recipients` and `sender` are those of the SMTP envelope; the rest from the headers."""

    path: Path
    received_at: datetime
    message_id: str
    header_from: str
    header_to: str
    subject: str
    sender: str
    recipients: tuple[str, ...]


class Maildrop:
    """A folder of received messages. Safe for several threads and processes: files appear whole, by renaming."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._numbers = count()

    def keep(self, sender: str, recipients: list[str], content: bytes) -> Path:
        """Stores a message and what its envelope said, and returns the file's path."""
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers):06d}.eml"
        head = f"X-Envelope-From: <{sender}>\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
        path = self.folder / name
        draft = self.folder / f".{name}.new"
        draft.write_bytes(head.encode("utf-8") + content)
        draft.replace(path)
        return path

    def paths(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(self.folder.glob("[0-9]*.eml"))

    def messages(self, *, newest: int | None = None) -> list[ReceivedMail]:
        """What was received, newest first, at most `newest` of it."""
        paths = self.paths()[::-1]
        return [read_received(path) for path in (paths if newest is None else paths[:newest])]

    def content(self, mail: ReceivedMail) -> bytes:
        """The message as the server was given it, without the two lines that the drop puts before it."""
        return mail.path.read_bytes().split(b"\r\n", 2)[2]


def read_received(path: Path) -> ReceivedMail:
    """The main headers of a stored message."""
    with path.open("rb") as file:
        head = BytesHeaderParser(policy=policy.default).parsebytes(file.read(_HEAD_BYTES))
    arrived = int(path.name.partition("-")[0]) / 1_000_000_000

    def text(name: str) -> str:
        return str(head.get(name, "")).strip()

    return ReceivedMail(
        path=path,
        received_at=datetime.fromtimestamp(arrived, UTC),
        message_id=text("Message-ID"),
        header_from=text("From"),
        header_to=text("To"),
        subject=text("Subject"),
        sender=text("X-Envelope-From").strip("<>"),
        recipients=tuple(part.strip() for part in text("X-Envelope-To").split(",") if part.strip()),
    )
