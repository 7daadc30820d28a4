"""Correcting one message, and checking rows again after the cause was settled; on both databases."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.documents.models import DocumentFile
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import MessageContent, MessageRevision
from crm_mail.outbox.reviewing.checking import check_messages
from crm_mail.outbox.reviewing.edit_problems import EditProblem
from crm_mail.outbox.reviewing.editing import Correction, EditRefused, edit_message, split_frame
from crm_mail.outbox.reviewing.review import Chosen, count_messages
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.permissions import Actor
from tests.factories import make_account, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import codes, prepare, rows
from tests.outbox.reviewing import actor_of, reviewer

EVERYTHING = Chosen(is_all=True)


@pytest.fixture
def reviewing(session: Session) -> Actor:
    """A person who may review everything and sees every contact."""
    return actor_of(reviewer(session))


def test_an_address_entered_by_hand_settles_the_blocker_and_finds_the_account(
    session: Session, reviewing: Actor
) -> None:
    company = make_company(session)
    account = make_account(session, company)
    make_document(session, make_party(session, company))
    run = prepare(session, reviewing, company)
    [message] = rows(session, run)
    assert Issue.NO_ADDRESS in codes(message)
    edit_message(session, reviewing, message, Correction("New@Customer.EXAMPLE", AddressKind.ORDINARY), 1)
    assert (message.to_address, message.account_id, message.blockers) == (
        "New@customer.example",
        account.id,
        0,
    )
    assert count_messages(session, reviewing, run, ReviewFilter(text="new@customer")) == 1


def test_a_pec_address_takes_the_pec_account_or_is_blocked(session: Session, reviewing: Actor) -> None:
    """IT-18."""
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@customer.example"))
    [message] = rows(session, prepare(session, reviewing, company))
    edit_message(session, reviewing, message, Correction("a@pec.customer.example", AddressKind.PEC), 1)
    assert (message.channel, message.account_id) == (Channel.PEC, None)
    assert Issue.NO_PEC_ACCOUNT in codes(message)


def test_changing_the_subject_leaves_the_warnings_about_the_address(
    session: Session, reviewing: Actor
) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@customer.example"))
    [message] = rows(session, prepare(session, reviewing, company))
    before = codes(message)
    assert Issue.ADDRESS_KIND_UNKNOWN in before
    edit_message(session, reviewing, message, Correction(subject="Another"), 1)
    assert codes(message) == before


def test_who_looked_at_an_older_version_is_refused(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@customer.example"))
    [message] = rows(session, prepare(session, reviewing, company))
    edit_message(session, reviewing, message, Correction(subject="First"), 1)
    with pytest.raises(EditRefused) as refused:
        edit_message(session, reviewing, message, Correction(subject="Second"), 1)
    assert refused.value.problem is EditProblem.CONFLICT


def test_a_correction_that_changes_nothing_leaves_no_trace(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@customer.example"))
    [message] = rows(session, prepare(session, reviewing, company))
    assert edit_message(session, reviewing, message, Correction(subject=message.subject), 1) == []
    assert (message.is_edited, message.revision) == (False, 1)
    assert not session.scalars(select(MessageRevision)).all()


def test_a_plain_text_written_by_hand_keeps_the_frame_of_the_formatted_one(
    session: Session, reviewing: Actor
) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@customer.example"))
    [message] = rows(session, prepare(session, reviewing, company))
    content = session.get_one(MessageContent, message.id)
    before, _old, after = split_frame(content.body_html)
    assert before, "our layout is recognised"
    edit_message(session, reviewing, message, Correction(body_text="Only <this>"), 1)
    assert split_frame(content.body_html)[::2] == (before, after)
    assert "Only &lt;this&gt;" in split_frame(content.body_html)[1]


def test_an_address_added_to_the_contact_is_taken_when_checked_again(
    session: Session, reviewing: Actor
) -> None:
    company = make_company(session)
    account = make_account(session, company)
    party = make_party(session, company)
    contact = make_contact(session, party, (), ("invoice",))
    make_document(session, party)
    run = prepare(session, reviewing, company)
    assert rows(session, run)[0].blockers == 1
    session.get_one(Contact, contact.id).addresses = [
        ContactAddress(email="new@customer.example", kind=AddressKind.ORDINARY, position=0)
    ]
    session.flush()
    done = check_messages(session, reviewing, run, EVERYTHING, lambda _sha256: True)
    assert (done.rows, done.changed, done.blocked) == (1, 1, 0)
    [message] = rows(session, run)
    assert (message.to_address, message.account_id, codes(message)) == (
        "new@customer.example",
        account.id,
        set(),
    )


def test_a_stored_address_that_is_none_blocks_the_row_until_it_is_corrected(
    session: Session, reviewing: Actor
) -> None:
    """BX-6: an import may have stored it before addresses were checked; also where it is only a copy."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    contact = make_contact(session, party, (("rossi@customer", "ordinary"),), ("invoice",))
    copied = make_contact(session, party, (("a b@customer.example", "ordinary"),), ("invoice:cc",))
    make_document(session, party)
    run = prepare(session, reviewing, company)
    [message] = rows(session, run)
    assert [(issue.code, issue.params["address"], issue.is_blocker) for issue in message.issues] == [
        (Issue.INVALID_ADDRESS, "rossi@customer", True),
        (Issue.INVALID_ADDRESS, "a b@customer.example", True),
    ]
    check_messages(session, reviewing, run, EVERYTHING, lambda _sha256: True)
    assert rows(session, run)[0].blockers == 1
    session.get_one(ContactAddress, contact.addresses[0].id).email = "rossi@customer.example"
    session.flush()
    check_messages(session, reviewing, run, EVERYTHING, lambda _sha256: True)
    [message] = rows(session, run)
    assert [issue.params["address"] for issue in message.issues] == [copied.addresses[0].email]
    edit_message(session, reviewing, message, Correction(cc=()), message.revision)
    assert (message.to_address, message.blockers) == ("rossi@customer.example", 0)


