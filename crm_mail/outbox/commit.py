"""Commit: an authorised person lets a reviewed run go (IT-6), and may call it back for a moment.

The server computes again: what was sent, voided, replaced or blocked since the preparation drops out visibly (BX-3).
Then recipient, subject, bodies, file hashes and Message-ID are frozen: what was reviewed is what leaves (law 3).
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.db import now
from crm_mail.delivery.envelope import new_message_id
from crm_mail.delivery.models import SenderAccount
from crm_mail.documents.models import Document
from crm_mail.outbox.models import (
    Message,
    MessageContent,
    MessageDocument,
    MessageFile,
    MessageIssue,
    Run,
)
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.review import write_events
from crm_mail.outbox.rules import reassign_accounts
from crm_mail.outbox.states import LEFT, QUEUED, MessageState, RunState
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor, Permission

FREEZE_AT_ONCE = 2000


class CommitRefused(Exception):
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


def fingerprint(session: Session, run_id: int, clearance: int, *conditions: ColumnElement[bool]) -> str:
    """A short mark of the rows that would leave; it changes when a row is edited, excluded or drops out.

    Args:
        conditions: narrow the rows further (what is known to drop out is not among those that would leave).
    """
    leaving = [
        Message.run_id == run_id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        Message.privacy_level <= clearance,
        *conditions,
    ]
    query = select(func.count(), func.coalesce(func.sum(Message.id * 31 + Message.revision), 0)).where(
        *leaving
    )
    count, mark = session.execute(query).one()
    return f"{count}-{mark}"


def commit_run(
    session: Session,
    actor: Actor,
    run: Run,
    *,
    key: str | None = None,
    seen: str | None = None,
    start_at: datetime | None = None,
    skip_undo: bool = False,
) -> Committed:
    """Freeze what is to leave and queue it.

    Args:
        key: idempotency key; a second commit with the same key gives the first one's result.
        seen: the `fingerprint` of the list that the person looked at; None (command line) means “as it is now”.
        start_at: not before this time.
        skip_undo: no undo window.

    Raises:
        PermissionDenied: the right to commit is missing for a type of the run.
        ListChanged: the list is not the one that was seen; what dropped out has been withheld, visibly.
        CommitRefused: the run is in another state, is empty, or needs a second person.
    """
    _lock(session, run)
    if key and run.commit_key == key and run.state is not RunState.REVIEW:
        return Committed(run.id, int(run.commit_summary.get("messages", 0)), run.starts_at)
    if run.state not in (RunState.REVIEW, RunState.APPROVAL):
        raise CommitRefused(
            "wrong_state", f"run {run.id} is {run.state.value}: only a run under review can be committed"
        )
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
    company = session.get_one(Company, run.company_id)
    dropped = drop_outdated(session, actor, run)
    approves = _approves(session, run, actor)
    if not approves:  # an approver lets go what the first person committed, from that person's account
        reassign_accounts(session, run, actor)
    _require_accounts(session, run, actor.clearance)
    after = fingerprint(session, run.id, actor.clearance)
    if seen is not None and seen != after:
        raise ListChanged(dropped, seen, after)
    if after.startswith("0-"):
        raise CommitRefused(
            "nothing_to_send", f"no message of run {run.id} is ready to be sent: nothing was committed"
        )
    if company.needs_second_person and not approves:
        return _ask_approval(session, actor, run, int(after.split("-")[0]), dropped)
    if approves:
        run.approved_by, run.approved_at = actor.user_id, now()
    left = _leave_for_colleague(session, run, actor.clearance)
    _withhold_blocked(session, actor, run)
    moment = now()
    undo = timedelta(0) if skip_undo else timedelta(seconds=company.undo_seconds)
    starts_at = max(moment + undo, start_at or moment)
    count = _freeze(session, run, starts_at)
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


def _require_accounts(session: Session, run: Run, clearance: int) -> None:
    query = select(func.count()).where(
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        Message.account_id.is_(None),
        Message.privacy_level <= clearance,
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
    return fingerprint(session, run.id, HIGHEST_CLEARANCE)


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


def drop_outdated(session: Session, actor: Actor, run: Run) -> dict[str, int]:
    """Withhold what must not leave any more, each with its reason; the number of rows for each reason."""
    dropped: dict[str, int] = {}
    for reason, condition in outdated(run):
        query = (
            update(Message)
            .where(Message.run_id == run.id, Message.state == MessageState.PENDING, condition)
            .values(state=MessageState.WITHHELD, withheld_reason=reason.value, revision=Message.revision + 1)
            .execution_options(synchronize_session=False)
        )
        count = session.connection().execute(query).rowcount
        if count:
            dropped[reason.value] = dropped.get(reason.value, 0) + count
    if dropped:
        audit.record(
            session,
            actor,
            "outbox.run.dropped",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
            dropped=dropped,
        )
    return dropped


def outdated(run: Run) -> Iterator[tuple[WithheldReason, Any]]:
    """Why a pending row of the run must not leave any more, and the condition under which it is so."""
    pending = [Message.run_id == run.id, Message.state == MessageState.PENDING]
    carrying = (
        select(Message.id)
        .join(MessageDocument, MessageDocument.message_id == Message.id)
        .join(Document, Document.id == MessageDocument.document_id)
        .where(*pending)
    )
    gone = or_(Document.voided_at.is_not(None), Document.is_mailable.is_(False))
    yield WithheldReason.VOIDED_MEANWHILE, Message.id.in_(carrying.where(gone))
    yield WithheldReason.REPLACED_MEANWHILE, Message.id.in_(carrying.where(Document.is_current.is_(False)))
    of_blocked = (
        select(Message.id)
        .join(Party, Party.id == Message.party_id)
        .where(*pending, Party.is_blocked.is_(True))
    )
    yield WithheldReason.PARTY_BLOCKED_MEANWHILE, Message.id.in_(of_blocked)
    changed = or_(Contact.state != ContactState.ACTIVE, Contact.privacy_level > Message.privacy_level)
    of_changed = select(Message.id).join(Contact, Contact.id == Message.contact_id).where(*pending, changed)
    yield WithheldReason.CONTACT_CHANGED_MEANWHILE, Message.id.in_(of_changed)
    yield WithheldReason.CONTACT_CHANGED_MEANWHILE, _address_is_gone()
    subscribed = exists().where(
        Subscription.contact_id == Message.contact_id, Subscription.document_type == Document.type
    )
    of_unsubscribed = carrying.where(
        Message.contact_id.is_not(None), Message.is_edited.is_(False), ~subscribed
    )
    yield WithheldReason.UNSUBSCRIBED_MEANWHILE, Message.id.in_(of_unsubscribed)
    if run.criteria.get("only_unsent", True):
        other, carried = aliased(Message), aliased(MessageDocument)
        same = or_(other.contact_id == Message.contact_id, other.to_address == Message.to_address)
        again = (
            select(Message.id)
            .join(MessageDocument, MessageDocument.message_id == Message.id)
            .join(carried, carried.document_id == MessageDocument.document_id)
            .join(other, other.id == carried.message_id)
            .where(*pending, other.run_id != run.id, other.state.in_(sorted(LEFT | QUEUED)), same)
        )
        yield WithheldReason.SENT_MEANWHILE, Message.id.in_(again)


def _address_is_gone() -> Any:
    """Nobody changed the row by hand, and its address is no longer one of its contact's or of its party's."""
    of_contact = exists().where(
        ContactAddress.contact_id == Message.contact_id, ContactAddress.email == Message.to_address
    )
    of_party = exists().where(
        Party.id == Message.party_id,
        or_(Party.email == Message.to_address, Party.billing_email == Message.to_address),
    )
    known = or_(of_contact, and_(Message.contact_id.is_(None), of_party))
    return and_(Message.is_edited.is_(False), Message.to_address != "", ~known)


def _leave_for_colleague(session: Session, run: Run, clearance: int) -> int | None:
    """Move rows above the committer's clearance to a run of their own; its id, or None."""
    above = [
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.privacy_level > clearance,
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


_FROZEN = (
    Message.id,
    Message.to_address,
    Message.cc,
    Message.bcc,
    Message.subject,
    Message.account_id,
    MessageContent.body_text,
    MessageContent.body_html,
)


def _freeze(session: Session, run: Run, starts_at: datetime) -> int:
    """Give each leaving row its Message-ID and the hash of all that was reviewed; how many there are."""
    domains = {
        id_: address.rpartition("@")[2]
        for id_, address in session.execute(select(SenderAccount.id, SenderAccount.from_address))
    }
    statement = (
        update(Message.__table__)  # type: ignore[arg-type]
        .where(Message.__table__.c.id == bindparam("row_id"))
        .values(
            message_id=bindparam("frozen_id"),
            frozen_sha256=bindparam("frozen_hash"),
            state=bindparam("committed_state", type_=Message.state.type),
            next_attempt_at=bindparam("start", type_=Message.next_attempt_at.type),
        )
    )
    last, total = 0, 0
    while rows := _next_to_freeze(session, run.id, last):
        last = rows[-1][0]
        files = _hashes(session, [row[0] for row in rows])
        values = []
        for row in rows:
            message_id = new_message_id(domains.get(row.account_id, "localhost"), secrets.token_hex(12))
            values.append(
                {
                    "row_id": row.id,
                    "frozen_id": message_id,
                    "frozen_hash": frozen_hash(row, message_id, files.get(row.id, [])),
                    "committed_state": MessageState.COMMITTED,
                    "start": starts_at,
                }
            )
        session.connection().execute(statement, values)
        total += len(values)
    return total


def _next_to_freeze(session: Session, run_id: int, after: int) -> Sequence[Any]:
    return session.execute(
        select(*_FROZEN)
        .join(MessageContent, MessageContent.message_id == Message.id)
        .where(Message.run_id == run_id, Message.state == MessageState.PENDING, Message.id > after)
        .order_by(Message.id)
        .limit(FREEZE_AT_ONCE)
    ).all()


def _hashes(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(MessageFile.message_id, MessageFile.name, MessageFile.sha256)
        .where(MessageFile.message_id.in_(ids))
        .order_by(MessageFile.message_id, MessageFile.position)
    )
    found: dict[int, list[str]] = {}
    for message_id, name, sha256 in session.execute(query):
        found.setdefault(message_id, []).append(f"{name}\0{sha256}")
    return found


def frozen_hash(row: Any, message_id: str, files: Sequence[str]) -> str:
    """SHA-256 over everything that was reviewed: recipients, subject, bodies, files and Message-ID (BX-2)."""
    parts = [
        message_id,
        row.to_address,
        *row.cc,
        "",
        *row.bcc,
        "",
        row.subject,
        row.body_text,
        row.body_html,
        *files,
    ]
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()


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
