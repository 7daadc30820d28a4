"""Finishing: a run is finished when every row is settled (outbox law 8); then whoever registered is told, once."""

import logging
from collections.abc import Callable, Iterable

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.states import QUEUED, MessageState, RunState
from crm_mail.permissions import INSTALLATION
from crm_mail.webhooks.models import Topic
from crm_mail.webhooks.noting import note_runs

log = logging.getLogger(__name__)

RunHook = Callable[[Installation, int], object]

_hooks: list[RunHook] = []


def on_run_finished(hook: RunHook) -> RunHook:
    """Register what is to be done once when a run has finished (the end report); usable as a decorator.

    The hook is called outside any transaction, with the installation and the run's id, by one worker only. When it
    raises, the error is logged and the run is not reported again.
    """
    if hook not in _hooks:
        _hooks.append(hook)
    return hook


_UNSETTLED = (*sorted(QUEUED), MessageState.PENDING)


def finish_runs(session: Session, run_ids: Iterable[int] | None = None) -> list[int]:
    """Finish the runs of which nothing is left to do; their ids.

    Args:
        run_ids: only these; None means every run that sends or was cancelled.
    """
    unsettled = exists().where(Message.run_id == Run.id, Message.state.in_(_UNSETTLED))
    query = select(Run).where(
        Run.state.in_((RunState.SENDING, RunState.CANCELLED)),
        Run.committed_at.is_not(None),
        Run.finished_at.is_(None),
    )
    if run_ids is not None:
        query = query.where(Run.id.in_(list(run_ids)))
    _cancel_stragglers(session)
    runs = session.scalars(query.where(~unsettled).with_for_update()).all()
    for run in runs:
        run.finished_at = now()
        if run.state is RunState.SENDING:
            run.state = RunState.FINISHED
        audit.record(
            session,
            INSTALLATION,
            "outbox.run.finished",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
        )
    note_runs(session, Topic.RUN_FINISHED, [run.id for run in runs if run.state is RunState.FINISHED])
    return [run.id for run in runs]


def _cancel_stragglers(session: Session) -> None:
    """Messages that were under way when their run was cancelled, and came back unsent."""
    cancelled = select(Run.id).where(Run.state == RunState.CANCELLED, Run.finished_at.is_(None))
    waiting = [
        Message.run_id.in_(cancelled),
        Message.state.in_((MessageState.COMMITTED, MessageState.RETRYING)),
    ]
    ids = list(session.scalars(select(Message.id).where(*waiting)))
    if ids:
        session.connection().execute(
            update(Message).where(Message.id.in_(ids)).values(state=MessageState.CANCELLED)
        )
        session.add_all(MessageEvent(message_id=id_, kind="cancelled") for id_ in ids)


def runs_to_report(session: Session) -> list[int]:
    """Finished runs whose end report nobody has taken on yet."""
    left = exists().where(Message.run_id == Run.id, Message.attempt_count > 0)
    has_left = or_(Run.state != RunState.CANCELLED, left)  # nothing to tell of a run called back in time
    query = (
        select(Run.id)
        .where(Run.finished_at.is_not(None), Run.reported_at.is_(None), has_left)
        .order_by(Run.id)
    )
    return list(session.scalars(query))


def report_finished_runs(home: Installation) -> list[int]:
    """Tell the registered hooks of every finished run, each run once; the ids of the runs that were told of."""
    if not _hooks:
        return []
    with home.database.read() as session:
        waiting = runs_to_report(session)
    return [run_id for run_id in waiting if _report(home, run_id)]


def _report(home: Installation, run_id: int) -> bool:
    with home.database.write() as session:
        taken = session.connection().execute(
            update(Run).where(Run.id == run_id, Run.reported_at.is_(None)).values(reported_at=now())
        )
        if taken.rowcount != 1:
            return False
    for hook in _hooks:
        try:
            hook(home, run_id)
        except Exception:  # a report that fails must not stop the sending
            log.exception("The end report of run %s failed.", run_id)
    return True
