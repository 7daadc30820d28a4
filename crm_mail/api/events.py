"""Events: what another program says has happened. Taken in durably at once, looked at by the rules afterwards."""

import datetime as dt
import json
from typing import Annotated, Any

from pydantic import Field, RootModel
from sqlalchemy import select

from crm_mail.api.door import has_idempotency_key, key_name
from crm_mail.api.operations import Answer, Given, Reply, Taken
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.problems import not_found, wrong
from crm_mail.api.resources import (
    CompanyCode,
    CompanyPageQuery,
    Moment,
    Page,
    actor,
    company_by_code,
    company_codes,
    company_id_by_code,
    interface,
)
from crm_mail.db import now
from crm_mail.events.history import shows_data
from crm_mail.events.keeping import keep, keeper_of
from crm_mail.events.models import EventState, InboundEvent
from crm_mail.permissions import Permission
from crm_mail.web.door import db, installation

TAG = "Events"
MOST_TOGETHER = 1000
LARGEST_DATA = 64 * 1024


class NewEvent(Taken):
    """Something that happened."""

    company: CompanyCode
    id: Annotated[
        str,
        Field(min_length=1, max_length=120, description="Its own number there: the same event twice is one."),
    ]
    kind: Annotated[
        str,
        Field(max_length=80, pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", examples=["purchase_order.saved"]),
    ]
    occurred_at: Moment
    data: dict[str, Any] = Field({}, description="What the rules and texts may use; at most 64 KB.")


class NewEvents(
    RootModel[NewEvent | Annotated[list[NewEvent], Field(min_length=1, max_length=MOST_TOGETHER)]]
):
    """One event, or up to a thousand of them."""


class EventReceipt(Given):
    """An event that is kept."""

    id: int
    event_id: str
    is_new: bool = Field(description="False: it had come before, and nothing is done twice.")


class EventOut(Given):
    """An event as it was taken in."""

    id: int
    company: str
    source: str
    event_id: str
    kind: str
    occurred_at: dt.datetime
    received_at: dt.datetime
    state: EventState
    data: dict[str, Any]


class EventQuery(CompanyPageQuery):
    """Which events; the newest first."""

    kind: str = Field("", max_length=80)
    state: EventState | None = None


@interface.operation(
    "POST",
    "/events",
    tag=TAG,
    scope=Permission.DOCUMENTS_MANAGE,
    body=NewEvents,
    answers=[Answer(202, "Kept durably; the rules see them next.", Page[EventReceipt])],
    refusals=[413],
    is_frequent=True,
)
def take_events(body: NewEvents) -> Reply:
    """Tell of something that happened, or of many things at once.

    The answer comes when the events are written to disk. An event is known by the key's name and its own `id`: sending
    it again is safe, and acts once.
    """
    given = body.root if isinstance(body.root, list) else [body.root]
    companies = {
        code: company_id_by_code(code, Permission.DOCUMENTS_MANAGE, where="company")
        for code in dict.fromkeys(one.company for one in given)
    }
    for one in given:
        if one.data and len(json.dumps(one.data)) > LARGEST_DATA:
            raise wrong(
                "data", f"the data of event {one.id} is larger than 64 KB", "send what the rules need"
            )
    source, moment = key_name(), now()
    rows = [
        {
            "company_id": companies[one.company],
            "source": source,
            "event_id": one.id,
            "kind": one.kind,
            "occurred_at": one.occurred_at,
            "received_at": moment,
            "data": one.data,
            "state": EventState.WAITING,
        }
        for one in given
    ]
    # with an Idempotency-Key the events and the answer that is kept are one transaction
    kept = keep(db(), rows) if has_idempotency_key() else keeper_of(installation().database).keep(rows)
    receipts = [EventReceipt(id=one.id, event_id=one.event_id, is_new=one.is_new) for one in kept]
    return Reply(Page[EventReceipt](data=receipts), 202)


def shown_event(event: InboundEvent, company: str) -> EventOut:
    """An event as it is answered; what it says of customers as on the page of events, and to who told it."""
    names = [name for name in EventOut.model_fields if name != "company"]
    values = {name: getattr(event, name) for name in names}
    if event.source != key_name() and not shows_data(actor(), event.company_id):
        values["data"] = {}
    return EventOut(company=company, **values)


@interface.operation(
    "GET",
    "/events",
    tag=TAG,
    scope=Permission.SCHEDULES_SEE,
    query=EventQuery,
    answers=[Answer(200, "A page, the newest first.", Page[EventOut])],
)
def list_events(query: EventQuery) -> Page[EventOut]:
    """Events of a company."""
    company = company_by_code(query.company, Permission.SCHEDULES_SEE)
    found = select(InboundEvent).where(InboundEvent.company_id == company.id)
    if query.kind:
        found = found.where(InboundEvent.kind == query.kind)
    if query.state is not None:
        found = found.where(InboundEvent.state == query.state)
    if (last := read_id_cursor("events", query.after)) is not None:
        found = found.where(InboundEvent.id < last)
    rows, more = cut(
        db().scalars(found.order_by(InboundEvent.id.desc()).limit(query.limit + 1)).all(), query.limit
    )
    return Page[EventOut](
        data=[shown_event(row, company.code) for row in rows],
        next=write_cursor("events", rows[-1].id) if more else None,
    )


@interface.operation(
    "GET",
    "/events/<int:event_id>",
    tag=TAG,
    scope=Permission.SCHEDULES_SEE,
    answers=[Answer(200, "The event.", EventOut)],
    refusals=[404],
)
def show_event(event_id: int) -> EventOut:
    """One event."""
    event = db().get(InboundEvent, event_id)
    if event is None or not actor().can(Permission.SCHEDULES_SEE, event.company_id):
        raise not_found("event", event_id)
    return shown_event(event, company_codes()[event.company_id])
