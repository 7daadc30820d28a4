"""A Chromium for each file of journeys (two Playwrights cannot live in one process), and watched windows in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.documents.rendering import pdf_available
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.permissions import ANY, INSTALLATION, Permission
from tests.browser.office import ADMINISTRATOR, JUNIOR, REVIEWER, SECRET_CONTACTS, Office
from tests.browser.watched import Watched
from tests.conftest import IN_CI

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium; where none is installed the journeys are skipped, but never in CI."""
    if not Path(CHROMIUM).exists():
        assert not IN_CI, f"CI has no Chromium at {CHROMIUM}: install it, or name it in CHROMIUM"
        pytest.skip(f"no Chromium at {CHROMIUM} (name it in CHROMIUM)")
    is_there, reason = pdf_available()
    assert is_there, f"PDFs cannot be drawn here, no journey can end: {reason}"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a watched window on an address: ``window(office.url)``; each is closed and judged at the end."""
    opened: list[Watched] = []

    def open_window(url: str, **options: Any) -> Watched:
        opened.append(Watched(browser, url, **options))
        return opened[-1]

    yield open_window
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The sample company after its main job, served, with people of different rights; shared by the journeys."""
    folder = tmp_path_factory.mktemp("demo")
    office = Office(folder)
    office.run("start", "--once")
    rights = [(permission, ANY, None) for permission in (Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW)]
    office.add_user(ADMINISTRATOR, is_admin=True, clearance=3)
    office.add_user(REVIEWER, *rights, clearance=3)
    office.add_user(JUNIOR, *rights)
    (folder / "secret.csv").write_text(SECRET_CONTACTS, encoding="utf-8")
    with office.home.database.write() as session:
        company = session.scalars(select(Company)).one()
        company.undo_seconds = 2
        company.unknown_is_ordinary = True  # the question has tests of its own (tests/outbox)
        import_contacts(session, INSTALLATION, company, folder / "secret.csv")
    with office:
        yield office
