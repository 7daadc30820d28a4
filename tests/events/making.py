"""Makers for the tests of events: an office with an account, rules, and events that came."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.composers import register_composers
from crm_mail.db import now, today
from crm_mail.delivery.transports import Security
from crm_mail.events.kinds import Target
from crm_mail.events.models import ActionState, EventAction, EventRule, InboundEvent
from crm_mail.events.rules import RuleInput, default_input, save_rule
from crm_mail.installation import Installation
from crm_mail.outbox.standing.limits import Limits
from crm_mail.outbox.standing.service import give_standing
from crm_mail.permissions import ANY, Permission
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests import factories

register_composers()
AREAS = [Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE]


def make_office(session: Session, *, port: int = 25) -> tuple[Company, User]:
    """A company with an account, and a person who may make rules and commit."""
    company = factories.make_company(
        session, unknown_is_ordinary=True, undo_seconds=0, language="it", country="IT"
    )
    factories.make_account(session, company, port=port, security=Security.NONE, timeout_seconds=5)
    grants = [*factories.outbox_grants(), (Permission.DOCUMENTS_MANAGE, ANY, None)]
    user = factories.make_user(session, clearance=1, grants=grants, areas=AREAS)
    return company, user


def make_rule(session: Session, company: Company, user: User, kind: str, **changes: Any) -> EventRule:
    """A rule with the defaults of its kind, switched on."""
    start = default_input(kind, kind)
    values = {name: getattr(start, name) for name in RuleInput.__slots__} | {"is_on": True}
    if values["target"] is Target.STAFF:
        values["staff"] = ("capo@office.example",)
    return save_rule(session, build_actor(session, user), company, RuleInput(**(values | changes)))


def make_standing(
    session: Session, company: Company, user: User, types: tuple[str, ...], most: int = 1000
) -> int:
    """An authorisation without limits of hours."""
    limits = Limits(
        frozenset(types), most, 10_000, 0, 1440, frozenset(range(7)), today() + timedelta(days=30)
    )
    return give_standing(session, build_actor(session, user), company, "Events", limits).id


def post(session: Session, company: Company, kind: str, number: int, data: Mapping[str, Any]) -> InboundEvent:
    """An event as the API keeps it."""
    event = InboundEvent(
        company_id=company.id,
        source="erp",
        event_id=f"E{number}",
        kind=kind,
        occurred_at=now(),
        data=dict(data),
    )
    session.add(event)
    session.flush()
    return event


def actions(home: Installation) -> list[tuple[str, ActionState, str]]:
    """(kind, state, reason) of what the rules made, in order."""
    query = select(InboundEvent.kind, EventAction.state, EventAction.reason).join(
        InboundEvent, InboundEvent.id == EventAction.event_id
    )
    with home.database.read() as session:
        return [tuple(row) for row in session.execute(query.order_by(EventAction.id))]  # type: ignore[misc]
