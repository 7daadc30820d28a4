"""Noting what other programs are to be told, in the very transaction of what it tells of: the outbox of webhooks.

One statement finds the endpoints that listen and one writes the rows; without an endpoint the first finds an empty
table and that is all. Whose clearance is too low, or who is not active any more, is not told.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, insert, literal, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.db import Base, now
from crm_mail.many_rows import chunks
from crm_mail.permissions import Sight
from crm_mail.webhooks.models import DeliveryState, Topic, WebhookDelivery, WebhookEndpoint

AT_ONCE = 5000


def note_messages(session: Session, topic: Topic, message_ids: Iterable[int]) -> None:
    """Have the endpoints that ask for it be told of these messages."""
    ids = list(message_ids)
    if not ids or not _somebody_listens(session, topic):
        return
    messages, users = Base.metadata.tables["messages"], Base.metadata.tables["users"]
    seen = case(
        (users.c.clearance < WebhookEndpoint.clearance, users.c.clearance), else_=WebhookEndpoint.clearance
    )
    known = _of_own_customers(session, messages.c.party_id)
    for part in chunks(ids, AT_ONCE):
        _write(
            session,
            topic,
            select(WebhookEndpoint.id, messages.c.run_id, messages.c.id)
            .join(users, users.c.id == WebhookEndpoint.owner_id)
            .join(messages, messages.c.company_id == WebhookEndpoint.company_id)
            .where(
                messages.c.id.in_(part),
                messages.c.privacy_level <= seen,
                known,
                users.c.is_active,
                *_listens(topic),
            )
            .order_by(messages.c.id),
        )


def _of_own_customers(session: Session, party_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the owner of an endpoint sees the customer: the few owners who do not see all are asked one by one."""
    users = Base.metadata.tables["users"]
    query = select(users.c.id, users.c.agents, users.c.zones).where(
        users.c.id.in_(select(WebhookEndpoint.owner_id))
    )
    sights = {
        id_: Sight(agents=frozenset(agents), zones=frozenset(zones))
        for id_, agents, zones in session.connection().execute(query)
    }
    limited = {id_: sight for id_, sight in sights.items() if not sight.is_whole}
    owner = WebhookEndpoint.owner_id
    return or_(
        owner.not_in(limited),
        *(and_(owner == id_, *of_visible_party(party_id, sight)) for id_, sight in limited.items()),
    )


def note_runs(session: Session, topic: Topic, run_ids: Iterable[int]) -> None:
    """The same for runs."""
    ids = list(run_ids)
    if not ids or not _somebody_listens(session, topic):
        return
    runs, users = Base.metadata.tables["runs"], Base.metadata.tables["users"]
    _write(
        session,
        topic,
        select(WebhookEndpoint.id, runs.c.id, literal(None))
        .join(users, users.c.id == WebhookEndpoint.owner_id)
        .join(runs, runs.c.company_id == WebhookEndpoint.company_id)
        .where(runs.c.id.in_(ids), users.c.is_active, *_listens(topic)),
    )


def _listens(topic: Topic) -> tuple[ColumnElement[bool], ...]:
    return WebhookEndpoint.is_active.is_(True), WebhookEndpoint.topics.contains(
        f" {topic.value} ", autoescape=True
    )


_LISTENERS = {topic: select(exists().where(*_listens(topic))) for topic in Topic}


def _somebody_listens(session: Session, topic: Topic) -> bool:
    return bool(session.connection().scalar(_LISTENERS[topic]))


def _write(session: Session, topic: Topic, rows: Select[Any]) -> None:
    moment = now()
    constants = {
        "topic": topic,
        "at": moment,
        "payload": "",
        "state": DeliveryState.WAITING,
        "attempts": 0,
        "next_attempt_at": moment,
        "last_detail": "",
    }
    columns = WebhookDelivery.__table__.c
    values = [bindparam(None, value, type_=columns[name].type) for name, value in constants.items()]
    session.connection().execute(
        insert(WebhookDelivery).from_select(
            ["endpoint_id", "run_id", "message_id", *constants],
            rows.add_columns(*values),
            include_defaults=False,
        )
    )
