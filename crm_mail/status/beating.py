"""Signs of life: each process that sends and watches says so every few seconds, from whatever machine (PM-21)."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from crm_mail.background import repeating
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.status.models import WorkerBeat

log = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
ALIVE = timedelta(seconds=60)
"""Without a sign for so long a process is taken for dead: clocks of several machines may differ a little."""
KEPT = timedelta(days=7)


class Kind(StrEnum):
    """What a process does."""

    SERVE = "serve"  # pages and worker
    WORKER = "worker"


@contextmanager
def beating_process(
    home: Installation, kind: Kind, processes: int = 1, every: float = BEAT_SECONDS
) -> Iterator[str]:
    """Give signs of life until the block ends; the name under which they are kept.

    Args:
        processes: workers under this one.
        every: seconds between two signs.
    """
    host, pid = socket.gethostname()[:40], os.getpid()
    name = f"{host}-{pid}-{secrets.token_hex(4)}"
    moment = now()
    with home.database.write() as session:
        session.execute(delete(WorkerBeat).where(WorkerBeat.beat_at < moment - KEPT))
        values = {"host": host, "pid": pid, "kind": kind.value, "processes": processes}
        session.add(WorkerBeat(name=name, started_at=moment, beat_at=moment, **values))

    try:
        with repeating("sign-of-life", lambda: _write(home, name), every, first=every):
            yield name
    finally:
        _write(home, name, is_end=True)


def _write(home: Installation, name: str, *, is_end: bool = False) -> None:
    try:
        with home.database.write() as session:
            moment = now()
            values = {"beat_at": moment, **({"ended_at": moment} if is_end else {})}
            session.execute(update(WorkerBeat).where(WorkerBeat.name == name).values(values))
    except DBAPIError as trouble:  # busy or gone for a moment: the next one tells
        log.warning("No sign of life could be given: %s", trouble.orig)
