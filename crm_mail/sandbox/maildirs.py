"""Mailboxes as folders of files (Maildir++), filled from outside as a mail server would."""

import os
import re
import sys
import time
from datetime import datetime
from itertools import count
from pathlib import Path

if sys.platform != "win32":
    import pwd

INBOX = "INBOX"
_SERVANT = "nobody"
"""Whom mailboxes belong to when we are root: Dovecot opens none that belongs to root."""


class Maildirs:
    """The mailboxes under one folder, one folder for each user.

    Args:
        mail_folder: where they lie.
        prefix: of every IMAP folder beside INBOX, with its separator, such as `INBOX.`; empty for none.
    """

    def __init__(self, mail_folder: Path, prefix: str = "INBOX.") -> None:
        self.mail_folder = mail_folder
        self.prefix = prefix
        self._owner = servant()
        self._numbers = count()

    def deliver(
        self, user: str, data: bytes, folder: str = INBOX, received_at: datetime | None = None
    ) -> Path:
        """Puts a mail into a folder (made if missing), bytes as they are; `received_at` is its INTERNALDATE."""
        place = self.make_folder(user, folder)
        name = (
            f"{time.time_ns() // 1_000_000_000}.M{time.time_ns()}P{os.getpid()}Q{next(self._numbers)}.local"
        )
        draft, final = place / "tmp" / name, place / "new" / name
        draft.write_bytes(data)
        self.give_away(draft)
        if received_at is not None:
            os.utime(draft, (received_at.timestamp(), received_at.timestamp()))
        draft.rename(final)
        return final

    def make_folder(self, user: str, folder: str) -> Path:
        """The Maildir of a folder, made if missing. `folder` as IMAP names it: `INBOX`, `INBOX.Inviata`."""
        root = self.mail_folder / safe_name(user) / "Maildir"
        if folder.upper() == INBOX:
            place = root
        else:
            bare = folder.removeprefix(self.prefix) if self.prefix else folder
            place = root / f".{safe_name(bare)}"
        if not (place / "new").is_dir():
            self._make_maildir(root)
            self._make_maildir(place)
        return place

    def paths(self, user: str, folder: str = INBOX) -> list[Path]:
        """The files of a folder's mails, oldest first; the part of a name after `:2,` are its flags."""
        place = self.make_folder(user, folder)
        return sorted([*(place / "new").iterdir(), *(place / "cur").iterdir()], key=lambda path: path.name)

    def flags(self, user: str, folder: str = INBOX) -> list[str]:
        """The flags of each mail (S seen, T deleted, R answered, F flagged): empty strings when untouched."""
        return [path.name.partition(":2,")[2] for path in self.paths(user, folder)]

    def move(self, user: str, source: str, target: str) -> int:
        """Moves every mail to another folder, as an operator's filter does; how many. UIDs there are new ones."""
        place = self.make_folder(user, target)
        moved = self.paths(user, source)
        for path in moved:
            path.rename(place / "new" / path.name.partition(":")[0])
        return len(moved)

    def change_uid_validity(self, user: str, folder: str = INBOX) -> None:
        """Makes every UID of the folder meaningless (RFC 9051 2.3.1.1), as a move to another server does."""
        place = self.make_folder(user, folder)
        listed = place / "dovecot-uidlist"
        found = re.match(rb"3 V(\d+)", listed.read_bytes()) if listed.exists() else None
        validity = int(found.group(1)) + 1 if found else int(time.time())
        for path in place.glob("dovecot.index*"):
            path.unlink()
        names = [path.name for path in self.paths(user, folder)]
        lines = [f"3 V{validity} N{len(names) + 1}"]
        lines += [f"{number} :{name.partition(':')[0]}" for number, name in enumerate(names, 1)]
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.give_away(listed)

    def _make_maildir(self, place: Path) -> None:
        for folder in (place, *(place / part for part in ("new", "cur", "tmp"))):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (*place.parents, place, *place.iterdir()):
            if folder.is_relative_to(self.mail_folder):
                self.give_away(folder)

    def give_away(self, path: Path) -> None:
        if self._owner is not None:
            os.chown(path, *self._owner)


def servant() -> tuple[int, int] | None:
    """User and group that Dovecot runs as; None: as ourselves."""
    if sys.platform == "win32" or os.getuid() != 0:
        return None
    entry = pwd.getpwnam(_SERVANT)
    return entry.pw_uid, entry.pw_gid


def safe_name(name: str) -> str:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise ValueError(f"Not a name for a mailbox: {name!r}")
    return name


def is_reachable(folder: Path) -> bool:
    """Whether others may enter all folders above it."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents if parent.exists())
