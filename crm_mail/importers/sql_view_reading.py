"""Reading a database of the ERP: one query that only reads, streamed into a table of text with bounded memory.

The query is one SELECT. ``:company`` is the company's code, ``:today`` the day, ``:since`` the watermark, and each
parameter of the view has its name. The transaction is read-only where the database knows that (SQLite is opened so,
PostgreSQL, MySQL and MariaDB are told), and is never committed. Give it a user that may only read.
"""

import csv
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from crm_mail.importers.table_rows import TableLimits, clean_text
from crm_mail.installation import Installation
from crm_mail.refusals import Refusal

SECONDS = 60
_SELECT = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(select|with)\b", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"//[^@\s]*@")
_READ_ONLY = {
    "sqlite": ("PRAGMA query_only = ON",),
    "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {SECONDS * 1000}"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {SECONDS * 1000}"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {SECONDS}"),
}
_OUR_TABLE = "audit_seals"
GIVEN = frozenset({"company", "today", "since"})
"""Names that a query may use without their being parameters of the view."""


class ViewRefused(Refusal):
    """A source or a view cannot be kept or read; ``problem`` is a code, ``detail`` what it is about."""

    WORDS: Mapping[str, str] = {
        "name": "give a name of at most 80 characters",
        "url": "the address of the database is not understood: write it as postgresql+psycopg://user:password@host/db",
        "driver": "the driver for {} is not installed here: ask who looks after the installation",
        "own": "this is the database of CRM Mail itself: name the one of the ERP",
        "query": "the query must be one SELECT without a semicolon",
        "parameters": "the query asks for {}, which has no value: give it as name=value",
        "source": "choose the database that the query is for",
        "mapping": "there is no saved mapping called “{}”",
        "option": "the address may not carry the option {}: leave it out",
        "since": "a query that asks for :since needs the column it is about, and where to begin",
        "column": "the query gives no column {}: select it, or correct the name",
        "unknown": "there is no query called “{}”",
        "used": "the database is used by the query “{}”: delete that first",
        "failed": "the database did not answer the query: {}",
        "too_many": "the query gives more than {} rows: let it ask for :since, or for less",
    }

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(self.WORDS[problem].format(detail))
        self.problem, self.detail = problem, detail


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query gave, as a file of text that a spreadsheet's reader takes."""

    path: Path
    header: tuple[str, ...]
    rows: int
    watermark: str  # the highest value of the since-column; empty: there was none


_OPTIONS = frozenset(
    {"host", "port", "sslmode", "charset", "client_encoding", "driver", "Encrypt", "TrustServerCertificate"}
)
"""What an address may ask of its driver: others can have it read files of this computer (MySQL's local_infile)."""


