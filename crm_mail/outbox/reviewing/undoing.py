"""Undo what a reviewer did to many rows: each gets back what it was, unless it changed again since."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.outbox.models import Message, ReviewAction, Run
from crm_mail.outbox.preparing.language_change import undo_language
from crm_mail.outbox.preparing.merging import undo_merge
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import require_open, write_events
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

_UNDO: dict[str, tuple[str, Any, str]] = {
    # the column that gets its value back, the value when none was kept, and the line of the history
    "excluded": ("state", MessageState.PENDING, "included"),
    "included": ("state", MessageState.WITHHELD, "excluded"),
    "approved": ("is_approved", False, "approval_withdrawn"),
    "approval_withdrawn": ("is_approved", True, "approved"),
    "account_changed": ("account_id", None, "account_changed"),
}


def find_action(session: Session, actor: Actor, run: Run, action_id: int) -> ReviewAction | None:
    """An action of the actor's own that was not undone yet."""
    action = session.get(ReviewAction, action_id)
    if action is None or action.run_id != run.id or action.user_id != actor.user_id:
        return None
    return action if action.undone_at is None else None


def can_undo(action: ReviewAction) -> bool:
    """Whether there is a way back; taking merged messages apart has none but merging them again."""
    return action.kind in {*_UNDO, *_UNDO_TEXTS}


def undo_action(session: Session, actor: Actor, run: Run, action: ReviewAction) -> int:
    """Give the rows of an action back what they were; rows that changed again since are left alone. How many.

    Raises:
        PermissionDenied, RunNotOpen
    """
    require_open(session, actor, run)
    undo = _UNDO_TEXTS.get(action.kind, _undo_columns)
    count = undo(session, actor, run, action)
    action.undone_at = now()
    session.flush()
    session.expire_all()
    audit.record(
        session,
        actor,
        "outbox.messages.undone",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        kind=action.kind,
        count=count,
    )
    return count


_UNDO_TEXTS = {"language_changed": undo_language, "merged": undo_merge}


def _undo_columns(session: Session, actor: Actor, run: Run, action: ReviewAction) -> int:
    column, fixed, kind = _UNDO[action.kind]
    own = [Message.run_id == run.id, messages_in_sight(actor.sight), *_still(action)]
    values: dict[str, Any] = {"revision": Message.revision + 1}
    if action.kind == "excluded":
        values |= {"state": fixed, "withheld_reason": ""}
    elif action.kind == "included":
        values |= {"state": fixed, "withheld_reason": bindparam("old")}
    elif action.kind == "account_changed":
        values[column] = bindparam("old")
    else:
        values = {column: fixed}
    count = 0
    for first, last, old in action.before:
        if action.kind == "account_changed" and old is None:
            continue  # it had no account: taking the new one away would only block it again
        in_range = [*own, Message.id.between(first, last)]
        write_events(session, in_range, kind, actor, {"undone": True})
        parameters = {"old": old} if action.kind in ("included", "account_changed") else {}
        query = update(Message).where(*in_range).values(**values)
        count += session.connection().execute(query, parameters).rowcount
    return count


def _still(action: ReviewAction) -> list[ColumnElement[bool]]:
    """What a row looks like as long as nobody changed it after the action."""
    if action.kind == "excluded":
        reason = action.detail.get("reason") or WithheldReason.BY_PERSON.value
        return [Message.state == MessageState.WITHHELD, Message.withheld_reason == reason]
    if action.kind == "account_changed":
        return [Message.state == MessageState.PENDING, Message.account_id == action.detail["account_id"]]
    if action.kind in ("approved", "approval_withdrawn"):
        return [Message.state == MessageState.PENDING, Message.is_approved.is_(action.kind == "approved")]
    return [Message.state == MessageState.PENDING]
