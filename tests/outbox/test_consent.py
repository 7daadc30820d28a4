"""Consent at the gate: asked before preparing and before sending, and withdrawn by link while a run is under way."""

import email
from email.message import Message as Mail
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentEvent
from crm_mail.contacts.consents.recording import Word, note_address_word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.models import Contact
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Message, MessageContent, Run
from crm_mail.outbox.preparing.prepare import create_run, fill_run
from crm_mail.outbox.sending.envelopes import load_envelope
from tests.delivery.servers import FaultyServer
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
)
from tests.outbox.preparing import criteria_for, left_out, receivers, rows
from tests.outbox.sending import on_server, send

ACTOR = make_actor()
TYPES = ("invoice", "price_list")
PUBLIC = "https://mail.acme.example"


def word(decision: Decision = Decision.GIVEN, **values: Any) -> Word:
    return Word(Purpose.COMMERCIAL, ConsentChannel.EMAIL, decision, Source.PERSON, **values)


def prepare(session: Session, home: Installation, company: Company) -> Run:
    run = create_run(session, ACTOR, criteria_for(company, document_types=TYPES))
    fill_run(session, ACTOR, run, lambda _sha256: True, home=home)
    session.flush()
    session.expire_all()
    return run


def make_customer(
    session: Session, company: Company, *, is_agreed: bool, sha256: str = "", **values: Any
) -> Contact:
    """A contact that receives invoices and price lists, one of each is due."""
    party = make_party(session, company)
    contact = make_contact(session, party, subscriptions=TYPES, **values)
    sha256 = sha256 or "ab" * 32
    make_document(session, party, type="invoice", files=(("Fattura.pdf", sha256, 10),))
    make_document(session, party, type="price_list", files=(("Listino.pdf", sha256, 10),))
    if is_agreed:
        record_consent(session, ACTOR, contact, word())
    return contact


@pytest.fixture
def company(session: Session) -> Company:
    found = make_company(session, soft_opt_in=False)
    make_account(session, found)
    return found


def test_advertising_goes_to_those_who_agreed_and_what_is_owed_to_everybody(
    session: Session, home: Installation, company: Company
) -> None:
    """Issue 5, 3: documents owed by contract are not subject to consent; who is left out is named with the reason."""
    agreed = make_customer(session, company, is_agreed=True)
    silent = make_customer(session, company, is_agreed=False)
    refused = make_customer(session, company, is_agreed=True)
    record_consent(session, ACTOR, refused, word(Decision.WITHDRAWN))
    run = prepare(session, home, company)
    by_purpose = {(m.contact_id, m.document_types): m.purpose for m in rows(session, run)}
    assert by_purpose == {
        (agreed.id, "invoice"): "",
        (agreed.id, "price_list"): "commercial",  # never in one message with what is owed
        (silent.id, "invoice"): "",
        (refused.id, "invoice"): "",
    }
    contacts = {(reason, contact) for reason, _document, contact in left_out(session, run) if contact}
    assert contacts == {("no_consent", silent.id), ("consent_withdrawn", refused.id)}
    documents = [reason for reason, document, _contact in left_out(session, run) if document]
    assert sorted(documents) == ["consent_withdrawn", "no_consent"]


def test_existing_customers_get_advertising_where_the_law_and_the_company_allow_it(
    session: Session, home: Installation, company: Company
) -> None:
    """Italy, art. 130 c. 4: existing customers, unless they said no; not suppliers, and not in other countries."""
    company.soft_opt_in = True
    customer = make_customer(session, company, is_agreed=False)
    supplier = make_customer(session, company, is_agreed=False)
    supplier.party.is_customer = False
    refused = make_customer(session, company, is_agreed=False)
    record_consent(session, ACTOR, refused, word(Decision.WITHDRAWN))
    own = make_party(session, company, email="info@own.example")
    make_document(session, own, type="price_list", files=(("Listino.pdf", "ab" * 32, 10),))
    run = prepare(session, home, company)
    lists = [m for m in rows(session, run) if m.purpose]
    assert {m.contact_id for m in lists} == {customer.id, None}
    assert {m.why["law"] for m in lists} == {"art. 130 c. 4 d.lgs. 196/2003"}
    company.country = "PY"
    assert [m for m in rows(session, prepare(session, home, company)) if m.purpose] == []


