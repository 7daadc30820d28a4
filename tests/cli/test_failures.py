"""A command that cannot work says what is wrong, where and what to do; it never shows the inside of the program."""

import json
import sqlite3
from pathlib import Path

import pytest

from crm_mail.cli.frame import describe_database_failure
from tests.cli.commands import crm_mail


def error_of(folder: Path, *arguments: str, **environment: str) -> str:
    """The message of a command that fails."""
    done = crm_mail(folder, *arguments, "--json", **environment)
    assert done.returncode == 1, done
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    error = json.loads(done.stdout)["error"]
    assert error in done.stderr.decode()
    return str(error)


def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path) -> None:
    error = error_of(tmp_path, "db", "upgrade", CRM_MAIL_PORT="s3cret")
    assert "CRM_MAIL_PORT" in error
    assert "s3cret" not in error


@pytest.mark.parametrize("url", ["nonsense", "oracle+nothing://x", "postgresql://127.0.0.1:1/x"])
def test_a_database_that_cannot_be_reached_is_named(tmp_path: Path, url: str) -> None:
    assert "CRM_MAIL_DATABASE_URL" in error_of(tmp_path, "run", "list", CRM_MAIL_DATABASE_URL=url)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "crm-mail.sqlite3"
    file.write_bytes(b"somebody's letters " * 500)
    assert "backup" in error_of(tmp_path, "db", "upgrade")
    assert file.read_bytes() == b"somebody's letters " * 500


def test_an_unknown_mapping_is_refused_by_name(tmp_path: Path) -> None:
    assert crm_mail(tmp_path, "db", "upgrade").returncode == 0
    assert crm_mail(tmp_path, "company", "add", "SM02", "--name", "Noi").returncode == 0
    (tmp_path / "contacts.csv").write_text("party_code,party_name\n1,Uno\n")
    error = error_of(
        tmp_path, "import", "contacts", "contacts.csv", "--company", "SM02", "--mapping", "Vecchio ERP"
    )
    assert "Vecchio ERP" in error


def test_a_period_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    assert crm_mail(tmp_path, "db", "upgrade").returncode == 0
    period = ("--from", "2026-12-31", "--to", "2026-01-01")
    error = error_of(tmp_path, "prepare", "--company", "SM02", *period, "--as", "anna@noi.example")
    assert "2026-12-31" in error


def test_the_answers_of_the_database_lead_to_a_remedy(tmp_path: Path) -> None:
    """Taken from a real database that is locked and from one that is full."""
    path = tmp_path / "x.sqlite3"
    first = sqlite3.connect(path, isolation_level=None)
    first.execute("CREATE TABLE t (x)")
    first.execute("PRAGMA max_page_count=3")
    with pytest.raises(sqlite3.OperationalError) as full:
        first.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert "free some space" in describe_database_failure(str(full.value))
    first.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        sqlite3.connect(path, timeout=0).execute("INSERT INTO t VALUES (1)")
    assert "repeat the command" in describe_database_failure(str(locked.value))
    first.close()
