"""The *Prepare* page: three steps in the address, counts before anything is written, everybody only when ticked."""

import re
from collections.abc import Callable
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Role
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing import prepare_views
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Permission
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user

Login = Callable[..., FlaskClient]


@pytest.fixture
def company(sqlite_home: Installation) -> Company:
    """A company with documents of two parties of different agents."""
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        for agent, city in (("Rossi", "Milano"), ("Ñandú & Figli", "Roma")):
            party = make_party(session, company, email="a@x.example", agent=agent, city=city)
            make_document(session, party, dated_on=date(2026, 11, 2))
            make_document(session, party, type="quote", dated_on=date(2026, 10, 2))
        session.add(Role(company_id=company.id, name="Quality office"))
        party = make_party(session, company, email="b@x.example")
        make_contact(session, party, characteristics={"sector": "food"})
        return company


@pytest.fixture
def clerk(sqlite_home: Installation, company: Company, login_as: Login) -> FlaskClient:
    """Somebody who may prepare invoices and quotes of the company."""
    types = ("invoice", "quote")
    grants = [(Permission.OUTBOX_PREPARE, one, company.id) for one in types]
    with sqlite_home.database.write() as session:
        user = make_user(session, grants=grants)
    return login_as(user)


def runs(home: Installation) -> list[Run]:
    with home.database.read() as session:
        return list(session.scalars(select(Run).order_by(Run.id)))


def count(home: Installation) -> int:
    with home.database.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_only_types_that_the_person_may_prepare_are_offered(clerk: FlaskClient) -> None:
    page = clerk.get("/prepare").text

    assert re.findall(r'name="types"[^>]*value="(\w+)"', page) == ["invoice", "quote"]
    assert clerk.get("/prepare?types=price_list").status_code == 422


def test_the_second_step_offers_values_in_use_and_carries_the_first(clerk: FlaskClient) -> None:
    page = clerk.get("/prepare?types=invoice&from_on=2026-11-01&step=2").text

    assert '<option value="Ñandú &amp; Figli">' in page
    assert '<option value="Quality office">' in page
    assert '<input type="hidden" name="types" value="invoice">' in page
    assert '<input type="hidden" name="from_on" value="2026-11-01">' in page


def test_a_contact_above_the_clearance_gives_no_characteristics(
    sqlite_home: Installation, company: Company, clerk: FlaskClient
) -> None:
    with sqlite_home.database.write() as session:
        party = make_party(session, session.get_one(Company, company.id))
        make_contact(session, party, characteristics={"secret-fair": ""}, privacy_level=2)

    page = clerk.get("/prepare?step=2").text

    assert "sector=food" in page
    assert "secret-fair" not in page


def test_going_back_keeps_what_was_chosen(clerk: FlaskClient) -> None:
    page = clerk.get("/prepare?types=quote&agent=Rossi&agent=Verdi&sent=all&step=1").text

    assert re.search(r'value="quote"[^>]*checked|checked[^>]*value="quote"', page)
    assert page.count('<input type="hidden" name="agent"') == 2
    second = clerk.get("/prepare?types=quote&agent=Rossi&sent=all&step=2").text
    assert 'name="agent" value="Rossi" checked' in second


def test_the_counts_follow_the_choice_and_nothing_is_written(
    clerk: FlaskClient, sqlite_home: Installation
) -> None:
    everything = clerk.get("/prepare/counts").text
    invoices = clerk.get("/prepare/counts?types=invoice").text
    some = clerk.get("/prepare/counts?types=invoice&agent=rossi").text
    period = clerk.get("/prepare/counts?from_on=2026-11-01&to_on=2026-11-30").text

    assert "4 documents" in everything
    assert "No recipient filter is set" in everything
    assert "2 documents" in invoices
    assert "No recipient filter is set" in invoices, "a ticked type narrows no recipients"
    assert "1 document" in some
    assert "No recipient filter is set" not in some
    assert "2 documents" in period
    assert runs(sqlite_home) == []


def test_the_counts_say_what_left_before(clerk: FlaskClient, sqlite_home: Installation) -> None:
    assert clerk.post("/prepare?agent=Ñandú+%26+Figli&step=3").status_code == 303
    with sqlite_home.database.write() as session:
        session.execute(update(Message).values(state=MessageState.SENT))
    address = "/prepare/counts?agent=Ñandú+%26+Figli"
    assert "2 of them were sent before" in clerk.get(address).text
    assert "2 of them were sent before" in clerk.get("/prepare?agent=Ñandú+%26+Figli&step=3").text
    assert "sent before" not in clerk.get(f"{address}&sent=all").text
    with sqlite_home.database.write() as session:
        session.execute(update(Message).values(privacy_level=3))  # of somebody whom this person does not see
    assert "sent before" not in clerk.get(address).text


