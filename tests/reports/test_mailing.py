"""The end report arrives: to who ran it with the log, to the error address without names; on a real SMTP server."""

import email
import logging
import zipfile
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.delivery.models import AccountKind, AccountUsage, SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sending import finishing
from crm_mail.outbox.states import MessageState
from crm_mail.reports import mailing
from crm_mail.reports.mailing import mail_report_to, mail_run_report
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers, ServerInfo
from tests.factories import make_account, make_company, make_user, outbox_grants
from tests.reports.finished_run import FinishedRun


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("mail")) as info:
        yield info


@pytest.fixture(autouse=True)
def _empty_drops(servers: SandboxInfo) -> None:
    for server in (servers.ordinary, servers.pec):
        for path in server.maildrop.paths():
            path.unlink()


class Office:
    """A finished run of a clerk (clearance 2), whose company has an ordinary and a PEC account."""

    def __init__(self, home: Installation, servers: SandboxInfo, **company: Any) -> None:
        self.home = home
        with home.database.write() as session:
            made = FinishedRun(session, **({"error_address": "errors@office.example"} | company))
            clerk = make_user(
                session,
                email="clerk@office.example",
                clearance=2,
                language="es",
                grants=list(outbox_grants(made.company.id)),
            )
            made.run.committed_by, self.clerk_id = clerk.id, clerk.id
            self._point(made.account, servers.ordinary)
            pec = make_account(session, made.company, name="PEC", kind=AccountKind.PEC)
            self._point(pec, servers.pec)
            self.run_id, self.company_id, self.account_id = made.run.id, made.company.id, made.account.id

    def _point(self, account: SenderAccount, server: ServerInfo) -> None:
        account.host, account.port = server.host, server.port
        account.security = server.security  # type: ignore[assignment]
        account.username, account.from_address = server.username, server.username
        account.secret, account.ca_file = self.home.encrypt(server.password), str(server.ca_file)

    def change(self, model: Any, **values: Any) -> None:
        with self.home.database.write() as session:
            session.execute(update(model).values(**values))


def received(server: ServerInfo) -> dict[str, EmailMessage]:
    mails = {}
    for mail in server.maildrop.messages():
        message = email.message_from_bytes(server.maildrop.content(mail), policy=policy.default)
        assert isinstance(message, EmailMessage)
        mails[", ".join(mail.recipients)] = message
    return mails


def body_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def log_of(message: EmailMessage) -> tuple[str, str]:
    (attachment,) = message.iter_attachments()
    assert attachment.get_content_charset() == "utf-8"
    log = attachment.get_content()  # as a mail program reads it: by the charset that the part names
    assert isinstance(log, str)
    return attachment.get_filename() or "", log


def test_who_ran_it_receives_totals_and_log_in_their_language(
    home: Installation, servers: SandboxInfo
) -> None:
    """RP-14, RP-15."""
    office = Office(home, servers)
    outcomes = mail_run_report(home, office.run_id)
    assert [outcome.is_sent for outcome in outcomes] == [True, True]
    mail = received(servers.ordinary)["clerk@office.example"]
    name, log = log_of(mail)
    assert name == "LogEnvioMasivo_20200302.txt"
    assert log.count("\r\n") == 7
    assert "CorreoDestino: uno@customer.example | Enviado: error (" in log
    assert "Content-Language: es" in mail.as_string() or "Hola" in body_of(mail)
    assert "User unknown" in body_of(mail)
    assert f"/outbox/{office.run_id}/report" in body_of(mail)
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_mail_holds_nothing_above_the_clearance_of_its_reader(
    home: Installation, servers: SandboxInfo
) -> None:
    """IT-17."""
    office = Office(home, servers)
    mail_run_report(home, office.run_id)
    for mail in received(servers.ordinary).values():
        assert "segreto" not in (body_of(mail) + log_of(mail)[1]).lower()


def test_the_error_address_gets_totals_and_causes_of_all_rows_without_names(
    home: Installation, servers: SandboxInfo
) -> None:
    """PM-19."""
    office = Office(home, servers)
    office.change(Message, privacy_level=3)
    mail_run_report(home, office.run_id)
    mail = received(servers.ordinary)["errors@office.example"]
    body = body_of(mail)
    assert "customer.example" not in body
    assert "Ñandú" not in body
    assert "(2)" in body
    assert not list(mail.iter_attachments()), "a log of level 0 would be empty"


