"""Reading mailboxes on a real IMAP server: what is looked at, how far, by whom, and what happens when it breaks off."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailure, read_failure
from crm_mail.delivery.mailbox.reader import ReceivedMail
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.transports import Security
from crm_mail.evidence import mailbox_watch
from crm_mail.evidence.due_mailboxes import LEASE, ask_for_reading, claim_mailbox, due_accounts, pause_after
from crm_mail.evidence.mailbox_watch import watching_mailboxes
from crm_mail.evidence.models import ItemKind, Mailbox, MailboxFolder, MailItem
from crm_mail.evidence.reading import Intake, Reading, ReadingReport, read_mailbox
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.sandbox.imap import ImapServer
from tests.factories import make_account, make_company

Taken = Callable[[ReceivedMail], None]


def receipt(number: int, text: str = "x") -> bytes:
    return f"X-Ricevuta: accettazione\r\nMessage-ID: <{number}@op>\r\n\r\n{text}\r\n".encode()


def foreign(number: int) -> bytes:
    return f"Subject: offer {number}\r\nMessage-ID: <{number}@else>\r\n\r\nbuy\r\n".encode()


class Box:
    """An account with a mailbox of its own on the server."""

    def __init__(self, home: Installation, server: ImapServer, name: str, **overrides: object) -> None:
        self.home, self.server, self.user = home, server, f"{name}-{time.monotonic_ns()}@reading.example"
        values = {
            "username": self.user,
            "secret": home.encrypt(server.add_user(self.user)),
            "ca_file": str(server.ca_file),
            "mailbox_is_read": True,
            "mailbox_host": server.host,
            "mailbox_port": server.port,
            "mailbox_security": Security.TLS,
        }
        with home.database.write() as session:
            company = make_company(session)
            self.company_id = company.id
            self.id = make_account(session, company, **(values | overrides)).id

    def deliver(self, *mails: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        for mail in mails:
            self.server.deliver(self.user, mail, folder, received_at=at)

    def read(self, on_mail: Taken = lambda _mail: None) -> ReadingReport:
        return Reading(self.home, self.id, keeping(on_mail)).read()

    def kept(self) -> list[tuple[str, int]]:
        with self.home.database.read() as session:
            query = select(MailItem.kind, MailItem.uid).where(MailItem.account_id == self.id)
            return [(kind.value, uid) for kind, uid in session.execute(query.order_by(MailItem.id))]

    def cursor(self, folder: str = "INBOX") -> MailboxFolder:
        with self.home.database.read() as session:
            return session.get_one(MailboxFolder, (self.id, folder))

    def state(self) -> Mailbox:
        with self.home.database.read() as session:
            return session.get_one(Mailbox, self.id)


def keeping(on_mail: Taken) -> Intake:
    """An intake that keeps every receipt, after `on_mail` had its say."""

    def take_in(
        session: Session, home: Installation, account: SenderAccount, mail: ReceivedMail, **_: object
    ) -> MailItem:
        on_mail(mail)
        item = MailItem(
            account_id=account.id,
            company_id=account.company_id,
            kind=ItemKind.RECEIPT,
            sha256=home.store.put(mail.data),
            size=len(mail.data),
            uid=mail.uid,
        )
        session.add(item)
        session.flush()
        return item

    return Intake(lambda header: b"X-Ricevuta" in header, take_in=take_in)


def test_only_what_is_new_is_looked_at_and_nothing_is_touched(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    """IT-7."""
    box = Box(sqlite_home, imap_server, "new")
    box.deliver(foreign(1), receipt(2), foreign(3))
    box.deliver(receipt(9), folder=imap_server.sent_folder)
    first = box.read()
    assert (first.looked_at, first.taken, first.failure) == (4, 2, None)
    assert first.folders == ["INBOX", imap_server.sent_folder]
    assert (box.cursor().last_uid, box.cursor().seen, box.cursor().taken) == (3, 3, 1)
    box.deliver(receipt(4))
    second = box.read()
    assert (second.looked_at, second.taken) == (1, 1)
    assert box.kept() == [("receipt", 2), ("receipt", 1), ("receipt", 4)]
    assert imap_server.flags(box.user) == [""] * 4
    state = box.state()
    assert state.checked_at is not None
    assert state.next_check_at == state.checked_at + timedelta(minutes=5)
    assert state.lease_owner is None


def test_mail_from_before_the_first_message_is_left_where_it_is(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    """An old mailbox is not downloaded: nothing in it can be an answer to us."""
    box = Box(sqlite_home, imap_server, "old")
    box.deliver(*(receipt(number) for number in range(5)), at=datetime(2020, 1, 1, tzinfo=UTC))
    box.deliver(receipt(7))
    with sqlite_home.database.write() as session:  # a run that another account sent says nothing of this one
        session.add(Run(company_id=box.company_id, title="x", committed_at=datetime(2019, 1, 1, tzinfo=UTC)))
    report = box.read()
    assert (report.looked_at, report.taken) == (1, 1)
    assert box.cursor().last_uid == 6


def test_new_uids_are_read_again_without_a_second_copy(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    box = Box(sqlite_home, imap_server, "validity")
    box.deliver(receipt(1), receipt(2))
    box.read()
    imap_server.change_uid_validity(box.user)
    box.deliver(receipt(3))
    again = box.read()
    assert (again.taken, again.known) == (1, 2)
    assert [kind for kind, _ in box.kept()] == ["receipt"] * 3
    assert box.read().looked_at == 0


def test_a_mail_that_breaks_us_is_kept_and_passed(sqlite_home: Installation, imap_server: ImapServer) -> None:
    """The mailboxes that stop at one unknown mail: pec.md 3, OCA."""
    box = Box(sqlite_home, imap_server, "breaks")
    box.deliver(receipt(1), receipt(2, "bad"), receipt(3))

    def breaks(mail: ReceivedMail) -> None:
        if b"bad" in mail.data:
            raise RecursionError("nested a thousand times")

    report = box.read(breaks)
    assert (report.taken, report.unreadable, report.failure) == (3, 1, None)
    assert sorted(box.kept()) == [("receipt", 1), ("receipt", 3), ("unreadable", 2)]
    with sqlite_home.database.read() as session:
        digest = session.scalar(select(MailItem.sha256).where(MailItem.kind == ItemKind.UNREADABLE))
    assert sqlite_home.store.read(str(digest)) == receipt(2, "bad")


def test_a_reading_that_breaks_off_goes_on_where_it_was(
    sqlite_home: Installation, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_mail.evidence.reading.BATCH_MAILS", 2)
    box = Box(sqlite_home, imap_server, "off")
    box.deliver(*(receipt(number) for number in range(1, 6)))

    def full_disk(mail: ReceivedMail) -> None:
        if mail.uid == 4:
            raise OSError(28, "No space left on device")

    broken = box.read(full_disk)
    assert broken.failure is not None
    assert box.cursor().last_uid == 2
    assert [uid for _, uid in box.kept()] == [1, 2]
    assert box.state().lease_owner is None
    assert box.read().taken == 3
    assert [uid for _, uid in box.kept()] == [1, 2, 3, 4, 5]


def test_a_folder_that_is_gone_is_told_and_the_others_are_read(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    box = Box(sqlite_home, imap_server, "gone", mailbox_folders=["INBOX.Ricevute è", "inbox"])
    box.deliver(receipt(1))
    report = box.read()
    assert (report.taken, report.missing_folders) == (1, ["INBOX.Ricevute è"])
    state = box.state()
    assert state.checked_at is not None
    kept = read_failure(state.failure)
    assert kept is not None
    assert kept.cause is MailboxCause.FOLDER
    assert "INBOX.Ricevute è" in kept.detail
    imap_server.make_folder(box.user, "INBOX.Ricevute è")
    assert box.read().failure is None
    assert (box.state().failure, box.state().failed_at) == ("", None)


def test_a_refused_login_is_kept_beside_the_account_and_not_hammered(
    sqlite_home: Installation, imap_server: ImapServer
) -> None:
    box = Box(sqlite_home, imap_server, "login", mailbox_secret=sqlite_home.encrypt("wrong"))
    assert box.read().failure is not None
    state = box.state()
    assert state.failure.startswith("login: ")
    assert state.failed_at is not None
    assert state.next_check_at is not None
    assert state.next_check_at >= state.failed_at + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("cause", "lasting", "expected"),
    [
        (MailboxCause.DNS, 0, 5),
        (MailboxCause.DNS, 20, 20),
        (MailboxCause.DNS, 5000, 60),
        (MailboxCause.LOGIN, 0, 15),
        (MailboxCause.LOGIN, 60, 60),
        (MailboxCause.LOGIN, 5000, 360),
    ],
)
def test_the_pause_is_as_long_as_it_has_failed(cause: MailboxCause, lasting: int, expected: int) -> None:
    """In minutes."""
    failure = MailboxFailure(cause, "")
    pause = pause_after(failure, timedelta(minutes=lasting), timedelta(minutes=5))
    assert pause == timedelta(minutes=expected)


def test_one_worker_at_a_time_reads_a_mailbox(home: Installation) -> None:
    with home.database.write() as session:
        company = make_company(session)
        one, two = (
            make_account(session, company, mailbox_is_read=True, mailbox_host="imap.example.com").id
            for _ in range(2)
        )
        make_account(session, company)
        assert due_accounts(session, now()) == [one, two]
        moment = now()
        assert claim_mailbox(session, one, "a", moment)
        assert not claim_mailbox(session, one, "b", moment)
        assert due_accounts(session, moment) == [two]
        assert claim_mailbox(session, one, "b", moment + LEASE)
        later = moment + timedelta(minutes=4)
        ask_for_reading(session, [two], later)
        assert due_accounts(session, moment) == []
        assert due_accounts(session, later) == [two]
        ask_for_reading(session, [two])
        assert due_accounts(session, now()) == [two]
        assert session.scalar(select(func.count()).select_from(Mailbox)) == 2
    with home.database.write() as session:
        claim_mailbox(session, one, "b", now())
    report = read_mailbox(home, one)
    assert report.is_taken_by_another


def test_the_watcher_reads_what_is_due_and_ends_at_once(
    sqlite_home: Installation, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_watch, "LOOK_SECONDS", 0.05)
    box = Box(sqlite_home, imap_server, "watch")
    with watching_mailboxes(sqlite_home):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with sqlite_home.database.read() as session:
                mailbox = session.get(Mailbox, box.id)
            if mailbox is not None and mailbox.checked_at is not None:
                break
            time.sleep(0.02)
    assert box.state().checked_at is not None
    assert box.state().lease_owner is None


def test_a_failure_survives_being_kept() -> None:
    failure = MailboxFailure(MailboxCause.BUSY, "imap.example.com: too many: wait")
    assert read_failure(str(failure)) == failure
    assert read_failure("") is None
    assert read_failure(str(replace(failure, detail="x" * 900))) == replace(failure, detail="x" * 494)
