"""The pressure cap: how much advertising a contact receives in so many days, which a company decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.rules import Purpose
from crm_mail.db import now
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import LEFT, QUEUED

ADVERTISING = Purpose.COMMERCIAL.value
"""The purpose that a cap is for: greetings neither count nor are stopped."""


@dataclass(frozen=True, slots=True)
class PressureCap:
    """At most so many advertising messages to one contact within so many days."""

    messages: int
    days: int


def pressure_of(company: Company) -> PressureCap | None:
    """The company's cap; None: it set none."""
    if not company.pressure_messages or not company.pressure_days:
        return None
    return PressureCap(company.pressure_messages, company.pressure_days)


def has_enough(company: Company, run_id: int) -> ColumnElement[bool] | None:
    """The condition on a pending `Message` that other runs gave its contact enough meanwhile; None: no cap."""
    cap = pressure_of(company)
    if cap is None:
        return None
    other = aliased(Message)
    since = now() - timedelta(days=cap.days)
    left = other.state.in_(sorted(LEFT)) & (other.sent_at >= since)
    had = (
        select(func.count(other.id))
        .where(other.contact_id == Message.contact_id, other.run_id != run_id, other.purpose == ADVERTISING)
        .where(or_(other.state.in_(sorted(QUEUED)), left))
        .correlate(Message)
        .scalar_subquery()
    )
    return and_(Message.purpose == ADVERTISING, Message.contact_id.is_not(None), had >= cap.messages)


def counted(since: datetime) -> list[ColumnElement[bool]]:
    """What counts of a contact's messages: advertising that left within the time, or is queued to leave."""
    return [
        Message.purpose == ADVERTISING,
        or_(
            Message.state.in_(sorted(QUEUED)), (Message.state.in_(sorted(LEFT))) & (Message.sent_at >= since)
        ),
    ]


def worn_out(
    session: Session, cap: PressureCap, contact_ids: Sequence[int], party_ids: Sequence[int]
) -> set[int]:
    """Who has had as much as the cap allows: contacts by id, parties at addresses of their own by negative id."""
    since = now() - timedelta(days=cap.days)
    found: set[int] = set()
    for ids in chunks(contact_ids):
        query = select(Message.contact_id).where(Message.contact_id.in_(ids), *counted(since))
        query = query.group_by(Message.contact_id).having(func.count() >= cap.messages)
        found.update(id_ for id_ in session.scalars(query) if id_ is not None)
    for ids in chunks(party_ids):
        of_party = select(Message.party_id).where(
            Message.party_id.in_(ids), Message.contact_id.is_(None), *counted(since)
        )
        of_party = of_party.group_by(Message.party_id).having(func.count() >= cap.messages)
        found.update(-id_ for id_ in session.scalars(of_party))
    return found
