"""The suppression list: what comes on it, what takes an address off, who sees it, and that nothing is sent there."""

from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.contacts import suppressions
from crm_mail.contacts.suppressions import Wanted
from crm_mail.db import now
from crm_mail.delivery import suppression
from crm_mail.delivery.bounces.parsed import BounceKind, BounceReason, RecipientReport
from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.delivery.bounces.tokens import find_token, read_token, token_key
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.suppression import SuppressionRefused, load_suppressed, record_bounce
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.issue_words import issue_words
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message
from crm_mail.outbox.reasons import COPY_DROPPED, WithheldReason
from crm_mail.outbox.sending.attempting import SenderIdentity, envelope_sender
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.sending.claiming import Job
from crm_mail.permissions import PermissionDenied
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import prepare
from tests.outbox.sending import ACTOR, committed_run, events, make_run, messages, on_server, send, states

ANN = "ann@bella.example"
HARD = RecipientReport(ANN, BounceKind.HARD, "5.1.1", BounceReason.USER_UNKNOWN, 550, "550 unknown user")
SOFT = RecipientReport(ANN, BounceKind.SOFT, "5.2.2", BounceReason.MAILBOX_FULL, 552, "552 full")
COMPLAINT = RecipientReport(ANN, BounceKind.COMPLAINT, reason=BounceReason.COMPLAINT)
OTHERS = [
    RecipientReport(ANN, kind)
    for kind in (BounceKind.DELAY, BounceKind.AUTO_REPLY, BounceKind.CHALLENGE, BounceKind.MDN)
]


def test_what_comes_back_for_good_is_not_written_to_again(session: Session) -> None:
    """BX-4: at once; also after a complaint; per company; whatever the spelling of the address."""
    company, other = make_company(session), make_company(session, code="TWO")
    assert record_bounce(session, company.id, "Ann@Bella.example", HARD, now(), 3)
    assert record_bounce(session, company.id, "eve@bella.example", COMPLAINT, now(), 3)
    assert set(load_suppressed(session, company.id)) == {ANN, "eve@bella.example"}
    assert load_suppressed(session, other.id) == {}
    assert suppression.suppressed_as(session, company.id, "ANN@bella.example")
    line = session.scalars(
        select(AuditEvent).where(AuditEvent.action == "delivery.suppression.added")
    ).first()
    assert line is not None
    assert (line.object_label, line.detail["reason"]) == (ANN, "user_unknown")


def test_what_may_pass_counts_only_in_a_row(session: Session) -> None:
    company = make_company(session)
    start = now()

    def soft(days: int, limit: int = 3) -> bool:
        return record_bounce(session, company.id, ANN, SOFT, start + timedelta(days=days), limit) is not None

    assert not soft(0)
    assert not soft(1)
    suppression.note_alive(session, company.id, ANN)  # an answer came: it works again
    assert not soft(2)
    assert not soft(3)
    assert not soft(200)  # long ago is not in a row
    assert not soft(201)
    assert not soft(202, limit=0)  # never, where the setting says so
    assert soft(203)
    assert load_suppressed(session, company.id)[ANN].reason == BounceReason.MAILBOX_FULL


def test_answers_and_delays_change_nothing(session: Session) -> None:
    company = make_company(session)
    for report in OTHERS:
        assert record_bounce(session, company.id, ANN, report, now(), 1) is None
    assert load_suppressed(session, company.id) == {}


def test_a_person_lifts_an_address_with_a_word_and_old_bounces_do_not_bring_it_back(session: Session) -> None:
    """CO-5: the way out."""
    company = make_company(session)
    happened = now() - timedelta(hours=1)
    row = record_bounce(session, company.id, ANN, HARD, happened, 3)
    assert row is not None
    with pytest.raises(SuppressionRefused):
        suppression.lift(session, ACTOR, row, "  ")
    with pytest.raises(PermissionDenied):
        suppression.lift(session, make_actor(is_admin=False), row, "it works")
    suppression.lift(session, ACTOR, row, "she telephoned: it works")
    assert load_suppressed(session, company.id) == {}
    assert record_bounce(session, company.id, ANN, HARD, happened, 3) is None  # the same bounce, read later
    assert record_bounce(session, company.id, ANN, HARD, now() + timedelta(minutes=1), 3) is not None
    session.flush()
    lifted = session.scalars(
        select(AuditEvent).where(AuditEvent.action == "delivery.suppression.lifted")
    ).one()
    assert lifted.detail["word"] == "she telephoned: it works"


