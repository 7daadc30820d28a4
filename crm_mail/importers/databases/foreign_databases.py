"""Databases of other programs: asked by one query that only reads. Imports, lists and reports all ask through here.

The query is one SELECT, its values are bound, never written into it. The transaction is read-only where the database
knows that (SQLite is opened so, PostgreSQL, MySQL and MariaDB are told), is never committed, and ends after a minute.
Give it a user that may only read.
"""

import re
import sqlite3
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, Row, TextClause, bindparam, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from crm_mail.installation import Installation
from crm_mail.refusals import Refusal

SECONDS = 60.0
_SELECT = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(select|with)\b", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"//[^@\s]*@")
_OUR_TABLE = "audit_seals"
_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock."""
_OPTIONS = frozenset(
    {"host", "port", "sslmode", "charset", "client_encoding", "driver", "Encrypt", "TrustServerCertificate"}
)
"""What an address may ask of its driver: others can have it read files of this computer (MySQL's local_infile)."""


class DatabaseRefused(Refusal):
    """A foreign database cannot be kept or asked; ``problem`` is a code, ``detail`` what it is about."""

    WORDS: Mapping[str, str] = {
        "url": "the address of the database is not understood: write it as postgresql+psycopg://user:password@host/db",
        "driver": "the driver for {} is not installed here: ask who looks after the installation",
        "own": "this is the database of CRM Mail itself: name the one of the other program",
        "option": "the address may not carry the option {}: leave it out",
        "query": "the query must be one SELECT without a semicolon",
        "parameters": "the query asks for {}, which has no value: give it as name=value",
        "failed": "the database did not answer the query: {}",
        "slow": "the query took longer than {} seconds: let it ask for less",
    }

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(self.WORDS[problem].format(detail))
        self.problem, self.detail = problem, detail


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives, row by row, while the database is open."""

    columns: tuple[str, ...]
    rows: Iterator[Row[Any]]


def check_address(home: Installation, url: str) -> URL:
    """The address of a foreign database.

    Raises:
        DatabaseRefused: it is none, its driver is missing, or it is our own.
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except NoSuchModuleError:
        raise DatabaseRefused("driver", url.partition(":")[0][:40]) from None
    except (ArgumentError, ValueError):
        raise DatabaseRefused("url") from None
    except ImportError as missing:
        raise DatabaseRefused("driver", str(missing.name or "this kind of database")) from None
    own = home.database.engine.url
    same_server = (parsed.host, parsed.port, parsed.database) == (own.host, own.port, own.database)
    if same_server or (parsed.get_backend_name() == "sqlite" and _is_ours(home, parsed.database or "")):
        raise DatabaseRefused("own")
    if strange := sorted(set(parsed.query) - _OPTIONS):
        raise DatabaseRefused("option", strange[0][:40])
    return parsed


def _is_ours(home: Installation, path: str) -> bool:
    """Whether a file of SQLite lies in our data folder, or could: a database in memory, an odd file name."""
    if not path or path.startswith(":") or path.startswith("file:"):
        return True
    return Path(path).resolve().is_relative_to(home.settings.data_dir.resolve())


def check_query(query: str, names: Container[str]) -> str:
    """The query without a semicolon at its end.

    Args:
        names: that have a value.

    Raises:
        DatabaseRefused: it is not one SELECT, or asks for what has no value.
    """
    clean = query.strip().rstrip(";").strip()
    if not _SELECT.match(clean) or ";" in clean:
        raise DatabaseRefused("query")
    missing = [name for name in sorted(names_asked(clean)) if name not in names]
    if missing:
        raise DatabaseRefused("parameters", missing[0])
    return clean


def names_asked(query: str) -> set[str]:
    """The names behind the colons of a query."""
    return set(text(query)._bindparams)


@contextmanager
def answering(
    home: Installation, url: str, query: str, values: Mapping[str, Any], *, seconds: float = SECONDS
) -> Iterator[Answer]:
    """Ask a foreign database; its rows can be read within the block.

    Args:
        values: of the names that the query may ask for; others are passed over. A list stands behind IN.
        seconds: until it is stopped.

    Raises:
        DatabaseRefused: the database does not answer; the message never holds its password.
    """
    address, deadline = check_address(home, url), time.monotonic() + seconds
    try:
        with _engine(address, deadline).connect() as connection:
            for statement in _read_only(connection.dialect.name, seconds):
                connection.exec_driver_sql(statement)
            if inspect(connection).has_table(_OUR_TABLE):  # an address has many spellings, a database has one
                raise DatabaseRefused("own")
            asked = {name: values[name] for name in names_asked(query) if name in values}
            streamed = connection.execution_options(stream_results=True, yield_per=1000)
            result = streamed.execute(_statement(query, asked), asked)
            yield Answer(tuple(result.keys()), _in_time(result, deadline, seconds))
            connection.rollback()
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        if time.monotonic() >= deadline:
            raise DatabaseRefused("slow", f"{seconds:g}") from None
        answer = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise DatabaseRefused("failed", _PASSWORD.sub("//", answer[0] if answer else "")[:300]) from None


def _statement(query: str, asked: Mapping[str, Any]) -> TextClause:
    lists = [name for name, value in asked.items() if isinstance(value, list | tuple)]
    return text(query).bindparams(*(bindparam(name, expanding=True) for name in lists))


def _in_time(rows: Any, deadline: float, seconds: float) -> Iterator[Row[Any]]:
    for row in rows:
        if time.monotonic() >= deadline:
            raise DatabaseRefused("slow", f"{seconds:g}")
        yield row


def _read_only(dialect: str, seconds: float) -> tuple[str, ...]:
    milliseconds = int(seconds * 1000)
    return {
        "sqlite": ("PRAGMA query_only = ON",),
        "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {milliseconds}"),
        "mysql": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {milliseconds}"),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {seconds:g}"),
    }.get(dialect, ())


def _engine(address: URL, deadline: float) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, poolclass=NullPool)
    path = f"file:{quote(str(address.database))}?mode=ro"  # an ordinary opening would make a file that is missing

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, uri=True)
        connection.set_progress_handler(lambda: time.monotonic() >= deadline, _STEPS)
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)
