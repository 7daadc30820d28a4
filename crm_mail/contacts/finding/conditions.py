"""The small conditions that filters are made of: what an actor may see, texts that hold a word, names in any case."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from crm_mail.contacts.models import Contact, Party
from crm_mail.permissions import Sight

Condition = ColumnElement[bool]
Column = InstrumentedAttribute[str]


class unled(FunctionElement[Any]):  # noqa: N801  (reads as a function of SQL)
    """A column that leads SQLite to no index: it would begin with all contacts; PostgreSQL knows better itself."""

    inherit_cache = True


@compiles(unled)
def _as_it_is(element: unled, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(unled, "sqlite")
def _with_a_sign(element: unled, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def holds(column: Column | ColumnElement[str], word: str) -> Condition:
    """Whether a text in lower case holds a word in lower case anywhere; `%` and `_` mean themselves."""
    if not set(word) & set("/%_"):
        return column.like(f"%{word}%")  # twice as quick on SQLite without ESCAPE
    escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return column.like(f"%{escaped}%", escape="/")


def names_in_use(column: Column, *conditions: Condition) -> Select[Any]:
    """The different names of a column, each found by one jump in the index that begins with the conditions."""
    name = _jumps(column, *conditions)
    return select(name).where(name.is_not(None))


def in_use(column: Column, names: Iterable[str], *conditions: Condition) -> Condition:
    """Equality that ignores case, answered by the index: the spellings in use are read first.

    As flat as can be: SQLite refuses statements that nest too deep.
    """
    name = _jumps(column, *conditions)
    return column.in_(select(name).where(func.lower(name).in_(sorted(spellings(names)))))


def _jumps(column: Column, *conditions: Condition) -> ColumnElement[str]:
    first = select(func.min(column)).where(*conditions)
    found = first.where(column > "").cte(recursive=True)
    following = first.where(column > found.c[0]).correlate(found).scalar_subquery()
    return found.union_all(select(following).where(found.c[0].is_not(None))).c[0]


def visible_parties(sight: Sight) -> list[Condition]:
    """The condition that every query on parties carries; none when all customers exist for the person."""
    if sight.is_whole:
        return []
    own = [(Party.agent, sight.agents), (Party.zone, sight.zones)]
    return [or_(*(column.in_(sorted(names)) for column, names in own if names))]


def of_visible_party(
    party_id: ColumnElement[Any] | InstrumentedAttribute[Any], sight: Sight
) -> list[Condition]:
    """The same for rows that belong to a party, which is looked at as it is now: a customer who gets another agent
    takes the whole history along.
    """
    if sight.is_whole:
        return []
    return [party_id.in_(select(Party.id).where(*visible_parties(sight)).correlate(None))]


def visible_contacts(sight: Sight) -> Condition:
    """The condition that every query on contacts carries."""
    return and_(Contact.privacy_level <= sight.clearance, *of_visible_party(Contact.party_id, sight))


def spellings(names: Iterable[str]) -> set[str]:
    """What `lower()` of a stored name may give for these names, in any case.

    SQLite lowers ASCII only, so `CITTÀ` becomes `cittÀ` there and `città` on PostgreSQL; both are looked for.
    """
    found: set[str] = set()
    for name in names:
        clean = " ".join(name.split())
        found |= {clean.lower()} | {_lower_ascii(form) for form in (clean, clean.upper(), clean.title())}
    return found


def _lower_ascii(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def same_name(column: Column, names: Iterable[str]) -> Condition:
    """Equality that ignores case."""
    return func.lower(column).in_(sorted(spellings(names)))
