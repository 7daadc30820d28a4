"""The migrations make exactly the tables of the models, forwards and backwards, and lose nothing on the way."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from crm_mail.db import Base, Database
from crm_mail.schema import alembic_config, is_current, upgrade


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database without any table."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'migrated.sqlite3'}")
        yield made
        made.dispose()
        return
    server, name = make_url(request.getfixturevalue("postgres_url")), f"migrated_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    made = Database(server.set(database=name).render_as_string(hide_password=False))
    yield made
    made.dispose()
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()


def test_the_migrations_make_the_tables_of_the_models_and_can_be_undone(database: Database) -> None:
    """House law: migrations = models, up and down."""
    for _turn in range(2):
        upgrade(database)
        assert is_current(database)
        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []
        command.downgrade(alembic_config(database), "base")
        with database.engine.connect() as connection:
            assert not MigrationContext.configure(connection).get_current_heads()


def test_an_office_of_the_first_version_keeps_its_rows(database: Database) -> None:
    """New columns have a value on rows that were there before."""
    command.upgrade(alembic_config(database), "0001")
    with database.engine.begin() as connection:
        for statement in _FIRST_VERSION:
            connection.execute(text(statement))
    upgrade(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT name, credit_days FROM parties")).all() == [("Alfa", None)]
        assert connection.execute(text("SELECT number, privacy_level FROM documents")).all() == [("1", 0)]
        keys = connection.execute(text("SELECT email, email_key FROM contact_addresses")).all()
        assert keys == [("Anna@Alfa.example", "anna@alfa.example")]


_NOW = "'2026-11-20 10:00:00'"
_FIRST_VERSION = (
    "INSERT INTO companies (id, code, name, vat_number, tax_code, address, postcode, city, province, country, email,"
    " phone, website, language, timezone, error_address, undo_seconds, needs_second_person, test_address,"
    f" max_message_mb, created_at) VALUES (1, 'B', 'Bianchi', '', '', '', '', '', '', 'IT', '', '', '', 'it',"
    f" 'Europe/Rome', '', 30, false, '', 20, {_NOW})",
    "INSERT INTO parties (id, company_id, code, name, name_key, is_customer, is_supplier, vat_number, tax_code,"
    " address, postcode, city, province, country, zone, agent, category, language, email, email_kind, billing_email,"
    " billing_email_kind, is_blocked, created_at, updated_at) VALUES (1, 1, '01', 'Alfa', 'alfa', true, false, '', '',"
    f" '', '', '', '', '', '', '', '', '', '', 'unknown', '', 'unknown', false, {_NOW}, {_NOW})",
    "INSERT INTO contacts (id, company_id, party_id, name, name_key, phone, mobile, language, privacy_level, state,"
    f" notes, source, created_at, updated_at) VALUES (1, 1, 1, 'Anna', 'anna', '', '', '', 0, 'active', '', '', {_NOW},"
    f" {_NOW})",
    "INSERT INTO contact_addresses (id, contact_id, email, kind, position) VALUES (1, 1, 'Anna@Alfa.example',"
    " 'ordinary', 0)",
    "INSERT INTO documents (id, company_id, party_id, type, natural_key, version, is_current, number, series, dated_on,"
    " currency, direction, data, is_mailable, not_mailable_reason, print_error, source, created_at) VALUES (1, 1, 1,"
    f" 'invoice', 'k', 1, true, '1', '', '2026-11-01', 'EUR', 'customer', '{{}}', true, '', '', '', {_NOW})",
)
