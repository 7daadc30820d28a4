"""The room's pages as a browser sees them: signing in and out, the first administrator, users, rights, the account."""

import io
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from werkzeug.test import TestResponse

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission
from crm_mail.users import sessions
from crm_mail.users.models import Grant, User, UserSession
from crm_mail.users.passwords import Passwords
from tests.factories import make_company, make_user

CHEAP = Passwords(64)
PASSWORD = "verde barca lenta"
COMMIT, PREPARE, REVIEW = Permission.OUTBOX_COMMIT, Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW


def add_user(home: Installation, **overrides: object) -> User:
    with home.database.write() as session:
        values = {"email": "anna@office.example", "name": "Anna", "password_hash": CHEAP.hash(PASSWORD)}
        return make_user(session, **(values | overrides))


def sign_in(
    client: FlaskClient, email: str = "anna@office.example", password: str = PASSWORD, to: str = ""
) -> TestResponse:
    return client.post(f"/login{to}", data={"email": email, "password": password})


def token_of(client: FlaskClient) -> str | None:
    with client.session_transaction() as cookie:
        return cookie.get(sessions.COOKIE_KEY)


def users_in(home: Installation) -> list[User]:
    with home.database.read() as session:
        return list(session.scalars(select(User).order_by(User.id)))


# --- signing in and out


def test_the_right_password_leads_to_the_page_that_was_asked_for(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home, is_admin=True)
    asked = client.get("/users?q=an%20na")
    assert asked.status_code == 303
    assert asked.location == "/login?next=/users?q%3Dan%2520na"
    assert client.get(asked.location).status_code == 200
    answer = sign_in(client, to=asked.location.removeprefix("/login"))
    assert (answer.status_code, answer.location) == (303, "/users?q=an%20na")
    assert client.get("/users").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_login_never_leads_to_another_site(
    client: FlaskClient, sqlite_home: Installation, target: str
) -> None:
    add_user(sqlite_home)
    assert sign_in(client, to=f"?next={target}").location == "/"


