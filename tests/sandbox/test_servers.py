"""The local mail servers: real TLS, real logins, and the rules of a PEC provider (issue sections 1 and 7; IT-18)."""

import json
import smtplib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.mime import build
from crm_mail.delivery.smtp_session import SmtpSession, check_account
from crm_mail.delivery.transports import Security
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers, ServerInfo
from tests.delivery.test_mime import make_envelope


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("sandbox")) as info:
        yield info


def message_from(server: ServerInfo, to: str = "a@b.it", **changes: object) -> bytes:
    envelope = make_envelope(from_address=server.username, to=to, **changes)
    return flatten(build(envelope), lambda _: b"")


@pytest.mark.parametrize("which", ["ordinary", "pec"])
def test_a_message_arrives_whole_and_can_be_listed(sandbox: SandboxInfo, which: str) -> None:
    server: ServerInfo = getattr(sandbox, which)
    raw = message_from(server, subject="Perché 🚀", body_text=".\nciao\n", message_id=f"<list-{which}@x.it>")
    with SmtpSession(server.account()) as session:
        for _ in range(3):
            outcome = session.send(server.username, ["a@b.it"], raw)
            assert outcome.is_sent, outcome
    newest = server.maildrop.messages(newest=1)[0]
    assert (newest.message_id, newest.subject) == (f"<list-{which}@x.it>", "Perché 🚀")
    assert (newest.sender, newest.recipients) == (server.username, ("a@b.it",))
    assert server.maildrop.content(newest) == raw
    assert newest.path.suffix == ".eml"


def test_both_servers_use_tls_each_in_its_own_way(sandbox: SandboxInfo) -> None:
    assert (sandbox.ordinary.security, sandbox.pec.security) == (Security.STARTTLS, Security.TLS)
    for server in (sandbox.ordinary, sandbox.pec):
        stranger = check_account(replace(server.account(), ca_file=None))
        assert stranger is not None
        assert stranger.cause is Cause.CERTIFICATE


@pytest.mark.parametrize("which", ["ordinary", "pec"])
def test_a_wrong_password_and_no_password_are_refused(sandbox: SandboxInfo, which: str) -> None:
    server: ServerInfo = getattr(sandbox, which)
    refused = check_account(server.account(password="wrong"))
    assert refused is not None
    assert (refused.kind, refused.code, refused.enhanced) == (OutcomeKind.ACCOUNT_REFUSED, 535, "5.7.8")
    with SmtpSession(server.account(username="")) as session:
        outcome = session.send(server.username, ["a@b.it"], message_from(server))
        assert (outcome.kind, outcome.code) == (OutcomeKind.ACCOUNT_REFUSED, 530)


def test_the_ordinary_server_takes_no_login_without_encryption(sandbox: SandboxInfo) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.ordinary.port, local_hostname="x") as client:
        client.ehlo()
        assert not client.has_extn("auth")


def test_the_pec_server_refuses_a_sender_that_the_login_does_not_own(sandbox: SandboxInfo) -> None:
    with SmtpSession(sandbox.pec.account()) as session:
        outcome = session.send("other@pec.acme.example", ["a@b.it"], message_from(sandbox.pec))
        assert (outcome.code, outcome.enhanced, outcome.cause) == (553, "5.7.1", Cause.SENDER)


def test_the_pec_server_refuses_blind_copies_and_a_from_of_somebody_else(sandbox: SandboxInfo) -> None:
    server = sandbox.pec
    with SmtpSession(server.account()) as session:
        blind = session.send(server.username, ["a@b.it", "secret@b.it"], message_from(server))
        assert (blind.kind, blind.code) == (OutcomeKind.PERMANENT, 554)
        assert "blind" in blind.detail
        foreign = session.send(server.username, ["a@b.it"], message_from(sandbox.ordinary))
        assert (foreign.kind, foreign.code) == (OutcomeKind.PERMANENT, 554)
        named = message_from(server, cc=("b@b.it",))
        assert session.send(server.username, ["a@b.it", "b@b.it"], named).is_sent


def test_ports_passwords_and_mails_survive_a_restart(tmp_path: Path) -> None:
    servers = SandboxServers(tmp_path)
    first = servers.start()
    assert servers.start() is first
    with SmtpSession(first.ordinary.account()) as session:
        assert session.send(first.ordinary.username, ["a@b.it"], message_from(first.ordinary)).is_sent
    servers.stop()
    servers.stop()
    assert check_account(first.ordinary.account(timeout_seconds=2)) is not None
    with SandboxServers(tmp_path) as second:
        assert (second.ordinary.port, second.pec.port) == (first.ordinary.port, first.pec.port)
        assert check_account(first.ordinary.account()) is None
        assert check_account(first.pec.account()) is None
        assert len(second.ordinary.maildrop.messages()) == 1
    assert (tmp_path / "sandbox.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o077 == 0


def test_a_taken_port_or_a_damaged_memory_does_not_stop_the_start(tmp_path: Path) -> None:
    with SandboxServers(tmp_path / "a") as one:
        kept = {"ports": {"smtp": one.pec.port, "pec": one.pec.port}, "passwords": {"smtp": "s", "pec": "p"}}
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "sandbox.json").write_text(json.dumps(kept))
        with SandboxServers(tmp_path / "b") as other:
            assert len({one.pec.port, one.ordinary.port, other.pec.port, other.ordinary.port}) == 4
    (tmp_path / "b" / "sandbox.json").write_text("{not json")
    with SandboxServers(tmp_path / "b") as again:
        assert check_account(again.pec.account()) is None
