"""Many rows at once: inserted and updated without a statement for each, and found by any number of ids."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Table,
    Text,
    any_,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from crm_mail.db import Base, to_json

T = TypeVar("T")

ROWS_TOGETHER = (128, 16)
"""Rows of one INSERT on SQLite: times the columns of the widest table still below its 32,766 parameters."""

COPIED_FROM = 100
"""Rows from which PostgreSQL is given a COPY."""


class ReadyRows(NamedTuple):
    """Rows of one table as the driver takes them, column by column; what is the same in all rows stands once.

    Another process can make them: they are pickled.
    """

    model: type[Base]
    size: int
    columns: dict[str, list[Any]]
    fixed: dict[str, Any]

    def renumbered(self, name: str, numbers: Sequence[int]) -> "ReadyRows":
        """The same rows with the numbers at the places that a column names."""
        column = [numbers[place] for place in self.columns[name]]
        return self._replace(columns=self.columns | {name: column})


def ready_rows(dialect: Dialect, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> ReadyRows:
    """Rows of the same keys, each value through its column's type.

    Args:
        rows: one at least; values by column name; columns left out take their constant default, or stay empty.
    """
    table = cast("Table", model.__table__)
    given = tuple(rows[0])
    defaults: dict[str, Any] = {c.name: c.default for c in table.columns if c.name not in given and c.default}
    fixed = {name: default.arg for name, default in defaults.items() if default.is_scalar}
    fixed |= {name: default.arg(None) for name, default in defaults.items() if default.is_callable}
    _sql, _is_positional, processors = _insert_statement(table, dialect, (*given, *fixed))
    ways = dict(processors)
    return ReadyRows(
        model,
        len(rows),
        dict(zip(given, _processed(rows, [(name, ways[name]) for name in given]), strict=True)),
        {name: way(value) if (way := ways[name]) else value for name, value in fixed.items()},
    )


def insert_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of the same keys, four times quicker than a statement that is handed them one by one.

    The statement is compiled once; each row then goes through the columns' own types straight to the driver.

    Args:
        rows: values by column name; columns left out take their constant default, or stay empty.
    """
    if rows:
        insert_ready(session, ready_rows(session.connection().dialect, model, rows))


def insert_ready(session: Session, ready: ReadyRows) -> None:
    """Insert rows that `ready_rows` made."""
    table, connection = cast("Table", ready.model.__table__), session.connection()
    sql, is_positional, processors = _insert_statement(
        table, connection.dialect, (*ready.columns, *ready.fixed)
    )
    names = [name for name, _way in processors]
    cells = (
        ready.columns[name] if name in ready.columns else repeat(ready.fixed[name], ready.size)
        for name in names
    )
    rows = zip(*cells, strict=True)
    if is_positional:
        _insert_together(connection, sql, list(rows))
    elif ready.size < COPIED_FROM:
        connection.exec_driver_sql(sql, [dict(zip(names, row, strict=True)) for row in rows])
    else:
        _copy(connection, table, names, rows)


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


def update_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Update many rows, each found by its ``id``, as quickly as `insert_many` inserts.

    Args:
        rows: the id and the new values by column name, the same columns in each.
    """
    if not rows:
        return
    table = cast("Table", model.__table__)
    connection = session.connection()
    names = tuple(rows[0])
    processors = _processors(table, connection.dialect, names)
    values = list(zip(*_processed(rows, processors), strict=True))
    if connection.dialect.name == "sqlite":
        _update_together(connection, table, names, values)
    else:
        quote = connection.dialect.identifier_preparer.quote
        changed = ", ".join(f"{quote(name)} = %({name})s" for name in names if name != "id")
        sql = f"UPDATE {table.name} SET {changed} WHERE id = %(id)s"  # noqa: S608  (the model's own names)
        connection.exec_driver_sql(sql, [dict(zip(names, row, strict=True)) for row in values])


def _update_together(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    changed = ", ".join(f"{quote(name)} = new.column{at}" for at, name in enumerate(names, 1) if name != "id")
    head = f"UPDATE {table.name} SET {changed} FROM (VALUES "  # noqa: S608  (the model's own names)
    tail = f") AS new WHERE {table.name}.id = new.column{names.index('id') + 1}"
    one = f"({', '.join('?' * len(names))})"
    at = 0
    for size in (*ROWS_TOGETHER, 1):
        while len(rows) - at >= size:
            sql = f"{head}{', '.join([one] * size)}{tail}"
            connection.exec_driver_sql(sql, tuple(chain.from_iterable(rows[at : at + size])))
            at += size


Processors = Sequence[tuple[str, Callable[[Any], Any] | None]]
"""Columns, each with its values' way to the driver."""


@lru_cache(maxsize=256)
def _processors(table: Table, dialect: Dialect, names: tuple[str, ...]) -> Processors:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
    known: Any = compiled._bind_processors
    return [(name, known.get(name)) for name in names]


@lru_cache(maxsize=256)
def _insert_statement(table: Table, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, bool, Processors]:
    """The SQL, whether it takes tuples, and each column's way to the driver, in the statement's order."""
    compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
    processors: Any = [(name, compiled._bind_processors.get(name)) for name in compiled.positiontup or names]
    return str(compiled), bool(compiled.positional), processors


def _processed(rows: Sequence[Mapping[str, Any]], processors: Processors) -> list[list[Any]]:
    """The rows' values as the driver takes them, column by column."""
    names = [name for name, _way in processors]
    if len(names) == 1:
        cells: Iterable[Iterable[Any]] = [[row[names[0]] for row in rows]]
    else:
        cells = zip(*map(itemgetter(*names), rows), strict=True)
    return [
        list(column if way is None else map(way, column))
        for column, (_name, way) in zip(cells, processors, strict=True)
    ]


def chunks(values: Iterable[T], size: int = 10_000) -> Iterator[Sequence[T]]:
    """Values some at a time, unless told otherwise as many as fit into one statement's parameters."""
    every = values if isinstance(values, Sequence) else list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


def among(
    session: Session, column: InstrumentedAttribute[Any] | Column[Any], values: Iterable[Any]
) -> ColumnElement[bool]:
    """`column IN (values)` with one parameter: thousands of them cost more than their answer."""
    wanted = list(values)
    if session.get_bind().dialect.name != "postgresql":
        listed = func.json_each(to_json(wanted)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(None, wanted, type_=ARRAY(column.type)))


class Ids(TypeDecorator[Sequence[int]]):
    """A list of ids as one parameter, see `is_one_of`."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else to_json(list(value))


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
