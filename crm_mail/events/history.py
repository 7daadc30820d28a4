"""The history: which events came, and what each rule made of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from crm_mail.events.models import EventAction, InboundEvent
from crm_mail.outbox.models import Run
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.permissions import Actor, Permission

PAGE = 50


@dataclass(frozen=True, slots=True)
class History:
    """A page of it. ``older``: id to go on from; 0: there is nothing older. ``kinds``: all that ever came."""

    events: Sequence[InboundEvent]
    actions: dict[int, list[EventAction]]
    older: int
    kinds: Sequence[str]
    shows_data: bool


def list_history(
    session: Session, actor: Actor, company_id: int, *, kind: str = "", before: int = 0
) -> History:
    """The events of a company, the newest first, with what the rules made of them.

    What an event says of customers is shown to those who see all customers.
    """
    actor.require(Permission.SCHEDULES_SEE, company_id)
    query = select(InboundEvent).where(InboundEvent.company_id == company_id)
    if kind:
        query = query.where(InboundEvent.kind == kind)
    if before:
        query = query.where(InboundEvent.id < before)
    events = session.scalars(query.order_by(InboundEvent.id.desc()).limit(PAGE + 1)).all()
    older = events[PAGE - 1].id if len(events) > PAGE else 0
    events = events[:PAGE]
    actions: dict[int, list[EventAction]] = defaultdict(list)
    acted = select(EventAction).where(EventAction.event_id.in_([one.id for one in events]))
    for action in session.scalars(acted.options(joinedload(EventAction.rule)).order_by(EventAction.id)):
        actions[action.event_id].append(action)
    recent = (
        select(InboundEvent.kind)
        .where(InboundEvent.company_id == company_id)
        .order_by(InboundEvent.id.desc())
        .limit(5000)
        .subquery()
    )
    kinds = session.scalars(select(recent.c.kind).distinct().order_by(recent.c.kind)).all()
    return History(events, actions, older, kinds, shows_data(actor, company_id))


def shows_data(actor: Actor, company_id: int) -> bool:
    """Whether a person may read what events say of customers: an event is of no agent and no zone."""
    return actor.sight.is_whole and actor.can(Permission.CONTACTS_SEE, company_id)


def visible_runs(session: Session, actor: Actor, found: History) -> dict[int, Run]:
    """The runs of a page that the person may open, by id."""
    ids = {one.run_id for actions in found.actions.values() for one in actions if one.run_id is not None}
    runs = session.scalars(select(Run).where(Run.id.in_(ids)))
    return {run.id: run for run in runs if can_see_run(actor, run)}
