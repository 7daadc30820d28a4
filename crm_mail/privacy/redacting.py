"""Taking personal data out of rows by their declarations: what is emptied, and what is taken out of running text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Computed, LargeBinary, Table, and_, delete, select, update
from sqlalchemy.orm import Session

from crm_mail.db import Base
from crm_mail.many_rows import chunks
from crm_mail.personal_data import Fate
from crm_mail.personal_data import Table as Declared
from crm_mail.privacy.registry import TABLES

ERASED = "[erased]"
_NAMES = {"name", "recipient_name"}


def replaced(value: Any, values: Sequence[str]) -> Any:
    """A JSON value or a text without any of the values, in any case; keys stay."""
    if isinstance(value, str):
        for one in values:
            value = _without(value, one)
        return value
    if isinstance(value, list):
        return [replaced(item, values) for item in value]
    if isinstance(value, dict):
        return {key: replaced(item, values) for key, item in value.items()}
    return value


def _without(text: str, value: str) -> str:
    at = text.lower().find(value.lower())
    while at >= 0:
        text = text[:at] + ERASED + text[at + len(value) :]
        at = text.lower().find(value.lower(), at + len(ERASED))
    return text


def empty_value(column: Column[Any]) -> Any:
    """What stands in a personal column once it is emptied."""
    if column.name in _NAMES:
        return ERASED
    if column.nullable or isinstance(column.type, LargeBinary):
        return None
    default: Any = column.default
    if default is not None and default.is_scalar:
        return default.arg
    if default is not None and default.is_callable:
        return default.arg(None)
    return ""


def emptied(table: Table, declared: Declared) -> dict[str, Any]:
    """The personal columns of a table with what stands in them afterwards."""
    columns = [table.c[name] for name in declared.personal]
    return {
        column.name: empty_value(column) for column in columns if not isinstance(column.computed, Computed)
    }


def redact_rows(session: Session, declared: Declared, condition: ColumnElement[bool]) -> int:
    """Empty the personal columns of the rows; how many."""
    table = Base.metadata.tables[declared.name]
    result = session.connection().execute(update(table).where(condition).values(emptied(table, declared)))
    return int(result.rowcount)


def delete_rows(session: Session, declared: Declared, condition: ColumnElement[bool]) -> int:
    """Delete the rows; how many."""
    return int(
        session.connection().execute(delete(Base.metadata.tables[declared.name]).where(condition)).rowcount
    )


def replace_in_rows(
    session: Session, name: str, columns: Iterable[str], condition: ColumnElement[bool], values: Sequence[str]
) -> int:
    """Take the values out of columns of rows that stay; how many rows changed."""
    table = Base.metadata.tables[name]
    keys = list(table.primary_key.columns)
    wanted = [table.c[one] for one in columns]
    count = 0
    for row in session.connection().execute(select(*keys, *wanted).where(condition)).all():
        known = cast("Mapping[str, Any]", row._mapping)
        after = {column.name: replaced(known[column.name], values) for column in wanted}
        if any(known[one] != new for one, new in after.items()):
            found = and_(*(key == known[key.name] for key in keys))
            session.connection().execute(update(table).where(found).values(after))
            count += 1
    return count


def redact_messages(session: Session, message_ids: Iterable[int]) -> dict[str, int]:
    """Take a person out of messages for good, with all that hangs on them; rows changed or deleted, by table."""
    counts: dict[str, int] = {}
    hanging = [
        one for one in TABLES if one.by in {"message_id", "id"} and (one.name == "messages" or one.by != "id")
    ]
    for part in chunks(sorted(message_ids)):
        for declared in hanging:
            if declared.fate is Fate.KEEP:
                continue
            column = Base.metadata.tables[declared.name].c[declared.by]
            act = delete_rows if declared.fate is Fate.DELETE else redact_rows
            counts[declared.name] = counts.get(declared.name, 0) + act(session, declared, column.in_(part))
    return {name: count for name, count in counts.items() if count}
