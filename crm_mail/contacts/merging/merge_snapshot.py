"""What two rows were before they became one: enough to take them apart again.

Rows that belong to one of the two alone (`OWNED`) are kept whole, because a merge unites them; of everything else that
moves only the keys are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Table, select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Packaging
from crm_mail.contacts.merging.moving import referring
from crm_mail.contacts.models import Contact, MergedRow, Party, SavedFilter
from crm_mail.db import Base, UtcDateTime

OWNED: Final[Mapping[str, Sequence[str]]] = {
    "contacts": (
        "contact_addresses",
        "subscriptions",
        "contact_roles",
        "characteristics",
        "consent_states",
    ),
    "parties": ("catalogue_entries",),
}
Row = dict[str, Any]


def take_snapshot(session: Session, kept: Contact | Party, other: Contact | Party) -> Row:
    """What stands before the merge; `finish_snapshot` adds what stands after it."""
    table = table_of(kept)
    owned = {name: Base.metadata.tables[name] for name in OWNED[table.name]}
    rows = {
        name: {side: read_rows(session, one, owner(one, table) == id_) for side, id_ in sides(kept, other)}
        for name, one in owned.items()
    }
    moving: dict[str, list[list[Any]]] = {}
    for column in referring(table):
        holder = column.table
        assert isinstance(holder, Table)
        if holder.name not in owned:
            keys = session.execute(select(*holder.primary_key.columns).where(column == other.id))
            if found := [list(key) for key in keys]:
                moving[f"{holder.name}.{column.name}"] = found
    earlier = select(MergedRow.merged_id).where(
        MergedRow.object_type == table.name, MergedRow.kept_id == other.id
    )
    return {
        "kept_id": kept.id,
        "other_id": other.id,
        "kept": read_rows(session, table, table.c.id == kept.id)[0],
        "other": read_rows(session, table, table.c.id == other.id)[0],
        "owned": rows,
        "moving": moving,
        "earlier": list(session.scalars(earlier)),
    }


def sides(kept: Contact | Party, other: Contact | Party) -> tuple[tuple[str, int], tuple[str, int]]:
    """The two, by name."""
    return ("kept", kept.id), ("other", other.id)


def finish_snapshot(session: Session, snapshot: Row, kept: Contact | Party) -> Row:
    """Add what the kept one became, and which rows of the other one lived on."""
    table = table_of(kept)
    after = read_rows(session, table, table.c.id == kept.id)[0]
    before = snapshot.pop("kept")
    snapshot["changed"] = {
        name: [before[name], after[name]] for name in before if before[name] != after[name]
    }
    snapshot["changed"].pop("updated_at", None)
    for name, rows in snapshot["owned"].items():
        one = Base.metadata.tables[name]
        here = read_rows(session, one, owner(one, table) == kept.id)
        rows["lived"] = [key for key in map(row_key(one), rows["other"]) if key in map(row_key(one), here)]
    return snapshot


def follow_code(session: Session, kept: Party, other: Party) -> dict[str, list[int]]:
    """Packagings of the customer's own, and kept filters, name the code of the one that stays; which ones did."""
    mine = Packaging.company_id == kept.company_id, Packaging.party_code == other.code
    packagings = list(session.scalars(select(Packaging.id).where(*mine)))
    session.execute(update(Packaging).where(Packaging.id.in_(packagings)).values(party_code=kept.code))
    return {"packagings": packagings, "filters": swap_code(session, kept.company_id, other.code, kept.code)}


def swap_code(
    session: Session, company_id: int, old: str, new: str, only: Iterable[int] | None = None
) -> list[int]:
    """Kept filters that name one code name the other; their ids."""
    query = select(SavedFilter).where(SavedFilter.company_id == company_id)
    found = []
    for one in session.scalars(query):
        codes = one.filter.get("codes", [])
        if old in codes and (only is None or one.id in only):
            one.filter = one.filter | {"codes": list(dict.fromkeys(new if c == old else c for c in codes))}
            found.append(one.id)
    session.flush()
    return found


def table_of(row: Contact | Party) -> Table:
    """The table that a row stands in."""
    found = type(row).__table__
    assert isinstance(found, Table)
    return found


def owner(table: Table, target: Table) -> Column[Any]:
    """The column of an owned table that names the owner."""
    return next(c for c in table.columns if any(key.column.table is target for key in c.foreign_keys))


def row_key(table: Table) -> Any:
    """A function from a row to what tells it among the rows of one owner."""
    names = [c.name for c in table.primary_key.columns if not (c.foreign_keys and c.name != "role_id")]
    return lambda row: [row[name] for name in names]


def read_rows(session: Session, table: Table, condition: Any) -> list[Row]:
    """Rows as JSON values."""
    columns = [column for column in table.columns if column.computed is None]
    found = session.execute(select(*columns).where(condition)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def as_values(table: Table, row: Row) -> Row:
    """A row of `read_rows` as the database takes it."""
    return {
        name: datetime.fromisoformat(value)
        if value and isinstance(table.c[name].type, UtcDateTime)
        else value
        for name, value in row.items()
        if name in table.c
    }
