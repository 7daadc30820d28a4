"""Silence, error notices and uncertain messages: what workers look after (issue 4, sections 1, 6, 7; PM-19)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.evidence import error_notices
from crm_mail.evidence.models import ErrorNotice, Mailbox, MessageProof
from crm_mail.evidence.never_accepted import settle_never_accepted
from crm_mail.evidence.reading import read_mailbox
from crm_mail.evidence.resolving import SEARCHED, apply_waiting, search_mailboxes, what_is_known
from crm_mail.evidence.silence import sweep_silence
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.outbox.states import MessageState
from crm_mail.sandbox.imap import ImapServer
from tests.delivery.servers import Faults, FaultyServer
from tests.evidence.mails import (
    RECIPIENT,
    SENDER,
    believe,
    certified,
    hours,
    issuer,
    ordinary,
    pec_account,
    receive,
    sent_message,
)
from tests.evidence.test_reading import Box
from tests.factories import make_account, make_company


def test_silence_is_an_alarm_as_far_as_the_mailbox_was_read_and_ends_with_the_evidence(
    home: Installation, session: Session
) -> None:
    believe(home)
    account = pec_account(session, make_company(session), acceptance_minutes=30)
    message = sent_message(session, account)
    mailbox = Mailbox(account_id=account.id, checked_at=hours(0.25), failure="")
    session.add(mailbox)
    session.flush()
    assert sum(sweep_silence(session, hours(1)).values()) == 0  # nobody looked since
    mailbox.checked_at = hours(1)
    assert sweep_silence(session, hours(1))["no_acceptance"] == 1
    assert sum(sweep_silence(session, hours(2)).values()) == 0  # once
    proof = session.get_one(MessageProof, message.id)
    assert proof.alarm == "no_acceptance"
    receive(session, home, account, issuer().acceptance(certified(message.message_id or ""), hours(0.1)))
    assert proof.alarm == ""
    mailbox.checked_at = hours(26)
    assert sweep_silence(session, hours(26)) == {"no_acceptance": 0, "no_outcome": 1}
    assert proof.alarm == "no_outcome"
    counts = {row.cause: row.waiting for row in session.scalars(select(ErrorNotice))}
    assert counts == {"no_acceptance": 1, "no_outcome": 1}


def test_evidence_that_comes_while_a_message_is_being_sent_counts_when_it_has_left(
    home: Installation, session: Session
) -> None:
    believe(home)
    account = pec_account(session, make_company(session))
    message = sent_message(session, account, state=MessageState.SENDING, lease_owner="w", sent_at=None)
    delivery = issuer().delivery(certified(message.message_id or ""), hours(0.1), message.to_address)
    receive(session, home, account, delivery)
    assert apply_waiting(session) == 0
    assert message.state is MessageState.SENDING
    message.state, message.lease_owner = MessageState.UNCERTAIN, None
    assert apply_waiting(session) == 1
    assert message.state is MessageState.DELIVERED


def test_what_the_operator_never_accepted_has_not_left_once_the_mailbox_was_read_a_day_later(
    home: Installation, session: Session
) -> None:
    believe(home)
    account = pec_account(session, make_company(session))
    lost, arrived = (
        sent_message(session, account, state=MessageState.UNCERTAIN, sent_at=None, claimed_at=hours(0))
        for _ in range(2)
    )
    receive(session, home, account, issuer().acceptance(certified(arrived.message_id or ""), hours(0.1)))
    mailbox = Mailbox(account_id=account.id, checked_at=hours(23), failure="")
    session.add(mailbox)
    session.add(MessageEvent(message_id=lost.id, kind=SEARCHED, at=hours(20), detail={}))
    session.flush()
    assert settle_never_accepted(session, hours(30)) == 0  # nobody read the mailbox late enough
    mailbox.checked_at = hours(25)
    assert settle_never_accepted(session, hours(30)) == 1
    session.expire_all()
    assert (lost.state, lost.last_cause) == (MessageState.FAILED, "never_accepted")
    assert arrived.state is MessageState.SENT
    receive(session, home, account, issuer().acceptance(certified(lost.message_id or ""), hours(31)))
    assert lost.state is MessageState.SENT  # evidence that comes even later still wins


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(Faults()) as server:
        yield server


def test_an_error_is_mailed_once_per_cause_and_hour_with_what_was_held_back(
    sqlite_home: Installation, server: FaultyServer
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, error_address="errors@office.example", language="en")
        make_account(session, company, port=server.port)
        pec_account(session, company, port=server.port)
        for who in ("a@pec.example", "b@pec.example"):
            error_notices.note(session, company.id, "pec_failed", who)
        company_id = company.id
    assert error_notices.send_notices(sqlite_home) == 1
    with sqlite_home.database.write() as session:
        error_notices.note(session, company_id, "pec_failed", "c@pec.example", 3)
    assert error_notices.send_notices(sqlite_home) == 0  # not again in this hour
    with sqlite_home.database.write() as session:
        row = session.scalars(select(ErrorNotice)).one()
        row.told_at = now() - timedelta(minutes=61)
    assert error_notices.send_notices(sqlite_home) == 1
    first, second = (data.decode() for _to, data in server.received)
    assert "To: errors@office.example" in first
    assert "2 times" in first
    assert "b@pec.example" in first
    assert "3 times" in second
    assert "Auto-Submitted: auto-generated" in first


def test_an_error_notice_that_cannot_leave_causes_no_other(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, error_address="errors@office.example")
        pec_account(session, company)  # no ordinary account: PEC is never used for it
        error_notices.note(session, company.id, "mailbox:1", "x")
    assert error_notices.send_notices(sqlite_home) == 0
    assert error_notices.send_notices(sqlite_home) == 0
    with sqlite_home.database.read() as session:
        assert [(row.cause, row.waiting) for row in session.scalars(select(ErrorNotice))] == [
            ("mailbox:1", 0)
        ]


def test_a_mailbox_that_is_read_settles_its_messages_and_leaves_foreign_mail_alone(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    believe(sqlite_home)
    box = Box(sqlite_home, imap_server, "pec", from_address=SENDER, kind=AccountKind.PEC)
    with sqlite_home.database.write() as session:
        message = sent_message(session, session.get_one(SenderAccount, box.id))
        id_, number = message.message_id or "", message.id
    took = certified(id_)
    foreign = certified("<webmail.1@elsewhere.example>")
    box.deliver(
        ordinary("Newsletter"),
        issuer().delivery(took, hours(0.2), RECIPIENT),
        issuer().acceptance(foreign, hours(0.1)),
        issuer().acceptance(took, hours(0.1)),
    )
    report = read_mailbox(sqlite_home, box.id)
    assert (report.looked_at, report.taken, report.unreadable, report.failure) == (4, 2, 0, None)
    with sqlite_home.database.read() as session:
        assert session.get_one(Message, number).state is MessageState.DELIVERED


def test_an_uncertain_message_is_found_in_the_sent_folder_without_anyone(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    """Issue 4, section 6: looked for by its Message-ID, once an hour, also where the mailbox was read before."""
    box = Box(sqlite_home, imap_server, "sent", from_address="office@azienda.example")
    with sqlite_home.database.write() as session:
        account = session.get_one(SenderAccount, box.id)
        uncertain = {"state": MessageState.UNCERTAIN, "sent_at": None, "claimed_at": now()}
        found, missing = (sent_message(session, account, **uncertain) for _ in range(2))
        ids = found.id, missing.id
    box.deliver(ordinary("Fattura", Message_ID=found.message_id or ""), folder=imap_server.sent_folder)
    assert search_mailboxes(sqlite_home) == 1
    assert search_mailboxes(sqlite_home) == 0  # asked in this hour
    with sqlite_home.database.read() as session:
        states = [session.get_one(Message, id_).state for id_ in ids]
        assert states == [MessageState.SENT, MessageState.UNCERTAIN]
        known = what_is_known(session, session.get_one(Message, ids[1]))
        assert known.is_mailbox_read
        assert known.searched_at is not None
