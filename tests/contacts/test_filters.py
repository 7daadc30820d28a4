"""Filters on characteristics (all, any, none), on how parties are reached, and on birthdays (IT-14, IT-16)."""

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from crm_mail.contacts.birthdays import Birthday, BirthdayInvalid, LeapDayRule, days_ahead, parse_birthday
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.selection import contact_query, party_query
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.delivery.models import Suppression
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.permissions import Sight
from tests.factories import make_company, make_contact, make_party


def codes(session: Session, company: Any, clearance: int = 3, **asked: Any) -> list[str]:
    found = party_query(PartyFilter(company.id, **asked), Sight(clearance))
    return [session.get_one(Party, id_).code for id_ in sorted(session.scalars(found))]


def people(session: Session, company: Any, **asked: Any) -> int:
    return len(session.scalars(contact_query(PartyFilter(company.id, **asked), Sight(3))).all())


@pytest.mark.parametrize(
    ("asked", "expected", "contacts"),
    [
        ({"all_characteristics": ("sector=food", "SECTOR=wine")}, ["both"], 1),
        ({"any_characteristics": ("sector=food", "vip")}, ["both", "food", "mixed"], 3),
        ({"no_characteristics": ("vip",)}, ["both", "food", "mixed", "nobody"], 3),
        ({"no_characteristics": ("vip", "sector")}, ["mixed", "nobody"], 1),
        ({"any_characteristics": ("sector",), "no_characteristics": ("sector=wine",)}, ["food"], 1),
    ],
)
def test_all_any_and_none_of_the_characteristics(
    session: Session, asked: dict[str, Any], expected: list[str], contacts: int
) -> None:
    """A party goes only when every active contact of it holds what is unwanted; who has no contact stays."""
    company = make_company(session)
    both = make_contact(
        session, make_party(session, company, code="both"), characteristics={"sector": "food"}
    )
    both.characteristics.append(type(both.characteristics[0])(key="Sector", value="wine"))
    make_contact(session, make_party(session, company, code="food"), characteristics={"sector": "food"})
    mixed = make_party(session, company, code="mixed")
    make_contact(session, mixed, characteristics={"vip": ""})
    make_contact(session, mixed)
    make_party(session, company, code="nobody")
    session.flush()
    assert codes(session, company, **asked) == expected
    assert people(session, company, **asked) == contacts


def test_how_parties_are_reached(session: Session) -> None:
    """Kind of address, bounced in any spelling, never written to: own addresses and those of visible contacts."""
    company = make_company(session)
    make_contact(session, make_party(session, company, code="pec"), (("a@pec.example", "pec"),))
    make_party(session, company, code="own", email="Info@Dead.example", email_kind="ordinary")
    make_contact(session, make_party(session, company, code="dead"), (("Gone@x.example", "ordinary"),))
    hidden = make_party(session, company, code="hidden")
    make_contact(session, hidden, (("secret@x.example", "pec"),), privacy_level=2)
    for address in ("info@dead.example", "gone@x.example", "secret@x.example"):
        session.add(Suppression(company_id=company.id, address=address, reason="x"))
    session.add(Suppression(company_id=company.id, address="a@pec.example", reason="x", is_active=False))
    session.flush()
    assert codes(session, company, 1, address_kinds=("pec",)) == ["pec"]
    assert codes(session, company, 2, address_kinds=("pec",)) == ["pec", "hidden"]
    assert codes(session, company, 1, has_bounced=True) == ["own", "dead"]
    assert codes(session, company, 1, has_bounced=False) == ["pec", "hidden"]
    run = Run(company_id=company.id, title="x", criteria={})
    session.add(run)
    session.flush()
    for code, level, at in (("own", 0, now()), ("dead", 0, None), ("hidden", 2, now())):
        party = session.query(Party).filter_by(company_id=company.id, code=code).one()
        values = {"party_code": code, "party_name": code, "language": "it", "channel": Channel.SMTP}
        session.add(
            Message(
                run_id=run.id,
                company_id=company.id,
                party_id=party.id,
                privacy_level=level,
                sent_at=at,
                **values,
            )
        )
    session.flush()
    assert codes(session, company, 1, was_written_to=True) == ["own"]
    assert codes(session, company, 1, was_written_to=False) == ["pec", "dead", "hidden"]
    assert codes(session, company, 2, was_written_to=False) == ["pec", "dead"]


