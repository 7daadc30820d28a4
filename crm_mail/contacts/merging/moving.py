"""Everything that points at one row is made to point at another, in every room, whatever tables there are.

The tables are found by their foreign keys, so that a room that is added later is not forgotten.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from crm_mail.db import Base

MAY_REPEAT = frozenset({"contact_roles", "characteristics", "consent_states", "catalogue_entries"})
"""Tables whose row may go when the row that stays has the same one already: nothing is lost with it."""


class Conflict(Exception):
    """Both rows have an entry that may exist once; ``table`` says where."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


def move_references(session: Session, target: Table, kept_id: int, merged_id: int) -> dict[str, int]:
    """Point at ``kept_id`` what points at ``merged_id``; how many rows of each table moved.

    Raises:
        Conflict: a row that may exist once stands at both, and neither may go.
    """
    moved: dict[str, int] = {}
    for column in referring(target):
        table = column.table
        assert isinstance(table, Table)
        for repeated in _repeated(table, column, kept_id, merged_id):
            if table.name in MAY_REPEAT:
                session.execute(delete(table).where(column == merged_id, repeated))
            elif session.execute(select(column).where(column == merged_id, repeated).limit(1)).first():
                raise Conflict(table.name)
        done: Any = session.execute(update(table).where(column == merged_id).values({column.name: kept_id}))
        if done.rowcount:
            moved[table.name] = moved.get(table.name, 0) + done.rowcount
    return moved


def referring(target: Table) -> Iterator[Column[Any]]:
    """Every column that points at a table."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table is target for key in column.foreign_keys):
                yield column


def _repeated(table: Table, column: Column[Any], kept_id: int, merged_id: int) -> Iterator[Any]:
    """Conditions that find rows of the merged one which the kept one has already."""
    uniques = [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
    uniques.append(list(table.primary_key.columns))
    other = table.alias()
    for columns in uniques:
        if column in columns:
            same = [other.c[one.name] == one for one in columns if one is not column]
            yield exists(select(1).select_from(other).where(and_(other.c[column.name] == kept_id, *same)))
