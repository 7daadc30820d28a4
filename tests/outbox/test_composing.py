"""Composed messages pass the gates of documents: consent, privacy, blocked parties, cap, isolation (IT-13)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.recording import Word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import CommitRefused, commit_run
from crm_mail.outbox.composing.batches import ComposedWrong
from crm_mail.outbox.composing.compose import compose_run, create_composed_run
from crm_mail.outbox.composing.parts import UNSUBSCRIBE, Composed, Composition, Origin
from crm_mail.outbox.composing.registry import register
from crm_mail.outbox.models import Message, MessageContent, Run
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.outbox.preparing.language_change import change_language
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.outbox.why_words import describe_why
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
)
from tests.outbox.preparing import attached, codes, left_out, receivers, rows

ACTOR = make_actor()
GIVEN = Word(Purpose.COMMERCIAL, ConsentChannel.EMAIL, Decision.GIVEN, Source.PERSON)


def offer(company: Company, **values: Any) -> Composition:
    return Composition(company.id, "quote", "Spring", Origin.CAMPAIGN, "Spring offer", **values)


def to(contact: Any, **values: Any) -> Composed:
    return Composed("News", "Good morning", contact_id=contact.id, **values)


@pytest.fixture
def company(session: Session) -> Company:
    company = make_company(session, soft_opt_in=False)
    make_account(session, company)
    return company


def test_a_contact_receives_what_was_composed_and_the_row_says_why(
    session: Session, home: Installation, company: Company
) -> None:
    sha256 = home.store.put(b"a picture")
    contact = make_contact(session, make_party(session, company), name="Anna Bo")
    files = (FileFacts("Spring.png", "image/png", sha256, 9),)
    message = to(contact, body_html="<p>Hello<script>alert(1)</script></p>", files=files)
    run, prepared = compose_run(session, ACTOR, home, offer(company), [message])
    assert (prepared.messages, prepared.blocked, run.state) == (1, 0, RunState.REVIEW)
    (row,) = rows(session, run)
    assert (row.subject, row.document_types, attached(session, row)) == ("News", "quote", ["Spring.png"])
    assert session.get_one(MessageContent, row.id).body_html == "<p>Hello</p>"
    assert describe_why(row.why).startswith(
        "Part of the mailing “Spring offer”. Anna Bo was chosen as a recipient: Quote."
    )
    assert row.unsubscribe_url == ""


def test_advertising_leaves_out_who_did_not_agree_who_has_it_and_who_had_enough(
    session: Session, home: Installation, company: Company
) -> None:
    company.pressure_messages, company.pressure_days = 1, 7
    people = [
        make_contact(session, make_party(session, company), addresses=((email, "ordinary"),))
        for email in ("a@x.example", "A@x.example", "c@x.example", "d@x.example", "e@x.example")
    ]
    first, same, silent, tired, rested = people
    for contact in (first, same, tired, rested):
        record_consent(session, ACTOR, contact, GIVEN)
    for contact, days in ((tired, 3), (rested, 8)):
        before, _ = compose_run(session, ACTOR, home, offer(company, purpose="commercial"), [to(contact)])
        (row,) = rows(session, before)
        row.state, row.sent_at = MessageState.SENT, now() - timedelta(days=days)
        session.flush()
    messages = [replace(to(contact), body_text=f"Say no: {UNSUBSCRIBE}") for contact in people]
    run, _ = compose_run(session, ACTOR, home, offer(company, purpose="commercial"), messages)
    assert receivers(session, run) == ["a@x.example", "e@x.example"]
    assert left_out(session, run) == {
        ("duplicate", None, same.id),
        ("no_consent", None, silent.id),
        ("pressure_cap", None, tired.id),
    }
    row = rows(session, run)[0]
    text = session.get_one(MessageContent, row.id).body_text
    assert text == f"Say no: {row.unsubscribe_url}"
    assert row.unsubscribe_url.startswith("http")


def test_two_mailings_prepared_side_by_side_do_not_exceed_the_cap_together(
    session: Session, home: Installation, company: Company
) -> None:
    company.pressure_messages, company.pressure_days = 1, 7
    contact = make_contact(session, make_party(session, company))
    record_consent(session, ACTOR, contact, GIVEN)
    runs = [
        compose_run(session, ACTOR, home, offer(company, purpose="commercial"), [to(contact)])[0]
        for _ in range(2)
    ]
    assert commit_run(session, ACTOR, runs[0]).messages == 1
    with pytest.raises(CommitRefused):
        commit_run(session, ACTOR, runs[1])
    assert rows(session, runs[1])[0].withheld_reason == "pressure_meanwhile"


def test_who_is_above_the_clearance_is_counted_and_never_named(
    session: Session, home: Installation, company: Company
) -> None:
    party = make_party(session, company)
    secret = make_contact(session, party, privacy_level=2)
    run, prepared = compose_run(session, make_actor(clearance=1), home, offer(company), [to(secret)])
    assert (prepared.messages, prepared.hidden, left_out(session, run)) == (0, 1, set())


def test_blocked_parties_and_sleeping_contacts_receive_nothing(
    session: Session, home: Installation, company: Company
) -> None:
    blocked = make_contact(session, make_party(session, company, is_blocked=True))
    asleep = make_contact(session, make_party(session, company), state="inactive")
    run, _ = compose_run(session, ACTOR, home, offer(company), [to(blocked), to(asleep)])
    assert left_out(session, run) == {
        ("party_blocked", None, blocked.id),
        ("contact_inactive", None, asleep.id),
    }


def test_a_given_address_stands_through_commit_and_carries_only_its_party_s_documents(
    session: Session, home: Installation, company: Company
) -> None:
    """Send orders name the very address (PM-2); law 7 holds for what they link."""
    company.unknown_is_ordinary = True
    party, other = make_party(session, company), make_party(session, company)
    document = make_document(session, party)
    order = Composed(
        "Order",
        "Here it is",
        party_id=party.id,
        address="desk@new.example",
        name="Desk",
        document_ids=(document.id,),
    )
    composition = replace(offer(company), origin=Origin.SEND_ORDER, origin_name="1.XML")
    run, _ = compose_run(session, ACTOR, home, composition, [order])
    assert codes(rows(session, run)[0]) == set()
    assert commit_run(session, ACTOR, run).messages == 1
    assert session.scalar(select(Message.recipient_name).where(Message.run_id == run.id)) == "Desk"
    with pytest.raises(ComposedWrong):
        compose_run(session, ACTOR, home, composition, [replace(order, party_id=other.id)])
    loose = FileFacts("other.pdf", "application/pdf", "ab" * 32, 3, document_id=document.id)
    with pytest.raises(ComposedWrong):
        compose_run(session, ACTOR, home, composition, [replace(order, document_ids=(), files=(loose,))])


def test_what_was_unsubscribed_or_withdrawn_after_preparing_drops_out_at_commit(
    session: Session, home: Installation, company: Company
) -> None:
    contacts = [
        make_contact(session, make_party(session, company), subscriptions=("price_list",)) for _ in range(3)
    ]
    for contact in contacts:
        record_consent(session, ACTOR, contact, GIVEN)
    composition = replace(offer(company, only_subscribed=True), document_type="price_list")
    run, prepared = compose_run(session, ACTOR, home, composition, [to(one) for one in contacts])
    assert prepared.messages == 3
    record_consent(session, ACTOR, contacts[0], replace(GIVEN, decision=Decision.WITHDRAWN))
    contacts[1].subscriptions.clear()
    session.flush()
    assert commit_run(session, ACTOR, run).dropped == {"unsubscribed": 1, "unsubscribed_meanwhile": 1}


def test_another_language_never_replaces_a_composed_text(
    session: Session, home: Installation, company: Company
) -> None:
    contact = make_contact(session, make_party(session, company))
    run, _ = compose_run(session, ACTOR, home, offer(company), [to(contact)])
    change_language(session, ACTOR, run, Chosen(ids=(rows(session, run)[0].id,)), "es")
    session.expire_all()
    assert rows(session, run)[0].subject == "News"


def test_the_worker_asks_the_registered_composer_for_the_messages(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        user = make_user(session, is_admin=True, clearance=3)
        contacts = [make_contact(session, make_party(session, company)) for _ in range(3)]
        ids = [contact.id for contact in contacts]
        actor = make_actor(user_id=user.id)
        composition = offer(company, composer="test-letters", data={"ids": ids})
        run_id = create_composed_run(session, actor, composition).id
    register(
        "test-letters", lambda _s, _h, _a, _run, data: (Composed("Hi", contact_id=i) for i in data["ids"])
    )
    prepared = fill_one_run(sqlite_home, run_id)
    assert prepared is not None
    assert prepared.messages == 3
    with sqlite_home.database.read() as session:
        run = session.get_one(Run, run_id)
        assert run.state is RunState.REVIEW
        assert rows(session, run)[0].to_kind is AddressKind.ORDINARY
