"""A preparation from end to end: the run's row, the PDFs that are missing, the messages.

The three steps are transactions of their own. A process that stops between them leaves a run *preparing*, which
the worker takes up again; PDFs already drawn are found, not drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.printing import print_documents, unprinted
from crm_mail.installation import Installation
from crm_mail.outbox.composing.compose import fill_any_run
from crm_mail.outbox.composing.parts import Composition, is_composed
from crm_mail.outbox.composing.registry import making_of
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.due import due_documents
from crm_mail.outbox.preparing.heartbeat import beating
from crm_mail.outbox.preparing.leaving_out import count_left_out
from crm_mail.outbox.preparing.prepare import Prepared, allowed_criteria, create_run
from crm_mail.outbox.reviewing.review import count_run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how far a preparation has come; both get a count."""

    printed: Callable[[int], None] | None = None
    written: Callable[[int], None] | None = None


def prepare_run(
    home: Installation, actor: Actor, criteria: Criteria, title: str = "", progress: Progress | None = None
) -> Prepared:
    """Prepare a run and wait for it (command line, demo, tests).

    Raises:
        PermissionDenied: a document type may not be prepared by the actor.
    """
    with home.database.write() as session:
        run_id = create_run(session, actor, criteria, title).id
    return finish_preparation(home, actor, run_id, progress)


def count_unprinted(home: Installation, actor: Actor, criteria: Criteria) -> int:
    """How many PDFs a preparation would have to draw first."""
    return len(_unprinted_ids(home, actor, criteria))


def finish_preparation(
    home: Installation, actor: Actor, run_id: int, progress: Progress | None = None
) -> Prepared:
    """Draw the missing PDFs of a run and write its messages.

    Drawing may take longer than the worker waits before it takes a run for one whose process died. Whoever comes
    second finds the run prepared, and that is what was asked for.

    Raises:
        RunNotPreparing: it was given up or has left the review already.
        PermissionDenied: the actor has lost the right meanwhile.
    """
    progress = progress or Progress()
    print_missing(home, actor, run_id, progress.printed)
    with home.database.write() as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        if run.state is RunState.REVIEW:
            return _as_prepared(session, actor, run)
        return fill_any_run(session, actor, run, home.store.has, progress.written, home)


def _as_prepared(session: Session, actor: Actor, run: Run) -> Prepared:
    counts = count_run(session, actor, run)
    left_out = sum(count_left_out(session, run.id, actor.sight).values())
    return Prepared(
        run.id, sum(counts.states.values()), counts.blocked, counts.warned, left_out, run.hidden_recipients
    )


def print_missing(
    home: Installation, actor: Actor, run_id: int, on_progress: Callable[[int], None] | None = None
) -> None:
    """Draw the PDFs that a waiting run would need; whoever does it twice finds them drawn."""
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        criteria = Criteria.from_dict(run.criteria)
    if run.state is RunState.PREPARING and is_composed(run.criteria):
        making = making_of(Composition.from_dict(run.criteria).composer)
        if making is not None:
            with beating(home, run_id):
                making(home, actor, run_id, on_progress)
    elif run.state is RunState.PREPARING:
        missing = _unprinted_ids(home, actor, criteria)
        if not missing:
            return
        with beating(home, run_id):
            print_documents(
                home.database,
                home.store,
                missing,
                lambda: PdfPool(home.settings.render_processes or None),
                on_progress,
            )


def _unprinted_ids(home: Installation, actor: Actor, criteria: Criteria) -> list[int]:
    with home.database.read() as session:
        criteria = allowed_criteria(session, actor, criteria)
        query = unprinted(due_documents(criteria, actor.sight))
        return list(session.scalars(query))
