"""Pages of events: rules and their switches, the dry run, the history, and who may (issue 6, section 3)."""

from typing import Any

from flask import Flask
from sqlalchemy import select

from crm_mail.events import handling
from crm_mail.events.kinds import KINDS
from crm_mail.events.models import EventRule
from crm_mail.outbox.models import Run
from crm_mail.permissions import Permission
from tests import factories
from tests.events.making import AREAS, make_office, make_rule, post

SALE = {"amount": "1250.00", "currency": "EUR", "date": "2026-11-20", "number": "Q1"}


def test_every_event_can_be_switched_on_and_off(app: Flask, login_as: Any) -> None:
    """GA-7: nothing is on by itself; one press switches it on, another one off."""
    home = app.extensions["crm_mail"]
    with home.database.write() as session:
        _company, user = make_office(session)
    client = login_as(user)
    page = client.get("/events").text
    assert all(f'value="{kind}"' in page for kind in KINDS)
    assert "Switch off" not in page
    assert client.post("/events/kinds", data={"kind": "quote.saved"}).status_code == 303
    with home.database.read() as session:
        rule = session.scalars(select(EventRule)).one()
        assert (rule.kind, rule.is_on, rule.owner_id) == ("quote.saved", True, user.id)
    assert "Switch off" in client.get("/events").text
    assert client.post(f"/events/{rule.id}/switch", data={"on": "0"}).status_code == 303
    with home.database.read() as session:
        assert not session.scalars(select(EventRule)).one().is_on
    asked = client.post("/events/kinds", data={"kind": "cash_close.done"})
    assert asked.location == "/events/new?of=cash_close.done&on=1"  # nobody is written to without an address
    assert 'checked class="form-check-input" id="is_on"' in client.get(asked.location).text


def test_a_rule_is_written_tried_on_past_events_and_its_history_says_why(app: Flask, login_as: Any) -> None:
    home = app.extensions["crm_mail"]
    with home.database.write() as session:
        company, user = make_office(session)
        party = factories.make_party(session, company, code="A", name="Rossi", email="rossi@firma.example")
        factories.make_contact(session, party, name="Secret", subscriptions=("quote",), privacy_level=3)
        factories.make_contact(session, party, (("bea@firma.example", "ordinary"),), ("quote",), name="Bea")
        post(session, company, "quote.saved", 1, {"party_code": "A", **SALE})
        post(session, company, "quote.saved", 2, {"party_code": "A", **SALE, "amount": 5})
        post(session, company, "quote.saved", 3, {"party_code": "nobody", **SALE})
    client = login_as(user)
    form = client.get("/events/new?of=quote.saved").text
    assert "Preventivo {{ event.number }}" in form
    assert "e-mail and SMS" in form
    data = {
        "name": "Large quotes",
        "kind": "quote.saved",
        "is_on": "y",
        "conditions-0-field": "amount",
        "conditions-0-operator": "at_least",
        "conditions-0-value": "1000",
        **{f"conditions-{row}-operator": "equals" for row in (1, 2, 3)},
        "target": "subscribed",
        "sends": "text",
        "document_type": "quote",
        **dict.fromkeys(("role", "purpose", "authorisation"), ""),
        "subject_it": "Preventivo {{ event.number }}",
        "body_it": "Grande: {{ event.amount | money(event.currency) }}",
    }
    wrong = client.post("/events/new?of=quote.saved", data=data | {"body_it": "{{ evnt.number }}"})
    assert (wrong.status_code, "evnt" in wrong.text) == (422, True)
    by_phone = client.post("/events/new?of=quote.saved", data=data | {"channel": "both", "sends": "stored"})
    assert (by_phone.status_code, "The stored document leaves by e-mail" in by_phone.text) == (422, True)
    tried = client.post("/events/new?of=quote.saved", data=data | {"try": "1"})
    assert tried.status_code == 200
    assert "Of 3 events it would act on 1" in tried.text
    assert "Bea &lt;bea@firma.example&gt;" in tried.text
    assert "1 more whom you may not see" in tried.text
    assert "Secret" not in tried.text
    assert "amount is at least 1000: 5" in tried.text
    with home.database.read() as session:
        assert session.scalars(select(EventRule)).all() == []
        assert session.scalars(select(Run)).all() == []
    assert client.post("/events/new?of=quote.saved", data=data).status_code == 303
    handling.tend(home)
    page = client.get("/events/history").text
    assert "Asked: amount is at least 1000. Found: 5." in page
    assert "The event names no known customer or supplier" in page
    assert "waits for a person" in page
    assert 'href="/outbox/' in page
    with home.database.read() as session:
        rule_id = session.scalars(select(EventRule.id)).one()
    edit = client.get(f"/events/{rule_id}").text
    assert ("Grande" in edit, 'value="1000"' in edit) == (True, True)
    assert client.post(f"/events/{rule_id}/remove").status_code == 303
    assert client.get(f"/events/{rule_id}").status_code == 404


def test_who_only_looks_changes_nothing_and_another_company_does_not_exist(app: Flask, login_as: Any) -> None:
    home = app.extensions["crm_mail"]
    with home.database.write() as session:
        company, user = make_office(session)
        rule_id = make_rule(session, company, user, "quote.saved").id
        looks = factories.make_user(session, areas=[Permission.SCHEDULES_SEE])
        other = factories.make_company(session, code="OTHER")
        stranger = factories.make_user(session, grants=[(right, "", other.id) for right in AREAS])
    client = login_as(looks)
    page = client.get("/events")
    assert (page.status_code, "Switch o" in page.text) == (200, False)
    assert client.get("/events/history").status_code == 200
    assert client.post(f"/events/{rule_id}/switch", data={"on": "0"}).status_code == 403
    client = login_as(stranger)
    for path in (f"/events/{rule_id}/switch", f"/events/{rule_id}/remove", f"/events/{rule_id}"):
        assert client.post(path).status_code == 404
    assert "quote.saved</code>" in client.get("/events").text  # its own company has no rule yet
