"""What workers do for evidence besides reading mailboxes: late states, silence, searches, error notices.

What talks to servers goes on in a thread of its own, one at a time, so that neither the sending nor the end of a worker
waits for a server that does not answer.
"""

import logging
import threading
from collections.abc import Callable

from crm_mail.db import now
from crm_mail.evidence import error_notices, never_accepted, resolving, silence
from crm_mail.installation import Installation

log = logging.getLogger(__name__)

_outside = threading.Lock()


def tend(home: Installation) -> None:
    """One round, for the worker's sweep (`outbox.tasks.on_sweep`); what fails is logged and tried in the next one."""
    _try(_settle, home)
    if _has_errands(home) and _outside.acquire(blocking=False):
        threading.Thread(target=_run_errands, args=(home,), name="evidence-errands", daemon=True).start()


def _settle(home: Installation) -> None:
    with home.database.write() as session:
        resolving.apply_waiting(session)
        never_accepted.settle_never_accepted(session, now())
        silence.sweep_silence(session, now())
        error_notices.note_standing_errors(session)


def _has_errands(home: Installation) -> bool:
    with home.database.read() as session:
        return resolving.has_wanted(session, now()) or error_notices.has_due(session, now())


def _run_errands(home: Installation) -> None:
    try:
        _try(resolving.search_mailboxes, home)
        _try(error_notices.send_notices, home)
    finally:
        _outside.release()


def _try(step: Callable[[Installation], object], home: Installation) -> None:
    try:
        step(home)
    except Exception:  # an error of one step must not stop the others, nor the sending
        log.exception("A step of the upkeep of evidence failed.")