def test_the_no_of_an_address_holds_on_every_card(
    session: Session, home: Installation, company: Company
) -> None:
    """A withdrawal belongs to the person: the same address on a new card, or as a party's own, is not written to."""
    company.soft_opt_in = True
    first = make_customer(session, company, is_agreed=True, addresses=(("m@x.example", "ordinary"),))
    record_consent(session, ACTOR, first, word(Decision.WITHDRAWN))
    make_customer(session, company, is_agreed=False, addresses=(("m@x.example", "ordinary"),))
    note_address_word(session, ACTOR, company.id, "Info@own.example", word(Decision.WITHDRAWN))
    own = make_party(session, company, email="info@own.example")
    make_document(session, own, type="price_list", files=(("Listino.pdf", "ab" * 32, 10),))
    run = prepare(session, home, company)
    assert [m.to_address for m in rows(session, run) if m.purpose] == []
    assert receivers(session, run) == ["m@x.example", "m@x.example"]  # their invoices


def test_consent_withdrawn_between_preparing_and_commit_drops_the_row_visibly(
    session: Session, home: Installation, company: Company
) -> None:
    contact = make_customer(session, company, is_agreed=True)
    run = prepare(session, home, company)
    record_consent(session, ACTOR, contact, word(Decision.WITHDRAWN))
    commit_run(session, ACTOR, run, skip_undo=True, unknown_is_ordinary=True)
    session.expire_all()
    found = {m.document_types: (m.state.value, m.withheld_reason) for m in rows(session, run)}
    assert found == {"invoice": ("committed", ""), "price_list": ("withheld", "unsubscribed")}


def test_a_link_stands_in_every_text_of_advertising_and_in_no_other(
    session: Session, home: Installation, company: Company
) -> None:
    make_customer(session, company, is_agreed=True)
    for message in rows(session, prepare(session, home, company)):
        content = session.get_one(MessageContent, message.id)
        assert bool(message.unsubscribe_url) is bool(message.purpose)
        assert ("/unsubscribe/" in content.body_text) is bool(message.purpose)
        assert ("/unsubscribe/" in content.body_html) is bool(message.purpose)


@pytest.fixture
def sent_list(sqlite_home: Installation) -> Any:
    """A committed run of an invoice and a price list for one contact, with its server."""
    sqlite_home.settings.public_url = PUBLIC
    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            company = make_company(session, language="it", soft_opt_in=False)
            on_server(session, server.port, company)
            contact = make_customer(
                session,
                company,
                is_agreed=True,
                sha256=sqlite_home.store.put(b"%PDF-1.7 a page"),
                addresses=(("m@x.example", "ordinary"),),
            )
            run = prepare(session, sqlite_home, company)
            commit_run(session, ACTOR, run, skip_undo=True, unknown_is_ordinary=True)
            told = contact.id, run.id, next(m.unsubscribe_url for m in rows(session, run) if m.purpose)
        yield server, *told


def mails(server: FaultyServer) -> list[Mail]:
    return [email.message_from_bytes(data) for _to, data in server.received]


def test_the_headers_of_one_click_are_on_advertising_only(sqlite_home: Installation, sent_list: Any) -> None:
    """RFC 8058 3.1 and RFC 2369: one line, not encoded; invoices carry neither."""
    server, _contact, _run, url = sent_list
    send(sqlite_home)
    assert len(server.received) == 2
    carrying = [mail for mail in mails(server) if mail["List-Unsubscribe"]]
    assert [(m["List-Unsubscribe"], m["List-Unsubscribe-Post"]) for m in carrying] == [
        (f"<{url}>", "List-Unsubscribe=One-Click")
    ]
    assert url.startswith(f"{PUBLIC}/unsubscribe/")
    assert b"\r\nList-Unsubscribe: <https://" in next(d for _to, d in server.received if b"List-Unsub" in d)


def path_of(url: str) -> str:
    return url.removeprefix(PUBLIC)


