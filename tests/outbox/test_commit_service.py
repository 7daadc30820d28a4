"""Commit: computed again, frozen, undone, approved by a second person, left behind (IT-6, BX-2, BX-3, BX-8)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import AccountSource, Company
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.db import now
from crm_mail.documents.models import Document
from crm_mail.outbox.committing.commit import (
    CommitRefused,
    ListChanged,
    commit_run,
    fingerprint,
    undo_commit,
)
from crm_mail.outbox.committing.commit_overview import overview
from crm_mail.outbox.committing.freezing import frozen_hash
from crm_mail.outbox.models import (
    Message,
    MessageContent,
    MessageEvent,
    MessageFile,
    MessageIssue,
    MessageRevision,
    Run,
)
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, Permission, PermissionDenied, Sight
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import codes, decide, prepare, rows


def run_of(session: Session, count: int = 3, company: Company | None = None, **overrides: Any) -> Run:
    """A prepared run of one message per party, each to a contact of its own."""
    company = company or make_company(session, undo_seconds=30)
    make_account(session, company)
    for _ in range(count):
        party = make_party(session, company)
        make_contact(session, party, subscriptions=("invoice",))
        make_document(session, party)
    return prepare(session, make_actor(), company, **overrides)


def states(session: Session, run: Run) -> list[str]:
    session.flush()
    session.expire_all()
    return [message.state.value for message in rows(session, run)]


def person(session: Session, run: Run, clearance: int = 3) -> Actor:
    """Somebody with all three rights in the run's company."""
    user = make_user(session)
    grants = outbox_grants(run.company_id)
    return make_actor(clearance, is_admin=False, user_id=user.id, grants=grants)


def test_a_commit_freezes_every_message_under_an_id_of_its_own(session: Session) -> None:
    """Law 3: Message-IDs are unique, and the hash covers all that was reviewed."""
    run = run_of(session)

    done = commit_run(session, make_actor(), run)

    session.flush()
    session.expire_all()
    found = rows(session, run)
    assert (done.messages, run.state) == (3, RunState.COMMITTED)
    assert len({m.message_id for m in found}) == 3
    assert all(m.message_id and m.message_id.endswith("office.example>") for m in found)
    assert all(m.state is MessageState.COMMITTED and m.next_attempt_at == run.starts_at for m in found)
    for message in found:
        assert message.frozen_sha256 == _hash(session, message)


def _hash(session: Session, message: Message) -> str:
    content = session.get_one(MessageContent, message.id)
    files = session.scalars(
        select(MessageFile).where(MessageFile.message_id == message.id).order_by(MessageFile.position)
    )
    row = type(
        "Row",
        (),
        {
            "to_address": message.to_address,
            "cc": message.cc,
            "bcc": message.bcc,
            "subject": message.subject,
            "body_text": content.body_text,
            "body_html": content.body_html,
        },
    )
    return frozen_hash(row, str(message.message_id), [f"{f.name}\0{f.sha256}" for f in files])


@pytest.mark.parametrize("field", ["to_address", "cc", "bcc", "subject", "body_text", "body_html"])
def test_the_frozen_hash_changes_with_everything_that_was_reviewed(field: str) -> None:
    values: dict[str, Any] = {
        "to_address": "a@x.example",
        "cc": ["c@x.example"],
        "bcc": [],
        "subject": "s",
        "body_text": "t",
        "body_html": "h",
    }
    before = frozen_hash(type("Row", (), values), "<1@x.example>", ["a\0" + "0" * 64])
    changed = values | {field: ["other@x.example"] if isinstance(values[field], list) else "other"}

    assert frozen_hash(type("Row", (), changed), "<1@x.example>", ["a\0" + "0" * 64]) != before
    assert frozen_hash(type("Row", (), values), "<1@x.example>", ["a\0" + "1" * 64]) != before
    moved = values | {"cc": [], "bcc": ["c@x.example"]}
    assert frozen_hash(type("Row", (), moved), "<1@x.example>", ["a\0" + "0" * 64]) != before


def _void(session: Session, message: Message) -> None:
    session.execute(
        update(Document)
        .where(Document.party_id == message.party_id)
        .values(voided_at=now(), is_mailable=False)
    )