def test_addresses_of_contacts_above_the_clearance_are_not_there(session: Session) -> None:
    """IT-17: neither in the list, nor counted, nor found, nor told apart when somebody adds them."""
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, (("Secret@bella.example", "ordinary"),), privacy_level=3)
    for address in ("secret@bella.example", ANN):
        record_bounce(session, company.id, address, HARD, now(), 3)
    low, high = make_actor(clearance=1), make_actor(clearance=3)
    page = suppressions.list_page(session, low, company.id, Wanted())
    assert ([line.row.address for line in page.lines], page.total) == ([ANN], 1)
    assert suppressions.find_address(session, low, company.id, "secret@bella.example") is None
    assert [one.address for one in suppressions.export(session, low, company.id, Wanted())] == [ANN]
    assert suppressions.list_page(session, high, company.id, Wanted()).total == 2
    assert suppressions.add(session, low, company.id, "secret@bella.example") == "secret@bella.example"
    with pytest.raises(SuppressionRefused):
        suppressions.add(session, low, company.id, ANN)
    with pytest.raises(SuppressionRefused):
        suppressions.add(session, high, company.id, "secret@bella.example")


def test_the_same_status_is_said_in_the_same_words_for_an_answer_and_for_a_bounce() -> None:
    for status, reason in (
        ("5.1.1", "user_unknown"),
        ("5.2.2", "mailbox_full"),
        ("5.7.1", "policy"),
        ("5.3.4", "too_big"),
    ):
        assert reason_words(reason, status, str) == cause_words("recipient", 550, status, str)
    for reason in BounceReason:
        title, remedy = reason_words(reason, "", str)
        assert title
        assert remedy
    assert reason_words("user_unknown", "5.1.10", str)[0] == "Mailbox does not exist"


def test_a_message_to_such_an_address_is_blocked_in_the_run_with_its_reason(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    for address in ("Ann@bella.example", "bob@bella.example"):
        party = make_party(session, company)
        make_contact(session, party, ((address, "ordinary"),), ("invoice",))
        make_document(session, party)
    record_bounce(session, company.id, ANN, HARD, now(), 3)
    run = prepare(session, ACTOR, company)
    blocked = [m for m in _rows(session, run.id) if m.first_issue == Issue.SUPPRESSED_ADDRESS]
    assert len(blocked) == 1
    issue = next(one for one in blocked[0].issues if one.code == Issue.SUPPRESSED_ADDRESS)
    assert issue.is_blocker
    words = issue_words(issue.code, issue.params)
    assert "mailbox does not exist" in words.text
    assert "lift" in words.remedy


def test_what_bounced_meanwhile_drops_out_at_commit(session: Session) -> None:
    account = on_server(session, 25)
    run = make_run(session, account, 2)
    rows = _rows(session, run.id)
    rows[1].cc = [ANN]
    for address in (rows[0].to_address, ANN):
        record_bounce(session, run.company_id, address, HARD, now(), 3)
    done = commit_run(session, ACTOR, run, skip_undo=True)
    assert done.dropped == {WithheldReason.SUPPRESSED_MEANWHILE.value: 1, COPY_DROPPED: 1}
    session.expire_all()
    assert rows[1].cc == []
    assert done.messages == 1


def test_what_bounced_after_the_commit_does_not_leave(home: Installation) -> None:
    with committed_run(home, count=2) as (server, run_id):
        gone, kept = messages(home, run_id)
        with home.database.write() as db:
            record_bounce(db, gone.company_id, gone.to_address, HARD, now(), 3)
        send(home)
    assert states(home, run_id) == {"failed": 1, "sent": 1}
    assert [to for (to,), _ in server.received] == [kept.to_address]
    assert next(m for m in messages(home, run_id) if m.id == gone.id).last_cause == "suppressed"
    assert "failed" in events(home, run_id)


def test_mail_from_carries_the_token_and_from_stays(home: Installation) -> None:
    """The return path names the message; the reader sees the account's address (RFC 5321 4.4, RFC 3834 2)."""
    account = {"bounce_address": "bounces+{token}@acme.example", "from_address": "office@acme.example"}
    with committed_run(home, account=account) as (server, run_id):
        send(home)
    (message,) = messages(home, run_id)
    (mail_from,) = [line for line in server.commands if line.startswith("MAIL FROM")]
    told = read_token(token_key(home.secret_key), find_token(mail_from))
    assert told is not None
    assert told.message_id == message.id
    assert told.is_for(token_key(home.secret_key), message.to_address)
    head = server.received[0][1].partition(b"\r\n\r\n")[0]
    assert b"From: office@acme.example" in head.split(b"\r\n")
    assert find_token(mail_from).encode() not in head


def test_pec_keeps_its_sender_whatever_the_account_says() -> None:
    """RFC 6109 3.1.1: the reverse path is From, or the operator refuses the message."""
    identity = SenderIdentity(
        1, Channel.PEC, "", "office@pec.example", "", bounce_address="b+{token}@pec.example"
    )
    assert envelope_sender(cast("Job", None), identity) == "office@pec.example"


def _rows(session: Session, run_id: int) -> list[Message]:
    return list(session.scalars(select(Message).where(Message.run_id == run_id).order_by(Message.id)))
