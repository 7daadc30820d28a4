"""An ERP's database read by named queries: read only, since a watermark, as a spreadsheet of its columns (BX-12)."""

import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.pool import NullPool

from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.importers.databases.models import SqlSource, SqlView, ViewKind
from crm_mail.importers.databases.reading import guess_watermark, read_watermark, write_watermark
from crm_mail.importers.databases.service import ViewValues, run_view, save_source, save_view
from crm_mail.installation import Installation
from crm_mail.permissions import Permission, PermissionDenied
from tests.factories import make_actor, make_company, make_user

ADMIN = make_actor()
CUSTOMERS = (
    'SELECT code AS codice, name AS "ragione sociale", email, changed FROM customers WHERE changed >= :since'
)
ROWS = (
    ("000123", "Rossi Srl", "a@rossi.example", "2026-11-01 10:00:00"),
    ("000124", "Neri, Figli\n& C.", "b@neri.example", "2026-11-02 10:00:00"),
)


def erp(home: Installation, folder: Path, request: pytest.FixtureRequest) -> str:
    """A foreign database of the same kind as ours, with two customers; its address."""
    if home.database.is_sqlite:
        url = f"sqlite:///{folder / 'erp.sqlite3'}"
    else:
        base = request.getfixturevalue("postgres_url")
        with create_engine(base, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS erp"))
            connection.execute(text("CREATE DATABASE erp"))
        url = (
            base.replace("/postgres?", "/erp?") if "/postgres?" in base else base.rpartition("/")[0] + "/erp"
        )
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE customers (code TEXT, name TEXT, email TEXT, changed TIMESTAMP)")
        )
        for row in ROWS:
            insert = text("INSERT INTO customers VALUES (:a, :b, :c, :d)")
            connection.execute(insert, dict(zip("abcd", row, strict=True)))
    engine.dispose()
    return url


def change(url: str, statement: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))


