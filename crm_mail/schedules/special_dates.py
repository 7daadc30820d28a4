"""Special dates: birthdays, Christmas, New Year and days of the company's choice, once a year for each contact.

A special date is a schedule of the kind `SPECIAL_DATE` and what is said on that day. Whose year of birth is not known
is greeted like the others: no text tells an age. Services never commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.birthdays import LeapDayRule, days_ahead
from crm_mail.contacts.consents.rules import ConsentChannel
from crm_mail.contacts.contact_birthdays import has_birthday
from crm_mail.contacts.finding.selection import contact_query
from crm_mail.contacts.models import Contact
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.templating import compile_text
from crm_mail.outbox.models import Run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.schedules.audience import audience_filter, audience_of
from crm_mail.schedules.holiday_calendars import OnHoliday
from crm_mail.schedules.models import Celebration, Greeting, MissedRule, SpecialDate
from crm_mail.schedules.patterns import Every, Pattern
from crm_mail.schedules.service import ScheduleInput, save_schedule

SPECIAL_DATE: Final = "greeting"
FIXED: Final = {Celebration.CHRISTMAS: (12, 25), Celebration.NEW_YEAR: (1, 1)}
"""Month and day of what is the same everywhere."""

Texts = Mapping[str, Mapping[str, str]]


class TextRefused(Refusal):
    """A text cannot be used; ``language`` says which, ``problem`` why; without a language: there is none at all."""

    def __init__(self, language: str, problem: str) -> None:
        super().__init__(f"the text {language} cannot be used: {problem}" if language else "write a text")
        self.language, self.problem = language, problem


@dataclass(frozen=True, slots=True)
class SpecialDateInput:
    """What the form says.

    Args:
        texts: language → ``subject`` and ``body``; languages without a text are greeted in the company's.
        at: the local hour.
        channel: by e-mail, or by SMS, of which the subject is no part.
    """

    name: str
    celebration: Celebration
    texts: Texts
    at: time
    timezone: str
    starts_on: date
    month: int = 1
    day: int = 1
    leap_rule: LeapDayRule = LeapDayRule.FEBRUARY_28
    audience: Mapping[str, Any] | None = None
    authorisation_id: int | None = None
    channel: ConsentChannel = ConsentChannel.EMAIL

    @property
    def month_and_day(self) -> tuple[int, int]:
        """Of all but birthdays."""
        return FIXED.get(self.celebration, (self.month, self.day))

    @property
    def rule(self) -> str:
        """Every day for birthdays, once a year for the others."""
        if self.celebration is Celebration.BIRTHDAY:
            return Pattern(Every.DAY).to_rule()
        month, day = self.month_and_day
        return Pattern(Every.YEAR, month=month, day=day).to_rule()


def check_texts(texts: Texts) -> dict[str, dict[str, str]]:
    """The texts that are written, checked.

    Raises:
        TextRefused: none is written, one lacks its subject or its body, or names what a message does not know.
    """
    kept: dict[str, dict[str, str]] = {}
    for language, text in texts.items():
        subject, body = text.get("subject", "").strip(), text.get("body", "").strip()
        if not subject and not body:
            continue
        if not subject or not body:
            raise TextRefused(language, "subject" if not subject else "body")
        try:
            compile_text(subject, "subject")
            compile_text(body, "text")
        except TemplateInvalid as invalid:
            raise TextRefused(language, str(invalid)) from None
        kept[language] = {"subject": subject, "body": body}
    if not kept:
        raise TextRefused("", "")
    return kept


def save_special_date(
    session: Session,
    actor: Actor,
    company: Company,
    given: SpecialDateInput,
    special: SpecialDate | None = None,
) -> SpecialDate:
    """Keep a special date and its schedule; the actor becomes its owner.

    Raises:
        PermissionDenied, ScheduleRefused: as for any schedule.
        TextRefused: a text cannot be used.
        FilterInvalid: the audience is not understood.
    """
    texts = check_texts(given.texts)
    audience = audience_of(audience_filter(given.audience or {}, company.id))
    schedule = save_schedule(
        session, actor, company, _schedule_input(given), special.schedule if special else None
    )
    if special is None:
        special = SpecialDate(company_id=company.id, schedule_id=schedule.id)
        session.add(special)
    special.celebration, special.leap_rule = given.celebration, given.leap_rule
    special.month, special.day = given.month_and_day
    special.audience, special.texts, special.channel = audience, texts, given.channel
    session.flush()
    return special


def _schedule_input(given: SpecialDateInput) -> ScheduleInput:
    return ScheduleInput(
        name=given.name,
        kind=SPECIAL_DATE,
        options={},
        rule=given.rule,
        times=(given.at,),
        timezone=given.timezone,
        starts_on=given.starts_on,
        on_holiday=OnHoliday.AS_IT_IS,
        missed=MissedRule.CATCH_UP,
        authorisation_id=given.authorisation_id,
    )


def list_special_dates(session: Session, actor: Actor, company_id: int) -> Sequence[SpecialDate]:
    """The special dates of a company, birthdays first."""
    actor.require(Permission.SCHEDULES_SEE, company_id)
    query = select(SpecialDate).where(SpecialDate.company_id == company_id).order_by(SpecialDate.id)
    order = list(Celebration)
    return sorted(session.scalars(query), key=lambda one: (order.index(one.celebration), one.id))


def find_special_date(session: Session, actor: Actor, special_id: int) -> SpecialDate | None:
    """One special date, or None when it does not exist for the actor."""
    found = session.get(SpecialDate, special_id)
    return found if found and actor.can(Permission.SCHEDULES_SEE, found.company_id) else None


def special_date_of(session: Session, schedule_id: int) -> SpecialDate | None:
    """The special date behind a schedule."""
    return session.scalar(select(SpecialDate).where(SpecialDate.schedule_id == schedule_id))


def celebrating(special: SpecialDate, actor: Actor, on: date, ahead: int = 0) -> Select[int]:
    """Ids of the contacts that a special date means on a day (or, for birthdays, in the days after it too)."""
    chosen = audience_filter(special.audience, special.company_id)
    query = contact_query(chosen, actor.sight)
    if special.celebration is Celebration.BIRTHDAY:
        query = query.where(has_birthday(special.company_id, days_ahead(on, ahead, special.leap_rule)))
    return query


def greeted(special: SpecialDate, years: Sequence[int]) -> Select[int, int]:
    """(contact, year) of who was greeted; a cancelled run greeted nobody."""
    return (
        select(Greeting.contact_id, Greeting.year)
        .join(Run, Run.id == Greeting.run_id)
        .where(
            Greeting.special_date_id == special.id,
            Greeting.year.in_(years),
            Run.state != RunState.CANCELLED,
        )
    )


def reachable(query: Select[int], channel: ConsentChannel) -> Select[int]:
    """Of these contacts, those with an address; for SMS, with a telephone number."""
    if channel is ConsentChannel.SMS:
        return query.where(or_(Contact.mobile != "", Contact.phone != ""))
    return query.where(Contact.addresses.any())
