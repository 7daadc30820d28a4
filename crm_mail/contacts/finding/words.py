"""Finding a word anywhere in what names a party or its contacts: begun with the indexes of words, never with all rows.

On SQLite a statement takes the rows that the index names (`contacts.word_index`), in its order, and looks at each text
itself. PostgreSQL is asked for the texts alone: it uses `pg_trgm` by itself, where it has it.
"""

from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Join, Select, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from crm_mail.contacts import word_index
from crm_mail.contacts.finding import conditions
from crm_mail.contacts.finding.conditions import Column, Condition, holds, names_in_use, unled
from crm_mail.contacts.letters import plain
from crm_mail.contacts.models import Contact, ContactAddress, Party

T = TypeVar("T")


def parties_named(company_id: int, clearance: int, word: str) -> tuple[Select[int], ...]:
    """Statements of party ids, which may repeat: by the party, by a contact's name (of any state), by an address.

    Args:
        clearance: contacts above it name nobody (IT-17).
        word: in lower case, with or without its accents: names are found by plain letters, addresses as they are.
    """
    parties = select(Party.id).where(Party.company_id == company_id, Party.search_key >= "")
    contacts = select(Contact.party_id).where(
        Contact.company_id == company_id, Contact.privacy_level <= clearance
    )
    emails = holding(select(ContactAddress.contact_id), ContactAddress.email_key, word).subquery()
    by_email = select(Contact.party_id).join_from(emails, Contact, Contact.id == unled(emails.c[0]))
    by_email = by_email.where(
        unled(Contact.company_id) == company_id, unled(Contact.privacy_level) <= clearance
    )
    by_party = [holding(parties, Party.search_key, one) for one in spellings(word)]
    return *by_party, holding(contacts, Contact.name_key, spellings(word)[0]), by_email


def parties_in_city(company_id: int, word: str) -> Select[int]:
    """The parties whose city holds a word in lower case: the cities in use, which are few, are looked through."""
    cities = names_in_use(Party.city, Party.company_id == company_id)
    held = cities.where(holds_city(cities.selected_columns[0], word))
    return select(Party.id).where(Party.company_id == company_id, Party.city.in_(held))


def holds_city(city: Column | ColumnElement[str], word: str) -> Condition:
    """Whether the name of a city holds a word in lower case."""
    return or_(*(holds(func.lower(city), one) for one in sorted(conditions.spellings([word]))))


def spellings(word: str) -> tuple[str, ...]:
    """How a word may stand in the key of a party: in plain letters (its name), or as typed (codes, addresses)."""
    return tuple(dict.fromkeys((plain(word) or word, word)))


def holding(found: Select[T], column: Column, word: str) -> Select[T]:
    """The rows of a statement whose text holds a word; one too short for an index is looked for in every row."""
    table = column.class_.__table__
    asked = word_index.question(word)
    if asked:
        named = getattr(func, word_index.table_of(table))(asked).table_valued("rowid")
        found = found.select_from(begun_with(named, table, table.c.id == unled(named.c.rowid)))
    return found.where(holds(column, word))


class begun_with(Join):  # noqa: N801  (reads as a word of SQL)
    """The rows of a table that an index of words names, in its order; on PostgreSQL the table alone."""

    inherit_cache = True


@compiles(begun_with)
def _table_alone(join: begun_with, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(join.right, **options)


@compiles(begun_with, "sqlite")
def _index_first(join: begun_with, compiler: SQLCompiler, asfrom: bool = False, **options: Any) -> str:
    """In this order and by the rows' numbers; left to itself, SQLite may begin with an index of the company."""
    index, table = (compiler.process(one, asfrom=True, **options) for one in (join.left, join.right))
    return (
        f"{index} CROSS JOIN {table} NOT INDEXED ON {compiler.process(cast('Any', join.onclause), **options)}"
    )
