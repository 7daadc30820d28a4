"""Who may open which page of the users room: guest, user, user manager, administrator (the whole list)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission
from crm_mail.users import sessions
from tests.factories import make_user

GUESTS = ("/login", "/login/code", "/first-administrator", "/forgotten-password", "/choose-password/<token>")
AT_PROVIDER = (
    "/login/provider",
    "/login/provider/callback",
    "/login/provider/refused",
    "/login/provider/sign-out",
)
"""404 where no provider is set; `test_oidc` where one is."""
OWN = (
    "/my-account",
    "/change-password",
    "/stay-signed-in",
    "/my-account/second-factor",
    "/my-account/second-factor/app",
    "/my-account/second-factor/codes",
    "/my-account/second-factor/off",
    "/my-account/sessions/1/end",
    "/my-account/sessions/end-others",
    "/logout",
    "/stop-seeing",
)
MANAGED = (
    "/users",
    "/users/new",
    "/users/1",
    "/users/rights.xlsx",
    "/users/1/rights/copy",
    "/users/1/rights/history",
    "/users/1/see-as",
    "/groups",
    "/groups/new",
    "/groups/1",
    "/groups/1/delete",
    "/users/1/rights",
    "/users/1/one-time-password",
    "/users/1/link",
    "/users/1/limits",
    "/users/1/provider/forget",
    "/users/groups/1/second-factor",
    "/users/1/second-factor/required",
    "/users/1/second-factor/reset",
    "/users/1/activate",
    "/users/1/deactivate",
)
AUDIT = ("/audit", "/audit/verify", "/audit/export")
OTHER_RIGHTS = [
    (p, ANY, None) for p in (Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT)
]
PEOPLE = {
    "user": {"grants": OTHER_RIGHTS, "areas": [Permission.CONTACTS_MANAGE, Permission.SETTINGS_MANAGE]},
    "manager": {"areas": [Permission.USERS_MANAGE]},
    "administrator": {"is_admin": True},
}


def paths_of(app: Flask) -> list[tuple[str, str]]:
    """Every (method, path) of the room, with 1 for each id; signing out comes last, it ends the session."""
    rules = [
        r
        for r in app.url_map.iter_rules()
        if r.endpoint.startswith("users.")
        or r.endpoint in ("reports.audit", "reports.verify_audit", "reports.export_audit")
    ]
    found = [
        (method, re.sub(r"<int:\w+>", "1", re.sub(r"<any\((\w+).*?>", r"\1", rule.rule)))
        for rule in rules
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]
    return sorted(found, key=lambda pair: (pair[1] == "/logout", pair[1], pair[0]))


def test_the_matrix_names_every_page_of_the_room(app: Flask) -> None:
    assert {path for _method, path in paths_of(app)} == {*GUESTS, *AT_PROVIDER, *OWN, *MANAGED, *AUDIT}


def test_a_guest_sees_only_the_login(app: Flask, client: FlaskClient, sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        make_user(session)
    for method, path in paths_of(app):
        answer = client.open(path, method=method)
        if path in ("/login", "/forgotten-password"):
            assert answer.status_code in (200, 422)
        elif path == "/choose-password/<token>":
            assert answer.status_code == 410
        elif path in AT_PROVIDER:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 303, (method, path)
            assert answer.location.split("?")[0] == "/login", (method, path)


@pytest.mark.parametrize("person", PEOPLE)
def test_each_person_opens_what_the_rights_say(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., FlaskClient], person: str
) -> None:
    allowed = {"user": OWN, "manager": (*OWN, *MANAGED), "administrator": (*OWN, *MANAGED, *AUDIT)}[person]
    with sqlite_home.database.write() as session:
        other = make_user(session)
        sessions.open_session(session, other.id, ip="", user_agent="")  # the session 1 of the paths
        session.flush()
        user = make_user(session, **PEOPLE[person])
    browser = login_as(user)
    for method, path in paths_of(app):
        if path in (*GUESTS, *AT_PROVIDER):
            continue
        status = browser.open(path, method=method).status_code
        assert (status == 403) == (path not in allowed), (method, path, status)
        assert status < 500, (method, path)


def test_an_unknown_user_is_not_found(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, is_admin=True)
    browser = login_as(admin)
    assert browser.get("/users/99").status_code == 404
    assert browser.get("/users/99/rights").status_code == 404
    assert browser.post("/users/99/deactivate").status_code == 404
    assert browser.post("/my-account/sessions/99/end").status_code == 404
