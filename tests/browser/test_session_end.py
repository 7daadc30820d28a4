"""The end of a session in a real browser: a warning before it, and typed text that outlives the sign-in."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from crm_mail.app import create_app
from crm_mail.db import Database
from crm_mail.installation import Installation
from crm_mail.users import sessions
from crm_mail.users.passwords import Passwords
from tests.browser.office import ADMINISTRATOR, PASSWORD
from tests.browser.watched import Watched, expect
from tests.conftest import make_settings
from tests.factories import make_user


@pytest.fixture
def url(tmp_path: Path, empty_sqlite: Path) -> Iterator[str]:
    """An installation whose sessions end after four minutes, served by a thread."""
    home = Installation(make_settings(tmp_path, session_idle_minutes=4))
    shutil.copyfile(empty_sqlite, tmp_path / "test.sqlite3")
    with home.database.write() as session:
        values = {"is_admin": True, "clearance": 3, "password_hash": Passwords(64).hash(PASSWORD)}
        make_user(session, email=ADMINISTRATOR, **values)
    server = make_server("127.0.0.1", 0, create_app(home.settings, home), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    home.database.dispose()


def sign_in(page: object) -> None:
    page.get_by_label("E-mail address").fill(ADMINISTRATOR)  # type: ignore[attr-defined]
    page.get_by_label("Password", exact=True).fill(PASSWORD)  # type: ignore[attr-defined]
    page.get_by_role("button", name="Sign in").click()  # type: ignore[attr-defined]


def test_typed_text_outlives_the_end_of_the_session(
    url: str, window: Callable[..., Watched], tmp_path: Path
) -> None:
    page = window(url).page
    page.clock.install()
    page.goto(f"{url}/login?next=/users/new")
    sign_in(page)
    page.get_by_label("Name").fill("Carla Nuova")
    page.clock.fast_forward("02:20")
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#session-end")).to_be_hidden()
    page.clock.fast_forward("03:10")
    link = page.locator("#session-end").get_by_role("link", name="Sign in")
    expect(link).to_be_visible()
    page.context.clear_cookies()
    link.click()
    expect(page.get_by_text("What was typed is kept in this tab")).to_be_visible()
    assert PASSWORD not in page.evaluate("JSON.stringify(sessionStorage)")
    sign_in(page)
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Name")).to_have_value("Carla Nuova")
    page.get_by_label("E-mail address").fill("carla@office.example")
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite3'}")
    with database.write() as session:
        sessions.revoke_all(session, 1)  # ended elsewhere: this page does not know
    database.dispose()
    page.get_by_role("button", name="Add and invite by mail").click()
    sign_in(page)
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("E-mail address")).to_have_value("carla@office.example")
