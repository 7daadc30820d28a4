"""What the commands of watched folders share: look twice, or look until Ctrl-C."""

import threading
from typing import Final, Protocol

from crm_mail.cli.frame import find_company
from crm_mail.installation import Installation
from crm_mail.outbox.sending.worker import stop_on_signals

PAUSE_SECONDS: Final = 1.0
"""Between two looks: a file that grows within it is left for the next time."""


class Watcher(Protocol):
    """Looks into folders whenever it is told to."""

    stop: threading.Event

    def turn(self) -> int: ...


def look_twice(watcher: Watcher) -> None:
    """Take in what is ready now: a file is, when two looks saw the same."""
    watcher.turn()
    watcher.stop.wait(PAUSE_SECONDS)
    watcher.turn()


def look_until_stopped(watcher: Watcher, seconds: float) -> None:
    """Take in what comes, every so many seconds, until SIGTERM or Ctrl-C; the turn in hand is ended first."""
    with stop_on_signals(watcher.stop, threading.Event()):
        while not watcher.stop.is_set():
            watcher.turn()
            watcher.stop.wait(seconds)


def company_id_of(home: Installation, code: str) -> int:
    """The company's id. Raises what `find_company` raises."""
    with home.database.read() as session:
        return find_company(session, code).id
