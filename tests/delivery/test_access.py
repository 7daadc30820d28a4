"""Who may open and change accounts, and that no page ever shows a secret."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.db import now
from crm_mail.delivery.limits import used_today
from crm_mail.delivery.models import AccountKind, AccountUsage, Security, SenderAccount
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.delivery.servers import Faults, FaultyServer
from tests.factories import make_account, make_company, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
SECRET = "Gëheim-ñ-4711"
NEW = {
    "name": "Vendite",
    "kind": "smtp",
    "host": "mail.example.com",
    "port": "465",
    "security": "tls",
    "from_address": "vendite@example.com",
    "from_name": "Officine Ñandú & Figli",
    "username": "vendite",
    "secret": SECRET,
    "timeout_seconds": "120",
    "per_minute": "0",
    "per_hour": "0",
    "per_day": "0",
    "max_connections": "2",
    "messages_per_connection": "100",
    "max_message_mb": "20",
}
ACTIONS = ("enable", "disable", "restart", "default", "delete", "check", "send-test")


class Office:
    """Two companies, an account, and one of each kind of person."""

    def __init__(self, home: Installation, login_as: LoginAs, app: Flask) -> None:
        self.home = home
        with home.database.write() as session:
            self.company = make_company(session)
            make_company(session)
            account = make_account(
                session, self.company, name="Amministrazione", username="office", secret=home.encrypt(SECRET)
            )
            clerk = make_user(
                session, grants=list(outbox_grants(self.company.id)), email="clerk@office.example"
            )
            settings = make_user(session, areas=[Permission.SETTINGS_MANAGE], email="chief@office.example")
            idle = make_user(session)
            self.clerk_id, self.account_id = clerk.id, account.id
        self.browsers = {
            "guest": app.test_client(),
            "clerk": login_as(clerk),
            "settings": login_as(settings),
            "idle": login_as(idle),
        }

    def accounts(self) -> list[SenderAccount]:
        with self.home.database.read() as session:
            return list(session.scalars(select(SenderAccount).order_by(SenderAccount.id)))

    def point_at(self, server: FaultyServer, kind: AccountKind = AccountKind.SMTP) -> None:
        with self.home.database.write() as session:
            account = session.get(SenderAccount, self.account_id)
            assert account is not None
            settings = server.account()
            account.host, account.port = settings.host, settings.port
            account.security, account.kind = Security.NONE, kind


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs, app: Flask) -> Office:
    return Office(sqlite_home, login_as, app)


@pytest.mark.parametrize(
    ("path", "guest", "clerk", "settings"),
    [
        ("/accounts", 302, 403, 200),
        ("/accounts/new", 302, 403, 200),
        ("/accounts/1", 302, 404, 200),
        ("/accounts/mine", 302, 200, 200),
        ("/accounts/mine/new", 302, 200, 200),
        ("/accounts/99", 302, 404, 404),
    ],
)
def test_each_page_opens_only_for_whom_it_is(
    office: Office, path: str, guest: int, clerk: int, settings: int
) -> None:
    for who, expected in (("guest", guest), ("clerk", clerk), ("settings", settings)):
        status = office.browsers[who].get(path).status_code
        assert (302 if status == 303 else status) == expected, (who, path)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", ["guest", "clerk", "idle"])
def test_nobody_else_touches_the_companys_account(office: Office, action: str, who: str) -> None:
    assert office.browsers[who].post(f"/accounts/1/{action}").status_code in (302, 303, 404)
    account = office.accounts()[0]
    assert account.is_enabled
    assert account.name == "Amministrazione"


def test_no_page_and_no_log_line_ever_shows_a_secret(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """PM-27."""
    caplog.set_level(logging.DEBUG)
    settings = office.browsers["settings"]
    with FaultyServer(Faults(replies={"AUTH": f"535 5.7.8 {SECRET} is wrong"})) as server:
        office.point_at(server)
        answers = [
            settings.post("/accounts/new", data=NEW, follow_redirects=True),
            settings.post("/accounts/new", data=NEW | {"port": "0"}),
            settings.post("/accounts/1", data=NEW | {"name": "Other", "host": ""}),
            settings.get("/accounts"),
            settings.get("/accounts/1"),
            settings.get("/accounts/2"),
            settings.post("/accounts/1/check"),
            settings.post("/accounts/1/send-test"),
        ]
    for answer in answers:
        page = answer.get_data(as_text=True)
        assert SECRET not in page
        assert "4711" not in page
    assert SECRET not in caplog.text
    with office.home.database.read() as session:
        assert SECRET not in repr([event.detail for event in session.scalars(select(AuditEvent))])


def test_an_account_is_added_and_a_blank_password_keeps_the_one_there_is(office: Office) -> None:
    settings = office.browsers["settings"]
    assert settings.post("/accounts/new", data=NEW).status_code == 303
    changed = NEW | {"secret": "", "port": "587", "security": "starttls", "kind": "pec"}
    assert settings.post("/accounts/2", data=changed).status_code == 303
    account = office.accounts()[1]
    assert (account.port, account.kind) == (587, AccountKind.SMTP)
    assert office.home.decrypt(account.secret) == SECRET
    assert account.from_name == "Officine Ñandú & Figli"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"host": "no host"}, "host"),
        ({"port": "abc"}, "port"),
        ({"security": "none"}, "security"),
        ({"security": "none", "kind": "pec", "allows_unencrypted": "y"}, "security"),
        ({"from_address": "x"}, "from_address"),
        ({"timeout_seconds": "601"}, "timeout_seconds"),
        ({"name": "amministrazione"}, "name"),
    ],
)
def test_a_wrong_value_answers_422_beside_its_field(
    office: Office, change: dict[str, str], field: str
) -> None:
    answer = office.browsers["settings"].post("/accounts/new", data=NEW | change)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert len(office.accounts()) == 1


def test_everybody_manages_only_the_own_account(office: Office) -> None:
    """PD-2."""
    clerk, settings = office.browsers["clerk"], office.browsers["settings"]
    assert clerk.post("/accounts/mine/new", data=NEW | {"name": "Anna"}).status_code == 303
    own = office.accounts()[1]
    assert (own.user_id, own.company_id) == (office.clerk_id, office.company.id)
    assert clerk.get(f"/accounts/{own.id}").status_code == 200
    assert "Anna" in clerk.get("/accounts/mine").get_data(as_text=True)
    assert "Amministrazione" not in clerk.get("/accounts/mine").get_data(as_text=True)
    assert office.browsers["idle"].get(f"/accounts/{own.id}").status_code == 404
    assert settings.post(f"/accounts/{own.id}/disable").status_code == 303
    assert not office.accounts()[1].is_enabled
    assert clerk.post(f"/accounts/{own.id}/delete").location.endswith("/accounts/mine")
    assert len(office.accounts()) == 1


def test_the_connection_check_tells_each_step_and_sends_nothing(office: Office) -> None:
    settings = office.browsers["settings"]
    with FaultyServer(Faults()) as server:
        office.point_at(server)
        page = settings.post("/accounts/1/check").get_data(as_text=True)
        assert server.connections == 1
        assert not server.received
    assert page.count("state-success") >= 2
    assert "state-danger" not in page


def test_a_refused_login_shows_the_servers_own_answer(office: Office) -> None:
    with FaultyServer(Faults(replies={"AUTH": "535 5.7.8 Authentication credentials invalid"})) as server:
        office.point_at(server)
        page = office.browsers["settings"].post("/accounts/1/check").get_data(as_text=True)
    assert "535" in page
    assert "Authentication credentials invalid" in page
    assert "state-danger" in page


def test_the_test_message_goes_to_the_person_who_asks_and_is_counted(office: Office) -> None:
    with FaultyServer(Faults()) as server:
        office.point_at(server)
        assert office.browsers["settings"].post("/accounts/1/send-test").status_code == 200
        assert [recipients for recipients, _ in server.received] == [("chief@office.example",)]
    with office.home.database.read() as session:
        assert used_today(session, [1], now()) == {1: 1}
        assert session.scalar(select(AuditEvent.action)) == "delivery.account.tried"


def test_a_pec_account_writes_its_test_message_to_itself(office: Office) -> None:
    """IT-18: PEC only to PEC."""
    with FaultyServer(Faults()) as server:
        office.point_at(server, AccountKind.PEC)
        office.browsers["settings"].post("/accounts/1/send-test")
        assert [recipients for recipients, _ in server.received] == [(office.accounts()[0].from_address,)]


def test_a_secret_of_another_key_is_explained_and_nothing_breaks(office: Office) -> None:
    with office.home.database.write() as session:
        account = session.get(SenderAccount, 1)
        assert account is not None
        account.secret = b"not of this key"
    answer = office.browsers["settings"].post("/accounts/1/check")
    assert answer.status_code == 409
    with office.home.database.read() as session:
        assert session.scalar(select(AccountUsage)) is None
