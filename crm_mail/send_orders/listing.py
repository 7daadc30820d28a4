"""The orders that came in, as a person may see them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from crm_mail.permissions import Actor, Permission
from crm_mail.send_orders.models import OrderState, SendOrder, SendOrderMessage

SHOWN = 100


def list_orders(
    session: Session,
    actor: Actor,
    company_id: int,
    count: int = SHOWN,
    *,
    state: OrderState | None = None,
    before: int | None = None,
) -> Sequence[SendOrder]:
    """The last orders, newest first.

    Args:
        before: only those with a smaller id: the next page.

    Raises:
        PermissionDenied
    """
    actor.require(Permission.OUTBOX_REVIEW, company_id)
    wanted = _visible(actor, company_id)
    if state is not None:
        wanted.append(SendOrder.state == state)
    if before is not None:
        wanted.append(SendOrder.id < before)
    return session.scalars(select(SendOrder).where(*wanted).order_by(SendOrder.id.desc()).limit(count)).all()


def count_orders(session: Session, actor: Actor, company_id: int) -> dict[OrderState, int]:
    """How many orders are in each state. Raises PermissionDenied."""
    actor.require(Permission.OUTBOX_REVIEW, company_id)
    query = (
        select(SendOrder.state, func.count()).where(*_visible(actor, company_id)).group_by(SendOrder.state)
    )
    return {state: count for state, count in session.execute(query)}


def messages_of(session: Session, orders: Sequence[SendOrder]) -> dict[int, list[int]]:
    """The messages of these orders, by order."""
    query = select(SendOrderMessage.order_id, SendOrderMessage.message_id).where(
        SendOrderMessage.order_id.in_([one.id for one in orders])
    )
    found: dict[int, list[int]] = {}
    for order_id, message_id in session.execute(query.order_by(SendOrderMessage.message_id)):
        found.setdefault(order_id, []).append(message_id)
    return found


def _visible(actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    found = [SendOrder.company_id == company_id, SendOrder.privacy_level <= actor.clearance]
    return found if actor.sight.is_whole else [*found, false()]  # an order is of no agent and no zone
