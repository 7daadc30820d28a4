"""What was reviewed is what leaves (law 3), by the right kind of account, redirected in test mode."""

import time
from email import message_from_bytes
from pathlib import Path

import pytest

from crm_mail.contacts.models import Party
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageContent
from crm_mail.sandbox.servers import SandboxServers
from tests.delivery.servers import FaultyServer
from tests.factories import make_company, make_contact
from tests.outbox.sending import commit, committed_run, make_run, messages, on_server, send, states


def _file(home: Installation, sha256: str) -> Path:
    return home.settings.data_dir / "files" / sha256[:2] / sha256


def test_a_stored_file_that_is_missing_fails_its_message_only(home: Installation) -> None:
    gone, kept = home.store.put(b"%PDF gone"), home.store.put(b"%PDF kept")
    with FaultyServer() as server:
        with home.database.write() as session:
            account = on_server(session, server.port)
            first = commit(session, make_run(session, account, files=(("a.pdf", gone, 9),)))
            second = commit(session, make_run(session, account, files=(("b.pdf", kept, 9),)))
        _file(home, gone).unlink()
        send(home)
    (message,) = messages(home, first)
    assert (message.state, message.last_cause) == ("failed", "file_missing")
    assert "restore it from a backup" in message.last_detail
    assert states(home, second) == {"sent": 1}


def test_a_stored_file_whose_hash_differs_is_never_sent(sqlite_home: Installation) -> None:
    sha256 = sqlite_home.store.put(b"%PDF original")
    with committed_run(sqlite_home, files=(("a.pdf", sha256, 13),)) as (server, run_id):
        _file(sqlite_home, sha256).write_bytes(b"%PDF falsified")
        send(sqlite_home)
    (message,) = messages(sqlite_home, run_id)
    assert (message.state, message.last_cause) == ("failed", "file_damaged")
    assert not server.received


@pytest.mark.parametrize("what", ["to_address", "subject", "bcc", "body_text"])
def test_a_row_changed_after_its_commit_is_never_sent(sqlite_home: Installation, what: str) -> None:
    """BX-2: the hash made at commit covers recipients, subject, bodies and files."""
    with committed_run(sqlite_home) as (server, run_id):
        with sqlite_home.database.write() as session:
            (message,) = session.query(Message).filter_by(run_id=run_id)
            if what == "body_text":
                session.get_one(MessageContent, message.id).body_text = "Other words."
            else:
                setattr(message, what, ["spy@evil.example"] if what == "bcc" else "spy@evil.example")
        send(sqlite_home)
    (message,) = messages(sqlite_home, run_id)
    assert (message.state, message.last_cause) == ("failed", "frozen_changed")
    assert not server.received


def test_pec_and_ordinary_mail_leave_by_their_own_accounts(home: Installation, tmp_path: Path) -> None:
    """IT-18, with real TLS, AUTH and a provider that applies the rules of PEC."""
    with SandboxServers(tmp_path / "mail") as info:
        with home.database.write() as session:
            company = make_company(session)
            runs = {}
            for server, kind in ((info.ordinary, AccountKind.SMTP), (info.pec, AccountKind.PEC)):
                account = on_server(
                    session,
                    server.port,
                    company,
                    kind=kind,
                    security=server.security.value,
                    username=server.username,
                    secret=home.encrypt(server.password),
                    from_address=server.username,
                    ca_file=str(server.ca_file),
                )
                runs[kind] = make_run(session, account, 3)
            ids = [commit(session, run) for run in runs.values()]
        send(home)
        assert [states(home, run_id) for run_id in ids] == [{"sent": 3}, {"sent": 3}]
        for run_id, server in zip(ids, (info.ordinary, info.pec), strict=True):
            kept = {m.message_id for m in messages(home, run_id)}
            assert {message_from_bytes(x)["Message-ID"] for x in _mails(server.maildrop.folder)} == kept
        time.sleep(0.3)  # the servers' side of the closed connections


def _mails(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*.eml")]


def test_a_message_on_the_wrong_kind_of_account_is_refused(sqlite_home: Installation) -> None:
    with committed_run(sqlite_home, to_kind=AddressKind.PEC, channel=Channel.PEC) as (server, run_id):
        send(sqlite_home)
    (message,) = messages(sqlite_home, run_id)
    assert (message.state, message.last_cause) == ("failed", "pec_rules")
    assert not server.received


def test_a_blind_copy_never_leaves_by_pec(sqlite_home: Installation) -> None:
    """RFC 6109 3.1.1."""
    options = {"account": {"kind": AccountKind.PEC}, "bcc": ["archive@office.example"]}
    with committed_run(sqlite_home, **options) as (server, run_id):
        send(sqlite_home)
    (message,) = messages(sqlite_home, run_id)
    assert (message.state, message.last_cause) == ("failed", "pec_rules")
    assert not server.received


def test_in_test_mode_all_mail_goes_to_the_test_address(sqlite_home: Installation) -> None:
    """CO-3: nothing reaches a customer; the header says whom it was for."""
    copy = "second@customer.example"
    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            run = make_run(session, on_server(session, server.port), cc=[copy])
            (message,) = session.query(Message).filter_by(run_id=run.id)
            party = session.get_one(Party, message.party_id)
            make_contact(session, party, ((copy, "ordinary"),), subscriptions=("invoice:cc",))
            run.company.test_address = "test@office.example"
            run_id = commit(session, run)
        send(sqlite_home)
    ((recipients, data),) = server.received
    assert recipients == ("test@office.example",)
    mail = message_from_bytes(data)
    assert mail["Subject"].startswith("[TEST] ")
    assert mail["X-Original-To"] == f"{messages(sqlite_home, run_id)[0].to_address}, second@customer.example"
    assert mail["Cc"] is None