def check_address(home: Installation, url: str) -> URL:
    """The address of a foreign database.

    Raises:
        ViewRefused: it is none, its driver is missing, or it is our own.
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except NoSuchModuleError:
        raise ViewRefused("driver", url.partition(":")[0][:40]) from None
    except (ArgumentError, ValueError):
        raise ViewRefused("url") from None
    except ImportError as missing:
        raise ViewRefused("driver", str(missing.name or "this kind of database")) from None
    own = home.database.engine.url
    same_server = (parsed.host, parsed.port, parsed.database) == (own.host, own.port, own.database)
    if same_server or (parsed.get_backend_name() == "sqlite" and _is_ours(home, parsed.database or "")):
        raise ViewRefused("own")
    if strange := sorted(set(parsed.query) - _OPTIONS):
        raise ViewRefused("option", strange[0][:40])
    return parsed


def _is_ours(home: Installation, path: str) -> bool:
    """Whether a file of SQLite lies in our data folder, or could: a database in memory, an odd file name."""
    if not path or path.startswith(":") or path.startswith("file:"):
        return True
    return Path(path).resolve().is_relative_to(home.settings.data_dir.resolve())


def check_query(query: str, parameters: Mapping[str, str]) -> str:
    """The query without a semicolon at its end.

    Raises:
        ViewRefused: it is not one SELECT, or asks for what has no value.
    """
    clean = query.strip().rstrip(";").strip()
    if not _SELECT.match(clean) or ";" in clean:
        raise ViewRefused("query")
    missing = sorted(names_asked(clean) - GIVEN - set(parameters))
    if missing:
        raise ViewRefused("parameters", missing[0])
    return clean


def names_asked(query: str) -> set[str]:
    """The names behind the colons of a query."""
    return set(text(query)._bindparams)


@contextmanager
def reading(
    home: Installation, url: str, query: str, values: Mapping[str, Any], since_column: str = ""
) -> Iterator[Reading]:
    """Run a query and keep what it gives in a file while the block runs.

    Args:
        values: of the names that the query may ask for; others are passed over.

    Raises:
        ViewRefused: the database does not answer; the message never holds its password.
    """
    address = check_address(home, url)
    with TemporaryDirectory(prefix="crm-mail-sql-") as folder:
        try:
            engine = _engine(address)
            with engine.connect() as connection:
                for statement in _READ_ONLY.get(connection.dialect.name, ()):
                    connection.exec_driver_sql(statement)
                if inspect(connection).has_table(
                    _OUR_TABLE
                ):  # an address has many spellings, a database has one
                    raise ViewRefused("own")
                found = _copy(connection, query, values, since_column, Path(folder) / "rows.tsv")
                connection.rollback()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            answer = str(getattr(error, "orig", None) or error).strip().splitlines()
            raise ViewRefused("failed", _PASSWORD.sub("//", answer[0] if answer else "")[:300]) from None
        yield found


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, poolclass=NullPool)
    path = f"file:{quote(str(address.database))}?mode=ro"  # an ordinary opening would make a file that is missing
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(path, uri=True), poolclass=NullPool)


def _copy(
    connection: Connection, query: str, values: Mapping[str, Any], since_column: str, path: Path
) -> Reading:
    asked = {name: values[name] for name in names_asked(query) if name in values}
    result = connection.execution_options(stream_results=True, yield_per=1000).execute(text(query), asked)
    header = tuple(result.keys())
    place = _place_of(header, since_column)
    highest: Any = None
    count, limit = 0, TableLimits().rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow([as_text(name) for name in header])
        for row in result:
            count += 1
            if count > limit:
                raise ViewRefused("too_many", str(limit))
            writer.writerow([as_text(value) for value in row])
            if place is not None and row[place] is not None:
                highest = row[place] if highest is None else max(highest, row[place])
    return Reading(path, header, count, write_watermark(highest))


def _place_of(header: Sequence[str], name: str) -> int | None:
    if not name:
        return None
    places = [place for place, one in enumerate(header) if one.casefold() == name.casefold()]
    if not places:
        raise ViewRefused("column", name)
    return places[0]


def as_text(value: Any) -> str:
    """A value as a cell of text; codes keep their zeros, amounts their decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return clean_text(str(value).replace("\r", " ").replace("\n", " ").replace("\t", " "))


def write_watermark(value: Any) -> str:
    """A watermark as it is kept: its kind, and its text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"time:{value.isoformat()}"
    if isinstance(value, date):
        return f"day:{value.isoformat()}"
    if isinstance(value, int | float | Decimal):
        return f"number:{value}"
    return f"text:{value}"[:80]


def read_watermark(kept: str) -> Any:
    """The value of a kept watermark, as the query is given it."""
    kind, _, value = kept.partition(":")
    readers = {"time": datetime.fromisoformat, "day": date.fromisoformat, "number": _number}
    return readers[kind](value) if kind in readers else value


def _number(value: str) -> int | Decimal:
    return int(value) if value.lstrip("-").isdigit() else Decimal(value)


def guess_watermark(typed: str) -> str:
    """What a person typed as the beginning: a day, a time, a number, else text."""
    clean = typed.strip()
    if re.fullmatch(r"(time|day|number|text):.*", clean):
        return clean
    for kind, read in (("day", date.fromisoformat), ("time", datetime.fromisoformat), ("number", _number)):
        try:
            read(clean)
        except (ValueError, InvalidOperation):
            continue
        return f"{kind}:{clean}"
    return f"text:{clean}"