def test_a_pec_account_added_meanwhile_settles_its_blocker(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, (("a@pec.customer.example", "pec"),), ("invoice",))
    make_document(session, party)
    run = prepare(session, reviewing, company)
    assert Issue.NO_PEC_ACCOUNT in codes(rows(session, run)[0])
    account = make_account(session, company, kind=AccountKind.PEC)
    check_messages(session, reviewing, run, EVERYTHING, lambda _sha256: True)
    [message] = rows(session, run)
    assert (message.account_id, message.blockers) == (account.id, 0)


def test_a_file_lost_from_the_store_blocks_and_a_new_one_settles_it(
    session: Session, reviewing: Actor
) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, subscriptions=("invoice",))
    document = make_document(session, party)
    run = prepare(session, reviewing, company)
    lost = document.files[0].sha256
    check_messages(session, reviewing, run, EVERYTHING, lambda sha256: sha256 != lost)
    assert codes(rows(session, run)[0]) == {Issue.MISSING_FILE}
    document.files = []
    session.flush()
    document.files = [
        DocumentFile(position=0, role="main", name="new.pdf", mime="application/pdf", sha256="e" * 64, size=9)
    ]
    session.flush()
    check_messages(session, reviewing, run, EVERYTHING, lambda sha256: sha256 != lost)
    [message] = rows(session, run)
    assert (codes(message), [file.name for file in message.files]) == (set(), ["new.pdf"])


def test_an_address_changed_by_hand_is_not_taken_back(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="card@customer.example"))
    run = prepare(session, reviewing, company)
    [message] = rows(session, run)
    edit_message(session, reviewing, message, Correction("hand@customer.example", AddressKind.UNKNOWN), 1)
    check_messages(session, reviewing, run, EVERYTHING, lambda _sha256: True)
    assert rows(session, run)[0].to_address == "hand@customer.example"
