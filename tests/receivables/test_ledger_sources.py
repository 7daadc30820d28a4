"""Lists read from a database of the ERP: read only, its address a secret, never our own database."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.installation import Installation
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerLine, LedgerSource
from crm_mail.receivables.sources import (
    find_source,
    import_from_source,
    read_source,
    save_source,
)
from tests.factories import make_actor, make_company, make_party, make_user

ACTOR = make_actor()
QUERY = (
    "SELECT cust AS party_code, num AS number, due AS due_date, amt AS open_amount "
    "FROM scadenze WHERE firm = :company"
)


@pytest.fixture
def erp(tmp_path: Path) -> str:
    path = tmp_path / "elsewhere" / "erp.sqlite3"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE scadenze (firm TEXT, cust TEXT, num TEXT, due TEXT, amt NUMERIC)")
        rows = [
            ("SM02", "000100", 'A "1"|x', "2026-01-31", 1200.5),
            ("OTHER", "000100", "B", "2026-01-31", 7),
        ]
        connection.executemany("INSERT INTO scadenze VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture
def home(sqlite_home: Installation, tmp_path: Path) -> Installation:
    sqlite_home.settings.data_dir = tmp_path / "data"
    return sqlite_home


def keep(home: Installation, session: Any, company: Company, **changes: Any) -> LedgerSource:
    values: dict[str, Any] = {"name": "ERP", "query": QUERY, "kind": Kind.OPEN_ITEMS, "is_complete": True}
    return save_source(session, ACTOR, home, company.id, **(values | changes))


def test_a_query_brings_the_lines_of_its_company_and_the_address_stays_secret(
    home: Installation, erp: str
) -> None:
    with home.database.write() as session:
        company = make_company(session, code="SM02")
        make_party(session, company, code="000100")
        source = keep(home, session, company, url=erp)
        assert b"erp.sqlite3" not in source.url_encrypted
        keep(home, session, company, url="")  # an empty address keeps the one there is
        result = import_from_source(session, ACTOR, home, company, "erp")
        assert (result.created, result.error_rows) == (1, 0)
        line = session.scalars(select(LedgerLine)).one()
        assert (line.number, str(line.open_amount)) == ('A "1"|x', "1200.50")
        with pytest.raises(DatabaseRefused):
            find_source(session, ACTOR, company.id, "another")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"query": "DELETE FROM scadenze"}, "query"),
        ({"query": "SELECT 1; DROP TABLE scadenze"}, "query"),
        ({"name": " "}, "name"),
        ({"url": "nonsense"}, "url"),
        ({"url": "nodriver://host/x"}, "driver"),
        ({"url": "sqlite://"}, "own"),
    ],
)
def test_what_cannot_be_kept_says_why(
    home: Installation, erp: str, changes: dict[str, str], problem: str
) -> None:
    with home.database.write() as session:
        company = make_company(session)
        with pytest.raises(DatabaseRefused) as refused:
            keep(home, session, company, **({"url": erp} | changes))
        assert refused.value.problem == problem
        with pytest.raises(DatabaseRefused) as own:
            keep(home, session, company, url=str(home.database.engine.url))
        assert own.value.problem == "own"


def test_a_query_that_writes_or_fails_changes_nothing(home: Installation, erp: str) -> None:
    with home.database.write() as session:
        company = make_company(session, code="SM02")
        source = keep(home, session, company, url=erp)
        for query in ("WITH x AS (SELECT 1) DELETE FROM scadenze", "SELECT * FROM missing"):
            source.query = query
            with pytest.raises(DatabaseRefused) as refused:
                read_source(home, source, company)
            assert refused.value.problem == "failed"
        source.query = QUERY
        assert b"000100" in read_source(home, source, company)
        source.query = "SELECT 1 AS one"
        with pytest.raises(ImportRefused):
            import_from_source(session, ACTOR, home, company, "ERP")


def test_the_pages_keep_read_and_forget_a_source(home: Installation, erp: str, login_as: Any) -> None:
    with home.database.write() as session:
        company = make_company(session, code="SM02")
        make_party(session, company, code="000100")
        admin = make_user(session, is_admin=True, clearance=3, language="en")
    browser = login_as(admin)
    new = {"name": "ERP", "url": erp, "query": QUERY, "kind": "open_items", "is_complete": "y"}
    assert browser.post("/receivables/sources", data=new | {"query": "DROP"}).status_code == 422
    assert browser.post("/receivables/sources", data=new).status_code == 303
    assert "erp.sqlite3" not in browser.get("/receivables/sources").text
    page = browser.get("/receivables/import").text
    [address] = re.findall(r'action="(/receivables/sources/\d+/read)"', page)
    columns = browser.post(address)
    assert "party_code" in browser.get(columns.location).text
    assert browser.post(address.replace("read", "delete")).status_code == 303
    assert browser.post(address).status_code == 404
