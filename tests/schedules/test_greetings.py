"""GA-8: special dates. 29 February, no year of birth, once a year, consent, and each contact's language."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.composers import register_composers
from crm_mail.contacts.birthdays import LeapDayRule
from crm_mail.contacts.consents.recording import Word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.models import Contact
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageContent, Run
from crm_mail.outbox.sending.control import cancel_run
from crm_mail.outbox.states import RunState
from crm_mail.outbox.why_words import describe_why
from crm_mail.permissions import ANY, Permission
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.models import Celebration, Firing, FiringState, Greeting, SpecialDate
from crm_mail.schedules.preview import Fate, coming_month
from crm_mail.schedules.service import run_now
from crm_mail.schedules.special_dates import SpecialDateInput, save_special_date
from crm_mail.users.actors import build_actor
from tests import factories

register_scheduled_kinds()
register_composers()

TEXTS = {
    "it": {"subject": "Auguri, {{ contact.name }}", "body": "Buon compleanno!\n\n{{ company.name }}"},
    "es": {"subject": "Felicidades, {{ contact.name }}", "body": "¡Feliz cumpleaños!"},
}
EVE = datetime(2027, 2, 27, 20, tzinfo=UTC)
MORNING = datetime(2027, 2, 28, 8, 1, tzinfo=UTC)  # 09:01 in Rome


def agrees(
    session: Session,
    contact: Contact,
    decision: Decision = Decision.GIVEN,
    channel: ConsentChannel = ConsentChannel.EMAIL,
) -> None:
    word = Word(Purpose.GREETINGS, channel, decision, Source.PERSON)
    record_consent(session, factories.make_actor(), contact, word)


def make_special(home: Installation, **changes: Any) -> int:
    """Five people born on 28 or 29 February, and one on 1 March."""
    with time_machine.travel(EVE, tick=False), home.database.write() as session:
        company = factories.make_company(session, language="it", country="IT")
        factories.make_account(session, company)
        party = factories.make_party(session, company, is_customer=True)
        for name, born, language in (
            ("Anna", (2, 28, 1980), "it"),
            ("Bruno", (2, 29, 1984), "it"),
            ("Carmen", (2, 28, None), "es"),
            ("Dora", (3, 1, 1990), "it"),
        ):
            month, day, year = born
            contact = factories.make_contact(
                session,
                party,
                name=name,
                language=language,
                birth_month=month,
                birth_day=day,
                birth_year=year,
            )
            agrees(session, contact)
        silent = factories.make_contact(session, party, name="Elio", birth_month=2, birth_day=28)
        refuses = factories.make_contact(session, party, name="Franca", birth_month=2, birth_day=28)
        agrees(session, refuses)
        agrees(session, refuses, Decision.WITHDRAWN)
        assert silent.id
        owner = factories.make_user(
            session,
            clearance=3,
            grants=[(right, ANY, None) for right in (Permission.DOCUMENTS_SEE, Permission.OUTBOX_PREPARE)],
            areas=[Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE],
        )
        values: dict[str, Any] = {
            "name": "Birthdays",
            "celebration": Celebration.BIRTHDAY,
            "texts": TEXTS,
            "at": time(9),
            "timezone": "Europe/Rome",
            "starts_on": EVE.date(),
        }
        given = SpecialDateInput(**(values | changes))
        return save_special_date(session, build_actor(session, owner), company, given).id


def fire(home: Installation, at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        firing.tend(home)


def subjects(home: Installation) -> list[list[str]]:
    """Of each run that was not cancelled, in order."""
    with home.database.read() as session:
        runs = session.scalars(select(Run).where(Run.state != RunState.CANCELLED).order_by(Run.id)).all()
        query = select(Message.subject).order_by(Message.subject)
        return [list(session.scalars(query.where(Message.run_id == run.id))) for run in runs]


def test_birthdays_are_greeted_once_a_year_in_the_contacts_language(home: Installation) -> None:
    """GA-8: whoever agreed, also without a year of birth, and 29 February on the 28th; at the local hour."""
    special_id = make_special(home)
    fire(home, MORNING - timedelta(minutes=5))
    assert subjects(home) == []
    fire(home, MORNING)
    today = ["Auguri, Anna", "Auguri, Bruno", "Felicidades, Carmen"]
    assert subjects(home) == [today]
    with time_machine.travel(MORNING + timedelta(hours=2), tick=False):
        with home.database.write() as session:
            special = session.get_one(SpecialDate, special_id)
            run_now(session, factories.make_actor(), special.schedule)
        firing.tend(home)
    assert subjects(home) == [today]  # nobody is left for this year
    fire(home, MORNING + timedelta(days=1))
    assert subjects(home) == [today, ["Auguri, Dora"]]
    with home.database.read() as session:
        states = list(session.scalars(select(Firing.state).order_by(Firing.due_at)))
        assert states == [FiringState.WAITING, FiringState.NOTHING, FiringState.WAITING]
        message = session.scalars(select(Message).where(Message.subject == "Auguri, Anna")).one()
        content = session.get_one(MessageContent, message.id)
        assert "greetings “Birthdays”" in describe_why(message.why)
        assert (message.purpose, bool(message.unsubscribe_url)) == ("greetings", True)
        assert "Buon compleanno!" in content.body_text
        assert "<p>Buon compleanno!</p>" in content.body_html


def test_29_february_may_be_greeted_on_1_march(sqlite_home: Installation) -> None:
    make_special(sqlite_home, leap_rule=LeapDayRule.MARCH_1)
    fire(sqlite_home, MORNING)
    fire(sqlite_home, MORNING + timedelta(days=1))
    assert subjects(sqlite_home) == [
        ["Auguri, Anna", "Felicidades, Carmen"],
        ["Auguri, Bruno", "Auguri, Dora"],
    ]


def test_a_run_that_was_cancelled_greeted_nobody(sqlite_home: Installation) -> None:
    special_id = make_special(sqlite_home)
    fire(sqlite_home, MORNING)
    with sqlite_home.database.write() as session:
        cancel_run(session, factories.make_actor(), session.scalars(select(Run)).one())
        run_now(session, factories.make_actor(), session.get_one(SpecialDate, special_id).schedule)
    with (
        time_machine.travel(MORNING + timedelta(hours=1), tick=False),
        sqlite_home.database.write() as session,
    ):
        for one in session.scalars(select(Firing).where(Firing.is_manual)):
            one.due_on, one.lease_until = MORNING.date(), MORNING
    fire(sqlite_home, MORNING + timedelta(hours=1))
    assert subjects(sqlite_home) == [["Auguri, Anna", "Auguri, Bruno", "Felicidades, Carmen"]]
    with sqlite_home.database.read() as session:
        assert len(session.scalars(select(Greeting)).all()) == 3


@pytest.mark.parametrize(
    ("celebration", "at", "count"),
    [
        (Celebration.CHRISTMAS, datetime(2027, 12, 25, 8, 5, tzinfo=UTC), 4),
        (Celebration.NEW_YEAR, datetime(2028, 1, 1, 8, 5, tzinfo=UTC), 4),
    ],
)
def test_a_day_for_everybody_greets_whoever_agreed(
    sqlite_home: Installation, celebration: Celebration, at: datetime, count: int
) -> None:
    """GA-8: Christmas and New Year, also a holiday."""
    make_special(sqlite_home, celebration=celebration)
    fire(sqlite_home, at)
    assert [len(one) for one in subjects(sqlite_home)] == [count]


def test_the_coming_month_says_who_is_greeted_and_who_not_and_why(sqlite_home: Installation) -> None:
    special_id = make_special(sqlite_home)
    with time_machine.travel(EVE, tick=False), sqlite_home.database.read() as session:
        special = session.get_one(SpecialDate, special_id)
        month = coming_month(session, factories.make_actor(), [special])
        found = [(one.contact.name, one.on.isoformat(), one.fate) for one in month.birthdays]
    assert found == [
        ("Anna", "2027-02-28", Fate.GREETED),
        ("Bruno", "2027-02-28", Fate.GREETED),
        ("Carmen", "2027-02-28", Fate.GREETED),
        ("Elio", "2027-02-28", Fate.NO_CONSENT),
        ("Franca", "2027-02-28", Fate.NO_CONSENT),
        ("Dora", "2027-03-01", Fate.GREETED),
    ]


def test_wishes_by_sms_ask_for_the_consent_to_texts_and_go_to_the_mobile_number(
    sqlite_home: Installation,
) -> None:
    """Issue 6, section 5: who agreed to wishes by e-mail alone is not written to by SMS."""
    special_id = make_special(sqlite_home, channel=ConsentChannel.SMS)
    with sqlite_home.database.write() as session:
        for contact in session.scalars(select(Contact).where(Contact.name.in_(("Anna", "Carmen")))):
            agrees(session, contact, channel=ConsentChannel.SMS)
            contact.mobile = "333 1234567" if contact.name == "Anna" else ""
    with time_machine.travel(EVE, tick=False), sqlite_home.database.read() as session:
        special = session.get_one(SpecialDate, special_id)
        month = coming_month(session, factories.make_actor(clearance=3), [special])
        assert {
            one.contact.name: one.fate for one in month.birthdays if one.contact.name in ("Anna", "Bruno")
        } == {
            "Anna": Fate.GREETED,
            "Bruno": Fate.NO_NUMBER,
        }
    fire(sqlite_home, MORNING)
    with sqlite_home.database.read() as session:
        message = session.scalars(select(Message)).one()
        assert (message.channel, message.to_address) == (Channel.SMS, "+393331234567")
        assert message.content.body_text.startswith("Buon compleanno!")
