"""Database: engine, sessions, declarative base and the column types that every room shares.

SQLite (one office PC) and PostgreSQL (many workers) behave alike: a write transaction on SQLite begins with
``BEGIN IMMEDIATE`` so that it waits for its turn instead of failing half-way, readers never block (WAL), and
``synchronous=FULL`` makes every commit durable before a message goes out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 60_000
AMOUNT_SCALE = 10_000
ROWS_TOGETHER = (128, 16)
"""Rows of one INSERT on SQLite: times the columns of the widest table still below its 32,766 parameters."""

WRITER = "writer"
"""Key in `Session.info` of a session that is never committed: what opens one that is."""

COPIED_FROM = 100
"""Rows from which PostgreSQL is given a COPY."""

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

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.value if isinstance(value, self.enum_class) else self.enum_class(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.enum_class(value)


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


def among(session: Session, column: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN (values)` with one parameter: thousands of them cost more than their answer."""
    wanted = list(values)
    if session.get_bind().dialect.name != "postgresql":
        listed = func.json_each(_to_json(wanted)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(None, wanted, type_=ARRAY(column.type)))


def insert_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of the same keys, four times quicker than a statement that is handed them one by one.

    The statement is compiled once; each row then goes through the columns' own types straight to the driver.

    Args:
        rows: values by column name; columns left out take their constant default, or stay empty.
    """
    if not rows:
        return
    table = cast("Table", model.__table__)
    given = rows[0]
    defaults: dict[str, Any] = {c.name: c.default for c in table.columns if c.name not in given and c.default}
    constants = {name: default.arg for name, default in defaults.items() if default.is_scalar}
    computed = {name: default.arg for name, default in defaults.items() if default.is_callable}
    connection = session.connection()
    sql, is_positional, processors = _insert_statement(
        table, connection.dialect, (*given, *constants, *computed)
    )
    values = _processed(rows, processors, constants, computed)
    if is_positional:
        _insert_together(connection, sql, list(values))
    elif len(rows) < COPIED_FROM:
        keys = [name for name, _ in processors]
        connection.exec_driver_sql(sql, [dict(zip(keys, row, strict=True)) for row in values])
    else:
        _copy(connection, table, [name for name, _ in processors], values)


def _copy(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """PostgreSQL's COPY, in the transaction that is open: several times quicker than INSERT row by row.

    Raises:
        DBAPIError: as a statement of SQLAlchemy raises it (`IntegrityError` and its like).
    """
    quote = connection.dialect.identifier_preparer.quote
    sql = f"COPY {quote(table.name)} ({', '.join(quote(name) for name in names)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    faults = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)
    except faults as error:
        raise DBAPIError.instance(sql, None, error, faults, dialect=connection.dialect) from error


def _insert_together(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows in one statement, on SQLite a quarter quicker than one by one; few lengths: each is parsed once."""
    head, _, one = sql.partition(" VALUES ")
    at = 0
    for size in ROWS_TOGETHER:
        while len(rows) - at >= size:
            many = f"{head} VALUES {', '.join([one] * size)}"
            connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[at : at + size])))
            at += size
    if at < len(rows):
        connection.exec_driver_sql(sql, list(rows[at:]))


Statement = tuple[str, bool, Sequence[tuple[str, Callable[[Any], Any] | None]]]
"""The SQL, whether it takes tuples, and each value's way to the driver, in the statement's order."""


@lru_cache(maxsize=256)
def _insert_statement(table: Table, dialect: Dialect, names: tuple[str, ...]) -> Statement:
    return _statement_of(insert(table).compile(dialect=dialect, column_keys=list(names)), names)


def _statement_of(compiled: Any, names: Iterable[str]) -> Statement:
    processors = [(name, compiled._bind_processors.get(name)) for name in compiled.positiontup or names]
    return str(compiled), bool(compiled.positional), processors


def update_many(session: Session, statement: Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute an update once for each row, as quickly as `insert_many` inserts.

    Args:
        statement: of a table, with a parameter for each key of a row; one that is kept, not made anew for each call.
    """
    if not rows:
        return
    connection = session.connection()
    (sql, is_positional, processors), constants = _update_statement(
        statement, connection.dialect, tuple(rows[0])
    )
    values = _processed(rows, processors, constants, {})
    if is_positional:
        connection.exec_driver_sql(sql, list(values))
    else:
        keys = [name for name, _ in processors]
        connection.exec_driver_sql(sql, [dict(zip(keys, row, strict=True)) for row in values])


@lru_cache(maxsize=64)
def _update_statement(
    statement: Update, dialect: Dialect, names: tuple[str, ...]
) -> tuple[Statement, Mapping[str, Any]]:
    """Compiled, with the values that stand in it for all rows."""
    compiled = statement.compile(dialect=dialect)
    return _statement_of(compiled, compiled.params), {
        name: value for name, value in compiled.params.items() if name not in names
    }


class Ids(TypeDecorator[Sequence[int]]):
    """A list of ids as one parameter, see `is_one_of`."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else _to_json(list(value))


class is_one_of(FunctionElement[Any]):  # noqa: N801  (reads as a function of SQL)
    """Whether a column is among the ids of a parameter: the same statement however many they are.

    ``is_one_of(column, bindparam("ids", type_=Ids))``
    """

    inherit_cache = True  # and no type: SQLite would be asked whether it equals 1, and use no index


@compiles(is_one_of, "sqlite")
def _is_in_json(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  (what the compiler made)


@compiles(is_one_of, "postgresql")
def _is_in_array(element: is_one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({ids})"


def _processed(
    rows: Sequence[Mapping[str, Any]],
    processors: Sequence[tuple[str, Callable[[Any], Any] | None]],
    constants: Mapping[str, Any],
    computed: Mapping[str, Callable[[Any], Any]],
) -> Iterator[tuple[Any, ...]]:
    """Each row's values in the statement's order, as the driver takes them; worked out column by column."""
    fixed = {**constants, **{name: make(None) for name, make in computed.items()}}
    given = list(rows[0])
    cells = (
        zip(*map(itemgetter(*given), rows), strict=True) if len(given) > 1 else [[r[given[0]] for r in rows]]
    )
    columns = dict(zip(given, cells, strict=True))
    return zip(
        *(
            repeat(process(fixed[name]) if process else fixed[name], len(rows))
            if name in fixed
            else (columns[name] if process is None else map(process, columns[name]))
            for name, process in processors
        ),
        strict=True,
    )


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _to_json(value: Any) -> str:
    """JSON without blanks; most lists and mappings of a row are empty."""
    return _encode(value) if value else "[]" if value == [] else "{}" if value == {} else _encode(value)


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
            "json_serializer": _to_json,
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
