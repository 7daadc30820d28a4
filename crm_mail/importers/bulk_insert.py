"""Many new rows in few statements, with the ids that they got."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, Party


def insert_rows(
    session: Session, model: type[Party] | type[Contact], rows: Sequence[dict[str, Any]]
) -> list[int]:
    """Insert the rows and give their ids, in order.

    SQLite answers the ids of a statement in no certain order, so that SQLAlchemy would send one statement for each
    row; a writing transaction is alone there, and its next ids are those that follow the highest one.
    """
    if session.get_bind().dialect.name != "sqlite":
        statement = insert(model).returning(model.id, sort_by_parameter_order=True)
        return list(session.scalars(statement, rows))
    first = (session.scalar(select(func.max(model.id))) or 0) + 1
    ids = list(range(first, first + len(rows)))
    table = model.__table__
    assert isinstance(table, Table)
    session.execute(insert(table), [row | {"id": id_} for row, id_ in zip(rows, ids, strict=True)])
    return ids
