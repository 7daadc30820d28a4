"""Links to choose a password: mailed by a real server, used once, over in time, silent about who exists."""

import email
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers
from crm_mail.users import links, sessions
from crm_mail.users.models import PasswordLink, User
from crm_mail.users.passwords import PasswordProblem, Passwords, find_problem
from crm_mail.users.problems import Problem, UserRefused
from tests.factories import make_account, make_actor, make_company, make_user

CHEAP = Passwords(64)
PASSWORD, NEW = "verde barca lenta", "sette gatti in riga"
EMAIL = "anna@office.example"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("mail")) as info:
        yield info


def add_anna(home: Installation, **overrides: object) -> User:
    with home.database.write() as session:
        values = {"email": EMAIL, "name": "Anna", "password_hash": CHEAP.hash(PASSWORD)}
        return make_user(
            session, **(values | {"last_login_at": datetime(2026, 1, 1, tzinfo=UTC)} | overrides)
        )


def add_account(home: Installation, servers: SandboxInfo) -> None:
    for path in servers.ordinary.maildrop.paths():
        path.unlink()
    with home.database.write() as session:
        account, server = make_account(session, make_company(session)), servers.ordinary
        account.host, account.port, account.security = server.host, server.port, server.security
        account.username = account.from_address = server.username
        account.secret, account.ca_file = home.encrypt(server.password), str(server.ca_file)


def mails(servers: SandboxInfo, count: int) -> list[tuple[str, str]]:
    """Recipient and text of so many mails, waited for."""
    end = time.monotonic() + 20
    while len(paths := list(servers.ordinary.maildrop.paths())) < count and time.monotonic() < end:
        time.sleep(0.02)
    found = []
    for path in paths:
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        assert body is not None
        found.append((str(mail["To"]), body.get_content()))
    return found


def test_a_forgotten_password_is_chosen_again_by_mail_and_all_browsers_end(
    sqlite_home: Installation,
    client: FlaskClient,
    login_as: Callable[..., FlaskClient],
    servers: SandboxInfo,
) -> None:
    add_account(sqlite_home, servers)
    browser = login_as(add_anna(sqlite_home))
    known = client.post("/forgotten-password", data={"email": " ANNA@office.example"})
    ((to, text),) = mails(servers, 1)
    assert (known.status_code, to) == (200, EMAIL)
    path = re.search(r"http://[^/]+(/choose-password/\S+)", text)[1]  # type: ignore[index]
    for _scanner in range(2):
        assert client.get(path).status_code == 200
    assert client.post(path, data={"password": "short", "repeated": "short"}).status_code == 422
    assert client.post(path, data={"password": NEW, "repeated": NEW}).location == "/login"
    assert client.post(path, data={"password": PASSWORD, "repeated": PASSWORD}).status_code == 410
    assert browser.get("/my-account").status_code == 303
    assert client.post("/login", data={"email": EMAIL, "password": PASSWORD}).status_code == 422
    assert client.post("/login", data={"email": EMAIL, "password": NEW}).status_code == 303
    assert any("was changed" in text for _to, text in mails(servers, 2))


def test_nothing_shows_whether_an_address_is_known(sqlite_home: Installation, client: FlaskClient) -> None:
    add_anna(sqlite_home)
    known, unknown = (
        client.post("/forgotten-password", data={"email": address}).text.replace(address, "X")
        for address in (EMAIL, "nobody@office.example")
    )
    tokens = r'(content|value)="[^"]{60,}"'  # they hold the second in which they were made
    assert re.sub(tokens, "", known) == re.sub(tokens, "", unknown)


def test_links_are_asked_for_now_and_then_only(home: Installation) -> None:
    with (
        time_machine.travel(datetime(2026, 11, 21, 9, tzinfo=UTC), tick=False) as clock,
        home.database.write() as session,
    ):
        assert links.may_ask(session, EMAIL, "192.0.2.1") == (True, True)
        assert links.may_ask(session, EMAIL.upper(), "192.0.2.2") == (True, False)
        clock.shift(timedelta(minutes=6))
        assert links.may_ask(session, EMAIL, "192.0.2.2") == (True, True)
        for number in range(18):
            links.may_ask(session, f"{number}@office.example", "192.0.2.1")
        assert links.may_ask(session, "last@office.example", "192.0.2.1") == (True, True)
        assert links.may_ask(session, "more@office.example", "192.0.2.1") == (False, False)
        clock.shift(timedelta(hours=1, minutes=1))
        assert links.may_ask(session, "more@office.example", "192.0.2.1") == (True, True)


