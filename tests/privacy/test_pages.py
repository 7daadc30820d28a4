"""The pages of privacy in the hands of who may use them, and of who may not."""

import io
import json
import zipfile
from collections.abc import Callable
from email import message_from_bytes, policy

from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from crm_mail.contacts.models import Contact, ContactState
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Permission
from crm_mail.privacy.models import ProcessingRegister
from tests.factories import make_account, make_actor, make_contact, make_document, make_user
from tests.outbox.preparing import left_out, prepare, receivers
from tests.privacy.people import ADDRESS, NAME, make_person

LoginAs = Callable[..., FlaskClient]
OFFICER = (Permission.PRIVACY_MANAGE, Permission.CONTACTS_MANAGE)


def test_everything_about_a_contact_is_handed_over_in_one_click(
    login_as: LoginAs, sqlite_home: Installation
) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        officer = make_user(session, areas=OFFICER, clearance=1)
        secret = make_contact(session, person.contact.party, privacy_level=2)
        person.contact.language = "it"
    browser = login_as(officer)
    archive = _archive(browser.post(f"/privacy/contacts/{person.contact.id}/export"))
    data = json.loads(archive.read("data.json"))["data"]
    assert data["contact_addresses"][0]["email"] == ADDRESS
    assert data["characteristics"][0]["key"] == "hobby"
    assert {row["id"] for row in data["messages"]} == {person.invoice.id, person.advert.id, person.copy.id}
    source = message_from_bytes(archive.read(f"messages/{person.invoice.id}.eml"), policy=policy.default)
    assert (source["To"], source["Message-ID"]) == (ADDRESS, person.invoice.message_id)
    evidence = [name for name in archive.namelist() if name.startswith("evidence/")]
    assert len(evidence) == 2
    pages = "".join(page.extract_text() for page in PdfReader(io.BytesIO(archive.read("summary.pdf"))).pages)
    assert NAME in pages
    assert "GDPR" in pages
    assert browser.post(f"/privacy/contacts/{secret.id}/export").status_code == 404
    assert (
        login_as(_user(sqlite_home, Permission.CONTACTS_MANAGE))
        .post(f"/privacy/contacts/{person.contact.id}/export")
        .status_code
        == 403
    )


def test_a_sole_trader_gets_the_documents_too(login_as: LoginAs, sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        stored = sqlite_home.store.put(b"%PDF-1.7 an invoice")
        make_document(session, person.contact.party, (("fattura 1.pdf", stored, 19),))
        make_document(session, person.contact.party, (("secret.pdf", stored, 19),), privacy_level=3)
        officer = make_user(session, areas=OFFICER, clearance=1)
    archive = _archive(login_as(officer).post(f"/privacy/parties/{person.contact.party_id}/export"))
    documents = [name for name in archive.namelist() if name.startswith("documents/")]
    assert [name.rsplit("-", 1)[-1] for name in documents] == ["fattura_1.pdf"]
    assert archive.read(documents[0]) == b"%PDF-1.7 an invoice"


def test_erasing_asks_for_the_name_and_then_does_it(login_as: LoginAs, sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        officer = make_user(session, areas=OFFICER)
    browser = login_as(officer)
    address = f"/privacy/contacts/{person.contact.id}/erase"
    page = browser.get(address).get_data(as_text=True)
    assert "art. 2220" in page
    assert f"Message {person.invoice.id}" in page
    assert browser.post(address, data={"reason": "asked", "name": "Somebody"}).status_code == 422
    assert browser.post(address, data={"reason": "asked", "name": NAME.lower()}).status_code == 303
    assert browser.get(address).status_code == 404
    assert not sqlite_home.store.has(person.reply_sha256)
    for path in (f"/contacts/{person.contact.party_id}", "/privacy/", "/contacts/people/1"):
        assert NAME not in browser.get(path).get_data(as_text=True)


def test_a_restricted_contact_receives_nothing_until_it_is_lifted(
    login_as: LoginAs, sqlite_home: Installation
) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        make_account(session, person.company)
        make_document(session, person.contact.party)
        person.invoice.state, person.invoice.next_attempt_at = MessageState.RETRYING, now()
        officer = make_user(session, areas=OFFICER)
    browser, contact_id = login_as(officer), person.contact.id
    address = f"/privacy/contacts/{contact_id}/restrict"
    assert browser.post(address, data={"restricted": "yes", "reason": ""}).status_code == 422
    assert browser.post(address, data={"restricted": "yes", "reason": "disputed"}).status_code == 303
    assert "disputed" in browser.get(f"/privacy/contacts/{contact_id}").get_data(as_text=True)
    card = browser.get(f"/contacts/people/{contact_id}").get_data(as_text=True)
    assert "Processing is restricted" in card
    saved = {"name": "New name", "state": "active", "privacy_level": "0", "addresses-0-email": ADDRESS}
    browser.post(f"/contacts/people/{contact_id}", data=saved)
    browser.post(f"/contacts/people/{contact_id}/delete")
    with sqlite_home.database.write() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.RESTRICTED
        assert session.get_one(Message, person.invoice.id).state is MessageState.CANCELLED
        run = prepare(session, make_actor(), person.company)
        assert ADDRESS not in receivers(session, run)
        assert ("contact_restricted", None, contact_id) in left_out(session, run)
    assert browser.post(address, data={"restricted": "no", "reason": "settled"}).status_code == 303
    with sqlite_home.database.read() as session:
        assert session.get_one(Contact, contact_id).state is ContactState.ACTIVE


def test_terms_and_the_register_are_saved_and_printed(login_as: LoginAs, sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_person(session, sqlite_home).company
        officer = make_user(session, areas=OFFICER, language="es")
    browser = login_as(officer)
    assert browser.post("/privacy/retention", data={"messages:invoice": "12"}).status_code == 422
    assert browser.post("/privacy/retention", data={"messages:generic": "6"}).status_code == 303
    assert 'value="6"' in browser.get("/privacy/retention/try").get_data(as_text=True)
    assert browser.get("/privacy/register").status_code == 200
    typed = {"controller": "Officine", "activities-0-name": "Sending", "activities-0-purpose": "To bill"}
    assert browser.post("/privacy/register", data=typed).status_code == 303
    with sqlite_home.database.read() as session:
        kept = session.scalars(select(ProcessingRegister)).one()
        assert (kept.company_id, kept.activities[0]["purpose"]) == (company.id, "To bill")
    printed = PdfReader(io.BytesIO(browser.get("/privacy/register.pdf").data))
    assert "To bill" in printed.pages[0].extract_text()


def _archive(answer: TestResponse) -> zipfile.ZipFile:
    with answer:
        assert answer.status_code == 200
        return zipfile.ZipFile(io.BytesIO(answer.data))


def _user(home: Installation, *areas: Permission) -> object:
    with home.database.write() as session:
        return make_user(session, areas=areas)
