"""The indexes by which SQLite finds words among a million names: every three letters in a row, and who holds them.

`parties_words`, `contacts_words` and `contact_addresses_words` are FTS5 tables over one column each. They keep neither
the texts nor the places in them; triggers keep them up, whoever writes the row. PostgreSQL has `pg_trgm` for it.

A migration that copies one of the three tables (Alembic's batch mode does, with `recreate="always"` or for most
changes but new columns and indexes) loses its triggers with the old one: it makes them again by its own words and ends
with `INSERT INTO parties_words(parties_words) VALUES ('rebuild')` (docs/decisions/words-by-trigrams.md).
"""

import re

from sqlalchemy import DDL, FromClause, Table, event
from sqlalchemy.schema import ExecutableDDLElement

LENGTH = 3
"""Letters that are looked for together; shorter words are found by reading every name."""

MOST = 30
"""Trigrams of one word that are asked for: beyond these the word itself decides."""

_OURS = re.compile(r"(ix_)?(parties|contacts|contact_addresses)_words(_\w+)?")


def table_of(table: FromClause) -> str:
    """Name of the index of a table's words."""
    return f"{table.description}_words"


def is_of_words(name: str | None) -> bool:
    """Whether a table or an index of the database belongs to the finding of words: the models do not name them."""
    return bool(_OURS.fullmatch(name or ""))


def question(word: str) -> str:
    """What FTS5 is asked so that it names every text that holds a word, and few others; empty: nothing narrows."""
    grams = dict.fromkeys(word[at : at + LENGTH] for at in range(len(word) - LENGTH + 1))
    usable = [gram.replace('"', '""') for gram in grams if "\0" not in gram]  # where C ends a text
    return " AND ".join(f'"{gram}"' for gram in usable[:MOST])


def keep_words(table: Table, column: str) -> None:
    """Have the index of a column's words made and dropped with its table, on SQLite."""
    for statement in making(table.name, column):
        event.listen(table, "after_create", _on_sqlite(statement))
    event.listen(table, "after_drop", _on_sqlite(f"DROP TABLE IF EXISTS {table_of(table)}"))


def _on_sqlite(statement: str) -> ExecutableDDLElement:
    ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]
    return ddl.execute_if(dialect="sqlite")


def making(name: str, column: str) -> tuple[str, ...]:
    """The statements that make the index of a table's words, and keep it as the table is."""
    words = f"{name}_words"
    forget = f"INSERT INTO {words} ({words}, rowid, {column}) VALUES ('delete', old.id, old.{column});"  # noqa: S608
    learn = f"INSERT INTO {words} (rowid, {column}) VALUES (new.id, new.{column});"  # noqa: S608
    has_changed = f"WHEN old.{column} IS NOT new.{column}"
    return (
        f"CREATE VIRTUAL TABLE {words} USING fts5({column}, content='{name}', content_rowid='id',"
        " tokenize='trigram', detail='none', columnsize=0)",
        f"CREATE TRIGGER {words}_insert AFTER INSERT ON {name} BEGIN {learn} END",
        f"CREATE TRIGGER {words}_update AFTER UPDATE ON {name} {has_changed} BEGIN {forget} {learn} END",
        f"CREATE TRIGGER {words}_delete AFTER DELETE ON {name} BEGIN {forget} END",
    )
