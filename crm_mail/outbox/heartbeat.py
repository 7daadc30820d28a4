"""A sign of life of whoever prepares a run: drawing PDFs may take minutes, and nobody else is to begin meanwhile."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run

BEAT_SECONDS = 5.0
log = logging.getLogger(__name__)


@contextmanager
def beating(home: Installation, run_id: int, every: float = BEAT_SECONDS) -> Iterator[None]:
    """Write the run's sign of life now and again until the block ends.

    Args:
        every: seconds, well below `tasks.GRACE`.
    """
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(every):
            try:
                _beat(home, run_id)
            except DBAPIError as error:  # busy or gone for a moment: the next one tells
                log.warning("Run %s could not show that it is being prepared: %s", run_id, error)

    _beat(home, run_id)
    thread = threading.Thread(target=beat, name=f"heartbeat-{run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(home: Installation, run_id: int) -> None:
    with home.database.write() as session:
        session.connection().execute(update(Run).where(Run.id == run_id).values(heartbeat_at=now()))
