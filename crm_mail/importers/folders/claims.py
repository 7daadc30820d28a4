"""Claims of files by rename, for every folder that several programs watch (hot folders, send orders). No database.

Whoever wants files moves them into a folder of its own inside `processing/`: of several watchers, on whatever
machines, the rename succeeds for one. The folder's name says whose it is, so that what a dead watcher left is taken up
again: at once on its own machine, elsewhere when nobody touched it for a while.
"""

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Final

PROCESSING: Final = "processing"
STALE_SECONDS: Final = 15 * 60.0
"""A claim of another machine that nobody touched for this long is a dead watcher's."""
_SESSION: Final = secrets.token_hex(4)


def new_claim(folder: Path) -> Path:
    """A folder of one's own inside `processing/`, not made yet."""
    return folder / PROCESSING / f"{_host()}~{os.getpid()}~{_SESSION}~{secrets.token_hex(4)}"


def claims_in(folder: Path) -> list[Path]:
    """The claims of all watchers; none when the folder cannot be read."""
    try:
        found = (folder / PROCESSING).iterdir()
        return sorted(path for path in found if path.is_dir() and not path.is_symlink())
    except OSError:
        return []


def take_over(folder: Path, now: float, own: Container[Path] = ()) -> Iterator[Path]:
    """Claims of dead watchers, under names of our own from now on; each is given to one caller.

    Args:
        now: seconds since 1970.
        own: claims of this watcher.
    """
    for left in claims_in(folder):
        if left in own or not _is_dead(left, now):
            continue
        mine = new_claim(folder)
        try:
            left.rename(mine)
            os.utime(mine)
        except OSError:  # another watcher was quicker
            continue
        yield mine


def keep_alive(claim: Path) -> None:
    """Tell other machines that a claim is being worked on."""
    with contextlib.suppress(OSError):
        os.utime(claim)


def try_folder(folder: Path, *inner: str) -> str:
    """Whether a folder can be worked in: made, listed, written to, files moved inside it and deleted.

    Args:
        inner: folders that it needs beside `processing/`.

    Returns:
        What failed: `make`, `list`, `write`, `move` or `delete`; empty when all is well.
    """
    here = folder / f".crm-mail-{secrets.token_hex(4)}"
    moved = folder / PROCESSING / here.name

    def make() -> None:
        for one in (PROCESSING, *inner):
            (folder / one).mkdir(parents=True, exist_ok=True)

    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("make", make),
        ("list", lambda: os.listdir(folder)),
        ("write", lambda: here.write_bytes(b"")),
        ("move", lambda: here.rename(moved)),
        ("delete", moved.unlink),
    )
    for step, act in steps:
        try:
            act()
        except OSError:
            for left in (here, moved):
                with contextlib.suppress(OSError):
                    left.unlink(missing_ok=True)
            return step
    return ""


def _is_dead(claim: Path, now: float) -> bool:
    """Whether nobody works on a claim any more: its process is gone, or nobody touched it for long."""
    host, _, rest = claim.name.partition("~")
    pid, _, rest = rest.partition("~")
    if host == _host() and pid.isdigit() and sys.platform != "win32":
        if int(pid) == os.getpid() and not rest.startswith(_SESSION):
            return True
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's process: it lives
            pass
    try:
        return now - claim.stat().st_mtime > STALE_SECONDS
    except OSError:
        return False


def _host() -> str:
    return socket.gethostname()[:40]
