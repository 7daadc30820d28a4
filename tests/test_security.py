"""The threat model: each threat of docs/security.md names tests that exist; and what the application itself checks."""

import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from crm_mail.app import create_app
from crm_mail.installation import Installation
from crm_mail.serving import open_server
from crm_mail.web.security_headers import MAIL_POLICY, PAGE_POLICY
from tests.conftest import make_settings
from tests.factories import make_company, make_user

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (?!Threat|---)(.+) \|$", re.MULTILINE)


def rows() -> list[list[str]]:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page[page.index("## Threats") : page.index("## What is not covered")]
    return [row.split(" | ") for row in ROW.findall(table)]


def test_each_threat_names_tests_that_exist() -> None:
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    found = rows()
    assert len(found) > 30
    for row in found:
        assert len(row) == 3, row[0]
        named = re.findall(r"`(test_\w+)`", row[2])
        assert named, f"no test: {row[0]}"
        assert [name for name in named if name not in known] == [], row[0]


@pytest.mark.parametrize(
    ("values", "trusted"),
    [
        ({}, {"localhost", "127.0.0.1", "[::1]"}),
        ({"public_url": "https://mail.office.example/x"}, {"mail.office.example", "localhost"}),
        ({"trusted_hosts": "a.example, b.example"}, {"a.example", "b.example"}),
        ({"trusted_hosts": "*"}, None),
        ({"host": "0.0.0.0"}, None),
        ({"trusted_proxies": 1}, None),
    ],
)
def test_hosts_are_those_of_the_public_address_or_of_this_computer(
    values: dict[str, object], trusted: set[str] | None
) -> None:
    hosts = Settings(**values).resolved_trusted_hosts  # type: ignore[arg-type]
    assert hosts is None if trusted is None else trusted <= set(hosts or [])


def test_a_request_for_a_foreign_host_is_refused(client: FlaskClient) -> None:
    """DNS rebinding, and links made of a forged Host header."""
    assert client.get("/login", base_url="http://localhost:8080").status_code in (200, 302)
    answer = client.get("/login", base_url="http://evil.example")
    assert answer.status_code == 400
    assert "evil.example" not in answer.text


def test_every_answer_carries_the_headers_also_those_of_errors(client: FlaskClient) -> None:
    for path in ("/login", "/nowhere", "/choose-password/x"):
        answer = client.get(path)
        assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
    for policy in (PAGE_POLICY, MAIL_POLICY):
        assert "unsafe-eval" not in policy
        assert "script-src 'unsafe-inline'" not in policy


def test_cookies_are_strict_and_an_upload_has_its_limit(tmp_path: Path) -> None:
    app = create_app(make_settings(tmp_path, secure_cookies=True, max_upload_mb=1))
    assert app.config["SESSION_COOKIE_HTTPONLY"]
    assert app.config["SESSION_COOKIE_SECURE"]
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    answer = app.test_client().post("/login", data={"email": "x" * 1_100_000})
    assert answer.status_code == 413
    app.extensions["crm_mail"].database.dispose()


@pytest.mark.parametrize("path", ["/contacts/{n}", "/outbox/{n}", "/suppressions/?after={n}"])
def test_a_number_beyond_any_id_is_not_found_and_no_error_of_ours(
    path: str, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        make_company(session)
        user = make_user(session, is_admin=True, clearance=3)
    assert login_as(user).get(path.format(n="9" * 25)).status_code in (200, 404)


@pytest.mark.parametrize("address", ["/login?next=%00", "/assets/%00/x.css", "/contacts?q=ros%00si"])
def test_the_character_zero_in_an_address_is_refused(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 400


def test_a_hundred_and_thirty_browsers_that_never_finish_a_request_lock_nobody_out(
    app: Flask, sqlite_home: Installation
) -> None:
    server = open_server(app, sqlite_home.settings, 0)
    address = ("127.0.0.1", int(server.effective_port))
    worker = Thread(target=server.run, daemon=True)
    worker.start()
    with ExitStack() as stack:
        for _number in range(130):
            slow = stack.enter_context(socket.create_connection(address, timeout=5))
            slow.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\n")
        guest = stack.enter_context(socket.create_connection(address, timeout=5))
        guest.sendall(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert guest.recv(100).startswith(b"HTTP/1.1 200")
    server.close()
