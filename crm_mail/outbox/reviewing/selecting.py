"""What a reviewer has selected, kept on the server: a filter and its exceptions, never a list of all ids (RP-10)."""

from collections.abc import Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.outbox.models import Message, Run, Selection
from crm_mail.outbox.reviewing.review import MAX_SELECTED, Chosen
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.permissions import Actor, Permission


class SelectionLost(Exception):
    """The rows were selected under another filter, in another window: select them again."""

    def __init__(self) -> None:
        super().__init__("the selection was changed in another window: select the messages again")


class TooManyExceptions(Exception):
    """More rows were taken out of a selection than it is fair to keep one by one: use a filter."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {MAX_SELECTED} messages were taken out one by one: narrow the list by a filter"
        )


def get_selection(session: Session, actor: Actor, run: Run) -> Selection | None:
    """What the actor has selected in a run."""
    return session.scalar(
        select(Selection).where(Selection.run_id == run.id, Selection.user_id == actor.user_id)
    )


def active_selection(session: Session, actor: Actor, run: Run, chosen: ReviewFilter) -> Selection | None:
    """The actor's selection when it was made under this very filter."""
    kept = get_selection(session, actor, run)
    return kept if kept is not None and ReviewFilter.from_dict(kept.filter) == chosen else None


def select_all(session: Session, actor: Actor, run: Run, chosen: ReviewFilter) -> None:
    """Select every row that a filter means.

    Raises:
        PermissionDenied: the right to review is missing.
    """
    actor.require(Permission.OUTBOX_REVIEW, run.company_id, *run.document_types)
    if actor.user_id is None:
        return
    clear_selection(session, actor, run)
    session.add(Selection(run_id=run.id, user_id=actor.user_id, filter=chosen.to_dict(), exceptions=[]))
    session.flush()


def clear_selection(session: Session, actor: Actor, run: Run) -> None:
    """Forget what the actor selected."""
    session.execute(delete(Selection).where(Selection.run_id == run.id, Selection.user_id == actor.user_id))


def untick(selection: Selection, shown: Iterable[int], ticked: Iterable[int]) -> None:
    """Keep which of the rows shown are ticked and which are not.

    Raises:
        TooManyExceptions
    """
    seen, kept = set(shown), set(ticked)
    exceptions = (set(selection.exceptions) - kept) | (seen - kept)
    if len(exceptions) > MAX_SELECTED:
        raise TooManyExceptions
    selection.exceptions = sorted(exceptions)
    selection.updated_at = now()


def chosen_rows(
    session: Session,
    actor: Actor,
    run: Run,
    chosen: ReviewFilter,
    ids: Iterable[int],
    shown: Iterable[int],
    is_all: bool,
) -> Chosen:
    """The rows that a posted list means: the ticked ones, or the whole selection kept on the server.

    Args:
        ids: the ticked rows of the page; shown: every row of the page.

    Raises:
        SelectionLost, TooManyExceptions
    """
    if not is_all:
        return Chosen(chosen, ids=tuple(ids))
    kept = active_selection(session, actor, run, chosen)
    if kept is None:
        raise SelectionLost
    untick(kept, shown, ids)
    return Chosen(chosen, is_all=True, exceptions=tuple(kept.exceptions))


def count_chosen(session: Session, actor: Actor, run: Run, chosen: Chosen) -> int:
    """How many rows an action would be meant for, now."""
    return (
        session.scalar(select(func.count()).select_from(Message).where(*chosen.conditions(run, actor))) or 0
    )
