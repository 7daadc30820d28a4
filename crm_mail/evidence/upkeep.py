"""What workers do for evidence besides reading mailboxes: late states, silence, searches, error notices."""

import logging
from collections.abc import Callable

from crm_mail.db import now
from crm_mail.evidence import error_notices, resolving, silence
from crm_mail.installation import Installation

log = logging.getLogger(__name__)


def tend(home: Installation) -> None:
    """One round, for the worker's sweep (`outbox.tasks.on_sweep`); what fails is logged and tried in the next one."""
    for step in (_settle, resolving.search_mailboxes, error_notices.send_notices):
        _try(step, home)


def _settle(home: Installation) -> None:
    with home.database.write() as session:
        resolving.apply_waiting(session)
        silence.sweep_silence(session, now())
        error_notices.note_standing_errors(session)


def _try(step: Callable[[Installation], object], home: Installation) -> None:
    try:
        step(home)
    except Exception:  # an error of one step must not stop the others, nor the sending
        log.exception("A step of the upkeep of evidence failed.")
