"""Database: engine, sessions, declarative base and the column types that every room shares.

SQLite (one office PC) and PostgreSQL (many workers) behave alike: a write transaction on SQLite begins with
``BEGIN IMMEDIATE`` so that it waits for its turn instead of failing half-way, readers never block (WAL), and
``synchronous=FULL`` makes every commit durable before a message goes out.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

import pydantic_core
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 60_000
AMOUNT_SCALE = 10_000
WRITER = "writer"
"""Key in `Session.info` of a session that is never committed: what opens one that is."""

E = TypeVar("E", bound=StrEnum)


class Base(DeclarativeBase):
    """Declarative base with constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


Id = BigInteger().with_variant(Integer(), "sqlite")
"""Type of primary and foreign keys: 64 bits on both databases."""

NEVER_AGAIN = {"sqlite_autoincrement": True}
"""Table arguments: SQLite gives the number of a deleted row to no other (PostgreSQL never does). For rows that can be
deleted and whose audit is shown by their number: its lines would stand under somebody else."""

Json = JSON().with_variant(JSONB(), "postgresql")
"""JSON document."""


ONLY_ON = "only on"
"""Key of an index's ``info``: the name of the database that alone has it."""


def index_only_on(dialect: str, name: str, *columns: str) -> Index:
    """An index that only one of the databases has."""
    return Index(name, *columns, info={ONLY_ON: dialect}).ddl_if(dialect=dialect)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; a naive value is a programming error and is refused.

    SQLite keeps it as text, `2026-11-22 09:30:00.000000`, written and read here: every message has a dozen of them.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        return _utc_text if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _from_utc_text if dialect.name == "sqlite" else _utc


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"time without a zone: {value!r}")
    return value.astimezone(UTC)


def _utc_text(value: datetime | None) -> str | None:
    value = _utc(value)
    return None if value is None else value.isoformat(" ", "microseconds")[:-6]  # without +00:00


def _from_utc_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text[:26]}+00:00")


class Amount(TypeDecorator[Decimal]):
    """A sum of money with four decimals, kept as an integer so that both databases add it exactly."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int((Decimal(value) * AMOUNT_SCALE).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        amount = Decimal(value) / AMOUNT_SCALE
        return amount.quantize(Decimal("0.01")) if value % 100 == 0 else amount


class EnumText(TypeDecorator[E], Generic[E]):
    """A StrEnum kept as its text, so that a new member needs no migration."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum_class: type[E]) -> None:
        super().__init__()
        self.enum_class = enum_class

    def bind_processor(self, dialect: Dialect) -> Callable[[E | str | None], str | None]:
        enum_class = self.enum_class

        def text(value: E | str | None) -> str | None:
            if value is None:
                return None
            return str(value if type(value) is enum_class else enum_class(value))

        return text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], E | None]:
        members = {str(member): member for member in self.enum_class}

        def member(text: str | None) -> E | None:
            if text is None:
                return None
            return members[text] if text in members else self.enum_class(text)

        return member


class PlainText(TypeDecorator[str]):
    """Text kept as it is; a member of a StrEnum is kept as its value, and read as text again."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day, UTC."""
    return now().date()


def _prepare_sqlite_connection(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we emit BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def to_json(value: Any) -> str:
    """JSON without blanks; most lists and mappings of a row are empty."""
    return "[]" if value == [] else "{}" if value == {} else pydantic_core.to_json(value).decode()


def _from_json(text: str) -> Any:
    """Most lists and mappings of a row are empty."""
    return [] if text == "[]" else {} if text == "{}" else json.loads(text)


@contextmanager
def kept(session: Session) -> Iterator[Session]:
    """A session whose writing lasts: the given one, or, beside one that only reads, one that commits at once."""
    if WRITER not in session.info:
        yield session
        return
    with session.info[WRITER]() as own:
        yield own


class Database:
    """One database: reading and writing sessions over a single pool.

    Args:
        url: SQLAlchemy URL; ``postgresql://`` means psycopg 3.
    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"pool_pre_ping": not url.startswith("sqlite")}
        if url.startswith("sqlite"):
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}
        options |= {
            "pool_size": 20,
            "max_overflow": 20,
            "json_serializer": to_json,
            "json_deserializer": _from_json,
        }
        self.engine: Engine = create_engine(url, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite_connection)
            event.listen(self.engine, "begin", _begin_sqlite)
        self.write_engine = self.engine.execution_options(sqlite_begin="IMMEDIATE")
        self.reading = sessionmaker(self.engine, expire_on_commit=False, info={WRITER: self.write})
        self.writing = sessionmaker(self.write_engine, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; rolled back at its end."""
        with self.reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back when the block raises."""
        with self.writing() as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def count_anew(self) -> None:
        """Let SQLite look at a thousand rows of each index, by which it chooses between them: some milliseconds.

        PostgreSQL does it by itself.
        """
        if self.is_sqlite:
            with self.write() as session:
                session.execute(text("PRAGMA analysis_limit=1000"))
                session.execute(text("ANALYZE"))

    def dispose(self) -> None:
        """Close every pooled connection (before a fork, at the end of a test)."""
        self.engine.dispose()
