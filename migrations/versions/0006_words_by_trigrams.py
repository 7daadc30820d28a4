"""Words by trigrams: tables of their own on SQLite, `pg_trgm` on PostgreSQL"""

import sqlalchemy as sa
from alembic import op

from crm_mail.refusals import Refusal

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WORDS = {"parties": "search_key", "contacts": "name_key", "contact_addresses": "email_key"}


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        _check_sqlite()
    _index_parties("party_id", "privacy_level", "state")  # a page of contacts is counted from it alone
    if is_sqlite:
        for table, column in _WORDS.items():
            _keep_words(table, column)
    else:
        _index_words()


def _index_parties(*columns: str) -> None:
    op.drop_index("ix_contacts_party", "contacts")
    op.create_index("ix_contacts_party", "contacts", list(columns))


def _keep_words(table: str, column: str) -> None:
    words = f"{table}_words"
    forget = f"INSERT INTO {words} ({words}, rowid, {column}) VALUES ('delete', old.id, old.{column});"  # noqa: S608
    learn = f"INSERT INTO {words} (rowid, {column}) VALUES (new.id, new.{column});"  # noqa: S608
    has_changed = f"WHEN old.{column} IS NOT new.{column}"
    op.execute(
        f"CREATE VIRTUAL TABLE {words} USING fts5({column}, content='{table}', content_rowid='id',"
        " tokenize='trigram', detail='none', columnsize=0)"
    )
    op.execute(f"CREATE TRIGGER {words}_insert AFTER INSERT ON {table} BEGIN {learn} END")
    op.execute(
        f"CREATE TRIGGER {words}_update AFTER UPDATE ON {table} {has_changed} BEGIN {forget} {learn} END"
    )
    op.execute(f"CREATE TRIGGER {words}_delete AFTER DELETE ON {table} BEGIN {forget} END")
    op.execute(f"INSERT INTO {words} ({words}) VALUES ('rebuild')")  # noqa: S608


def _index_words() -> None:
    """PostgreSQL's own trigrams, where their extension is there and may be used.

    Without it words are found as well, by reading every name; docs/operations.md tells how to add it later.
    """
    connection = op.get_bind()
    offered = sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")
    if not connection.scalar(offered):
        return
    try:
        with connection.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError:
        return
    for table, column in _WORDS.items():
        op.execute(
            f"CREATE INDEX IF NOT EXISTS ix_{table}_words ON {table} USING gin ({column} gin_trgm_ops)"
        )


def _check_sqlite() -> None:
    """Name what is missing before anything fails half-way: trigrams came with SQLite 3.34, of December 2020."""
    connection = op.get_bind()
    try:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE temp._tried USING fts5(word, tokenize='trigram')")
        connection.exec_driver_sql("DROP TABLE temp._tried")
    except sa.exc.OperationalError as error:
        found = connection.scalar(sa.text("SELECT sqlite_version()"))
        raise Refusal(
            f"words are found with SQLite's FTS5 and its trigrams, which this Python's SQLite {found} lacks"
            f" ({error.orig}); nothing was changed: run CRM Mail with a Python whose SQLite is 3.34 or newer with FTS5"
            " (uv brings one: `uv python install 3.11`), or use PostgreSQL"
        ) from error


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in _WORDS:
        if is_sqlite:
            for trigger in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {table}_words_{trigger}")
            op.execute(f"DROP TABLE {table}_words")
        else:
            op.execute(f"DROP INDEX IF EXISTS ix_{table}_words")
    _index_parties("party_id", "privacy_level")