def test_the_error_address_is_left_in_peace_when_everything_went_well(
    home: Installation, servers: SandboxInfo
) -> None:
    office = Office(home, servers)
    office.change(Message, state=MessageState.SENT)
    mail_run_report(home, office.run_id)
    assert list(received(servers.ordinary)) == ["clerk@office.example"]


def test_nothing_leaves_by_pec(home: Installation, servers: SandboxInfo) -> None:
    office = Office(home, servers)
    with home.database.write() as session:
        session.execute(
            update(SenderAccount).where(SenderAccount.id == office.account_id).values(is_enabled=False)
        )
    (outcome, _other) = mail_run_report(home, office.run_id)
    assert not outcome.is_sent
    assert "no ordinary account" in outcome.detail
    assert not received(servers.pec)


def test_a_server_that_is_down_is_logged_and_raises_nothing(
    home: Installation, servers: SandboxInfo, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(home, servers)
    office.change(SenderAccount, host="127.0.0.1", port=1, timeout_seconds=2)
    with caplog.at_level(logging.ERROR):
        outcomes = mail_run_report(home, office.run_id)
    assert not any(outcome.is_sent for outcome in outcomes)
    assert "was not mailed" in caplog.text
    with home.database.read() as session:
        assert session.scalar(select(AuditEvent.action)) == "reports.run_report.failed"


def test_a_second_ordinary_account_steps_in_for_one_that_refuses_the_login(
    home: Installation, servers: SandboxInfo
) -> None:
    office = Office(home, servers)
    with home.database.write() as session:
        broken = make_account(session, session.get_one(Company, office.company_id), name="Broken")
        office._point(broken, servers.ordinary)
        broken.secret, broken.is_default = home.encrypt("wrong"), True
        session.get_one(SenderAccount, office.account_id).is_default = False
    assert mail_run_report(home, office.run_id)[0].is_sent
    with home.database.read() as session:
        assert session.scalar(select(AccountUsage.account_id)) == office.account_id


def test_somebody_who_lost_the_right_meanwhile_receives_nothing(
    home: Installation, servers: SandboxInfo
) -> None:
    office = Office(home, servers)
    with home.database.write() as session:
        stranger = make_user(session, email="stranger@office.example")
        session.get_one(Run, office.run_id).committed_by = stranger.id
        stranger_id = stranger.id
    mail_run_report(home, office.run_id)
    assert "stranger@office.example" not in received(servers.ordinary)
    assert mail_report_to(home, office.run_id, stranger_id) is None


def test_a_finished_run_is_reported_once(home: Installation, servers: SandboxInfo, monkeypatch: Any) -> None:
    office = Office(home, servers)
    monkeypatch.setattr(finishing, "_hooks", [mail_run_report])
    assert finishing.report_finished_runs(home) == [office.run_id]
    assert finishing.report_finished_runs(home) == []
    assert len(servers.ordinary.maildrop.paths()) == 2


def test_in_test_mode_the_report_goes_to_the_test_address(home: Installation, servers: SandboxInfo) -> None:
    """CO-3."""
    office = Office(home, servers, test_address="test@office.example")
    mail_run_report(home, office.run_id)
    assert list(received(servers.ordinary)) == ["test@office.example"]


def test_a_large_log_is_packed(
    sqlite_home: Installation, servers: SandboxInfo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    office = Office(sqlite_home, servers)
    monkeypatch.setattr(mailing, "ZIP_FROM", 100)
    outcome = mail_report_to(sqlite_home, office.run_id, office.clerk_id)
    assert outcome is not None
    assert outcome.is_sent
    (attachment,) = received(servers.ordinary)["clerk@office.example"].iter_attachments()
    assert attachment.get_filename() == "LogEnvioMasivo_20200302.zip"
    data = attachment.get_payload(decode=True)
    assert isinstance(data, bytes)
    assert zipfile.ZipFile(BytesIO(data)).namelist() == ["LogEnvioMasivo_20200302.txt"]


def test_another_companys_account_never_carries_it(home: Installation, servers: SandboxInfo) -> None:
    office = Office(home, servers)
    with home.database.write() as session:
        session.execute(
            update(SenderAccount).where(SenderAccount.id == office.account_id).values(is_enabled=False)
        )
        office._point(make_account(session, make_company(session)), servers.ordinary)
    assert not mail_run_report(home, office.run_id)[0].is_sent
