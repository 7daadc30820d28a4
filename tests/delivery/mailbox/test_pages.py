"""An account's mailbox on its page and on the command line: what is kept, what is tried out, what is told."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.cli import cli, frame
from crm_mail.db import now
from crm_mail.delivery.account_rules import AccountInvalid, Problem
from crm_mail.delivery.models import AccountKind, ReceiptForm, SenderAccount
from crm_mail.delivery.transports import Security
from crm_mail.evidence.due_mailboxes import count_full_mailboxes, count_silent_mailboxes
from crm_mail.evidence.models import Mailbox
from crm_mail.evidence.reading import read_mailbox
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.sandbox.imap import ImapServer
from crm_mail.users.models import User
from tests.delivery.servers import FaultyServer
from tests.delivery.test_access import NEW
from tests.delivery.test_service import add
from tests.factories import make_account, make_actor, make_company, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
PASSWORD = "Cässetta-ñ-0815"
WITH_MAILBOX = NEW | {
    "mailbox_is_read": "y",
    "mailbox_host": "imap.example.com",
    "mailbox_port": "",
    "mailbox_username": "lettore",
    "mailbox_secret": PASSWORD,
    "mailbox_folders": "INBOX\r\n\r\n INBOX.Ricevute \r\n",
    "bounce_address": "bounces+{token}@example.com",
    "receipt_form": "breve",
}


@pytest.fixture
def chief(sqlite_home: Installation, login_as: LoginAs) -> FlaskClient:
    """A browser of who may change settings, in a company."""
    with sqlite_home.database.write() as session:
        make_company(session)
        person = make_user(session, areas=[Permission.SETTINGS_MANAGE])
    return login_as(person)


def only(home: Installation) -> SenderAccount:
    with home.database.read() as session:
        return session.scalars(select(SenderAccount)).one()


def test_a_mailbox_is_kept_with_its_own_login_and_read_at_once_after_a_change(
    chief: FlaskClient, sqlite_home: Installation
) -> None:
    assert chief.post("/accounts/new", data=WITH_MAILBOX).status_code == 303
    account = only(sqlite_home)
    assert account.mailbox_folders == ["INBOX", "INBOX.Ricevute"]
    assert (account.mailbox_port, account.receipt_form) == (993, ReceiptForm.BRIEF)
    assert sqlite_home.decrypt(account.mailbox_secret) == PASSWORD
    changed = WITH_MAILBOX | {"mailbox_secret": "", "mailbox_host": "imaps.example.com"}
    page = chief.post(f"/accounts/{account.id}", data=changed, follow_redirects=True).get_data(as_text=True)
    assert PASSWORD not in page
    account = only(sqlite_home)
    assert sqlite_home.decrypt(account.mailbox_secret) == PASSWORD
    with sqlite_home.database.read() as session:
        asked = session.get_one(Mailbox, account.id).next_check_at
    assert asked is not None
    assert asked <= now()
    chief.post(f"/accounts/{account.id}", data=changed | {"mailbox_username": ""})
    assert only(sqlite_home).mailbox_secret is None


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"mailbox_is_read": True}, "mailbox_host", Problem.REQUIRED),
        ({"mailbox_is_read": True, "mailbox_host": "a b"}, "mailbox_host", Problem.BAD_HOST),
        (
            {"mailbox_is_read": True, "mailbox_host": "h.example", "mailbox_security": Security.NONE},
            "mailbox_security",
            Problem.NOT_ENCRYPTED,
        ),
        ({"mailbox_folders": ["a\x01b"]}, "mailbox_folders", Problem.CONTROL),
        ({"mailbox_minutes": 0}, "mailbox_minutes", Problem.OUT_OF_RANGE),
        ({"bounce_address": "bounces@example.com"}, "bounce_address", Problem.NO_TOKEN),
        ({"bounce_address": "b@{token}.example"}, "bounce_address", Problem.NO_TOKEN),
        ({"bounce_address": "b {token}@example.com"}, "bounce_address", Problem.BAD_ADDRESS),
        (
            {"bounce_address": "b+{token}@example.com", "kind": AccountKind.PEC},
            "bounce_address",
            Problem.BOUNCE_ON_PEC,
        ),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused_at_its_field(
    sqlite_home: Installation, changes: dict[str, object], field: str, problem: Problem
) -> None:
    with sqlite_home.database.writing() as session:
        company = make_company(session)
        with pytest.raises(AccountInvalid) as refused:
            add(session, sqlite_home, company.id, **changes)
    assert [(one.field, one.problem) for one in refused.value.problems] == [(field, problem)]


def test_an_operator_fills_the_form_and_keeps_nothing_by_itself(
    chief: FlaskClient, sqlite_home: Installation
) -> None:
    """InfoCert: 6 messages a minute, and the login is no address (pec.md 2)."""
    page = chief.get("/accounts/new?operator=infocert").get_data(as_text=True)
    assert 'value="sendm.cert.legalmail.it"' in page
    assert 'value="mbox.cert.legalmail.it"' in page
    assert re.search(r'name="per_minute"[^>]* value="6"', page)
    assert "M-code" in page
    assert chief.get("/accounts/new?operator=nobody").status_code == 200
    with sqlite_home.database.read() as session:
        assert session.scalars(select(SenderAccount)).all() == []


def test_trying_an_account_out_shows_each_step_of_sending_and_mailbox(
    chief: FlaskClient, sqlite_home: Installation, imap_server: ImapServer
) -> None:
    user = "steps@pages.example"
    with FaultyServer() as server, sqlite_home.database.write() as session:
        settings = server.account()
        account = make_account(
            session,
            make_company(session),
            host=settings.host,
            port=settings.port,
            ca_file=str(imap_server.ca_file),
            mailbox_is_read=True,
            mailbox_host=imap_server.host,
            mailbox_port=imap_server.port,
            mailbox_username=user,
            mailbox_secret=sqlite_home.encrypt(imap_server.add_user(user, quota_mb=10)),
            mailbox_folders=["INBOX", "INBOX.Fehlt"],
        )
        session.commit()
        page = chief.post(f"/accounts/{account.id}/check").get_data(as_text=True)
        for found in (
            "127.0.0.1",
            "Local test authority",
            imap_server.sent_folder,
            "Missing: INBOX.Fehlt",
            "10",
        ):
            assert found in page
        assert "The account works; look at the marked steps" in page
        account.mailbox_secret = sqlite_home.encrypt("wrong")
        session.commit()
        page = chief.post(f"/accounts/{account.id}/check").get_data(as_text=True)
    assert "The account does not work yet" in page
    assert "IMAP may have to be switched on" in page


def test_a_mailbox_that_cannot_be_read_is_on_the_page_the_list_and_the_dashboard(
    sqlite_home: Installation, login_as: LoginAs
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        values = {"mailbox_is_read": True, "mailbox_host": "127.0.0.1", "mailbox_port": 1, "username": "u"}
        account = make_account(session, company, secret=sqlite_home.encrypt("x"), **values)
        people = (
            make_user(session, areas=[Permission.SETTINGS_MANAGE]),
            make_user(session, grants=list(outbox_grants(company.id))),
        )
    chief, clerk = (login_as(person) for person in people)
    assert read_mailbox(sqlite_home, account.id).failure is not None
    assert "cannot be read; receipts" in chief.get(f"/accounts/{account.id}").get_data(as_text=True)
    assert "Mailbox not readable" in chief.get("/accounts").get_data(as_text=True)
    assert clerk.post(f"/accounts/{account.id}/read-mailbox").status_code == 404
    assert chief.post(f"/accounts/{account.id}/read-mailbox").status_code == 303
    with sqlite_home.database.write() as session:
        mailbox = session.get_one(Mailbox, account.id)
        mailbox.failed_at = now() - timedelta(hours=1)
        mailbox.quota_used_kb, mailbox.quota_limit_kb = 80, 100
    with sqlite_home.database.read() as session:
        assert count_silent_mailboxes(session, make_actor(), company.id) == 1
        assert count_full_mailboxes(session, make_actor(), company.id) == 1
        assert count_silent_mailboxes(session, make_actor(is_admin=False), company.id) == 0


def test_the_command_line_adds_an_account_with_a_mailbox_and_reads_it(
    sqlite_home: Installation, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "is_current", lambda _database: True)
    for name, value in (
        ("DATA_DIR", str(sqlite_home.settings.data_dir)),
        ("DATABASE_URL", sqlite_home.settings.database_url),
        ("SECRET_KEY", sqlite_home.settings.secret_key.get_secret_value()),
    ):
        monkeypatch.setenv(f"CRM_MAIL_{name}", value)
    with sqlite_home.database.write() as session:
        code = make_company(session).code
    user = "shell@pages.example"
    password = imap_server.add_user(user)
    imap_server.deliver(user, b"Subject: x\r\n\r\ny\r\n")
    runner = CliRunner()
    added = runner.invoke(
        cli,
        [
            *(
                "account",
                "add",
                "--company",
                code,
                "--name",
                "PEC",
                "--operator",
                "aruba",
                "--from",
                "a@pec.example",
            ),
            *("--user", user, "--password-stdin", "--imap-host", imap_server.host, "--json"),
            *("--imap-port", str(imap_server.port), "--ca-file", str(Path(imap_server.ca_file))),
        ],
        input=f"{password}\n",
    )
    assert json.loads(added.stdout)["mailbox_is_read"] is True, added.output
    account = only(sqlite_home)
    assert (account.host, account.operator, account.mailbox_sent_folder) == (
        "smtps.pec.aruba.it",
        "aruba",
        "INBOX.Inviata",
    )
    done = json.loads(runner.invoke(cli, ["mailbox", "check", "--company", code, "--json"]).stdout)
    assert done["failed"] == 0
    assert done["mailboxes"][0]["looked_at"] == 1
    missing = runner.invoke(cli, ["mailbox", "check", "--account", "99"])
    assert missing.exit_code == 1
    assert "account 99" in missing.output