def test_a_period_that_ends_before_it_begins_is_explained(clerk: FlaskClient) -> None:
    answer = clerk.get("/prepare?from_on=2026-11-02&to_on=2026-11-01&step=3")

    assert answer.status_code == 422
    assert "The last day lies before the first one." in answer.text
    assert clerk.get("/prepare?from_on=yesterday").status_code == 422


def test_an_unknown_filter_value_is_refused(clerk: FlaskClient) -> None:
    assert clerk.get("/prepare?kind=friend").status_code == 400


def test_everybody_is_prepared_only_when_it_was_ticked(clerk: FlaskClient, sqlite_home: Installation) -> None:
    """PD-13."""
    page = clerk.get("/prepare?types=invoice&step=3").text
    assert "everybody is meant: 2 customers and suppliers" in page
    assert 'value="Invoice"' in page  # the name that the run gets unless another is written

    assert clerk.post("/prepare?types=invoice&step=3").status_code == 422
    assert runs(sqlite_home) == []
    answer = clerk.post("/prepare?types=invoice&step=3", data={"everybody": "yes", "title": " My  run "})
    (run,) = runs(sqlite_home)
    assert answer.location == f"/outbox/{run.id}"
    assert (run.state, run.title, run.document_types) == (RunState.REVIEW, "My run", ["invoice"])


def test_a_filtered_run_is_prepared_at_once_when_it_is_small(
    clerk: FlaskClient, sqlite_home: Installation
) -> None:
    answer = clerk.post("/prepare?agent=Ñandú+%26+Figli&step=3")

    assert answer.status_code == 303
    (run,) = runs(sqlite_home)
    assert run.criteria["parties"]["agents"] == ["Ñandú & Figli"]
    assert count(sqlite_home) == 1


def test_a_large_run_is_left_to_the_worker_and_its_page_waits(
    clerk: FlaskClient, sqlite_home: Installation, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_views, "AT_ONCE", 1)
    rung: list[tuple[str, int]] = []

    class Recorder:
        def ring(self, name: str, id_: int = 0) -> None:
            rung.append((name, id_))

    app.extensions["bell"] = Recorder()

    answer = clerk.post("/prepare?step=3", data={"everybody": "yes"})

    (run,) = runs(sqlite_home)
    assert answer.location == f"/outbox/{run.id}/preparing"
    assert (run.state, rung) == (RunState.PREPARING, [("outbox.fill_run", run.id)])
    page = clerk.get(f"/outbox/{run.id}/preparing")
    assert f'data-poll="/outbox/{run.id}/preparing"' in page.text
    assert "4 documents" in page.text
    with sqlite_home.database.write() as session:
        session.get_one(Run, run.id).state = RunState.REVIEW
    part = clerk.get(f"/outbox/{run.id}/preparing", headers={"HX-Request": "true"})
    assert part.location == f"/outbox/{run.id}"


def test_a_preparation_that_failed_says_why_and_offers_the_same_choice(
    clerk: FlaskClient, sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_views, "AT_ONCE", 0)
    clerk.post("/prepare?types=invoice&agent=Rossi&from_on=2026-11-01&step=3")
    (run,) = runs(sqlite_home)
    with sqlite_home.database.write() as session:
        failed = session.get_one(Run, run.id)
        failed.state, failed.commit_summary = RunState.CANCELLED, {"error": "the disk is full"}

    page = clerk.get(f"/outbox/{run.id}/preparing").text

    assert "the disk is full" in page
    again = re.search(r'href="(/prepare\?[^"]+)"', page)
    assert again is not None
    values = parse_qs(urlsplit(again[1].replace("&amp;", "&")).query)
    assert values["types"] == ["invoice"]
    assert values["agent"] == ["Rossi"]
    assert values["from_on"] == ["2026-11-01"]


def test_nothing_due_is_said_and_makes_no_run(clerk: FlaskClient, sqlite_home: Installation) -> None:
    page = clerk.get("/prepare?agent=Nobody&step=3")

    assert "Nothing is due for this choice" in page.text
    assert clerk.post("/prepare?agent=Nobody&step=3").status_code == 422
    assert runs(sqlite_home) == []


def test_chosen_documents_are_prepared_alone(
    clerk: FlaskClient, sqlite_home: Installation, company: Company
) -> None:
    """PD-7: a link from the documents' pages."""
    answer = clerk.post("/prepare?document=1&step=3")

    assert answer.status_code == 303
    (run,) = runs(sqlite_home)
    assert run.criteria["document_ids"] == [1]
    assert count(sqlite_home) == 1


def test_another_company_is_chosen_only_where_the_right_is_held(
    sqlite_home: Installation, clerk: FlaskClient
) -> None:
    with sqlite_home.database.write() as session:
        other = make_company(session)

    assert clerk.get(f"/prepare?company={other.id}").status_code == 404
    assert clerk.post(f"/prepare?company={other.id}&step=3", data={"everybody": "yes"}).status_code == 404


def test_without_a_company_the_page_says_so(sqlite_home: Installation, login_as: Login) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, is_admin=True)

    assert "no company to prepare for" in login_as(admin).get("/prepare").text
