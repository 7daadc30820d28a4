"""The watcher of the mailboxes: has each that is due read, a few at once, for as long as a process runs.

Any number of processes may watch; what one of them reads no other touches (`due_mailboxes`).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from crm_mail.background import repeating
from crm_mail.db import now
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox
from crm_mail.evidence.due_mailboxes import due_accounts
from crm_mail.evidence.reading import Intake, Reading
from crm_mail.installation import Installation

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""Between two looks at what is due: "check now" takes effect within it."""
AT_ONCE = 4
"""Mailboxes that one process reads at the same time: mostly they wait for the network."""
STOP_SECONDS = 5.0
"""How long the end of a reading is waited for; one that still connects by then is left to the end of its lease."""


@dataclass(slots=True)
class MailboxWatcher:
    """Reads what is due whenever it is told to.

    Args:
        stop: set it to end after the batches in hand; `end` also ends what waits for a server.
    """

    home: Installation
    intake: Intake = field(default_factory=Intake)
    stop: threading.Event = field(default_factory=threading.Event)
    _open: dict[int, ReadOnlyMailbox | None] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def turn(self) -> int:
        """Begin with every mailbox that is due and not under way here; how many."""
        with self.home.database.read() as session:
            due = due_accounts(session, now())
        begun = 0
        for account_id in due:
            with self._lock:
                if account_id in self._open or len(self._open) >= AT_ONCE:
                    continue
                self._open[account_id] = None
            thread = threading.Thread(
                target=self._read, args=(account_id,), name=f"mailbox-{account_id}", daemon=True
            )
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()
            begun += 1
        return begun

    def end(self) -> None:
        """Hang up wherever a server is waited for, and wait a little for the readings to end."""
        self.stop.set()
        with self._lock:
            waiting = [mailbox for mailbox in self._open.values() if mailbox is not None]
        for mailbox in waiting:
            with suppress(OSError):
                mailbox.abort()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _read(self, account_id: int) -> None:
        def opened(mailbox: ReadOnlyMailbox) -> None:
            with self._lock:
                self._open[account_id] = mailbox

        try:
            if not self.stop.is_set():
                Reading(self.home, account_id, self.intake, stop=self.stop, on_open=opened).read()
        except Exception:  # the database is away: the lease ends by itself
            log.exception("The mailbox of account %s could not be read.", account_id)
        finally:
            with self._lock:
                del self._open[account_id]


@contextmanager
def watching_mailboxes(home: Installation) -> Iterator[None]:
    """Read the mailboxes of all accounts when they are due, in threads of this process, while the block runs."""
    watcher = MailboxWatcher(home)
    try:
        with repeating("mailboxes", watcher.turn, LOOK_SECONDS, stop=watcher.stop):
            yield
    finally:
        watcher.end()