def test_a_birthday_is_found_ahead_of_time_also_without_a_year(session: Session) -> None:
    company = make_company(session)
    today = now().date()
    party = make_party(session, company, code="today")
    make_contact(session, party, birth_month=today.month, birth_day=today.day)
    make_contact(session, make_party(session, company, code="none"))
    assert codes(session, company, birthday_within=0) == ["today"]
    assert people(session, company, birthday_within=366) == 1


def test_who_is_born_on_29_february_has_a_birthday_each_year() -> None:
    leap, plain = date(2028, 2, 27), date(2027, 2, 27)
    assert days_ahead(leap, 2) == [(2, 27), (2, 28), (2, 29)]
    assert days_ahead(leap, 1) == [(2, 27), (2, 28)]
    assert days_ahead(plain, 1) == [(2, 27), (2, 28), (2, 29)]
    assert days_ahead(plain, 1, LeapDayRule.MARCH_1) == [(2, 27), (2, 28)]
    assert days_ahead(plain, 2, LeapDayRule.MARCH_1) == [(2, 27), (2, 28), (3, 1), (2, 29)]
    assert days_ahead(date(2026, 12, 31), 1) == [(12, 31), (1, 1)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1980-03-31", Birthday(3, 31, 1980)),
        ("19800331", Birthday(3, 31, 1980)),
        ("1980-03-31T23:00:00Z", Birthday(3, 31, 1980)),
        ("--03-31", Birthday(3, 31)),
        ("--0229", Birthday(2, 29)),
        ("1604-02-29", Birthday(2, 29)),
        ("31/3/1980", Birthday(3, 31, 1980)),
        ("31.03.", Birthday(3, 31)),
        (" ", None),
    ],
)
def test_birthdays_are_read_as_people_and_programs_write_them(
    written: str, expected: Birthday | None
) -> None:
    assert parse_birthday(written, date(2026, 1, 1)) == expected


@pytest.mark.parametrize("written", ["2027-01-01", "1979-02-29", "31/02", "soon", "0001-01-01"])
def test_what_is_no_birthday_is_refused(written: str) -> None:
    with pytest.raises(BirthdayInvalid):
        parse_birthday(written, date(2026, 1, 1))


def test_the_new_questions_survive_json_and_older_json_is_still_read() -> None:
    chosen = PartyFilter(
        7, no_characteristics=("vip",), address_kinds=("pec",), has_bounced=False, birthday_within=0
    )
    assert PartyFilter.from_dict(chosen.to_dict()) == chosen
    assert ("birthday", "0") in chosen.to_arguments()
    assert PartyFilter.from_dict({"company_id": 7, "characteristics": ["a=b"]}).characteristics == ("a=b",)
    for wrong in ({"address_kinds": ["fax"]}, {"birthday_within": "400"}, {"birthday_within": -1}):
        with pytest.raises(FilterInvalid):
            PartyFilter.from_dict({"company_id": 7} | wrong)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"has_bounced": True}, "ix_contact_addresses_key (email_key=?)"),
        ({"was_written_to": False}, "ix_messages_party_sent (party_id=?"),
        ({"birthday_within": 7}, "ix_contacts_birthday (company_id=? AND birth_month=? AND birth_day=?)"),
        ({"all_characteristics": ("a=b",)}, "ix_characteristics_tag (<expr>=?"),
        ({"no_characteristics": ("a=b",)}, "ix_characteristics_tag (<expr>=?"),
    ],
)
def test_each_question_is_answered_by_its_index(
    sqlite_home: Installation, asked: dict[str, Any], index: str
) -> None:
    with sqlite_home.database.read() as session:
        query = party_query(PartyFilter(1, **asked), Sight(0))
        sql = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in session.execute(text("EXPLAIN QUERY PLAN " + sql.replace(":", "\\:")))]
    assert any(index in line for line in plan), plan


def test_a_birthday_is_typed_on_the_card_and_shown_again(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Callable[..., FlaskClient]
) -> None:
    browser = browser_of()
    path = f"/contacts/people/{world.public.id}"
    form = {
        "name": "Anna Aperta",
        "privacy_level": "0",
        "state": "active",
        "language": "",
        "birthday": "29/2",
    }
    assert browser.post(path, data=form).status_code == 303
    page = browser.get(path).text
    assert 'value="29/2"' in page
    assert browser.post(path, data=form | {"birthday": "30/2"}).status_code == 422
    assert "Anna Aperta" in browser.get(f"/contacts/{world.party.id}").text
    with sqlite_home.database.read() as session:
        contact = session.get_one(Contact, world.public.id)
        assert (contact.birth_month, contact.birth_day, contact.birth_year) == (2, 29, None)
