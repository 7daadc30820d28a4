"""The small conditions that filters are made of: what an actor may see, texts that hold a word, names in any case."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from crm_mail.contacts.models import Contact

Condition = ColumnElement[bool]
Column = InstrumentedAttribute[str]


class _Holds(FunctionElement[bool]):
    """A text holds a pattern, whatever the case of its letters."""

    name = "holds"
    type = Boolean()
    inherit_cache = True


@compiles(_Holds)
def _compile_holds(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    operator = "LIKE" if compiler.dialect.name == "sqlite" else "ILIKE"  # LIKE ignores case on SQLite only
    return f"({text} {operator} {pattern} ESCAPE '/')"


def holds(column: Column, word: str) -> Condition:
    """Whether a text holds a word anywhere; `%` and `_` mean themselves."""
    escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return _Holds(column, literal(f"%{escaped}%"))


def visible_contacts(clearance: int) -> Condition:
    """The condition that every query on contacts carries."""
    return Contact.privacy_level <= clearance


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
