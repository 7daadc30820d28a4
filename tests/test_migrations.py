"""The migrations make exactly the tables of the models, forwards and backwards, and lose nothing on the way."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, create_engine, event, make_url, text
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.searching import find_parties
from crm_mail.contacts.models import Party
from crm_mail.contacts.word_index import is_of_words
from crm_mail.db import Base, Database
from crm_mail.permissions import Sight
from crm_mail.refusals import Refusal
from crm_mail.schema import alembic_config, is_current, ours_on, upgrade
from tests.contacts.test_word_index import check_indexes


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
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "include_object": ours_on(connection.dialect.name)}
            )
            with (
                warnings.catch_warnings()
            ):  # indexes on expressions cannot be compared: they are looked for below
                warnings.filterwarnings("ignore", ".*expression-based index")
                assert compare_metadata(context, Base.metadata) == []
            assert _indexes_on_expressions() <= _names_of_indexes(connection)
            assert _tables_whose_ids_are_never_given_again(connection) == {
                "contacts",
                "parties",
                "user_groups",
            }
            if database.is_sqlite:
                assert _making_of_words(connection) == _making_of_words_by_the_models()
        command.downgrade(alembic_config(database), "base")
        with database.engine.connect() as connection:
            assert not MigrationContext.configure(connection).get_current_heads()


def _making_of_words_by_the_models() -> dict[str, str]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        Base.metadata.create_all(connection)
        made = _making_of_words(connection)
    engine.dispose()
    return made


def _making_of_words(connection: Connection) -> dict[str, str]:
    """How the tables and triggers that find words were made."""
    made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')"))
    return {name: sql for name, sql in made if is_of_words(name)}


def _indexes_on_expressions() -> set[str]:
    indexes = (index for table in Base.metadata.tables.values() for index in table.indexes)
    return {str(index.name) for index in indexes if len(index.columns) < len(index.expressions)}


def _names_of_indexes(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    return set(connection.scalars(text("SELECT indexname FROM pg_indexes")))


def _tables_whose_ids_are_never_given_again(connection: Connection) -> set[str]:
    never_again = {name for name, table in Base.metadata.tables.items() if _is_never_again(table)}
    if connection.dialect.name != "sqlite":  # PostgreSQL's sequences never go back
        return never_again
    made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    return {name for name, sql in made if "AUTOINCREMENT" in (sql or "")}


def _is_never_again(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])


def test_an_office_of_the_first_version_keeps_its_rows(database: Database) -> None:
    """New columns have a value on rows that were there before; words find these as well as new ones."""
    command.upgrade(alembic_config(database), "0001")
    with database.engine.begin() as connection:
        for statement in _FIRST_VERSION:
            connection.execute(text(statement))
        connection.execute(text("UPDATE contacts SET name = 'Zoë D’Alò', name_key = 'zoë d’alò'"))
    upgrade(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT name, credit_days FROM parties")).all() == [("Alfa", None)]
        assert connection.execute(text("SELECT number, privacy_level FROM documents")).all() == [("1", 0)]
        keys = connection.execute(text("SELECT email, email_key FROM contact_addresses")).all()
        assert keys == [("Anna@Alfa.example", "anna@alfa.example")]
    with database.write() as session:
        assert _found(session, "alfa.example") == {1}  # by what was there before the index of words
        assert _found(session, "zoe d'alo") == {1}  # names were kept with their accents then
        later = Party(id=2, company_id=1, code="02", name="Beta", name_key="beta")
        session.add(later)
        assert _found(session, "beta") == {later.id}
        if database.is_sqlite:
            check_indexes(session)


def _found(session: Session, word: str) -> set[int] | None:
    session.flush()
    return find_parties(session, PartyFilter(1, text=word), Sight(3))


def test_an_sqlite_without_trigrams_is_told_what_to_do(tmp_path: Path) -> None:
    """One message, and a database as it was."""
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    command.upgrade(alembic_config(database), "0005")
    event.listen(database.engine, "before_cursor_execute", _as_if_trigrams_were_unknown, retval=True)
    with pytest.raises(Refusal, match=r"no such tokenizer: .*nothing was changed.* 3\.34 or newer"):
        upgrade(database)
    with database.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0005"
        assert not _making_of_words(connection)
    database.dispose()


def _as_if_trigrams_were_unknown(*call: Any) -> tuple[str, Any]:
    return call[2].replace("'trigram'", "'unknown'"), call[3]


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
