"""Many new rows in few statements, with the ids that they got."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, Party
from crm_mail.many_rows import insert_many


def insert_rows(
    session: Session, model: type[Party] | type[Contact], rows: Sequence[dict[str, Any]]
) -> list[int]:
    """Insert the rows and give their ids, in order.

    The ids are taken before, so that the rows go in one plain statement: answers with ids cost several times as much,
    and SQLite gives them in no certain order. A writing transaction is alone there, and its next ids are those that
    follow the highest one.
    """
    table = model.__table__
    assert isinstance(table, Table)
    if session.get_bind().dialect.name == "sqlite":
        first = (session.scalar(select(func.max(model.id))) or 0) + 1
        ids = list(range(first, first + len(rows)))
    else:
        sequence = func.pg_get_serial_sequence(table.name, "id")
        numbers = func.generate_series(1, len(rows)).table_valued("number")
        ids = list(session.scalars(select(func.nextval(sequence)).select_from(numbers)))
    insert_many(session, model, [row | {"id": id_} for row, id_ in zip(rows, ids, strict=True)])
    return ids