def test_a_link_ends_in_time_by_a_later_one_and_when_it_was_used(home: Installation) -> None:
    with (
        time_machine.travel(datetime(2026, 11, 21, 9, tzinfo=UTC), tick=False) as clock,
        home.database.write() as session,
    ):
        user = make_user(session, email=EMAIL, last_login_at=datetime(2026, 1, 1, tzinfo=UTC))
        first, _ = links.give_link(session, make_actor(), user)
        second, _ = links.give_link(session, make_actor(), user)
        assert links.find_link(session, first) is None
        assert links.find_link(session, second) is user
        assert second not in [row.token_hash for row in session.scalars(select(PasswordLink))]
        clock.shift(timedelta(hours=1, seconds=1))
        assert links.find_link(session, second) is None
        third, _ = links.give_link(session, make_actor(), user)
        links.choose_password(session, CHEAP, third, NEW)
        with pytest.raises(UserRefused) as refused:
            links.choose_password(session, CHEAP, third, NEW)
        assert refused.value.problem is Problem.LINK_OVER


def test_an_invitation_shows_its_link_where_nothing_can_be_mailed_and_ends_the_one_time_password(
    sqlite_home: Installation, client: FlaskClient, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        manager = make_user(session, areas=[Permission.USERS_MANAGE])
        boss = make_user(session, is_admin=True)
    browser = login_as(manager)
    form = {"email": EMAIL, "name": "Anna", "language": "it", "clearance": "0"}
    shown = browser.post("/users/new", data=form | {"invite": "yes"})
    path = re.search(r"http://[^/]+(/choose-password/[\w-]+)", shown.text)[1]  # type: ignore[index]
    assert (
        browser.post(f"/users/{boss.id}/link").status_code == 303
    )  # more rights than the manager's: no link
    with sqlite_home.database.read() as session:
        user = session.scalars(select(User).where(User.email == EMAIL)).one()
        assert user.password_hash == ""
        assert len(session.scalars(select(PasswordLink)).all()) == 1
        kept = session.scalars(select(PasswordLink)).one()
        assert kept.expires_at - kept.created_at > timedelta(days=6)
        assert path not in str([event.detail for event in session.scalars(select(AuditEvent))])
    assert client.post(path, data={"password": NEW, "repeated": NEW}).status_code == 303
    assert client.post("/login", data={"email": EMAIL, "password": NEW}).location == "/"


def test_a_link_does_not_pass_by_the_second_factor(sqlite_home: Installation, client: FlaskClient) -> None:
    user = add_anna(sqlite_home, totp_secret=sqlite_home.encrypt("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
    with sqlite_home.database.write() as session:
        token, _ = links.give_link(session, make_actor(), session.get_one(User, user.id))
    client.post(links.path_of(token), data={"password": NEW, "repeated": NEW})
    answer = client.post("/login", data={"email": EMAIL, "password": NEW})
    assert answer.location == "/login/code"
    with client.session_transaction() as cookie:
        assert sessions.COOKIE_KEY not in cookie


def test_the_user_is_told_of_repeated_failures_once_an_hour(
    sqlite_home: Installation, client: FlaskClient, servers: SandboxInfo
) -> None:
    add_account(sqlite_home, servers)
    add_anna(sqlite_home)
    for _ in range(5):
        assert client.post("/login", data={"email": EMAIL, "password": "wrong"}).status_code == 422
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert client.post("/login", data={"email": EMAIL, "password": "wrong"}).status_code == 422
    assert [to for to, _text in mails(servers, 1)] == [EMAIL]
    time.sleep(0.3)
    assert len(mails(servers, 1)) == 1


@pytest.mark.parametrize(
    "password", ["montreal-2026", "Snowflake!!2026", "2026stargate2026", "!!!!cheyenne1234"]
)
def test_a_leaked_password_dressed_up_is_still_one(password: str) -> None:
    assert find_problem(password) is PasswordProblem.COMMON
