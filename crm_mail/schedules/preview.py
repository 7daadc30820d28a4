"""Who will be greeted in the coming month, and who will not and why. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm_mail.contacts.birthdays import Birthday, celebrated_on
from crm_mail.contacts.consents.recording import may_receive
from crm_mail.contacts.consents.rules import ConsentChannel, Purpose
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.permissions import Actor
from crm_mail.schedules.models import Celebration, ScheduleState, SpecialDate
from crm_mail.schedules.special_dates import celebrating, greeted

DAYS = 31
MOST = 500
"""Contacts that are listed; more are only counted."""


class Fate(StrEnum):
    """Whether a contact will be greeted, and why not."""

    GREETED = "greeted"
    BEFORE = "before"  # already, this year
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    NO_NUMBER = "no_number"  # of an SMS


@dataclass(frozen=True, slots=True)
class Expected:
    """One contact on its day."""

    on: date
    special: SpecialDate
    contact: Contact
    party: Party
    fate: Fate


@dataclass(frozen=True, slots=True)
class Month:
    """The coming month: single contacts of birthdays, and counts of days that are everybody's."""

    birthdays: list[Expected]
    days: list[tuple[date, SpecialDate, int]]
    is_cut: bool


def coming_month(session: Session, actor: Actor, specials: Iterable[SpecialDate]) -> Month:
    """What the active special dates will do in the next `DAYS` days, as far as the actor may see the contacts."""
    birthdays: list[Expected] = []
    days: list[tuple[date, SpecialDate, int]] = []
    for special in specials:
        if special.schedule.state is not ScheduleState.ACTIVE:
            continue
        today = now().astimezone(ZoneInfo(special.schedule.timezone)).date()
        if special.celebration is Celebration.BIRTHDAY:
            birthdays += _birthdays(session, actor, special, today)
        elif (on := _next(special, today)) <= today + timedelta(days=DAYS):
            count = len(
                session.scalars(celebrating(special, actor, on).where(_allowed(session, special))).all()
            )
            days.append((on, special, count))
    birthdays.sort(key=lambda one: (one.on, one.contact.name_key))
    return Month(birthdays[:MOST], sorted(days, key=lambda one: one[0]), len(birthdays) > MOST)


def _next(special: SpecialDate, today: date) -> date:
    birthday = Birthday(special.month, special.day)
    on = celebrated_on(birthday, today.year, special.leap_rule)
    return on if on >= today else celebrated_on(birthday, today.year + 1, special.leap_rule)


def _allowed(session: Session, special: SpecialDate) -> ColumnElement[bool]:
    return may_receive(special.schedule.company, Purpose.GREETINGS, special.channel)


def _birthdays(session: Session, actor: Actor, special: SpecialDate, today: date) -> list[Expected]:
    found = celebrating(special, actor, today, DAYS)
    query = select(Contact, Party).join(Party, Party.id == Contact.party_id).where(Contact.id.in_(found))
    rows = session.execute(
        query.order_by(Contact.birth_month, Contact.birth_day, Contact.id).limit(MOST + 1)
    ).all()
    ids = [contact.id for contact, _party in rows]
    allowed = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), _allowed(session, special))))
    years = [today.year, today.year + 1]
    before = {(contact_id, year) for contact_id, year in session.execute(greeted(special, years))}
    expected = []
    for contact, party in rows:
        on = _on(contact, special, today)
        fate = Fate.GREETED
        if (contact.id, on.year) in before:
            fate = Fate.BEFORE
        elif special.channel is ConsentChannel.SMS and not (contact.mobile or contact.phone):
            fate = Fate.NO_NUMBER
        elif special.channel is ConsentChannel.EMAIL and not contact.addresses:
            fate = Fate.NO_ADDRESS
        elif contact.id not in allowed:
            fate = Fate.NO_CONSENT
        expected.append(Expected(on, special, contact, party, fate))
    return expected


def _on(contact: Contact, special: SpecialDate, today: date) -> date:
    """The day in the coming month on which a contact's birthday falls."""
    birthday = Birthday(contact.birth_month or 1, contact.birth_day or 1)
    on = celebrated_on(birthday, today.year, special.leap_rule)
    return on if on >= today else celebrated_on(birthday, today.year + 1, special.leap_rule)
