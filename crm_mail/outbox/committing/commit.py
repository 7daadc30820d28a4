"""Commit: an authorised person lets a reviewed run go (IT-6), and may call it back for a moment.

The server computes again: what was sent, voided, replaced or blocked since the preparation drops out visibly (BX-3).
Then recipient, subject, bodies, file hashes and Message-ID are frozen: what was reviewed is what leaves (law 3).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.outbox.committing import commit_limits
from crm_mail.outbox.committing.freezing import freeze_messages
from crm_mail.outbox.committing.rechecking import drop_outdated
from crm_mail.outbox.models import Message, MessageIssue, Run
from crm_mail.outbox.preparing.kinds import count_undetermined
from crm_mail.outbox.preparing.rules import reassign_accounts
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import write_events
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import EVERYTHING, Actor, Permission, Sight
from crm_mail.refusals import Refusal


class CommitRefused(Refusal):
    """A run cannot be committed; ``code`` says why, the message what to do."""

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.params = params


class ListChanged(CommitRefused):
    """The list is no longer the one the reviewer looked at; ``dropped`` counts what dropped out, by reason."""

    def __init__(self, dropped: dict[str, int], before: str, after: str) -> None:
        super().__init__(
            "list_changed",
            "the list changed since it was reviewed: look at it again, then commit",
            dropped=dropped,
        )
        self.dropped = dropped
        self.before = before
        self.after = after


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did."""

    run_id: int
    messages: int
    starts_at: datetime | None
    dropped: dict[str, int] = field(default_factory=dict)
    awaits_approval: bool = False
    left_for_colleague: int | None = None


def fingerprint(
    session: Session, run_id: int, sight: Sight, *conditions: ColumnElement[bool], changing: int = 0
) -> str:
    """A short mark of the rows that would leave; it changes when a row is edited, excluded or drops out.

    Args:
        conditions: narrow the rows further (what is known to drop out is not among those that would leave).
        changing: how many of them are known to change once before they leave (a copy drops out).
    """
    leaving = [
        Message.run_id == run_id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        messages_in_sight(sight),
        *conditions,
    ]
    query = select(func.count(), func.coalesce(func.sum(Message.id * 31 + Message.revision), 0)).where(
        *leaving
    )
    count, mark = session.execute(query).one()
    return f"{count}-{mark + changing}"


def commit_run(
    session: Session,
    actor: Actor,
    run: Run,
    *,
    key: str | None = None,
    seen: str | None = None,
    start_at: datetime | None = None,
    skip_undo: bool = False,
    unknown_is_ordinary: bool = False,
) -> Committed:
    """Freeze what is to leave and queue it.

    Args:
        key: idempotency key; a second commit with the same key gives the first one's result.
        seen: the `fingerprint` of the list that the person looked at; None (command line) means “as it is now”.
        start_at: not before this time.
        skip_undo: no undo window.
        unknown_is_ordinary: for this once, addresses of which nobody knows the kind are ordinary mail.

    Raises:
        PermissionDenied: the right to commit is missing for a type of the run.
        ListChanged: the list is not the one that was seen; what dropped out has been withheld, visibly.
        CommitRefused: the run is in another state, is empty, needs a second person, goes beyond the limits of the
            person (`commit_limits`), or has addresses of which nobody has said whether they are PEC.
    """
    _lock(session, run)
    if key and run.commit_key == key and run.state is not RunState.REVIEW:
        return Committed(run.id, int(run.commit_summary.get("messages", 0)), run.starts_at)
    if run.state not in (RunState.REVIEW, RunState.APPROVAL):
        raise CommitRefused(
            "wrong_state", f"run {run.id} is {run.state.value}: only a run under review can be committed"
        )
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
    _require_limit(commit_limits.outside_hours(session, actor, run, start_at))
    company = session.get_one(Company, run.company_id)
    dropped = drop_outdated(session, actor, run)
    approves = _approves(session, run, actor)
    if not approves:  # an approver lets go what the first person committed, from that person's account
        reassign_accounts(session, run, actor)
    _require_accounts(session, run, actor.sight)
    count = _require_seen(session, run, actor.sight, seen, dropped)
    _require_limit(commit_limits.too_many(session, actor, run, count))
    if not (approves or unknown_is_ordinary):
        _require_kinds(session, run, actor.sight)
    if commit_limits.needs_second_person(company, actor, count) and not approves:
        return _ask_approval(session, actor, run, count, dropped)
    if approves:
        run.approved_by, run.approved_at = actor.user_id, now()
    undo = timedelta(0) if skip_undo else timedelta(seconds=company.undo_seconds)
    return _let_go(session, actor, run, dropped, key=key, undo=undo, start_at=start_at)


def _require_limit(reached: commit_limits.LimitReached | None) -> None:
    if reached is not None:
        raise CommitRefused(reached.code, reached.message, **reached.params)


def _require_seen(session: Session, run: Run, sight: Sight, seen: str | None, dropped: dict[str, int]) -> int:
    """That the list is the one that was seen, and is not empty; how many messages would leave."""
    after = fingerprint(session, run.id, sight)
    if seen is not None and seen != after:
        raise ListChanged(dropped, seen, after)
    count = int(after.partition("-")[0])
    if not count:
        gone = ", ".join(f"{number} {reason}" for reason, number in dropped.items() if number)
        why = f" (dropped out: {gone})" if gone else ""
        raise CommitRefused(
            "nothing_to_send", f"no message of run {run.id} is ready to be sent{why}: nothing was committed"
        )
    return count


def _require_kinds(session: Session, run: Run, sight: Sight) -> None:
    """Whether an address is PEC is asked, never guessed (IT-18)."""
    count = count_undetermined(session, run, sight)
    if count:
        raise CommitRefused(
            "kinds_unknown",
            f"of {count} messages of run {run.id} nobody has said whether the address is PEC: say it, or commit "
            "with --unknown-as-ordinary",
            count=count,
        )


