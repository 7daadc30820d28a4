"""What a reviewer does to many rows at once: leave out, put back, approve, change the account.

Each function answers a `ReviewAction` with the number of rows that really changed, or None when none did.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.many_rows import chunks
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageIssue, ReviewAction, Run
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import Chosen, require_open, write_events
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

REASON_LENGTH = 200


class AccountUnfit(Exception):
    """The account does not exist in the run's company, or is switched off: choose another one."""

    def __init__(self) -> None:
        super().__init__("this account cannot be used here: choose one of the list")


def exclude_messages(
    session: Session, actor: Actor, run: Run, chosen: Chosen, reason: str = ""
) -> ReviewAction | None:
    """Leave rows out, with a reason.

    Raises:
        PermissionDenied, RunNotOpen
    """
    text = " ".join(reason.split())[:REASON_LENGTH]
    values = {"state": MessageState.WITHHELD, "withheld_reason": text or WithheldReason.BY_PERSON.value}
    return _change(
        session, actor, run, chosen, "excluded", [_is(MessageState.PENDING)], values, {"reason": text}
    )


def include_messages(session: Session, actor: Actor, run: Run, chosen: Chosen) -> ReviewAction | None:
    """Put rows back that were left out; what went into another message is `merging.take_apart`'s.

    Raises:
        PermissionDenied, RunNotOpen
    """
    values = {"state": MessageState.PENDING, "withheld_reason": ""}
    return _change(
        session,
        actor,
        run,
        chosen,
        "included",
        [_is(MessageState.WITHHELD), Message.withheld_reason != WithheldReason.MERGED],
        values,
        {},
        keep=Message.withheld_reason,
    )


def approve_messages(
    session: Session, actor: Actor, run: Run, chosen: Chosen, is_approved: bool = True
) -> ReviewAction | None:
    """Mark rows as looked at, or take the mark away; rows with a blocker cannot be approved.

    Raises:
        PermissionDenied, RunNotOpen
    """
    wanted = [_is(MessageState.PENDING), Message.is_approved.is_(not is_approved)]
    if is_approved:
        wanted.append(Message.blockers == 0)
    kind = "approved" if is_approved else "approval_withdrawn"
    return _change(session, actor, run, chosen, kind, wanted, {"is_approved": is_approved}, {})


def change_account(
    session: Session, actor: Actor, run: Run, chosen: Chosen, account_id: int
) -> ReviewAction | None:
    """Send rows from another account; rows of the other channel are left as they are (IT-18).

    Raises:
        PermissionDenied, RunNotOpen, AccountUnfit
    """
    account = session.get(SenderAccount, account_id)
    if account is None or not fits(account, actor, run.company_id):
        raise AccountUnfit
    wanted = [*of_other_account(account), Message.channel == Channel(account.kind.value)]
    return _change(
        session,
        actor,
        run,
        chosen,
        "account_changed",
        wanted,
        {"account_id": account.id},
        {"account": account.name, "account_id": account.id},
        keep=Message.account_id,
    )


def of_other_account(account: SenderAccount) -> list[ColumnElement[bool]]:
    """Rows that are open and do not leave from an account yet, whatever their channel."""
    return [_is(MessageState.PENDING), Message.account_id.is_distinct_from(account.id)]


def fits(account: SenderAccount, actor: Actor, company_id: int) -> bool:
    """Whether the actor may send from an account: the company's, or the actor's own."""
    is_theirs = account.user_id is None or account.user_id == actor.user_id
    return account.company_id == company_id and account.is_enabled and is_theirs


def _is(state: MessageState) -> ColumnElement[bool]:
    return Message.state == state


def _change(
    session: Session,
    actor: Actor,
    run: Run,
    chosen: Chosen,
    kind: str,
    wanted: list[ColumnElement[bool]],
    values: Mapping[str, Any],
    detail: dict[str, Any],
    keep: Any = None,
) -> ReviewAction | None:
    require_open(session, actor, run)
    conditions = [*chosen.conditions(run, actor), *wanted]
    columns = [Message.id] if keep is None else [Message.id, keep]
    rows = session.execute(select(*columns).where(*conditions).order_by(Message.id)).all()
    if not rows:
        return None
    write_events(session, conditions, kind, actor, detail)
    changed = dict(values)
    if kind not in ("approved", "approval_withdrawn"):
        changed["revision"] = Message.revision + 1
    session.connection().execute(update(Message).where(*conditions).values(**changed))
    if kind == "account_changed":
        _settle_accounts(session, run)
    session.expire_all()
    before = as_ranges((row[0], row[1] if keep is not None else None) for row in rows)
    return keep_action(session, actor, run, kind, len(rows), detail, before)


def keep_action(
    session: Session,
    actor: Actor,
    run: Run,
    kind: str,
    count: int,
    detail: dict[str, Any],
    before: list[list[Any]],
    at: datetime | None = None,
) -> ReviewAction:
    """Write down what was done to many rows, for Undo and for the audit.

    Args:
        before: as `as_ranges` makes it.
    """
    action = ReviewAction(
        run_id=run.id,
        user_id=actor.user_id,
        at=at or now(),
        kind=kind,
        count=count,
        detail=detail,
        before=before,
    )
    session.add(action)
    session.flush()
    audit.record(
        session,
        actor,
        f"outbox.messages.{kind}",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        count=count,
        **detail,
    )
    return action


def as_ranges(rows: Iterable[tuple[int, Any]]) -> list[list[Any]]:
    """(id, value) in the order of ids as [first id, last id, value]; ids in a row share an entry."""
    ranges: list[list[Any]] = []
    for id_, value in rows:
        if ranges and ranges[-1][1] == id_ - 1 and ranges[-1][2] == value:
            ranges[-1][1] = id_
        else:
            ranges.append([id_, id_, value])
    return ranges


def _settle_accounts(session: Session, run: Run) -> None:
    """Take the blocker “no account” off rows that have one now, and count their issues again."""
    codes = [Issue.NO_ACCOUNT.value, Issue.NO_PEC_ACCOUNT.value]
    settled = (
        select(MessageIssue.message_id)
        .join(Message, Message.id == MessageIssue.message_id)
        .where(MessageIssue.run_id == run.id, MessageIssue.code.in_(codes), Message.account_id.is_not(None))
    )
    for ids in chunks(list(session.scalars(settled))):
        gone = delete(MessageIssue).where(MessageIssue.message_id.in_(ids), MessageIssue.code.in_(codes))
        session.connection().execute(gone)
        recount_issues(session, ids)


def recount_issues(session: Session, ids: Sequence[int]) -> None:
    """Count the blockers and warnings of rows again, in one statement."""
    own = MessageIssue.message_id == Message.id
    blockers = select(func.count()).where(own, MessageIssue.is_blocker.is_(True)).scalar_subquery()
    warnings = select(func.count()).where(own, MessageIssue.is_blocker.is_(False)).scalar_subquery()
    first = (
        select(MessageIssue.code)
        .where(own)
        .order_by(MessageIssue.is_blocker.desc(), MessageIssue.id)
        .limit(1)
        .scalar_subquery()
    )
    session.connection().execute(
        update(Message)
        .where(Message.id.in_(ids))
        .values(blockers=blockers, warnings=warnings, first_issue=func.coalesce(first, ""))
    )
