"""Pages of schedules: the sentence, the next dates, steering, and who may (issue 6, 2)."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from flask import Flask
from sqlalchemy import select

from crm_mail.permissions import ANY, Permission
from crm_mail.schedules.firing import tend
from crm_mail.schedules.models import Firing, FiringState, Schedule, ScheduleState, SpecialDate
from tests import factories

RIGHTS: dict[str, Any] = {
    "grants": [(right, ANY, None) for right in (Permission.DOCUMENTS_SEE, Permission.OUTBOX_PREPARE)],
    "areas": [Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE],
}
SENTENCE = {
    "name": "Statements",
    "every": "month_day",
    "interval": "1",
    "day": "5",
    "month": "1",
    "position": "1",
    "weekday": "0",
    "times": "08:30",
    "timezone": "Europe/Rome",
    "starts_on": "2026-11-22",
    "on_holiday": "next",
    "calendar": "IT",
    "has_weekends": "y",
    "missed": "catch_up",
    "authorisation": "",
}
NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)


@time_machine.travel(NOON, tick=False)
def test_a_sentence_becomes_a_schedule_that_can_be_steered(app: Flask, login_as: Any) -> None:
    sqlite_home = app.extensions["crm_mail"]
    with sqlite_home.database.write() as session:
        company = factories.make_company(session)
        user = factories.make_user(session, **RIGHTS)
        session.flush()
        user_id, company_id = user.id, company.id
    client = login_as(user)
    dates = client.get("/schedules/next-dates", query_string=SENTENCE).text
    assert dates.count("<li>") == 5
    assert "Monday 7 December 2026, 08:30" in dates  # the 5th is a Saturday
    wrong = client.post(
        "/schedules/new?of=documents",
        data=SENTENCE | {"times": "half past", "period": "any", "sent": "never"},
    )
    assert (wrong.status_code, "half past" in wrong.text) == (422, True)
    answer = client.post(
        "/schedules/new?of=documents&city=Pordenone",
        data=SENTENCE | {"period": "last_month", "sent": "never", "types": "invoice", "audience": "given"},
    )
    assert answer.status_code == 303, answer.text[answer.text.index("error-summary") :][:900]
    page = client.get(answer.location).text
    assert "every month on day 5 at 08:30 (Europe/Rome); on a holiday the next working day (IT)" in page
    assert "City: Pordenone" in page
    with sqlite_home.database.read() as session:
        schedule = session.scalars(select(Schedule)).one()
        assert schedule.options == {
            "types": ["invoice"],
            "period": "last_month",
            "only_unsent": True,
            "audience": {"cities": ["Pordenone"]},
        }
        assert (schedule.owner_id, schedule.company_id) == (user_id, company_id)
    edit = client.get(f"{answer.location}/edit").text
    assert 'value="08:30"' in edit
    for act, state in (("pause", ScheduleState.PAUSED), ("resume", ScheduleState.ACTIVE)):
        assert client.post(f"{answer.location}/{act}").status_code == 303
        with sqlite_home.database.read() as session:
            assert session.scalars(select(Schedule)).one().state is state
    assert client.post(f"{answer.location}/run-now").status_code == 303
    assert client.post(f"{answer.location}/run-now").status_code == 409
    tend(sqlite_home)
    assert "nothing was due" in client.get(answer.location).text
    assert "Statements" in client.get("/schedules").text


def test_who_only_looks_steers_nothing_and_another_company_does_not_exist(app: Flask, login_as: Any) -> None:
    sqlite_home = app.extensions["crm_mail"]
    with sqlite_home.database.write() as session:
        company = factories.make_company(session)
        owner = factories.make_user(session, **RIGHTS)
        looks = factories.make_user(session, areas=[Permission.SCHEDULES_SEE])
        schedule = Schedule(
            company_id=company.id,
            name="Nightly",
            kind="documents",
            timezone="Europe/Rome",
            times=["08:30"],
            rule="FREQ=DAILY",
            starts_on=date(2026, 1, 1),
            owner_id=owner.id,
            next_due_at=NOON,
        )
        session.add(schedule)
        session.add(
            Firing(
                schedule=schedule,
                company_id=company.id,
                due_at=NOON,
                due_on=NOON.date(),
                state=FiringState.DONE,
            )
        )
        session.flush()
        schedule_id = schedule.id
    client = login_as(looks)
    page = client.get(f"/schedules/{schedule_id}")
    assert (page.status_code, "Run now" in page.text) == (200, False)
    assert client.post(f"/schedules/{schedule_id}/pause").status_code == 403
    assert client.get("/schedules/new?of=documents").status_code == 403
    assert client.get("/schedules/999").status_code == 404


def test_a_special_date_is_written_in_several_languages_and_previewed(app: Flask, login_as: Any) -> None:
    sqlite_home = app.extensions["crm_mail"]
    today = datetime.now(ZoneInfo("Europe/Rome"))  # the company's day, as the schedule's
    with sqlite_home.database.write() as session:
        company = factories.make_company(session)
        party = factories.make_party(session, company)
        factories.make_contact(
            session,
            party,
            name="Anna Bianchi",
            birth_month=today.month,
            birth_day=today.day,
        )
        user = factories.make_user(session, **RIGHTS)
    client = login_as(user)
    form = client.get("/schedules/special-dates/new?of=birthday").text
    assert "Buon compleanno" in form
    data = {
        "name": "Birthdays",
        "celebration": "birthday",
        "month": "1",
        "day": "1",
        "at": "09:00",
        "timezone": "Europe/Rome",
        "leap_rule": "march_1",
        "authorisation": "",
        "audience": "everybody",
        "subject_it": "Auguri",
        "body_it": "Cara {{ contact.nam }}",
    }
    wrong = client.post("/schedules/special-dates/new", data=data)
    assert (wrong.status_code, "contact.nam" in wrong.text) == (422, True)
    saved = client.post("/schedules/special-dates/new", data=data | {"body_it": "Cara {{ contact.name }}"})
    assert saved.status_code == 303
    assert "Auguri" in client.get(saved.location).text
    with sqlite_home.database.read() as session:
        special = session.scalars(select(SpecialDate)).one()
        assert special.texts == {"it": {"subject": "Auguri", "body": "Cara {{ contact.name }}"}}
    page = client.get("/schedules/special-dates").text
    assert "Anna Bianchi" in page
    assert "has not agreed to wishes" in page
    assert client.get(f"/schedules/special-dates/{special.id}/edit").status_code == 200
