"""The second factor: the standard's own codes, asked at sign-in, used once, recovered, forced, reset."""

import re
import time
from collections.abc import Callable

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users import totp
from crm_mail.users.models import Grant, RecoveryCode, User, UserGroup
from crm_mail.users.passwords import Passwords
from tests.factories import make_user

PASSWORD = "verde barca lenta"
EMAIL = "anna@office.example"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def add_anna(home: Installation, **overrides: object) -> User:
    with home.database.write() as session:
        return make_user(session, email=EMAIL, password_hash=Passwords(64).hash(PASSWORD), **overrides)


def with_factor(home: Installation) -> str:
    """Anna's secret, set up."""
    secret = totp.new_secret()
    add_anna(home, totp_secret=home.encrypt(secret))
    return secret


def give_password(client: FlaskClient) -> None:
    answer = client.post("/login?next=/my-account", data={"email": EMAIL, "password": PASSWORD})
    assert answer.location == "/login/code?next=/my-account"


def is_in(client: FlaskClient) -> bool:
    return client.get("/my-account").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B (SHA-1), the last six of its eight figures."""
    assert totp.code_at(RFC_SECRET, seconds) == code
    assert totp.matching_step(RFC_SECRET, f" {code[:3]} {code[3:]}", seconds, 0) == seconds // 30


def test_a_code_is_taken_one_step_early_or_late_and_never_twice() -> None:
    at = 1_800_000_000
    code = totp.code_at(RFC_SECRET, at)
    steps = [totp.matching_step(RFC_SECRET, code, at + shift, 0) for shift in (-60, -30, 0, 30, 60)]
    assert steps == [None, at // 30, at // 30, at // 30, None]
    assert totp.matching_step(RFC_SECRET, code, at, at // 30) is None


def test_the_password_alone_opens_nothing(client: FlaskClient, sqlite_home: Installation) -> None:
    secret = with_factor(sqlite_home)
    assert client.get("/login/code").status_code == 303  # nobody has shown a password yet
    give_password(client)
    assert not is_in(client)
    assert client.get("/login/code").status_code == 200
    assert client.post("/login/code", data={"code": "000000"}).status_code == 422
    assert not is_in(client)
    answer = client.post("/login/code?next=/my-account", data={"code": totp.code_at(secret, time.time())})
    assert answer.location == "/my-account"
    assert is_in(client)


def test_a_code_that_was_used_is_refused(client: FlaskClient, sqlite_home: Installation) -> None:
    secret = with_factor(sqlite_home)
    code = totp.code_at(secret, time.time())
    for status in (303, 422):
        client.delete_cookie("crm_mail")
        give_password(client)
        assert client.post("/login/code", data={"code": code}).status_code == status


def test_the_halfway_mark_ends_after_ten_minutes_and_with_the_password(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    secret = with_factor(sqlite_home)
    give_password(client)
    with time_machine.travel(time.time() + 601, tick=False):
        late = client.post("/login/code", data={"code": totp.code_at(secret, time.time())})
    assert late.location == "/login"
    with sqlite_home.database.write() as session:
        session.scalars(select(User)).one().password_hash = Passwords(64).hash("another one, longer")
    assert client.get("/login/code").location == "/login"
    assert not is_in(client)


def test_wrong_codes_are_throttled_apart_from_the_sign_in(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    secret = with_factor(sqlite_home)
    give_password(client)
    for _ in range(5):
        assert client.post("/login/code", data={"code": "000000"}).status_code == 422
    right = totp.code_at(secret, time.time())
    assert client.post("/login/code", data={"code": right}).status_code == 429
    give_password(client)
    with time_machine.travel(time.time() + 70, tick=False):
        again = client.post("/login/code", data={"code": totp.code_at(secret, time.time())})
        assert again.status_code == 303


def set_up(client: FlaskClient) -> tuple[str, list[str]]:
    """Set the second factor up in the account's page: the secret and the recovery codes."""
    assert client.post("/my-account/second-factor", data={"present": "wrong"}).status_code == 422
    assert client.post("/my-account/second-factor", data={"present": PASSWORD}).status_code == 303
    page = client.get("/my-account/second-factor/app").text
    assert "<svg" in page
    secret = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    assert client.post("/my-account/second-factor/app", data={"code": "000000"}).status_code == 422
    shown = client.post(
        "/my-account/second-factor/app", data={"code": totp.code_at(secret, time.time() - 30)}
    )
    codes = re.search(r'id="recovery-codes">([^<]+)<', shown.text)[1].split()  # type: ignore[index]
    return secret, codes