def _replace(session: Session, message: Message) -> None:
    session.execute(update(Document).where(Document.party_id == message.party_id).values(is_current=False))


def _block(session: Session, message: Message) -> None:
    session.execute(update(Party).where(Party.id == message.party_id).values(is_blocked=True))


def _deactivate(session: Session, message: Message) -> None:
    session.execute(
        update(Contact).where(Contact.id == message.contact_id).values(state=ContactState.INACTIVE)
    )


def _classify(session: Session, message: Message) -> None:
    session.execute(update(Contact).where(Contact.id == message.contact_id).values(privacy_level=3))


def _correct_address(session: Session, message: Message) -> None:
    query = update(ContactAddress).where(ContactAddress.contact_id == message.contact_id)
    session.execute(query.values(email="right@customer.example"))


def _unsubscribe(session: Session, message: Message) -> None:
    session.execute(delete(Subscription).where(Subscription.contact_id == message.contact_id))


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_void, "voided_meanwhile"),
        (_replace, "replaced_meanwhile"),
        (_block, "party_blocked_meanwhile"),
        (_deactivate, "contact_changed_meanwhile"),
        (_classify, "contact_changed_meanwhile"),
        (_correct_address, "contact_changed_meanwhile"),
        (_unsubscribe, "unsubscribed_meanwhile"),
    ],
)
def test_what_changed_meanwhile_drops_out_visibly(
    session: Session, happens: Callable[[Session, Message], None], reason: str
) -> None:
    """BX-3: the person is told how the list changed and commits the new one."""
    run = run_of(session)
    seen = fingerprint(session, run.id, Sight(3))
    happens(session, rows(session, run)[1])

    with pytest.raises(ListChanged) as refused:
        commit_run(session, make_actor(), run, seen=seen)

    assert refused.value.dropped == {reason: 1}
    assert run.state is RunState.REVIEW
    assert states(session, run) == ["pending", "withheld", "pending"]
    assert rows(session, run)[1].withheld_reason == reason
    done = commit_run(session, make_actor(), run, seen=refused.value.after)
    assert done.messages == 2
    assert states(session, run) == ["committed", "withheld", "committed"]


def test_a_row_whose_address_a_person_changed_stays(session: Session) -> None:
    run = run_of(session, 1)
    (message,) = rows(session, run)
    message.to_address, message.is_edited = "by-hand@customer.example", True

    assert commit_run(session, make_actor(), run).dropped == {}


def _lose_address(session: Session, contact: Contact) -> None:
    contact.addresses = []


def _put_away(session: Session, contact: Contact) -> None:
    contact.state = ContactState.INACTIVE


def _stop_receiving(session: Session, contact: Contact) -> None:
    contact.subscriptions = []


def _raise_privacy(session: Session, contact: Contact) -> None:
    contact.privacy_level = 3


