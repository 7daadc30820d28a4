"""Mails that are to arrive later, as files: what is due after a restart still arrives."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail, for whom, into which folder, and when."""

    due_at: datetime
    user: str
    folder: str
    path: Path


class MailQueue:
    """A folder of waiting mails; a line of JSON, then the mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._numbers = count()
        self._waiting = {entry.path.name: entry for entry in map(_read, sorted(folder.glob("*.mail")))}

    def add(self, due_at: datetime, user: str, folder: str, content: bytes) -> None:
        """Lets a mail wait."""
        name = f"{int(due_at.timestamp() * 1000):016d}-{next(self._numbers):06d}-{id(self):x}.mail"
        path = self._folder / name
        head = json.dumps({"due_at": due_at.isoformat(), "user": user, "folder": folder}).encode()
        draft = path.with_suffix(".new")
        draft.write_bytes(head + b"\n" + content)
        draft.rename(path)
        self._waiting[name] = Waiting(due_at, user, folder, path)

    def due(self, now: datetime) -> list[Waiting]:
        """What is due, in the order of its time."""
        found = [entry for entry in list(self._waiting.values()) if entry.due_at <= now]
        return sorted(found, key=lambda entry: (entry.due_at, entry.path.name))

    def take(self, entry: Waiting) -> bytes:
        """The mail's bytes; `done` forgets it."""
        return entry.path.read_bytes().partition(b"\n")[2]

    def done(self, entry: Waiting) -> None:
        """It has arrived."""
        entry.path.unlink(missing_ok=True)
        self._waiting.pop(entry.path.name, None)

    def has_before(self, at: datetime) -> bool:
        """Whether a mail is due before this time."""
        return any(entry.due_at < at for entry in list(self._waiting.values()))

    def __len__(self) -> int:
        return len(self._waiting)


def _read(path: Path) -> Waiting:
    with path.open("rb") as file:
        head = json.loads(file.readline())
    return Waiting(datetime.fromisoformat(head["due_at"]), head["user"], head["folder"], path)