def test_it_is_set_up_after_the_password_and_recovered_by_codes_that_work_once(
    client: FlaskClient, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    user = add_anna(sqlite_home)
    browser, other = login_as(user), login_as(user)
    _secret, codes = set_up(browser)
    assert len(set(codes)) == 10
    assert is_in(browser)
    assert not is_in(other)  # it was let in with the password alone
    with sqlite_home.database.read() as session:
        assert not set(codes) & set(session.scalars(select(RecoveryCode.code_hash)))
    for status in (303, 422):
        client.delete_cookie("crm_mail")
        give_password(client)
        assert client.post("/login/code", data={"code": codes[0].upper()}).status_code == status


def test_switching_off_needs_password_and_code(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    browser = login_as(add_anna(sqlite_home))
    secret, codes = set_up(browser)
    off = "/my-account/second-factor/off"
    right = totp.code_at(secret, time.time())
    assert browser.post(off, data={"present": "wrong", "code": right}).status_code == 422
    assert browser.post(off, data={"present": PASSWORD, "code": "000000"}).status_code == 422
    renewed = browser.post("/my-account/second-factor/codes", data={"present": PASSWORD, "code": right})
    assert codes[1] not in renewed.text
    assert browser.post(off, data={"present": PASSWORD, "code": codes[1]}).status_code == 422
    new = re.search(r'id="recovery-codes">([^<]+)<', renewed.text)[1].split()  # type: ignore[index]
    assert browser.post(off, data={"present": PASSWORD, "code": new[0]}).status_code == 303
    with sqlite_home.database.read() as session:
        assert session.scalars(select(User)).one().totp_secret is None
        assert not session.scalars(select(RecoveryCode)).all()


def test_who_must_have_one_sets_it_up_before_anything_else(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    browser = login_as(add_anna(sqlite_home, second_factor_required=True, is_admin=True))
    assert browser.get("/users").location == "/my-account/second-factor"
    assert browser.get("/my-account", headers={"HX-Request": "true"}).status_code == 401
    secret, _codes = set_up(browser)
    assert browser.get("/users").status_code == 200
    code = totp.code_at(secret, time.time())
    refused = browser.post("/my-account/second-factor/off", data={"present": PASSWORD, "code": code})
    assert refused.status_code == 422
    assert "An administrator decides that" in refused.text


def test_a_manager_requires_and_resets_it_but_not_that_of_an_administrator(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        anna = make_user(session, totp_secret=b"kept")
        boss = make_user(session, is_admin=True, totp_secret=b"kept")
        manager = make_user(session, areas=[Permission.USERS_MANAGE])
    browser = login_as(manager)
    for user in (anna, boss):
        browser.post(f"/users/{user.id}/second-factor/required", data={"required": "yes"})
        browser.post(f"/users/{user.id}/second-factor/reset")
    with sqlite_home.database.read() as session:
        after = {user.id: user for user in session.scalars(select(User))}
        actions = set(session.scalars(select(AuditEvent.action)))
    assert (after[anna.id].totp_secret, after[anna.id].second_factor_required) == (None, True)
    assert (after[boss.id].totp_secret, after[boss.id].second_factor_required) == (b"kept", False)
    assert actions == {"users.second_factor.required", "users.second_factor.reset"}


def test_an_open_browser_is_no_place_to_guess_the_password(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    browser = login_as(add_anna(sqlite_home))
    guess = {"present": "wrong", "password": "sette gatti in riga", "repeated": "sette gatti in riga"}
    statuses = [browser.post("/change-password", data=guess).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert browser.post("/my-account/second-factor", data={"present": PASSWORD}).status_code == 429


def test_a_group_requires_it_of_everybody_also_in_the_groups_under_it(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        office = UserGroup(name="Office")
        session.add(office)
        session.flush()
        desk = UserGroup(name="Desk", parent_id=office.id)
        anna = make_user(session, password_hash=Passwords(64).hash(PASSWORD), groups=[desk])
        chief = make_user(session, is_admin=True, clearance=3)
        clerk = make_user(session, areas=[Permission.USERS_MANAGE])
        office.grants = [Grant(permission=Permission.OUTBOX_COMMIT, document_type="*")]
    browser, url = login_as(anna), f"/users/groups/{office.id}/second-factor"
    assert is_in(browser)
    login_as(clerk).post(url, data={"required": "yes"})  # the group holds what he does not
    assert is_in(browser)
    assert login_as(chief).post(url, data={"required": "yes", "back": "//evil.example"}).location == "/users"
    assert browser.get("/my-account").location == "/my-account/second-factor"
    assert "by the group Office" in login_as(chief).get(f"/users/{anna.id}").text
    secret, _codes = set_up(browser)
    assert is_in(browser)
    code = totp.code_at(secret, time.time() + 30)
    answer = browser.post("/my-account/second-factor/off", data={"present": PASSWORD, "code": code})
    assert (answer.status_code, "must use two-factor sign-in" in answer.text) == (422, True)
    login_as(chief).post(url, data={"required": "no"})
    assert "Switch it off" in browser.get("/my-account/second-factor").text
