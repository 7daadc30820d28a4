"""What workers do besides sending: prepare runs that wait for it, settle lost messages, finish runs, tell of it."""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from crm_mail import audit, audit_chain
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.installation import Installation
from crm_mail.outbox.composing.compose import fill_any_run
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.preparation import print_missing
from crm_mail.outbox.preparing.prepare import Prepared
from crm_mail.outbox.sending import copies, finishing, journal, reconcile
from crm_mail.outbox.states import RunState
from crm_mail.permissions import INSTALLATION, Actor
from crm_mail.refusals import Refusal
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

log = logging.getLogger(__name__)

FILL_RUN = "outbox.fill_run"
DRAIN = "outbox.drain"
_upkeep: list[Callable[[Installation], object]] = []

GRACE = timedelta(seconds=15)
"""Without a sign of life for this long, a run that is still *preparing* is taken for one whose process died."""


def on_sweep(step: Callable[[Installation], object]) -> None:
    """Register what other rooms do in each sweep: outside any transaction, and never raising."""
    if step not in _upkeep:
        _upkeep.append(step)


class ActorGone(Refusal):
    """The person who asked for a run is no longer active: somebody else must prepare it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is no longer active: somebody else must prepare the run")


def fill_one_run(
    home: Installation, run_id: int | None = None, on_progress: Callable[[int], None] | None = None
) -> Prepared | None:
    """Prepare a run that waits for it; None when there is none or another process is at it.

    The PDFs it lacks are drawn first, outside any transaction; the messages are written in one.

    Args:
        run_id: this one; None means any that has waited longer than `GRACE`.

    A run that cannot be prepared is cancelled, with the reason in ``commit_summary["error"]`` and in the audit.
    """
    failed: tuple[int, str] | None = None
    try:
        with home.database.read() as session:
            run = _next_run(session, run_id)
            if run is None:
                return None
            failed = (run.id, "")
            actor = _actor_of(session, run)
        print_missing(home, actor, failed[0])
        with home.database.write() as session:
            run = _next_run(session, failed[0])
            if run is None:
                return None
            return fill_any_run(session, _actor_of(session, run), run, home.store.has, on_progress, home)
    except DBAPIError:
        raise  # the database is in trouble, not the run: the sweep comes back
    except Exception as error:  # whatever it is, the person must see it instead of waiting for ever
        if failed is None:
            raise
        log.exception("Run %s could not be prepared.", failed[0])
        _give_up(home, failed[0], str(error) or type(error).__name__)
        return None


def _next_run(session: Session, run_id: int | None) -> Run | None:
    query = select(Run).where(Run.state == RunState.PREPARING).order_by(Run.id).limit(1)
    if run_id is None:
        query = query.where(func.coalesce(Run.heartbeat_at, Run.created_at) <= now() - GRACE)
    else:
        query = query.where(Run.id == run_id)
    return session.scalar(query.with_for_update(skip_locked=True))


def _actor_of(session: Session, run: Run) -> Actor:
    if run.created_by is None:
        return INSTALLATION
    user = session.get_one(User, run.created_by)
    if not user.is_active:
        raise ActorGone(user.name)
    return build_actor(session, user)


def _give_up(home: Installation, run_id: int, reason: str) -> None:
    with home.database.write() as session:
        run = session.get_one(Run, run_id)
        run.state, run.commit_summary = RunState.CANCELLED, {"error": reason[:500]}
        audit.record(
            session,
            INSTALLATION,
            "outbox.run.prepare_failed",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
            reason=reason[:500],
        )


def fill_waiting_runs(home: Installation) -> list[int]:
    """Prepare every run that waits and whose bell was lost; their ids."""
    filled: list[int] = []
    while (prepared := fill_one_run(home)) is not None:
        filled.append(prepared.run_id)
    return filled


def has_waiting_runs(home: Installation) -> bool:
    """Whether any run is still to be prepared."""
    with home.database.read() as session:
        return session.scalar(select(Run.id).where(Run.state == RunState.PREPARING).limit(1)) is not None


def settle_dead_workers(home: Installation) -> int:
    """Settle at once what the journals of this machine's dead workers tell of; how many messages."""
    settled = 0
    for told in journal.of_dead_workers(journal.journals_folder(home)):
        with home.database.read() as session:
            is_left = reconcile.has_left(session, told.owner)
        if is_left:
            settled += _settle_dead(home, told)
        else:
            told.lay_aside()
    return settled


def _settle_dead(home: Installation, told: journal.Told) -> int:
    try:
        told.read()
        with home.database.write() as session:
            return reconcile.settle_dead(session, told.owner, now(), told)
    except OperationalError:  # a database that is locked or gone: the next sweep does it
        raise
    except Exception:  # one journal must not keep the sweep from all other work
        log.exception("The journal of %s cannot be applied; what it tells of is in doubt.", told.owner)
    with home.database.write() as session:
        return reconcile.settle_dead(session, told.owner, now())


def sweep(home: Installation, *, is_alone: bool = False) -> int:
    """Settle messages of dead workers, finish what is done, tell of it; how many messages were settled.

    Args:
        is_alone: see `reconcile.settle_lost`.
    """
    settled = settle_dead_workers(home)
    moment = now()
    with home.database.write() as session:
        while lost := reconcile.settle_lost(session, moment, is_alone=is_alone):
            settled += len(lost)
        finishing.finish_runs(session)
        limits.forget_old_usage(session, moment)
    finishing.report_finished_runs(home)
    copies.handle_copies(home)
    for step in _upkeep:
        step(home)
    audit_chain.tend(home)
    return settled
