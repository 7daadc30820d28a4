"""A sign of life of whoever prepares a run: drawing PDFs may take minutes, and nobody else is to begin meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import update

from crm_mail.background import repeating
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run

BEAT_SECONDS = 5.0


@contextmanager
def beating(home: Installation, run_id: int, every: float = BEAT_SECONDS) -> Iterator[None]:
    """Write the run's sign of life now and again until the block ends.

    Args:
        every: seconds, well below `tasks.GRACE`.
    """
    _beat(home, run_id)
    with repeating(f"heartbeat-{run_id}", lambda: _beat(home, run_id), every, first=every):
        yield


def _beat(home: Installation, run_id: int) -> None:
    with home.database.write() as session:
        session.connection().execute(update(Run).where(Run.id == run_id).values(heartbeat_at=now()))
