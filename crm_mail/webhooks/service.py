"""Endpoints: added, changed, tried out; what they were told, and telling it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.web_targets import check_url
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.webhooks.models import ASKED, DeliveryState, Topic, WebhookDelivery, WebhookEndpoint
from crm_mail.webhooks.signing import new_secret

PAGE = 50


class EndpointRefused(Refusal):
    """An endpoint cannot be kept; ``field`` says which value is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class EndpointValues:
    """What a person chooses for an endpoint."""

    name: str
    url: str
    topics: tuple[str, ...]
    clearance: int = 0
    is_active: bool = True


def list_endpoints(session: Session, actor: Actor, company_id: int) -> Sequence[WebhookEndpoint]:
    """The endpoints of a company, by name."""
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    query = select(WebhookEndpoint).where(WebhookEndpoint.company_id == company_id)
    return session.scalars(query.order_by(WebhookEndpoint.name, WebhookEndpoint.id)).all()


def find_endpoint(session: Session, actor: Actor, endpoint_id: int) -> WebhookEndpoint | None:
    """One endpoint, if it exists for the actor."""
    endpoint = session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or not actor.can(Permission.SETTINGS_MANAGE, endpoint.company_id):
        return None
    return endpoint


def create_endpoint(
    session: Session, actor: Actor, home: Installation, company_id: int, values: EndpointValues
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; the row and its secret, which is shown once and kept encrypted.

    Raises:
        PermissionDenied: the right to change settings is missing.
        EndpointRefused, TargetRefused: a value is wrong.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    if actor.user_id is None:
        raise EndpointRefused("name", "an endpoint belongs to a person: sign in to add one")
    secret = new_secret()
    endpoint = WebhookEndpoint(company_id=company_id, owner_id=actor.user_id, secret=home.encrypt(secret))
    _apply(actor, home, endpoint, values)
    session.add(endpoint)
    session.flush()
    _record(session, actor, "webhooks.endpoint.added", endpoint)
    return endpoint, secret


def update_endpoint(
    session: Session, actor: Actor, home: Installation, endpoint: WebhookEndpoint, values: EndpointValues
) -> None:
    """Change an endpoint. Whoever changes it answers for what it is told from now on: it becomes theirs.

    Raises:
        EndpointRefused, TargetRefused: a value is wrong.
    """
    actor.require(Permission.SETTINGS_MANAGE, endpoint.company_id)
    _apply(actor, home, endpoint, values)
    if actor.user_id is not None:
        endpoint.owner_id = actor.user_id
    _record(session, actor, "webhooks.endpoint.changed", endpoint)


def _apply(actor: Actor, home: Installation, endpoint: WebhookEndpoint, values: EndpointValues) -> None:
    if not actor.sight.is_whole:
        raise EndpointRefused(
            "name", "a webhook tells of every customer: somebody who sees them all must save it"
        )
    name = " ".join(values.name.split())
    if not name or len(name) > 80:
        raise EndpointRefused("name", "give a name of at most 80 characters")
    chosen = [topic.value for topic in ASKED if topic.value in values.topics]
    if not chosen:
        raise EndpointRefused("topics", "choose at least one thing to be told of")
    url = values.url.strip()
    check_url(url, allow_private=home.settings.webhook_private_addresses)
    endpoint.name, endpoint.url, endpoint.topics = name, url, f" {' '.join(chosen)} "
    endpoint.clearance = min(values.clearance, actor.clearance)
    endpoint.is_active = values.is_active
    if values.is_active:
        endpoint.stopped_at = None


def renew_secret(session: Session, actor: Actor, home: Installation, endpoint: WebhookEndpoint) -> str:
    """A new secret, from the next notification on."""
    actor.require(Permission.SETTINGS_MANAGE, endpoint.company_id)
    secret = new_secret()
    endpoint.secret = home.encrypt(secret)
    _record(session, actor, "webhooks.endpoint.new_secret", endpoint)
    return secret


def delete_endpoint(session: Session, actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Forget an endpoint and what it was told."""
    actor.require(Permission.SETTINGS_MANAGE, endpoint.company_id)
    _record(session, actor, "webhooks.endpoint.deleted", endpoint)
    session.delete(endpoint)


def try_out(session: Session, actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Have the endpoint be told that it is being tried out."""
    actor.require(Permission.SETTINGS_MANAGE, endpoint.company_id)
    session.add(WebhookDelivery(endpoint_id=endpoint.id, topic=Topic.TEST, next_attempt_at=now()))


def list_deliveries(
    session: Session, endpoint: WebhookEndpoint, state: str = "", before: int | None = None
) -> Sequence[WebhookDelivery]:
    """What an endpoint was told, newest first; one row more than a page when there are more."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    if state in set(DeliveryState):
        query = query.where(WebhookDelivery.state == state)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(PAGE + 1)).all()


def count_deliveries(session: Session, endpoint: WebhookEndpoint) -> dict[DeliveryState, int]:
    """How many stand in each state."""
    query = select(WebhookDelivery.state, func.count()).where(WebhookDelivery.endpoint_id == endpoint.id)
    return {state: count for state, count in session.execute(query.group_by(WebhookDelivery.state))}


def replay(session: Session, actor: Actor, endpoint: WebhookEndpoint, delivery_id: int | None = None) -> int:
    """Tell it again, the same under the same id: one notification, or all that were given up; how many."""
    actor.require(Permission.SETTINGS_MANAGE, endpoint.company_id)
    again = update(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    if delivery_id is None:
        again = again.where(WebhookDelivery.state == DeliveryState.GIVEN_UP)
    else:
        again = again.where(WebhookDelivery.id == delivery_id)
    values = {"state": DeliveryState.WAITING, "attempts": 0, "next_attempt_at": now(), "lease_until": None}
    count = session.connection().execute(again.values(**values)).rowcount
    if count:
        _record(session, actor, "webhooks.notification.replayed", endpoint, count=count)
    return count


def _record(session: Session, actor: Actor, action: str, endpoint: WebhookEndpoint, **detail: Any) -> None:
    audit.record(
        session,
        actor,
        action,
        company_id=endpoint.company_id,
        subject=endpoint,
        label=endpoint.name,
        host=urlsplit(endpoint.url).hostname,  # a path may hold a secret
        topics=endpoint.topics.split(),
        **detail,
    )
