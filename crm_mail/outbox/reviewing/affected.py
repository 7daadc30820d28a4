"""How many of the chosen rows an action would touch, and why the others stay as they are: told before it is done."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.language_change import in_other_language
from crm_mail.outbox.preparing.merging import plan_merge
from crm_mail.outbox.preparing.refilling import is_by_hand
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.reviewing.review_changes import of_other_account
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Affected:
    """Rows chosen, rows that would change, rows that others would take over, and those left as they are by reason."""

    chosen: int
    touched: int
    into: int = 0
    left: dict[str, int] = field(default_factory=dict)


def count_affected(
    session: Session, actor: Actor, run: Run, chosen: Chosen, action: str, value: str = ""
) -> Affected:
    """Count for ``exclude``, ``language`` (a language), ``account`` (an id) or ``merge``; others touch every row."""
    if action == "merge":
        plan = plan_merge(session, actor, run, chosen)
        total = _count(session, actor, run, chosen, {})["chosen"]
        left = {"by_hand": plan.by_hand, "too_large": plan.too_large}
        return Affected(total, plan.merged, len(plan.groups), _some(left))
    is_open = Message.state == MessageState.PENDING
    parts: dict[str, ColumnElement[bool]] = {"touched": is_open, "not_open": ~is_open}
    if action == "language":
        meant = and_(*in_other_language(value))
        parts["touched"], parts["by_hand"] = meant & ~is_by_hand(), meant & is_by_hand()
        parts["same"] = is_open & (Message.language == value)
    if action == "account":
        account = session.get(SenderAccount, int(value)) if value.isdigit() else None
        if account is None or account.company_id != run.company_id:
            return Affected(_count(session, actor, run, chosen, {})["chosen"], 0)
        meant, fits = and_(*of_other_account(account)), Message.channel == Channel(account.kind.value)
        parts["touched"], parts["other_kind"] = meant & fits, meant & ~fits
        parts["same"] = is_open & (Message.account_id == account.id)
    counts = _count(session, actor, run, chosen, parts)
    total, touched = counts.pop("chosen"), counts.pop("touched")
    return Affected(total, touched, left=_some(counts))


def _count(
    session: Session, actor: Actor, run: Run, chosen: Chosen, parts: dict[str, ColumnElement[bool]]
) -> dict[str, int]:
    """One pass over the rows for all the numbers."""
    sums = [func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in parts.values()]
    query = select(func.count(), *sums).select_from(Message).where(*chosen.conditions(run, actor))
    return dict(zip(("chosen", *parts), map(int, session.execute(query).one()), strict=True))


def _some(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