def test_scanners_unsubscribe_nobody_and_one_click_stops_a_running_run(
    app: Flask, client: FlaskClient, sqlite_home: Installation, sent_list: Any
) -> None:
    """GET and HEAD only look; the POST of a mail program needs no cookie, answers 200 and works at once."""
    app.config["WTF_CSRF_ENABLED"] = True
    server, contact_id, run_id, url = sent_list
    for _ in range(3):
        assert client.get(path_of(url)).status_code == 200
        assert client.head(path_of(url)).status_code == 200
    with sqlite_home.database.read() as session:
        assert session.scalars(select(ConsentEvent.decision)).all() == [Decision.GIVEN]
    fresh = app.test_client()
    for _ in range(2):  # providers repeat it
        answer = fresh.post(path_of(url), data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.data) == (200, b"")
    send(sqlite_home)
    assert [mail["List-Unsubscribe"] for mail in mails(server)] == [None]  # the invoice alone
    with sqlite_home.database.read() as session:
        states = {m.document_types: (m.state.value, m.withheld_reason) for m in rows_of(session, run_id)}
        assert states == {"invoice": ("sent", ""), "price_list": ("cancelled", "unsubscribed")}
        events = session.scalars(select(ConsentEvent).where(ConsentEvent.contact_id == contact_id)).all()
        assert [(e.decision, e.source) for e in events] == [
            (Decision.GIVEN, Source.PERSON),
            (Decision.WITHDRAWN, Source.ONE_CLICK),
        ]
        assert session.get_one(Run, run_id).state.value == "finished"


def rows_of(session: Session, run_id: int) -> list[Message]:
    return list(session.scalars(select(Message).where(Message.run_id == run_id)))


def test_a_no_that_comes_after_the_claim_is_still_heard(sqlite_home: Installation, sent_list: Any) -> None:
    """The last look is right before the message would leave, whoever withdrew it, and however."""
    server, contact_id, run_id, _url = sent_list
    with sqlite_home.database.write() as session:  # past the service that clears the queue
        contact = session.get_one(Contact, contact_id)
        record_consent(session, ACTOR, contact, word(Decision.WITHDRAWN))
    send(sqlite_home)
    assert [mail["List-Unsubscribe"] for mail in mails(server)] == [None]
    with sqlite_home.database.read() as session:
        states = {m.document_types: m.state.value for m in rows_of(session, run_id)}
    assert states == {"invoice": "sent", "price_list": "failed"}


def test_the_page_speaks_the_contacts_language_and_keeps_choices(
    client: FlaskClient, sqlite_home: Installation, sent_list: Any
) -> None:
    _server, contact_id, _run, url = sent_list
    page = client.get(path_of(url), headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert '<html lang="it"' in page
    assert "m…@x.example" in page
    assert "m@x.example" not in page
    answer = client.post(path_of(url), data={"action": "save", "subject": "greetings-email"})
    assert answer.status_code == 303

    def said() -> set[tuple[str, str]]:
        with sqlite_home.database.read() as session:
            query = select(ConsentEvent).where(ConsentEvent.contact_id == contact_id)
            return {(e.purpose.value, e.decision.value) for e in session.scalars(query)}

    assert said() == {("commercial", "given"), ("commercial", "withdrawn"), ("greetings", "given")}
    client.post(path_of(url), data={"action": "nothing"})
    assert said() >= {("greetings", "withdrawn"), ("profiling", "withdrawn")}


def test_a_false_token_opens_nothing_and_guessing_is_slowed(client: FlaskClient, sent_list: Any) -> None:
    _server, _contact, _run, url = sent_list
    genuine = path_of(url)
    false = genuine[:-2] + ("A" if genuine[-2] != "A" else "B") + genuine[-1]
    answers = [client.post(false, data={"List-Unsubscribe": "One-Click"}).status_code for _ in range(40)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert client.get(genuine).status_code == 200  # genuine links are not held up by it


def test_one_link_cannot_fill_the_ledger(
    client: FlaskClient, sqlite_home: Installation, sent_list: Any
) -> None:
    url = path_of(sent_list[3])
    answers = []
    for number in range(30):
        chosen = {"action": "save", **({"subject": "greetings-email"} if number % 2 else {})}
        answers.append(client.post(url, data=chosen).status_code)
    assert answers[0] == 303
    assert 429 in answers
    with sqlite_home.database.read() as session:
        assert len(session.scalars(select(ConsentEvent.id)).all()) < 50


def test_pec_never_carries_the_headers(session: Session, home: Installation, company: Company) -> None:
    make_customer(session, company, is_agreed=True)
    (message,) = [m for m in rows(session, prepare(session, home, company)) if m.purpose]
    assert [name for name, _ in load_envelope(session, message).extra_headers][:1] == ["List-Unsubscribe"]
    message.channel = Channel.PEC
    names = {name for name, _value in load_envelope(session, message).extra_headers}
    assert not names & {"List-Unsubscribe", "List-Unsubscribe-Post"}
