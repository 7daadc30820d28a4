"""The sample company's servers: receipts come where an IMAP server can run, and nothing breaks where none can."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.service import add_account
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings
from crm_mail.demo.servers import ADDRESSES, SampleAccount, SampleServers, sandbox_folder
from crm_mail.evidence.reading import ReadingReport, read_mailbox
from crm_mail.installation import Installation
from crm_mail.permissions import INSTALLATION
from crm_mail.sandbox import imap
from crm_mail.sandbox.servers import SandboxServers
from tests.factories import make_company
from tests.pec_simulator.conftest import mail

TO = "protocollo@comune-castelnovo.example"
ADDRESS = ADDRESSES[Channel.PEC]


@pytest.fixture
def without_dovecot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "dovecot_program", lambda: None)


@pytest.fixture(autouse=True)
def place_of_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Root's mailboxes do not stay on the machine: nobody else may enter pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="crm-mail-"))
    folder.chmod(0o711)
    monkeypatch.setattr(imap, "_PLACE_OF_ROOT", folder)
    yield
    shutil.rmtree(folder, ignore_errors=True)


def certified_of(servers: SampleServers) -> SampleAccount:
    (account,) = (one for one in servers.accounts() if one.details.kind is AccountKind.PEC)
    return account


def send(account: SampleAccount) -> None:
    details = account.details
    settings = AccountSettings(
        kind=Channel.PEC,
        host=details.host,
        port=details.port,
        security=details.security,
        from_address=details.from_address,
        username=details.username,
        password=account.password,
        ca_file=details.ca_file,
    )
    with SmtpSession(settings) as session:
        outcome = session.send(
            ADDRESS, [TO], mail(TO).replace(b"ufficio@pec.azienda.example", ADDRESS.encode())
        )
    assert outcome.is_sent


def wait_for_receipts(servers: SampleServers) -> None:
    until = time.monotonic() + 10
    while servers.awaits_receipts() and time.monotonic() < until:
        time.sleep(0.02)
    assert not servers.awaits_receipts()


def take_and_read(home: Installation) -> ReadingReport:
    """A certified message sent, and its receipts read."""
    with SampleServers(home, haste=50) as servers:
        account = certified_of(servers)
        with home.database.write() as session:
            company = make_company(session)
            kept = add_account(
                session, INSTALLATION, company.id, account.details, account.password, home.encrypt
            )
            account_id = kept.id
        send(account)
        wait_for_receipts(servers)
        return read_mailbox(home, account_id)


def test_receipts_come_and_are_read(sqlite_home: Installation, imap_server: imap.ImapServer) -> None:
    report = take_and_read(sqlite_home)
    assert (report.failure, report.looked_at) == (None, 2)
    assert (sqlite_home.settings.data_dir / "pec-anchors" / "sample-company.pem").is_file()


@pytest.mark.usefixtures("without_dovecot")
def test_receipts_are_read_from_pymap_where_dovecot_is_missing(sqlite_home: Installation) -> None:
    report = take_and_read(sqlite_home)
    assert (report.failure, report.looked_at) == (None, 2)


@pytest.mark.usefixtures("without_dovecot")
def test_without_an_imap_server_messages_leave_and_the_reason_is_told(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "pymap_is_installed", lambda: False)
    with SampleServers(sqlite_home, haste=50) as servers:
        account = certified_of(servers)
        send(account)
        assert "dovecot-imapd" in servers.missing_receipts
        assert not account.details.mailbox_is_read
    assert len(list(Path(sandbox_folder(sqlite_home), "pec").glob("*.eml"))) == 1


def test_an_installation_made_before_keeps_its_servers(sqlite_home: Installation) -> None:
    folder = sandbox_folder(sqlite_home)
    with SandboxServers(folder) as before:
        pass
    with SampleServers(sqlite_home) as servers:
        assert servers.pec is None
        with SmtpSession(before.pec.account()) as session:
            content = mail(TO).replace(b"ufficio@pec.azienda.example", before.pec.username.encode())
            assert session.send(before.pec.username, [TO], content).is_sent
    with sqlite_home.database.read() as session:
        assert session.scalar(select(SenderAccount.id)) is None
