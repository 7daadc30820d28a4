"""Keeping events: the same event twice is one, and what many requests tell at the same time is written together.

A transaction that lasts costs a wait for the disk, and on SQLite its turn among the writers. So whoever comes while one
is being written waits for its end, and the first of those who wait writes for all of them: a request alone waits no
longer than before, and a hundred of them wait no longer than two.
"""

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Executable, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail.db import Database
from crm_mail.events.models import InboundEvent

Row = Mapping[str, Any]
Name = tuple[int, str, str]
"""What makes an event the same: its company, its source, and its own id there."""
_C = InboundEvent.__table__.c
_INSERT: Final[Mapping[bool, Executable]] = {
    True: sqlite.insert(InboundEvent).on_conflict_do_nothing(),
    False: postgresql.insert(InboundEvent).on_conflict_do_nothing(),
}
"""By whether it is SQLite."""
_FIND: Final = select(_C.event_id, _C.id, _C.received_at).where(
    _C.company_id == bindparam("company"),
    _C.source == bindparam("told_by"),
    _C.event_id.in_(bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that is kept; not new: it had come before."""

    id: int
    event_id: str
    is_new: bool


def keep(session: Session, rows: Sequence[Row]) -> list[Kept]:
    """Keep events in the caller's transaction; one for each row, in their order.

    Args:
        rows: the columns of `InboundEvent`; ``received_at`` tells what this call wrote.
    """
    connection = session.connection()
    connection.execute(_INSERT[connection.dialect.name == "sqlite"], list(rows))
    found = dict(_find(connection, rows))
    seen: set[Name] = set()
    kept = []
    for row in rows:
        name = _name(row)
        id_, came_at = found[name]
        kept.append(Kept(id_, row["event_id"], came_at == row["received_at"] and name not in seen))
        seen.add(name)
    return kept


def _name(row: Row) -> Name:
    return row["company_id"], row["source"], row["event_id"]


def _find(connection: Connection, rows: Sequence[Row]) -> Iterator[tuple[Name, tuple[int, datetime]]]:
    """The ids of these events, and when each came."""
    for company_id, source in {(row["company_id"], row["source"]) for row in rows}:
        ids = [r["event_id"] for r in rows if (r["company_id"], r["source"]) == (company_id, source)]
        values = {"company": company_id, "told_by": source, "ids": ids}
        for event_id, id_, came_at in connection.execute(_FIND, values):
            yield (company_id, source, event_id), (id_, came_at)


@dataclass(slots=True)
class _Told:
    """What one request tells, and what became of it."""

    rows: Sequence[Row]
    kept: list[Kept] = field(default_factory=list)
    error: BaseException | None = None
    is_settled: bool = False


class Keeper:
    """Keeps events for the threads of this process, each time all that wait in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = weakref.ref(database)
        self._queue = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Told] = []

    def keep(self, rows: Sequence[Row]) -> list[Kept]:
        """Keep events; they are on disk when this returns.

        Raises:
            DBAPIError: nothing of these was kept.
        """
        mine = _Told(rows)
        with self._queue:
            self._waiting.append(mine)
        with self._turn:
            if not mine.is_settled:
                self._write_for_all()
        if mine.error is not None:
            raise mine.error
        return mine.kept

    def _write_for_all(self) -> None:
        with self._queue:
            together, self._waiting = self._waiting, []
        try:
            self._write(together)
        except Exception as error:  # what one told is wrong: the others must not suffer for it
            if len(together) == 1:
                together[0].error = error
            for one in together if len(together) > 1 else ():
                try:
                    self._write([one])
                except Exception as own:
                    one.error = own
        finally:
            for one in together:
                one.error = one.error or (None if one.kept else RuntimeError("the events were not kept"))
                one.is_settled = True

    def _write(self, together: Sequence[_Told]) -> None:
        database = self._database()
        assert database is not None
        with database.write() as session:
            kept = keep(session, [row for one in together for row in one.rows])
        start = 0
        for one in together:
            one.kept = kept[start : start + len(one.rows)]
            start += len(one.rows)


_KEEPERS: "weakref.WeakKeyDictionary[Database, Keeper]" = weakref.WeakKeyDictionary()
_MAKING = threading.Lock()


def keeper_of(database: Database) -> Keeper:
    """The keeper of this process for one database."""
    with _MAKING:
        return _KEEPERS.setdefault(database, Keeper(database))