@pytest.mark.parametrize("happens", [_lose_address, _put_away, _stop_receiving, _raise_privacy])
def test_a_copy_whose_contact_changed_meanwhile_is_taken_off_visibly(
    session: Session, happens: Callable[[Session, Contact], None]
) -> None:
    """BX-3: the message leaves, the copy does not; the page says so beforehand and the history afterwards."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, subscriptions=("invoice",))
    gone, stays = (make_contact(session, party, subscriptions=("invoice:cc",)) for _ in range(2))
    lost, kept = gone.addresses[0].email, stays.addresses[0].email
    make_document(session, party)
    run = prepare(session, make_actor(), company)
    assert rows(session, run)[0].cc == [lost, kept]
    unaware = fingerprint(session, run.id, Sight(3))
    happens(session, session.get_one(Contact, gone.id))
    session.flush()

    shown = overview(session, make_actor(), run)
    assert shown.outdated == {"copy_dropped": 1}
    assert shown.mark != unaware
    assert commit_run(session, make_actor(), run, seen=shown.mark).dropped == {"copy_dropped": 1}
    session.expire_all()
    (message,) = rows(session, run)
    assert (message.state, message.cc, message.why["cc"]) == (MessageState.COMMITTED, [kept], 1)
    told = select(MessageEvent.detail).where(MessageEvent.kind == "copy_dropped")
    assert session.scalars(told).all() == [{"detail": lost}]


def test_a_copy_that_a_person_entered_stays(session: Session) -> None:
    run = run_of(session, 1)
    (message,) = rows(session, run)
    before = {"to_address": message.to_address, "subject": "", "body_text": "", "body_html": ""}
    session.add(MessageRevision(message_id=message.id, revision=1, cc=[], **before))
    message.cc, message.is_edited = ["by-hand@customer.example"], True
    session.flush()

    assert commit_run(session, make_actor(), run).dropped == {}
    assert rows(session, run)[0].cc == ["by-hand@customer.example"]


def test_what_another_run_sent_or_holds_meanwhile_drops_out_and_says_which(session: Session) -> None:
    """BX-3: what only waits in another run was not sent, and is not called so."""
    run = run_of(session, 2)
    company = session.get_one(Company, run.company_id)
    other = prepare(session, make_actor(), company)
    commit_run(session, make_actor(), other)
    rows(session, other)[0].state = MessageState.SENT
    session.flush()

    with pytest.raises(CommitRefused, match="dropped out: 1 sent_meanwhile, 1 queued_meanwhile") as refused:
        commit_run(session, make_actor(), run)

    assert refused.value.code == "nothing_to_send"
    assert [m.withheld_reason for m in rows(session, run)] == ["sent_meanwhile", "queued_meanwhile"]


def test_a_run_that_sends_again_on_purpose_keeps_what_was_sent(session: Session) -> None:
    company = make_company(session)
    first = run_of(session, 1, company)
    commit_run(session, make_actor(), first)
    again = prepare(session, make_actor(), company, only_unsent=False)

    assert commit_run(session, make_actor(), again).messages == 1


def test_an_edit_after_the_page_was_shown_asks_again(session: Session) -> None:
    run = run_of(session)
    seen = fingerprint(session, run.id, Sight(3))
    rows(session, run)[0].revision += 1
    session.flush()

    with pytest.raises(ListChanged) as refused:
        commit_run(session, make_actor(), run, seen=seen)

    assert refused.value.dropped == {}


def test_two_clicks_are_one_commit(session: Session) -> None:
    run = run_of(session)
    seen = fingerprint(session, run.id, Sight(3))
    first = commit_run(session, make_actor(), run, key="k1", seen=seen)
    ids = [m.message_id for m in rows(session, run)]

    second = commit_run(session, make_actor(), run, key="k1", seen=seen)

    assert (second.messages, second.starts_at) == (first.messages, first.starts_at)
    assert [m.message_id for m in rows(session, run)] == ids
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, make_actor(), run, key="k2")
    assert refused.value.code == "wrong_state"


def test_blocked_rows_stay_behind_with_their_reason(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)  # no address
    make_document(session, party)
    run = run_of(session, 1, company)

    assert commit_run(session, make_actor(), run).messages == 1
    assert states(session, run) == ["withheld", "committed"]
    assert rows(session, run)[0].withheld_reason == "blocked"


def test_a_run_without_anything_to_send_is_refused(session: Session) -> None:
    company = make_company(session)
    make_document(session, make_party(session, company))
    run = prepare(session, make_actor(), company)

    with pytest.raises(CommitRefused) as refused:
        commit_run(session, make_actor(), run)

    assert refused.value.code == "nothing_to_send"
    assert run.state is RunState.REVIEW


def test_the_undo_window_comes_before_the_start(session: Session) -> None:
    """BX-8: 30 seconds by default, none for who asks for none, and never before the chosen time."""
    company = make_company(session, undo_seconds=45)
    before = now()
    with_window = commit_run(session, make_actor(), run_of(session, 1, company))
    at_once = commit_run(session, make_actor(), run_of(session, 1, company), skip_undo=True)
    later = now() + timedelta(hours=3)
    scheduled = commit_run(session, make_actor(), run_of(session, 1, company), start_at=later)

    assert with_window.starts_at is not None
    assert timedelta(seconds=45) <= with_window.starts_at - before < timedelta(seconds=50)
    assert at_once.starts_at is not None
    assert at_once.starts_at <= now()
    assert scheduled.starts_at == later


def test_an_undone_commit_waits_for_review_as_before(session: Session) -> None:
    company = make_company(session)
    make_document(session, make_party(session, company))
    run = run_of(session, 2, company)
    before = fingerprint(session, run.id, Sight(3))
    commit_run(session, make_actor(), run, key="k1")
    first_ids = {m.message_id for m in rows(session, run)}

    undo_commit(session, make_actor(), run)

    assert (run.state, run.commit_key, run.starts_at) == (RunState.REVIEW, None, None)
    assert states(session, run) == ["pending"] * 3
    assert all(m.message_id is None and not m.frozen_sha256 for m in rows(session, run))
    assert fingerprint(session, run.id, Sight(3)) == before
    commit_run(session, make_actor(), run, key="k2")
    session.flush()
    session.expire_all()
    assert not {m.message_id for m in rows(session, run) if m.message_id} & first_ids


def test_what_has_started_cannot_be_undone(session: Session) -> None:
    run = run_of(session, 1)
    commit_run(session, make_actor(), run, skip_undo=True)

    with pytest.raises(CommitRefused) as refused:
        undo_commit(session, make_actor(), run)

    assert refused.value.code == "too_late"
    assert states(session, run) == ["committed"]


def test_a_right_lost_between_review_and_commit_stops_the_commit(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company, email="a@x.example", email_kind="ordinary")
    make_document(session, party, type="quote")
    run = run_of(session, 1, company, document_types=("invoice", "quote"))
    some = frozenset({(Permission.OUTBOX_COMMIT, "invoice", company.id)})

    with pytest.raises(PermissionDenied, match="quote"):
        commit_run(session, make_actor(is_admin=False, grants=some), run)

    elsewhere = outbox_grants(make_company(session).id)
    with pytest.raises(PermissionDenied):
        commit_run(session, make_actor(is_admin=False, grants=elsewhere), run)
    commit = commit_run(session, make_actor(), run)
    with pytest.raises(PermissionDenied):
        undo_commit(session, make_actor(is_admin=False, grants=some), run)
    assert commit.messages == 2


def test_a_second_person_must_approve_where_the_company_says_so(session: Session) -> None:
    company = make_company(session, needs_second_person=True)
    run = run_of(session, 2, company)
    first, second = person(session, run), person(session, run)

    asked = commit_run(session, first, run)
    assert (asked.awaits_approval, asked.messages, run.state) == (True, 2, RunState.APPROVAL)
    assert states(session, run) == ["pending", "pending"]
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, first, run)
    assert refused.value.code == "second_person"

    done = commit_run(session, second, run)
    assert (done.messages, done.awaits_approval, run.state) == (2, False, RunState.COMMITTED)
    assert (run.committed_by, run.approved_by) == (first.user_id, second.user_id)


def test_an_approval_is_asked_again_when_the_list_changed(session: Session) -> None:
    company = make_company(session, needs_second_person=True)
    run = run_of(session, 2, company)
    first, second = person(session, run), person(session, run)
    commit_run(session, first, run)
    _void(session, rows(session, run)[0])

    asked = commit_run(session, second, run)

    assert (asked.awaits_approval, asked.messages) == (True, 1)
    assert run.committed_by == second.user_id
    assert commit_run(session, first, run).messages == 1


def test_people_of_different_clearances_can_approve_each_other(session: Session) -> None:
    """What the second person may not know is left for a colleague, and is no reason to ask for ever."""
    company = make_company(session, needs_second_person=True)
    party = make_party(session, company)
    make_contact(session, party, subscriptions=("invoice",), privacy_level=3)
    make_document(session, party)
    run = run_of(session, 1, company)
    first, second = person(session, run, clearance=3), person(session, run, clearance=0)

    assert commit_run(session, first, run).awaits_approval
    done = commit_run(session, second, run)

    assert (done.messages, run.state) == (1, RunState.COMMITTED)
    assert done.left_for_colleague is not None


def test_rows_above_the_clearance_are_left_for_a_colleague(session: Session) -> None:
    """IT-17: they wait in a run of their own, with what stands on them."""
    company = make_company(session)
    party = make_party(session, company)
    addresses = (("secret@customer.example", "unknown"),)
    make_contact(session, party, addresses, ("invoice",), privacy_level=2)
    make_document(session, party)
    run = run_of(session, 1, company)
    low = person(session, run, clearance=1)
    seen = fingerprint(session, run.id, low.sight)

    done = commit_run(session, low, run, seen=seen)

    assert done.messages == 1
    assert done.left_for_colleague is not None
    rest = session.get_one(Run, done.left_for_colleague)
    (message,) = rows(session, rest)
    assert (rest.state, message.state, message.to_address) == (
        RunState.REVIEW,
        MessageState.PENDING,
        "secret@customer.example",
    )
    assert codes(message) == {"address_kind_unknown"}
    assert {issue.run_id for issue in message.issues} == {rest.id}
    assert commit_run(session, make_actor(), rest, unknown_is_ordinary=True).messages == 1


def test_the_message_leaves_from_the_account_of_who_commits(session: Session) -> None:
    """PD-2: also a bundle of several types, also after an undo, also on the preparer's own commit."""
    company = make_company(session)
    make_account(session, company)
    for document_type in ("invoice", "quote"):
        decide(session, company, document_type, account_source=AccountSource.USER)
    clerk, boss = make_user(session), make_user(session)
    own = {u.id: make_account(session, company, user_id=u.id).id for u in (clerk, boss)}
    party = make_party(session, company, email="a@x.example", email_kind="ordinary")
    make_document(session, party)
    make_document(session, party, type="quote")
    as_clerk, as_boss = make_actor(user_id=clerk.id), make_actor(user_id=boss.id)
    run = prepare(session, as_clerk, company, document_types=("invoice", "quote"))

    commit_run(session, as_boss, run)
    session.flush()
    session.expire_all()
    assert [m.account_id for m in rows(session, run)] == [own[boss.id]]
    undo_commit(session, as_boss, run)
    commit_run(session, as_clerk, run)
    session.flush()
    session.expire_all()
    assert [m.account_id for m in rows(session, run)] == [own[clerk.id]]


