"""Review: look at a prepared run, leave rows out and put them back, approve, correct (IT-5).

Every query carries the actor's clearance; a run in which the actor may see no document type does not exist for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, insert, literal, select
from sqlalchemy.orm import Session, object_session

from crm_mail.db import now
from crm_mail.outbox.issues import BLOCKERS
from crm_mail.outbox.models import LeftOut, Message, MessageEvent, MessageIssue, Run
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.sight import is_in_sight, left_out_in_sight, messages_in_sight
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import OUTBOX_PERMISSIONS, Actor, Permission
from crm_mail.refusals import Refusal

PAGE_SIZES = (50, 100, 200)
MAX_SELECTED = 10_000  # single rows ticked by hand; more are a filter


class RunNotOpen(Refusal):
    """The run is no longer under review; its rows cannot be changed."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.id} is {run.state.value}: its messages can no longer be changed")


def can_see_run(actor: Actor, run: Run) -> bool:
    """Whether the actor holds a right of the outbox for every type of the run: its messages may carry them all."""
    types: list[str | None] = list(run.document_types) or [None]
    return _holds_own_customers(actor, run) and all(
        any(actor.can(permission, run.company_id, type_) for permission in OUTBOX_PERMISSIONS)
        for type_ in types
    )


def _holds_own_customers(actor: Actor, run: Run) -> bool:
    """Whether a run is one's own, or writes to a customer that exists for the actor: its criteria name the others."""
    session = object_session(run)
    if actor.sight.is_whole or session is None or run.created_by == actor.user_id:
        return True
    query = select(Message.id).where(Message.run_id == run.id, messages_in_sight(actor.sight)).limit(1)
    return session.scalar(query) is not None


def find_run(session: Session, actor: Actor, run_id: int) -> Run | None:
    """The run, if it exists for the actor."""
    run = session.get(Run, run_id)
    return run if run is not None and can_see_run(actor, run) else None


def find_message(session: Session, actor: Actor, message_id: int) -> Message | None:
    """The message, if it exists for the actor."""
    message = session.get(Message, message_id)
    if message is None or not is_in_sight(session, actor.sight, message):
        return None
    return message if can_see_run(actor, message.run) else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; ``previous``/``next`` are cursors (message ids), None at the ends."""

    messages: Sequence[Message]
    previous: int | None
    next: int | None


def list_messages(
    session: Session,
    actor: Actor,
    run: Run,
    chosen: ReviewFilter,
    *,
    after: int | None = None,
    before: int | None = None,
    size: int = PAGE_SIZES[0],
) -> Page:
    """A page of rows by keyset: its cost does not grow with its depth."""
    ids = select(Message.id).where(*chosen.conditions(run.id, actor.sight)).limit(size + 1)
    if before is not None:
        rows = _rows(session, ids.where(Message.id < before).order_by(Message.id.desc()))
        more, rows = len(rows) > size, rows[-size:]
        return Page(rows, rows[0].id if more and rows else None, rows[-1].id if rows else None)
    if after is not None or not chosen.is_of_few:
        ids = ids.where(
            Message.id > (after or 0)
        )  # the lower end makes SQLite walk the list instead of sorting it
    rows = _rows(session, ids.order_by(Message.id))
    more, rows = len(rows) > size, rows[:size]
    return Page(rows, rows[0].id if after is not None and rows else None, rows[-1].id if more else None)


def _rows(session: Session, ids: Select[int]) -> list[Message]:
    """The rows of a page. Their ids are found first: an index answers that, and no whole row is ever sorted."""
    found = session.scalars(ids).all()
    return list(session.scalars(select(Message).where(Message.id.in_(found)).order_by(Message.id)))


def neighbours(
    session: Session, actor: Actor, message: Message, chosen: ReviewFilter
) -> tuple[int | None, int | None]:
    """Ids of the rows before and after a message in the filtered list."""
    conditions = chosen.conditions(message.run_id, actor.sight)
    before = (
        select(Message.id).where(*conditions, Message.id < message.id).order_by(Message.id.desc()).limit(1)
    )
    after = select(Message.id).where(*conditions, Message.id > message.id).order_by(Message.id).limit(1)
    return session.scalar(before), session.scalar(after)


def next_to_review(session: Session, actor: Actor, message: Message, chosen: ReviewFilter) -> int | None:
    """The id of the next row of the filtered list that nobody has decided about: neither left out nor approved."""
    conditions = chosen.conditions(message.run_id, actor.sight)
    undecided = (Message.state == MessageState.PENDING, Message.is_approved.is_(False))
    following = select(Message.id).where(*conditions, *undecided, Message.id > message.id)
    return session.scalar(following.order_by(Message.id).limit(1))


def position_of(session: Session, actor: Actor, run: Run, chosen: ReviewFilter, message_id: int) -> int:
    """Which row of the filtered list a message is, from 1."""
    before = (*chosen.conditions(run.id, actor.sight), Message.id < message_id)
    return 1 + (session.scalar(select(func.count()).where(*before)) or 0)


def count_messages(session: Session, actor: Actor, run: Run, chosen: ReviewFilter) -> int:
    """How many rows a filter means."""
    return session.scalar(select(func.count()).where(*chosen.conditions(run.id, actor.sight))) or 0


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Rows of a run by state; ``ready`` and ``blocked`` divide the pending ones."""

    states: dict[str, int]
    ready: int
    blocked: int
    warned: int
    edited: int
    approved: int

    @property
    def total(self) -> int:
        """Every row."""
        return sum(self.states.values())


