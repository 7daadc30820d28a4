"""Another program keeps the SQLite file: commands wait for their turn, and say so when it does not come."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_mail import db
from crm_mail.companies.models import Company
from crm_mail.db import Base
from crm_mail.installation import Installation
from tests.conftest import make_settings
from tests.factories import make_company


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 400)
    home = Installation(make_settings(tmp_path))
    Base.metadata.create_all(home.database.engine)
    return home


def test_a_write_waits_for_a_short_lock(home: Installation, tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "test.sqlite3", isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.1, lock.execute, ("COMMIT",)).start()
    with home.database.write() as session:
        code = make_company(session).code
    lock.close()
    with home.database.read() as session:
        assert session.scalar(select(Company.code)) == code


def test_a_long_lock_fails_cleanly_and_readers_go_on(home: Installation, tmp_path: Path) -> None:
    with home.database.write() as session:
        make_company(session, code="ACME")
    lock = sqlite3.connect(tmp_path / "test.sqlite3", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Exception, match="locked"), home.database.write() as session:
        make_company(session, code="LATE")
    assert time.monotonic() - began < 10
    with home.database.read() as session:
        assert [company.code for company in session.query(Company)] == ["ACME"]
    lock.execute("ROLLBACK")
    with home.database.write() as session:
        make_company(session, code="LATE")
    lock.close()
