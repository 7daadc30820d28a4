"""The consent ledger: what holds, who is found by it, and its page."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.consents.models import ConsentEvent, LedgerIsAppendOnly
from crm_mail.contacts.consents.recording import Word, contact_states, may_receive, record_consent, verdicts
from crm_mail.contacts.consents.rules import (
    SOFT_OPT_IN,
    ConsentChannel,
    Decision,
    EntryInvalid,
    Purpose,
    Reason,
    Source,
    decide,
    read_entries,
    write_entry,
)
from crm_mail.contacts.models import Contact
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.installation import Installation
from crm_mail.permissions import Permission, PermissionDenied
from tests.factories import make_actor, make_company, make_contact, make_party, make_user

ACTOR = make_actor()
GIVEN, WITHDRAWN = Decision.GIVEN, Decision.WITHDRAWN
EMAIL, SMS = ConsentChannel.EMAIL, ConsentChannel.SMS
COMMERCIAL = Purpose.COMMERCIAL


@pytest.mark.parametrize(
    ("own", "of_address", "country", "is_customer", "channel", "reason"),
    [
        (None, None, "", True, EMAIL, Reason.NOT_GIVEN),
        (GIVEN, None, "", False, EMAIL, Reason.GIVEN),
        (WITHDRAWN, None, "IT", True, EMAIL, Reason.WITHDRAWN),
        (None, WITHDRAWN, "IT", True, EMAIL, Reason.WITHDRAWN),
        (GIVEN, WITHDRAWN, "IT", True, EMAIL, Reason.WITHDRAWN),
        (None, GIVEN, "", False, EMAIL, Reason.GIVEN),
        (None, None, "IT", True, EMAIL, Reason.SOFT_OPT_IN),
        (None, None, "IT", False, EMAIL, Reason.NOT_GIVEN),
        (None, None, "IT", True, SMS, Reason.NOT_GIVEN),  # art. 130 c. 4 names electronic mail
        (None, None, "ES", True, SMS, Reason.SOFT_OPT_IN),
    ],
)
def test_a_withdrawal_wins_then_a_consent_then_the_law(
    own: Any, of_address: Any, country: str, is_customer: bool, channel: Any, reason: Reason
) -> None:
    soft = SOFT_OPT_IN.get(country)
    verdict = decide(COMMERCIAL, channel, own, of_address=of_address, soft=soft, is_customer=is_customer)
    assert verdict.reason is reason
    assert verdict.is_allowed is (reason in (Reason.GIVEN, Reason.SOFT_OPT_IN))


def test_what_is_owed_by_contract_asks_nobody_and_wishes_are_no_advertising() -> None:
    assert decide("", EMAIL, WITHDRAWN).is_allowed
    assert not decide(Purpose.GREETINGS, EMAIL, None, soft=SOFT_OPT_IN["IT"], is_customer=True).is_allowed


def test_a_cell_of_consents_is_read_as_it_is_written() -> None:
    found = read_entries("commercial=2026-01-05|sms|greetings/sms=no 03/02/2026|profiling=no")
    assert [(e.purpose.value, e.channel.value, e.decision.value, str(e.on)) for e in found] == [
        ("commercial", "email", "given", "2026-01-05"),
        ("commercial", "sms", "given", "None"),
        ("greetings", "sms", "withdrawn", "2026-02-03"),
        ("profiling", "none", "withdrawn", "None"),
    ]
    assert [read_entries(write_entry(e.purpose, e.channel, e.decision, e.on)) for e in found if e.on] == [
        [e] for e in found if e.on
    ]
    for wrong in ("newsletter", "commercial=maybe", "commercial=2026-13-40", "profiling/sms"):
        with pytest.raises(EntryInvalid):
            read_entries(wrong)


def word(decision: Decision = GIVEN, **values: Any) -> Word:
    return Word(COMMERCIAL, EMAIL, decision, Source.PERSON, **values)


def receiving(session: Session, company: Any, channel: ConsentChannel = EMAIL) -> set[int]:
    session.flush()
    condition = may_receive(company, COMMERCIAL, channel)
    return set(session.scalars(select(Contact.id).where(Contact.company_id == company.id, condition)))


def test_the_condition_of_a_query_says_what_the_rule_says(session: Session) -> None:
    """One condition for selections of any size, the same as contact by contact."""
    company = make_company(session)
    parties = [make_party(session, company, is_customer=is_one) for is_one in (True, False)]
    contacts = [make_contact(session, party) for party in parties for _ in range(3)]
    twin = make_contact(session, parties[0], addresses=((contacts[2].addresses[0].email, "ordinary"),))
    for contact, decision in zip(contacts, (GIVEN, None, WITHDRAWN) * 2, strict=True):
        if decision:
            record_consent(session, ACTOR, contact, word(decision))
    for soft in (False, True):
        company.soft_opt_in = soft
        for channel in (EMAIL, SMS):
            said = {c.id for c in [*contacts, twin] if verdicts(session, c)[COMMERCIAL, channel].is_allowed}
            assert receiving(session, company, channel) == said
    assert receiving(session, company) == {contacts[0].id, contacts[1].id, contacts[3].id}


def test_the_last_word_is_the_one_said_last_and_words_are_never_changed(session: Session) -> None:
    contact = make_contact(session, make_party(session, make_company(session)))
    assert record_consent(session, ACTOR, contact, word(WITHDRAWN))
    assert not record_consent(session, ACTOR, contact, word(GIVEN, at=datetime(2025, 1, 1, tzinfo=UTC)))
    assert contact_states(session, contact.id)[COMMERCIAL, EMAIL].decision is WITHDRAWN
    event = session.scalars(select(ConsentEvent).where(ConsentEvent.contact_id == contact.id)).first()
    assert event is not None
    event.decision = GIVEN
    with pytest.raises(LedgerIsAppendOnly):
        session.flush()
    session.rollback()


def test_recording_needs_the_right_to_manage_contacts(session: Session) -> None:
    contact = make_contact(session, make_party(session, make_company(session)))
    with pytest.raises(PermissionDenied):
        record_consent(session, make_actor(is_admin=False), contact, word())


FILE = "party_code;party_name;contact_name;contact_email;consents\n000001;Rossi;Mario;m@x.example;{}\n"


def test_an_import_brings_consents_and_never_undoes_a_withdrawal(session: Session) -> None:
    """The same list every night: nothing twice, and who said no meanwhile stays out."""
    company = make_company(session)

    def bring(cell: str) -> Any:
        return import_contacts(session, ACTOR, company, FILE.format(cell).encode())

    assert bring("commercial=2026-01-05|sms").consents == 2
    assert bring("commercial=2026-01-05|sms").consents == 0
    contact = session.scalars(select(Contact)).one()
    states = contact_states(session, contact.id)
    assert {key: state.decision for key, state in states.items()} == {
        (COMMERCIAL, EMAIL): GIVEN,
        (COMMERCIAL, SMS): GIVEN,
    }
    record_consent(session, ACTOR, contact, word(WITHDRAWN))
    assert bring("commercial").consents == 0
    assert bring("commercial=2026-01-05").consents == 0
    assert contact_states(session, contact.id)[COMMERCIAL, EMAIL].decision is WITHDRAWN
    today = datetime.now(UTC).date().isoformat()
    assert bring(f"greetings={today}").consents == 1
    no = Word(Purpose.GREETINGS, EMAIL, WITHDRAWN, Source.PERSON)
    assert record_consent(session, ACTOR, contact, no)  # on the same day, and later
    assert bring(f"greetings={today}").consents == 0
    assert bring("sms=no").consents == 1
    assert [e.code for e in bring("commercial=2999-01-01").errors] == ["bad_consent"]
    (error,) = bring("newsletter").errors
    assert error.code == "bad_consent"


def test_the_page_records_shows_and_proves(app: Flask, sqlite_home: Installation, login_as: Any) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        clerk = make_user(session, areas=[Permission.CONTACTS_MANAGE], clearance=1)
        contact = make_contact(session, make_party(session, company), name="Ada")
        hidden = make_contact(session, contact.party, privacy_level=3)
        session.flush()
        page, closed = f"/contacts/people/{contact.id}/consents", f"/contacts/people/{hidden.id}/consents"
    browser = login_as(clerk)
    assert browser.get(closed).status_code == 404
    assert "never said anything" in browser.get(page).get_data(as_text=True)
    data = {
        "subject": "commercial-email",
        "text_version": "notice 2026-01",
        "proof_file": (io.BytesIO(b"%PDF scan"), "form.pdf"),
    }
    answer = browser.post(f"{page}/given", data=data, content_type="multipart/form-data")
    assert answer.status_code == 303
    shown = browser.get(page).get_data(as_text=True)
    assert "Yes: consent given" in shown
    assert "notice 2026-01" in shown
    with browser.get(f"{page}/1/proof") as proof:
        assert (proof.data, proof.headers["Content-Type"]) == (b"%PDF scan", "application/octet-stream")
    late = browser.post(f"{page}/given", data={"subject": "commercial-email", "said_on": "2999-01-01"})
    assert late.status_code == 422
    assert browser.post(f"{page}/withdrawn", data={"subject": "commercial-email"}).status_code == 303
    assert "No: consent withdrawn" in browser.get(page).get_data(as_text=True)
    with browser.post("/contacts/consents/csv") as exported:
        assert "commercial=no " in exported.get_data(as_text=True)