def count_run(session: Session, actor: Actor, run: Run) -> RunCounts:
    """The counts of a run, as far as the actor's clearance goes."""
    pending = Message.state == MessageState.PENDING
    query = (
        select(
            Message.state,
            func.count(),
            func.sum(case((pending & (Message.blockers > 0), 1), else_=0)),
            func.sum(case((pending & (Message.warnings > 0), 1), else_=0)),
            func.sum(case((Message.is_edited.is_(True), 1), else_=0)),
            func.sum(case((pending & Message.is_approved.is_(True), 1), else_=0)),
        )
        .where(Message.run_id == run.id, messages_in_sight(actor.sight))
        .group_by(Message.state)
    )
    rows = session.execute(query).all()
    states = {state.value: count for state, count, *_ in rows}
    blocked, warned, edited, approved = (sum(int(row[i] or 0) for row in rows) for i in (2, 3, 4, 5))
    return RunCounts(states, states.get("pending", 0) - blocked, blocked, warned, edited, approved)


def count_issues(session: Session, actor: Actor, run: Run) -> list[tuple[str, bool, int]]:
    """(code, is a blocker, rows) of what stands on pending rows, blockers first, the most frequent first."""
    query = (
        select(MessageIssue.code, MessageIssue.is_blocker, func.count(MessageIssue.message_id.distinct()))
        .join(Message, Message.id == MessageIssue.message_id)
        .where(
            MessageIssue.run_id == run.id,
            Message.state == MessageState.PENDING,
            messages_in_sight(actor.sight),
        )
        .group_by(MessageIssue.code, MessageIssue.is_blocker)
    )
    rows = [(code, is_blocker, count) for code, is_blocker, count in session.execute(query)]
    return sorted(rows, key=lambda row: (not row[1], -row[2], row[0]))


FACETS = ("agent", "zone", "city")
FACET_VALUES = 500


def facet_values(session: Session, actor: Actor, run: Run) -> dict[str, list[str]]:
    """The agents, zones and cities that occur in a run, for the filters; one pass over its rows."""
    columns = [getattr(Message, name) for name in FACETS]
    query = select(*columns).where(Message.run_id == run.id, messages_in_sight(actor.sight)).distinct()
    rows = session.execute(query).all()
    return {
        name: sorted({str(row[i]) for row in rows if row[i]})[:FACET_VALUES] for i, name in enumerate(FACETS)
    }


def list_left_out(
    session: Session, actor: Actor, run: Run, reason: str = "", after: int = 0, size: int = PAGE_SIZES[0]
) -> list[LeftOut]:
    """A page of what was left out, as far as the actor's clearance goes."""
    query = select(LeftOut).where(
        LeftOut.run_id == run.id, left_out_in_sight(actor.sight), LeftOut.id > after
    )
    if reason:
        query = query.where(LeftOut.reason == reason)
    return list(session.scalars(query.order_by(LeftOut.id).limit(size)))


def require_open(session: Session, actor: Actor, run: Run) -> None:
    """Check that the actor may review the run and that it is still open, and hold it for this transaction.

    Raises:
        PermissionDenied, RunNotOpen
    """
    actor.require(Permission.OUTBOX_REVIEW, run.company_id, *run.document_types)
    session.refresh(run, with_for_update=True)
    if run.state is RunState.APPROVAL:
        run.state, run.committed_by, run.committed_at = RunState.REVIEW, None, None
    if run.state is not RunState.REVIEW:
        raise RunNotOpen(run)
    run.changes += 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that an action is meant for: single ones, or all that a filter means but for some exceptions."""

    filter: ReviewFilter = field(default_factory=ReviewFilter)
    ids: tuple[int, ...] = ()
    is_all: bool = False
    exceptions: tuple[int, ...] = ()

    def conditions(self, run: Run, actor: Actor) -> list[ColumnElement[bool]]:
        """Run and clearance are always among the conditions, whatever ids were posted."""
        if self.is_all:
            wanted = self.filter.conditions(run.id, actor.sight)
            return [*wanted, Message.id.not_in(self.exceptions)] if self.exceptions else wanted
        own = ReviewFilter().conditions(run.id, actor.sight)
        return [*own, Message.id.in_(self.ids[:MAX_SELECTED])]


def write_events(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    kind: str,
    actor: Actor,
    detail: dict[str, Any],
) -> None:
    """One line of history on every row that the conditions mean, in one statement."""
    from_rows = select(
        Message.id,
        _value(now(), MessageEvent.at),
        _value(kind, MessageEvent.kind),
        _value(actor.name, MessageEvent.actor_name),
        _value(detail, MessageEvent.detail),
    ).where(*conditions)
    session.connection().execute(
        insert(MessageEvent).from_select(
            ["message_id", "at", "kind", "actor_name", "detail"], from_rows, include_defaults=False
        )
    )


def _value(value: Any, column: Any) -> Any:
    return literal(value, column.type)


def refresh_counts(message: Message) -> None:
    """Count a row's issues again after one was added or settled."""
    codes = [issue.code for issue in message.issues]
    blocking = [code for code in codes if code in BLOCKERS]
    message.blockers, message.warnings = len(blocking), len(codes) - len(blocking)
    message.first_issue = (blocking or codes or [""])[0]