def test_an_account_chosen_by_hand_is_kept(session: Session) -> None:
    company = make_company(session)
    chosen = make_account(session, company, name="Chosen")
    decide(session, company, account_source=AccountSource.USER)
    user = make_user(session)
    make_account(session, company, user_id=user.id)
    make_document(session, make_party(session, company, email="a@x.example", email_kind="ordinary"))
    actor = make_actor(user_id=user.id)
    run = prepare(session, actor, company)
    rows(session, run)[0].account_id = chosen.id

    commit_run(session, actor, run)

    session.flush()
    session.expire_all()
    assert rows(session, run)[0].account_id == chosen.id


def test_who_has_no_account_cannot_commit_what_leaves_from_the_senders_own(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    decide(session, company, account_source=AccountSource.USER)
    user = make_user(session)
    make_document(session, make_party(session, company, email="a@x.example", email_kind="ordinary"))
    run = prepare(session, make_actor(user_id=user.id), company)

    with pytest.raises(CommitRefused) as refused:
        commit_run(session, make_actor(user_id=user.id), run)

    assert (refused.value.code, refused.value.params) == ("no_own_account", {"count": 1})


def test_a_commit_and_its_undo_are_in_the_audit(session: Session) -> None:
    run = run_of(session, 1)
    commit_run(session, make_actor(), run)
    undo_commit(session, make_actor(), run)

    written = [entry.action for entry in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert [a for a in written if "commit" in a] == ["outbox.run.committed", "outbox.run.commit_undone"]


def test_issues_of_other_runs_are_not_moved(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, (("s@x.example", "unknown"),), ("invoice",), privacy_level=2)
    make_document(session, party)
    run, other = prepare(session, make_actor(), company), prepare(session, make_actor(), company)
    count = len(rows(session, other)[0].issues)
    with pytest.raises(CommitRefused):
        commit_run(session, person(session, run, clearance=0), run)

    assert len(list(session.scalars(select(MessageIssue).where(MessageIssue.run_id == other.id)))) == count
