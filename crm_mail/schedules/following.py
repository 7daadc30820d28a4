"""Following a firing's run: prepared, it is committed by its standing authorisation or waits for a person.

Without a message the run is cancelled, and the history says that nothing was due.
"""

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sending.control import cancel_run
from crm_mail.outbox.standing.service import commit_by_standing
from crm_mail.outbox.states import RunState
from crm_mail.permissions import INSTALLATION
from crm_mail.schedules.greeting import forget_left_out
from crm_mail.schedules.kinds import Outcome
from crm_mail.schedules.models import Firing, FiringState

log = logging.getLogger(__name__)


def settle(session: Session, firing: Firing, outcome: Outcome) -> None:
    """Keep what became of a firing."""
    firing.state, firing.reason, firing.detail = outcome.state, outcome.reason, outcome.detail
    firing.run_id = outcome.run_id or firing.run_id
    firing.ended_at, firing.lease_until = now(), None


def follow_runs(home: Installation) -> None:
    """Look after every firing whose run is not settled yet; runs that a dead worker left are filled by the sweep."""
    query = (
        select(Firing.id)
        .join(Run, Run.id == Firing.run_id)
        .where(Firing.state == FiringState.PREPARING, Run.state != RunState.PREPARING)
        .order_by(Firing.id)
    )
    with home.database.read() as session:
        open_ones = session.scalars(query.limit(200)).all()
    for firing_id in open_ones:
        follow_run(home, firing_id)


def follow_run(home: Installation, firing_id: int) -> None:
    """Settle one firing by its run, when that has been prepared."""
    with home.database.write() as session:
        query = select(Firing).where(Firing.id == firing_id, Firing.state == FiringState.PREPARING)
        firing = session.scalar(query.with_for_update(skip_locked=True))
        if firing is None or firing.run_id is None:
            return
        run = session.get_one(Run, firing.run_id)
        outcome = _outcome(session, home, firing, run)
        if outcome is not None:
            settle(session, firing, outcome)


def _outcome(session: Session, home: Installation, firing: Firing, run: Run) -> Outcome | None:
    if run.state is RunState.PREPARING:
        return None
    if run.state is RunState.CANCELLED:
        why = str(run.commit_summary.get("error", ""))
        return Outcome(FiringState.FAILED, "run_failed", {"why": why}) if why else Outcome(FiringState.DONE)
    if run.state is not RunState.REVIEW:  # a person was quicker
        return Outcome(FiringState.COMMITTED, "by_person")
    forget_left_out(session, run.id)
    if session.scalar(select(Message.id).where(Message.run_id == run.id).limit(1)) is None:
        cancel_run(session, INSTALLATION, run)
        return Outcome(FiringState.NOTHING)
    if firing.schedule.authorisation_id is None:
        return Outcome(FiringState.WAITING, "for_person")
    result = commit_by_standing(session, run, firing.schedule.authorisation_id)
    if result.is_leaving:
        return Outcome(FiringState.COMMITTED, "authorisation")
    reason = "second_person" if result.committed else "authorisation_refused"
    return Outcome(FiringState.WAITING, reason, {"code": result.reason})
