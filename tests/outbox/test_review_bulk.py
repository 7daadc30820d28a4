"""Another language, merging per contact, and the numbers told before: on both databases (issue 2, section 5)."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.outbox.models import Message, MessageContent, Run
from crm_mail.outbox.preparing.language_change import change_language
from crm_mail.outbox.preparing.merging import merge_messages, take_apart
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.affected import Affected, count_affected
from crm_mail.outbox.reviewing.editing import Correction, edit_message
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.reviewing.review_changes import include_messages
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.reviewing.undoing import undo_action
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor
from tests.factories import make_account, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import attached, decide, prepare, rows
from tests.outbox.reviewing import actor_of, reviewer

EVERYTHING = Chosen(is_all=True)


@pytest.fixture
def reviewing(session: Session) -> Actor:
    """A person who may review everything and sees every contact."""
    return actor_of(reviewer(session))


def run_of_invoices(session: Session, actor: Actor, per_party: int = 2, size: int = 40_000) -> Run:
    """A run of single invoices, two parties with several each, whose type is bundled from now on."""
    company = make_company(session)
    make_account(session, company)
    policy = decide(session, company, is_bundled=False)
    for name in ("Alfa", "Beta"):
        party = make_party(
            session, company, name=name, language="it", email=f"{name.lower()}@customer.example"
        )
        for number in range(per_party):
            file = (f"{name}{number}.pdf", f"{name}{number}".encode().hex().rjust(64, "0"), size)
            make_document(session, party, (file,), number=f"{name}-{number}")
    run = prepare(session, actor, company)
    policy.is_bundled = True
    session.flush()
    return run


def texts(session: Session, run: Run) -> list[tuple[str, str, str, str]]:
    """What each row says, and how it is found."""
    session.expire_all()
    bodies = {one.message_id: one.body_text for one in session.scalars(select(MessageContent))}
    return [(row.language, row.subject, bodies[row.id], row.search_key) for row in rows(session, run)]


def test_another_language_is_the_companys_text_in_it_and_undo_gives_back_every_letter(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing)
    before = texts(session, run)
    done = change_language(session, reviewing, run, EVERYTHING, "es")
    assert done is not None
    assert done.count == 4
    after = texts(session, run)
    assert {language for language, *_rest in after} == {"es"}
    assert all(new[1] != old[1] and new[2] != old[2] for new, old in zip(after, before, strict=True))
    assert all(subject.lower()[:8] in key for _language, subject, _body, key in after)
    assert undo_action(session, reviewing, run, done) == 4
    assert texts(session, run) == before


def test_a_text_written_by_hand_is_not_written_over_by_another_language(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing)
    by_hand, readdressed, *_others = rows(session, run)
    edit_message(session, reviewing, by_hand, Correction(subject="My own words"), by_hand.revision)
    new_address = Correction(to_address="new@customer.example")
    edit_message(session, reviewing, readdressed, new_address, readdressed.revision)
    told = count_affected(session, reviewing, run, EVERYTHING, "language", "es")
    assert told == Affected(4, 3, left={"by_hand": 1})
    done = change_language(session, reviewing, run, EVERYTHING, "es")
    assert done is not None
    assert (done.count, done.detail["by_hand"]) == (3, 1)
    assert [language for language, *_rest in texts(session, run)] == ["it", "es", "es", "es"]


def test_rows_of_one_recipient_become_one_message_and_the_others_say_where_they_went(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing, per_party=3)
    told = count_affected(session, reviewing, run, EVERYTHING, "merge")
    assert (told.touched, told.into) == (4, 2)
    done = merge_messages(session, reviewing, run, EVERYTHING)
    assert done is not None
    assert done.count == 4
    alfa, *gone = rows(session, run)[:3]
    assert attached(session, alfa) == ["Alfa0.pdf", "Alfa1.pdf", "Alfa2.pdf"]
    assert (alfa.document_count, alfa.file_count, alfa.size) == (3, 3, 120_000)
    body = session.get_one(MessageContent, alfa.id).body_text
    assert all(f"Alfa-{number}" in body for number in range(3))
    assert {(row.state, row.withheld_reason, row.why["merged_into"]) for row in gone} == {
        (MessageState.WITHHELD, WithheldReason.MERGED.value, alfa.id)
    }
    audited = session.scalars(select(AuditEvent).where(AuditEvent.action == "outbox.messages.merged")).one()
    assert audited.detail["count"] == 4


def test_undoing_a_merge_gives_every_row_its_own_document_and_text_back(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing)
    before = texts(session, run)
    done = merge_messages(session, reviewing, run, EVERYTHING)
    assert done is not None
    assert undo_action(session, reviewing, run, done) == 2
    assert texts(session, run) == before
    assert [attached(session, row) for row in rows(session, run)] == [
        ["Alfa0.pdf"],
        ["Alfa1.pdf"],
        ["Beta0.pdf"],
        ["Beta1.pdf"],
    ]
    assert all("merged" not in row.why and row.document_count == 1 for row in rows(session, run))


def test_putting_a_merged_row_back_takes_its_document_out_so_that_nothing_leaves_twice(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing, per_party=3)
    merge_messages(session, reviewing, run, EVERYTHING)
    target, second, _third = rows(session, run)[:3]
    assert include_messages(session, reviewing, run, Chosen(ids=(second.id,))) is None
    apart = take_apart(session, reviewing, run, Chosen(ids=(second.id,)))
    assert apart is not None
    session.expire_all()
    assert attached(session, target) == ["Alfa0.pdf", "Alfa2.pdf"]
    assert second.state is MessageState.PENDING
    assert "Alfa-1" not in session.get_one(MessageContent, target.id).body_text


def test_what_a_person_wrote_in_a_merged_message_stays_when_it_is_taken_apart(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing)
    done = merge_messages(session, reviewing, run, Chosen(ReviewFilter(text="alfa"), is_all=True))
    assert done is not None
    target = rows(session, run)[0]
    edit_message(session, reviewing, target, Correction(subject="Both of them"), target.revision)
    undo_action(session, reviewing, run, done)
    session.expire_all()
    assert (target.subject, target.document_count) == ("Both of them", 1)


def test_rows_stay_alone_where_the_type_is_not_bundled_or_together_they_would_be_too_large(
    session: Session, reviewing: Actor
) -> None:
    large = run_of_invoices(session, reviewing, size=9_000_000)
    large.company.max_message_mb = 15
    assert merge_messages(session, reviewing, large, EVERYTHING) is None
    assert count_affected(session, reviewing, large, EVERYTHING, "merge").left == {"too_large": 4}
    company = make_company(session)
    make_account(session, company)
    decide(session, company, is_bundled=False)
    party = make_party(session, company, email="c@customer.example")
    make_document(session, party)
    make_document(session, party)
    assert merge_messages(session, reviewing, prepare(session, reviewing, company), EVERYTHING) is None


def test_no_document_of_one_party_meets_another_partys_even_at_the_same_address(
    session: Session, reviewing: Actor
) -> None:
    """Law 7."""
    company = make_company(session)
    make_account(session, company)
    for _number in range(2):
        party = make_party(session, company)
        make_contact(session, party, (("same@customer.example", "ordinary"),), ("invoice",))
        make_document(session, party)
    run = prepare(session, reviewing, company)
    assert merge_messages(session, reviewing, run, EVERYTHING) is None


def test_a_run_above_the_clearance_of_the_reviewer_keeps_its_secret_rows(
    session: Session, reviewing: Actor
) -> None:
    run = run_of_invoices(session, reviewing)
    secret = rows(session, run)[0]
    secret.privacy_level = 3
    session.flush()
    low = actor_of(reviewer(session, clearance=0))
    done = change_language(session, low, run, EVERYTHING, "en")
    assert done is not None
    assert done.count == 3
    assert session.get_one(Message, secret.id).language == "it"