def test_customers_come_from_the_erp_and_the_next_time_only_what_changed(
    home: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = _erp_beside(home, tmp_path, request)
    with home.database.write() as session:
        company = make_company(session, code="SM02")
        source = save_source(session, ADMIN, home, company.id, "ERP", url)
        values = ViewValues(
            "Customers", source.id, ViewKind.CONTACTS, CUSTOMERS, since_column="changed", since="2026-01-01"
        )
        save_view(session, ADMIN, company.id, values)
        company_id = company.id
        assert b"erp" not in session.scalars(select(SqlSource.url_encrypted)).one()
    tried = run_view(home, ADMIN, company_id, "customers", dry_run=True)
    assert (tried["rows"], tried["created"]) == (2, 2)
    done = run_view(home, ADMIN, company_id, "Customers")
    assert (done["created"], done["error_rows"]) == (2, 0)
    with home.database.read() as session:
        parties = session.scalars(select(Party).order_by(Party.code)).all()
        assert [one.code for one in parties] == ["000123", "000124"]
        assert parties[1].name == "Neri, Figli & C."
    again = run_view(home, ADMIN, company_id, "Customers")
    assert (again["rows"], again["unchanged"]) == (
        1,
        1,
    )  # the last one: others of its moment may have come since
    change(url, "INSERT INTO customers VALUES ('000125', 'Verdi', 'not an address', '2026-11-03 10:00:00')")
    wrong = run_view(home, ADMIN, company_id, "Customers")
    assert wrong["error_rows"] == 1
    change(url, "UPDATE customers SET email = 'c@verdi.example' WHERE code = '000125'")  # not its `changed`
    assert run_view(home, ADMIN, company_id, "Customers")["created"] == 1
    with home.database.read() as session:
        assert "2026-11-03" in session.scalars(select(SqlView.watermark)).one()


def _erp_beside(home: Installation, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Outside of our data folder: what lies inside is taken for our own."""
    folder = tmp_path.parent / f"{tmp_path.name}-erp"
    folder.mkdir()
    return erp(home, folder, request)


def test_a_query_cannot_write_also_when_it_looks_like_reading(
    home: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = _erp_beside(home, tmp_path, request)
    deleting = "WITH gone AS (DELETE FROM customers RETURNING code) SELECT code FROM gone"
    with home.database.write() as session:
        company = make_company(session)
        source = save_source(session, ADMIN, home, company.id, "ERP", url)
        for bad in ("DELETE FROM customers", "SELECT 1; DELETE FROM customers", ""):
            with pytest.raises(DatabaseRefused, match="one SELECT"):
                save_view(session, ADMIN, company.id, ViewValues("x", source.id, ViewKind.CONTACTS, bad))
        save_view(session, ADMIN, company.id, ViewValues("x", source.id, ViewKind.CONTACTS, deleting))
        company_id = company.id
    with pytest.raises(DatabaseRefused, match="did not answer"):
        run_view(home, ADMIN, company_id, "x")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar() == 2
    engine.dispose()


def test_documents_come_as_canonical_json_and_parameters_are_given_by_name(
    sqlite_home: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = _erp_beside(sqlite_home, tmp_path, request)
    one = '{"type": "generic", "title": "T", "number": "1", "date": "2026-11-21", "party": {"code": "C1", "name": "X"}}'
    change(url, "CREATE TABLE docs (document TEXT, year INTEGER)")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.executemany("INSERT INTO docs VALUES (?, ?)", [(one, 2026), ("{}", 2026), (one, 2025)])
    query = "SELECT document FROM docs WHERE year = :year"
    with sqlite_home.database.write() as session:
        company = make_company(session)
        source = save_source(session, ADMIN, sqlite_home, company.id, "ERP", url)
        with pytest.raises(DatabaseRefused, match="asks for year"):
            save_view(session, ADMIN, company.id, ViewValues("Docs", source.id, ViewKind.DOCUMENTS, query))
        values = ViewValues("Docs", source.id, ViewKind.DOCUMENTS, query, {"year": "2026"})
        save_view(session, ADMIN, company.id, values)
        company_id = company.id
    done = run_view(sqlite_home, ADMIN, company_id, "Docs")
    assert (done["rows"], done["created"], done["error_rows"]) == (2, 1, 1)
    with sqlite_home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 1
    clerk = make_actor(is_admin=False, grants=frozenset({(Permission.CONTACTS_MANAGE, "", company_id)}))
    with pytest.raises(DatabaseRefused, match="no query"):
        run_view(sqlite_home, clerk, company_id, "Docs")


def test_our_own_database_a_missing_file_and_a_stranger_are_refused(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    missing = tmp_path.parent / f"{tmp_path.name}-missing.sqlite3"
    with sqlite_home.database.write() as session:
        company = make_company(session)
        for url in (f"sqlite:///{tmp_path / 'test.sqlite3'}", "sqlite://", "sqlite:///file:x?uri=true"):
            with pytest.raises(DatabaseRefused, match="CRM Mail itself"):
                save_source(session, ADMIN, sqlite_home, company.id, "own", url)
        reads_files = "postgresql+psycopg://erp.example/erp?service=x"
        with pytest.raises(DatabaseRefused, match="option service"):
            save_source(session, ADMIN, sqlite_home, company.id, "ERP", reads_files)
        with pytest.raises(PermissionDenied):
            save_source(session, make_actor(is_admin=False), sqlite_home, company.id, "x", "sqlite:////x")
        source = save_source(session, ADMIN, sqlite_home, company.id, "ERP", f"sqlite:///{missing}")
        save_view(
            session, ADMIN, company.id, ViewValues("x", source.id, ViewKind.CONTACTS, "SELECT 1 AS code")
        )
        company_id = company.id
    with pytest.raises(DatabaseRefused, match="did not answer"):
        run_view(sqlite_home, ADMIN, company_id, "x")
    assert not missing.exists()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2026-01-01", date(2026, 1, 1)),
        ("2026-01-01T08:30:00+01:00", datetime.fromisoformat("2026-01-01T08:30:00+01:00")),
        ("0", 0),
        ("A-17", "A-17"),
    ],
)
def test_a_watermark_keeps_its_kind(typed: str, value: Any) -> None:
    assert read_watermark(guess_watermark(typed)) == value
    assert read_watermark(write_watermark(value)) == value


def test_a_query_is_added_tried_and_run_from_its_page(
    sqlite_home: Installation,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    login_as: Callable[..., FlaskClient],
    app: Any,
) -> None:
    url = _erp_beside(sqlite_home, tmp_path, request)
    with sqlite_home.database.write() as session:
        make_company(session, code="SM02")
        chief = make_user(session, is_admin=True)
        clerk = make_user(session, areas=[Permission.CONTACTS_MANAGE])
    browser, other = login_as(chief), login_as(clerk)
    at = "/import/databases"
    assert (
        browser.post(at, data={"form": "source", "source-name": "ERP", "source-url": url}).status_code == 303
    )
    form = {"form": "view", "name": "Customers", "source_id": "1", "kind": "contacts", "mapping": ""}
    form |= {"query": CUSTOMERS, "since_column": "changed"}
    assert browser.post(at, data=form).status_code == 422  # where to begin?
    assert browser.post(at, data=form | {"since": "2026-01-01"}).status_code == 303
    assert "erp.sqlite3" not in browser.get(at).get_data(as_text=True)
    assert other.post(at, data=form).status_code == 403
    assert other.post(f"{at}/queries/1/delete").status_code == 403
    assert "2" in other.post(f"{at}/queries/1/run", data={"dry_run": "1"}).get_data(as_text=True)
    assert other.post(f"{at}/queries/1/run").status_code == 200
    assert "2026-11-02" in other.get(at).get_data(as_text=True)


def test_our_own_database_is_known_under_every_spelling_of_its_address(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    """A link or a second name of the server would show every company's rows to who sets up one of them."""
    folder = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    folder.mkdir()
    link = folder / "erp.sqlite3"
    link.hardlink_to(str(sqlite_home.database.engine.url.database))
    with sqlite_home.database.write() as session:
        company = make_company(session)
        source = save_source(session, ADMIN, sqlite_home, company.id, "ERP", f"sqlite:///{link}")
        values = ViewValues("x", source.id, ViewKind.CONTACTS, "SELECT email AS codice FROM users")
        save_view(session, ADMIN, company.id, values)
        company_id = company.id
    with pytest.raises(DatabaseRefused, match="CRM Mail itself"):
        run_view(sqlite_home, ADMIN, company_id, "x")