def test_a_wrong_password_and_an_unknown_name_give_the_same_page(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    known, unknown = sign_in(client, password="wrong"), sign_in(client, email="nobody@office.example")
    assert known.status_code == unknown.status_code == 422
    blank = [answer.text.replace("anna@", "X@").replace("nobody@", "X@") for answer in (known, unknown)]
    without_tokens = [re.sub(r'(value|content)="[^"]{60,}"', "", text) for text in blank]
    assert without_tokens[0] == without_tokens[1]
    assert PASSWORD not in known.text
    assert token_of(client) is None


def test_after_five_failures_the_page_says_how_long_to_wait(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    for _ in range(5):
        assert sign_in(client, password="wrong").status_code == 422
    answer = sign_in(client)
    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 61
    assert "Wait 1 minute" in answer.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    (cookie,) = [one for one in sign_in(client).headers.getlist("Set-Cookie") if one.startswith("crm_mail=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_sent_over_https_only(app: Flask, sqlite_home: Installation) -> None:
    add_user(sqlite_home)
    app.config["SESSION_COOKIE_SECURE"] = True
    answer = app.test_client().post(
        "/login", data={"email": "anna@office.example", "password": PASSWORD}, base_url="https://localhost"
    )
    assert all("Secure" in one for one in answer.headers.getlist("Set-Cookie"))


def test_signing_in_drops_everything_a_guest_brought(client: FlaskClient, sqlite_home: Installation) -> None:
    """Session fixation: a token planted before signing in is worth nothing afterwards."""
    user = add_user(sqlite_home)
    with client.session_transaction() as cookie:
        cookie[sessions.COOKIE_KEY] = "planted"
        cookie["company_id"] = 99
    sign_in(client)
    first = token_of(client)
    assert first not in (None, "planted")
    with client.session_transaction() as cookie:
        assert "company_id" not in cookie
    client.post("/logout")
    sign_in(client)
    assert token_of(client) != first
    with sqlite_home.database.read() as session:
        assert {row.user_id for row in session.scalars(select(UserSession))} == {user.id}


def test_signing_out_ends_the_session_on_the_server_too(
    client: FlaskClient, app: Flask, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    sign_in(client)
    token = token_of(client)
    assert client.post("/logout").location == "/login"
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie[sessions.COOKIE_KEY] = token
    assert thief.get("/my-account").status_code == 303


def test_a_guest_is_sent_to_the_login_and_parts_of_pages_are_refused(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    assert client.get("/my-account").location == "/login?next=/my-account"
    assert client.post("/logout").location == "/login"
    assert client.get("/my-account", headers={"HX-Request": "true"}).status_code == 401
    assert client.get("/my-account", headers={"Accept": "application/json"}).status_code == 401


def test_every_post_needs_the_token_of_its_page(app: Flask, sqlite_home: Installation) -> None:
    add_user(sqlite_home)
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    assert sign_in(client).status_code == 400
    page = client.get("/login").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    data = {"email": "anna@office.example", "password": PASSWORD}
    assert client.post("/login", data=data | {"csrf_token": token[1]}).status_code == 303
    posts = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.endpoint.startswith("users.")
    ]
    assert len(posts) >= 10
    for rule in posts:
        path = re.sub(r"<int:\w+>", "1", re.sub(r"<any\((\w+).*?>", r"\1", rule.rule))
        assert client.post(path, data={"email": "x"}).status_code == 400, path


# --- the first administrator


def test_an_empty_installation_asks_for_its_first_administrator_once(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    assert client.get("/login").location == "/first-administrator"
    assert client.get("/first-administrator").status_code == 200
    data = {"name": "Anna", "email": "Anna@Office.example", "password": PASSWORD, "repeated": PASSWORD}
    answer = client.post("/first-administrator", data=data)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/users").status_code == 200
    (only,) = users_in(sqlite_home)
    assert (only.email, only.is_admin, only.clearance) == ("anna@office.example", True, 3)
    assert client.get("/first-administrator").location == "/login"
    assert client.post("/first-administrator", data=data | {"email": "b@office.example"}).location == "/login"
    assert len(users_in(sqlite_home)) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"password": "short", "repeated": "short"}, "at least 12 characters"),
        ({"password": "password1234", "repeated": "password1234"}, "attackers try first"),
        ({"repeated": "something else"}, "The two passwords differ"),
        ({"email": "no address"}, "no address is not an e-mail address"),
        ({"name": ""}, "required"),
    ],
)
def test_a_wrong_first_administrator_is_not_made(
    client: FlaskClient, sqlite_home: Installation, change: dict[str, str], text: str
) -> None:
    data = {"name": "Anna", "email": "anna@office.example", "password": PASSWORD, "repeated": PASSWORD}
    answer = client.post("/first-administrator", data=data | change, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert text in answer.text
    assert users_in(sqlite_home) == []


# --- the one-time password


def test_a_one_time_password_opens_only_the_page_that_replaces_it(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home, is_admin=True, must_change_password=True)
    sign_in(client)
    assert client.get("/users").location == "/change-password"
    assert (
        client.post("/users/new", data={"email": "x@office.example", "name": "X"}).location
        == "/change-password"
    )
    assert client.get("/users", headers={"HX-Request": "true"}).status_code == 401
    assert client.get("/change-password").status_code == 200
    same = client.post("/change-password", data={"password": PASSWORD, "repeated": PASSWORD})
    assert same.status_code == 422
    new = {"password": "tre gatti sul tetto", "repeated": "tre gatti sul tetto"}
    assert client.post("/change-password", data=new).location == "/"
    assert client.get("/users").status_code == 200
    client.post("/logout")
    assert sign_in(client).status_code == 422
    assert sign_in(client, password="tre gatti sul tetto").status_code == 303


def test_the_own_password_needs_the_present_one(client: FlaskClient, sqlite_home: Installation) -> None:
    add_user(sqlite_home)
    sign_in(client)
    new = {"password": "tre gatti sul tetto", "repeated": "tre gatti sul tetto"}
    assert client.post("/change-password", data=new | {"present": "wrong"}).status_code == 422
    assert client.post("/change-password", data=new).status_code == 422
    assert client.post("/change-password", data=new | {"present": PASSWORD}).location == "/my-account"


# --- the own account


def test_preferences_are_kept_and_followed(client: FlaskClient, sqlite_home: Installation) -> None:
    add_user(sqlite_home)
    sign_in(client)
    data = {"name": "Anna B.", "language": "es", "theme": "dark", "timezone": "America/Mexico_City"}
    assert client.post("/my-account", data=data).status_code == 303
    (user,) = users_in(sqlite_home)
    assert (user.name, user.language, user.theme, user.timezone, user.keyboard_shortcuts) == (
        "Anna B.",
        "es",
        "dark",
        "America/Mexico_City",
        False,
    )
    page = client.get("/my-account").text
    assert '<html lang="es"' in page
    assert 'data-bs-theme="dark"' in page
    assert client.post("/my-account", data=data | {"timezone": "Mars/Olympus"}).status_code == 422


def test_the_switches_of_the_top_bar_change_the_account(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    sign_in(client)
    client.post("/preferences/language", data={"language": "en", "next": "/my-account"})
    client.post("/preferences/theme", data={"theme": "dark", "next": "/my-account"})
    (user,) = users_in(sqlite_home)
    assert (user.language, user.theme) == ("en", "dark")


def test_a_lost_browser_can_be_signed_out_from_another(
    app: Flask, client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    lost = app.test_client()
    sign_in(lost)
    sign_in(client)
    page = client.get("/my-account").text
    (path,) = set(re.findall(r"/my-account/sessions/\d+/end", page))
    assert client.post(path).status_code == 303
    assert lost.get("/my-account").status_code == 303
    assert client.get("/my-account").status_code == 200
    assert client.post(path).status_code == 404
    sign_in(lost)
    client.post("/my-account/sessions/end-others")
    assert lost.get("/my-account").status_code == 303


# --- users and rights


@pytest.fixture
def admin(client: FlaskClient, sqlite_home: Installation) -> FlaskClient:
    add_user(sqlite_home, is_admin=True, clearance=3, language="en")
    sign_in(client)
    return client


def test_a_new_user_signs_in_with_the_password_that_was_shown(
    app: Flask, admin: FlaskClient, sqlite_home: Installation
) -> None:
    data = {"email": "Bruno@office.example", "name": "Bruno", "language": "es", "clearance": "2"}
    answer = admin.post("/users/new", data=data)
    assert answer.status_code == 201
    shown = re.search(r'<pre id="one-time-password">([^<]+)</pre>', answer.text)
    assert shown is not None
    with sqlite_home.database.read() as session:
        user = session.scalars(select(User).where(User.email == "bruno@office.example")).one()
        assert (user.clearance, user.language, user.is_admin) == (2, "es", False)
    assert f"/users/{user.id}/rights" in answer.text  # the matrix comes next
    other = app.test_client()
    assert sign_in(other, "bruno@office.example", shown[1]).status_code == 303
    assert other.get("/my-account").location == "/change-password"
    again = admin.post("/users/new", data=data)
    assert again.status_code == 422
    assert "Another user has the address" in again.text


def test_editing_shows_what_is_kept_and_saves_what_is_said(
    admin: FlaskClient, sqlite_home: Installation
) -> None:
    user = add_user(
        sqlite_home,
        email="bruno@office.example",
        name="Bruno",
        clearance=1,
        zones=["Nord"],
        areas=[Permission.CONTACTS_SEE],
    )
    page = admin.get(f"/users/{user.id}").text
    assert re.search(r'<option selected value="1">', page)
    assert re.search(r'checked[^>]*value="Nord"|value="Nord"[^>]*checked', page)
    data = {"email": "bruno@office.example", "name": "Bruno B.", "language": "it", "clearance": "0"}
    assert admin.post(f"/users/{user.id}", data=data | {"zones": ["Nord", "Invented"]}).status_code == 422
    shown = admin.post(f"/users/{user.id}", data=data | {"zones": "Nord"})
    assert shown.status_code == 200, "what it comes to is looked at first"
    assert "1 – up to internal contacts" in shown.text
    assert "Sees only public contacts." in shown.text
    assert users_in(sqlite_home)[1].clearance == 1
    kept = re.findall(
        r'<input type="hidden" name="(email|name|language|clearance|zones)" value="([^"]*)"', shown.text
    )
    assert dict(kept) == data | {"zones": "Nord"}
    assert admin.post(f"/users/{user.id}", data=dict(kept) | {"confirmed": "yes"}).status_code == 303
    changed = users_in(sqlite_home)[1]
    assert (changed.name, changed.clearance) == ("Bruno B.", 0)
    assert changed.zones == ["Nord"]
    assert "Sees only customers for zone Nord." in admin.get(f"/users/{user.id}").text


def confirmed(client: FlaskClient, path: str, **cells: str) -> TestResponse:
    """Choose in the matrix, look at the difference, and save it."""
    choices = {name.replace("__", ":").replace("_of_", "|"): value for name, value in cells.items()}
    page = client.post(path, data=choices)
    assert page.status_code == 200, page.status_code
    changes = re.findall(r'name="change" value="([^"]+)"', page.text)
    return client.post(path, data={"confirmed": "yes", "change": changes})


def rights_in(home: Installation) -> set[tuple[Permission, str, int | None, bool]]:
    with home.database.read() as session:
        rows = session.scalars(select(Grant).where(Grant.user_id.is_not(None), Grant.user_id != 1))
        return {(g.permission, g.document_type, g.company_id, g.is_denied) for g in rows}


def test_the_matrix_shows_the_difference_and_saves_one_company_at_a_time(
    admin: FlaskClient, sqlite_home: Installation
) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno", agents=["Bianchi"])
    with sqlite_home.database.write() as session:
        company = make_company(session, code="SM02")
    path = f"/users/{user.id}/rights"
    data = {"outbox:prepare|*": "allow", "outbox:commit|bogus": "allow", "outbox:fly|invoice": "allow"}
    page = admin.post(path, data=data)
    assert page.status_code == 200
    assert re.findall(r'name="change" value="([^"]+)"', page.text) == ["outbox:prepare|*||allow"]
    assert rights_in(sqlite_home) == set()  # only looked at
    assert admin.post(path, data={"confirmed": "yes", "change": "outbox:prepare|*||allow"}).status_code == 303
    path = f"{path}?company={company.id}"
    assert (
        confirmed(
            admin, path, outbox__review_of_invoice="allow", outbox__commit_of_invoice="deny"
        ).status_code
        == 303
    )
    assert rights_in(sqlite_home) == {
        (PREPARE, ANY, None, False),
        (REVIEW, "invoice", company.id, False),
        (COMMIT, "invoice", company.id, True),
    }
    page = admin.get(path)
    assert "May see, prepare, and review Invoice of SM02 for agent Bianchi; may not send." in page.text
    assert "✓ all companies" in page.text
    assert "denied by Anna" in page.text
    history = admin.get(f"/users/{user.id}/rights/history").text
    assert "Prepare · Every document type · every company" in history
    assert "Denied: Send · Invoice · SM02" in history
    assert admin.post(path, data={"outbox:review|invoice": "allow"}).status_code == 303  # nothing different
    for wrong in (
        "users:manage||1|allow",
        "outbox:commit|bogus||allow",
        "a|b",
        "outbox:commit|invoice|99|allow",
    ):
        assert admin.post(path, data={"confirmed": "yes", "change": wrong}).status_code == 400
    assert admin.get(f"/users/{user.id}/rights?company=99").status_code == 404


def test_rights_are_copied_after_a_look_at_the_difference(
    admin: FlaskClient, sqlite_home: Installation
) -> None:
    source = add_user(sqlite_home, email="source@office.example", grants=[(COMMIT, "invoice", None)])
    user = add_user(sqlite_home, email="bruno@office.example", grants=[(PREPARE, ANY, None)])
    assert (
        admin.post(
            "/groups/new", data={"name": "Sales", "parent_id": "0", "member_ids": source.id}
        ).status_code
        == 303
    )
    page = admin.get(f"/users/{user.id}/rights/copy?from=users-{source.id}").text
    changes = re.findall(r'name="change" value="([^"]+)"', page)
    assert sorted(changes) == ["outbox:commit|invoice||allow", "outbox:prepare|*||inherit"]
    data = {"confirmed": "yes", "change": changes, "with_groups": "yes", "group": "1"}
    assert admin.post(f"/users/{user.id}/rights", data=data).status_code == 303
    with sqlite_home.database.read() as session:
        copied = session.get_one(User, user.id)
        assert [one.permission for one in copied.grants] == [COMMIT]
        assert [one.name for one in copied.groups] == ["Sales"]
    deleting = admin.get("/groups/1/delete").text
    assert "Who loses what" in deleting
    assert admin.post("/groups/1/delete").status_code == 303
    assert admin.get("/groups/1").status_code == 404


def test_the_rights_of_everybody_are_a_file(admin: FlaskClient, sqlite_home: Installation) -> None:
    add_user(sqlite_home, email="bruno@office.example", name="=Bruno", grants=[(COMMIT, "invoice", None)])
    text = admin.get("/users/rights.csv").text
    assert "'=Bruno,bruno@office.example,yes,no,0,,,,Invoice,Send,every company,allowed" in text
    sheet: Any = load_workbook(io.BytesIO(admin.get("/users/rights.xlsx").data)).active
    (given_at,) = [line[-1] for line in sheet.values if line[0] == "=Bruno"]
    here = datetime.now(ZoneInfo("Europe/Rome")).replace(tzinfo=None)
    assert abs(given_at - here) < timedelta(minutes=5)
    with sqlite_home.database.read() as session:
        assert "users.rights.exported" in session.scalars(select(AuditEvent.action)).all()


def test_seeing_as_another_user_shows_his_pages_and_changes_nothing(
    admin: FlaskClient, sqlite_home: Installation
) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno")
    assert admin.post(f"/users/{user.id}/see-as").status_code == 303
    page = admin.get("/")
    assert "Shown as bruno@office.example sees it" in page.text
    assert admin.get("/users").status_code == 403
    refused = admin.post("/companies/switch", data={"company": 1})
    assert refused.status_code == 403
    assert "Nothing can be changed" in refused.text
    assert admin.get("/my-account").status_code == 403
    assert admin.post("/stop-seeing").status_code == 303
    assert admin.get("/users").status_code == 200
    with sqlite_home.database.read() as session:
        events = session.execute(select(AuditEvent.action, AuditEvent.actor_name)).all()
    assert [tuple(one) for one in events][-2:] == [
        ("users.seeing.begun", "Anna"),
        ("users.seeing.ended", "Anna"),
    ]


def test_a_user_manager_finds_closed_what_he_may_not_give(
    app: Flask, client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home, areas=[Permission.USERS_MANAGE], grants=[(COMMIT, "invoice", None)], language="en")
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno")
    chief = add_user(sqlite_home, email="chief@office.example", name="Chief", is_admin=True)
    sign_in(client)
    page = client.get(f"/users/{user.id}/rights").text
    selects = re.findall(r'<select class="matrix-choice[^>]*>', page)
    opened = [re.search(r'name="([^"]+)"', one)[1] for one in selects if "disabled" not in one]  # type: ignore[index]
    assert opened == ["documents:see|invoice", "outbox:commit|invoice", "contacts:see|", "users:manage|"]
    answer = confirmed(client, f"/users/{user.id}/rights", **{"outbox__commit_of_*": "allow"})
    assert answer.status_code == 422
    assert "cannot grant what you do not hold" in answer.text
    assert confirmed(client, f"/users/{user.id}/rights", outbox__commit_of_invoice="allow").status_code == 303
    assert client.post(f"/users/{chief.id}/see-as").location == f"/users/{chief.id}"
    assert client.get("/users").status_code == 200
    client.post(f"/users/{chief.id}/one-time-password")
    client.post(f"/users/{chief.id}/deactivate")
    data = {"email": "mine@office.example", "name": "Chief", "language": "it", "clearance": "0"}
    assert client.post(f"/users/{chief.id}", data=data).status_code == 422
    kept = users_in(sqlite_home)[2]
    assert (kept.is_active, kept.password_hash, kept.email) == (
        True,
        chief.password_hash,
        "chief@office.example",
    )
    assert (
        client.post("/users/new", data=data | {"is_admin": "y", "email": "n@office.example"}).status_code
        == 422
    )


def test_a_deactivated_user_is_out_at_the_next_request(
    app: Flask, admin: FlaskClient, sqlite_home: Installation
) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno")
    other = app.test_client()
    sign_in(other, "bruno@office.example")
    admin.post(f"/users/{user.id}/deactivate")
    assert other.get("/my-account").status_code == 303
    assert sign_in(other, "bruno@office.example").status_code == 422
    admin.post(f"/users/{user.id}/activate")
    assert sign_in(other, "bruno@office.example").status_code == 303


def test_the_last_administrator_is_told_so(admin: FlaskClient, sqlite_home: Installation) -> None:
    data = {"email": "anna@office.example", "name": "Anna", "language": "en", "clearance": "3"}
    answer = admin.post("/users/1", data=data)
    assert answer.status_code == 422
    assert "last active administrator" in answer.text
    assert users_in(sqlite_home)[0].is_admin


def test_a_right_taken_away_is_gone_at_the_next_request(
    app: Flask, admin: FlaskClient, sqlite_home: Installation
) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno", areas=[Permission.USERS_MANAGE])
    other = app.test_client()
    sign_in(other, "bruno@office.example")
    assert other.get("/users").status_code == 200
    assert confirmed(admin, f"/users/{user.id}/rights", **{"users__manage_of_": "inherit"}).status_code == 303
    assert other.get("/users").status_code == 403


def test_the_list_finds_by_name_and_address(admin: FlaskClient, sqlite_home: Installation) -> None:
    add_user(sqlite_home, email="bruno@office.example", name="100% Bruno")
    assert "bruno@office.example" in admin.get("/users?q=0%25%20B").text
    page = admin.get("/users?q=zzz").text
    assert "bruno@office.example" not in page
    assert "No user matches this search" in page


def test_an_idle_session_is_sent_to_the_login(
    app: Flask, client: FlaskClient, sqlite_home: Installation
) -> None:
    add_user(sqlite_home)
    sign_in(client)
    with sqlite_home.database.write() as session:
        row = session.scalars(select(UserSession)).one()
        row.last_seen_at -= timedelta(minutes=sqlite_home.settings.session_idle_minutes + 1)
    assert client.get("/my-account").location == "/login?next=/my-account"


def test_names_are_shown_and_never_run(admin: FlaskClient, sqlite_home: Installation) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="<script>alert(1)</script>")
    for path in ("/users", f"/users/{user.id}", f"/users/{user.id}/rights"):
        assert "<script>alert" not in admin.get(path).text


def test_what_is_done_to_users_is_in_the_audit(admin: FlaskClient, sqlite_home: Installation) -> None:
    user = add_user(sqlite_home, email="bruno@office.example", name="Bruno")
    confirmed(admin, f"/users/{user.id}/rights", outbox__commit_of_invoice="allow")
    admin.post(f"/users/{user.id}/one-time-password")
    admin.post(f"/users/{user.id}/deactivate")
    with sqlite_home.database.read() as session:
        actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == [
        "users.login.succeeded",
        "users.grants.changed",
        "users.password.reset",
        "users.user.deactivated",
    ]