def _let_go(
    session: Session,
    actor: Actor,
    run: Run,
    dropped: dict[str, int],
    *,
    key: str | None,
    undo: timedelta,
    start_at: datetime | None,
) -> Committed:
    """Leave behind what the person may not see or what is blocked, freeze the rest, and queue it."""
    left = _leave_for_colleague(session, run, actor.sight)
    _withhold_blocked(session, actor, run)
    moment = now()
    starts_at = max(moment + undo, start_at or moment)
    count = freeze_messages(session, run, starts_at)
    run.state = RunState.COMMITTED
    run.committed_by = run.committed_by if run.approved_by else actor.user_id
    run.committed_at, run.starts_at, run.commit_key = moment, starts_at, key
    run.commit_summary = {"messages": count, "dropped": dropped, "undo_until": (moment + undo).isoformat()}
    write_events(session, _rows(run, MessageState.COMMITTED), "committed", actor, {})
    audit.record(
        session,
        actor,
        "outbox.run.committed",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        messages=count,
        dropped=dropped,
        starts_at=starts_at.isoformat(),
    )
    return Committed(run.id, count, starts_at, dropped, left_for_colleague=left)


def _rows(run: Run, state: MessageState) -> list[Any]:
    return [Message.run_id == run.id, Message.state == state]


def _lock(session: Session, run: Run) -> None:
    """Wait for anybody else who changes this run, then look at it afresh."""
    session.flush()  # refresh forgets what has not been written yet
    session.refresh(run, with_for_update=True)
    run.changes += 1  # what is known of its rows is to be counted again


def _require_accounts(session: Session, run: Run, sight: Sight) -> None:
    query = select(func.count()).where(
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        Message.account_id.is_(None),
        messages_in_sight(sight),
    )
    if count := session.scalar(query):
        raise CommitRefused(
            "no_own_account",
            f"{count} messages of run {run.id} leave from the account of the person who commits, who has none: "
            "add your own account, or let somebody commit who has one",
            count=count,
        )


def _approves(session: Session, run: Run, actor: Actor) -> bool:
    """Whether this commit is the second person's; the whole list must be the one that the first committed."""
    if run.state is not RunState.APPROVAL or run.commit_summary.get("mark") != _whole_list(session, run):
        return False
    if actor.user_id == run.committed_by:
        raise CommitRefused(
            "second_person",
            f"run {run.id} waits for a second person: somebody else with the right must commit it",
        )
    return True


def _whole_list(session: Session, run: Run) -> str:
    """The fingerprint whoever looks: two people of different clearances mean the same list."""
    return fingerprint(session, run.id, EVERYTHING)


def _ask_approval(session: Session, actor: Actor, run: Run, count: int, dropped: dict[str, int]) -> Committed:
    run.state, run.committed_by, run.committed_at = RunState.APPROVAL, actor.user_id, now()
    run.commit_summary = {"mark": _whole_list(session, run), "dropped": dropped}
    audit.record(
        session,
        actor,
        "outbox.run.approval_asked",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
    )
    return Committed(run.id, count, None, dropped, awaits_approval=True)


def _leave_for_colleague(session: Session, run: Run, sight: Sight) -> int | None:
    """Move rows beyond the committer's sight to a run of their own; its id, or None."""
    above = [
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        ~messages_in_sight(sight),
    ]
    if not session.scalar(select(func.count()).select_from(Message).where(*above)):
        return None
    rest = Run(
        company_id=run.company_id,
        title=run.title,
        state=RunState.REVIEW,
        criteria=run.criteria,
        document_types=run.document_types,
        created_by=run.created_by,
    )
    session.add(rest)
    session.flush()
    session.connection().execute(update(Message).where(*above).values(run_id=rest.id))
    moved = select(Message.id).where(Message.run_id == rest.id)
    session.connection().execute(
        update(MessageIssue)
        .where(MessageIssue.run_id == run.id, MessageIssue.message_id.in_(moved))
        .values(run_id=rest.id)
    )
    return rest.id


def _withhold_blocked(session: Session, actor: Actor, run: Run) -> None:
    session.connection().execute(
        update(Message)
        .where(Message.run_id == run.id, Message.state == MessageState.PENDING, Message.blockers > 0)
        .values(state=MessageState.WITHHELD, withheld_reason=WithheldReason.BLOCKED.value)
    )


def undo_commit(session: Session, actor: Actor, run: Run) -> None:
    """Call a committed run back to review while nothing of it has left (BX-8).

    Raises:
        PermissionDenied: the right to commit is missing.
        CommitRefused: the undo window has passed.
    """
    _lock(session, run)
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
    if run.state is not RunState.COMMITTED or (run.starts_at and run.starts_at <= now()):
        raise CommitRefused(
            "too_late", f"run {run.id} has started: it can be paused, or what remains of it cancelled"
        )
    session.connection().execute(
        update(Message)
        .where(Message.run_id == run.id, Message.state == MessageState.COMMITTED)
        .values(state=MessageState.PENDING, message_id=None, frozen_sha256="", next_attempt_at=None)
    )
    session.connection().execute(
        update(Message)
        .where(Message.run_id == run.id, Message.withheld_reason == WithheldReason.BLOCKED.value)
        .values(state=MessageState.PENDING, withheld_reason="")
    )
    write_events(session, _rows(run, MessageState.PENDING), "commit_undone", actor, {})
    run.state, run.commit_key, run.committed_at, run.committed_by = RunState.REVIEW, None, None, None
    run.starts_at = run.approved_by = run.approved_at = None
    audit.record(
        session,
        actor,
        "outbox.run.commit_undone",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
    )
