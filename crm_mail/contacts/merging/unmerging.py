"""Taking apart again what was merged: the row that went comes back under its old id, with what was its own.

What somebody changed since the merge stays as it is now; the audit tells both the merge and its undoing. What came to
the kept one after the merge stays there: nobody knows whose it would have been.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Packaging
from crm_mail.contacts.access import find_contact, find_party
from crm_mail.contacts.merging.merge_snapshot import (
    OWNED,
    Row,
    as_values,
    owner,
    row_key,
    swap_code,
    table_of,
)
from crm_mail.contacts.models import Contact, ContactMerge, MergedRow, Party, PartyMerge
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.db import Base, now
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission
from crm_mail.purchases.recording import work_out_totals

AnyMerge = ContactMerge | PartyMerge


def list_merges(session: Session, actor: Actor, company_id: int, *, of_parties: bool, limit: int = 20) -> Any:
    """(merge, the one that stayed) of a company, the newest first, of what exists for the actor."""
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    model: Any = PartyMerge if of_parties else ContactMerge
    query = select(model).where(model.company_id == company_id, model.undone_at.is_(None))
    found = []
    for merge in session.scalars(query.order_by(model.id.desc()).limit(limit)):
        kept = _kept(session, actor, merge)
        if kept is not None and _may_see(actor, merge):
            found.append((merge, kept))
    return found


def find_merge(session: Session, actor: Actor, merge_id: int, *, of_parties: bool) -> AnyMerge | None:
    """A merge that can be undone by this actor; None when there is none for it."""
    merge: Any = session.get(PartyMerge if of_parties else ContactMerge, merge_id)
    if merge is None or merge.undone_at is not None or _kept(session, actor, merge) is None:
        return None
    found: AnyMerge = merge
    return found if _may_see(actor, found) else None


def _may_see(actor: Actor, merge: AnyMerge) -> bool:
    return int(merge.snapshot.get("other", {}).get("privacy_level", 0)) <= actor.clearance


def _kept(session: Session, actor: Actor, merge: AnyMerge) -> Contact | Party | None:
    if isinstance(merge, PartyMerge):
        return find_party(session, actor, merge.party_id)
    return find_contact(session, actor, merge.contact_id)


def undo_merge(session: Session, actor: Actor, merge: AnyMerge) -> str:
    """Take two apart; the name of the one that came back.

    Raises:
        ContactRefused: the kept one was merged further, or the code or an entry is somebody else's by now.
        PermissionDenied: contacts may not be managed by the actor.
    """
    actor.require(Permission.CONTACTS_MANAGE, merge.company_id)
    kept, snapshot = _kept(session, actor, merge), merge.snapshot
    if kept is None:
        raise LookupError("a merge that the actor may not see was handed to a service: use find_merge")
    name = str(snapshot["other"]["name"])
    if snapshot["kept_id"] != kept.id:
        raise ContactRefused(Problem.MERGE_CONTINUED, name=name, other=kept.name)
    try:
        with session.begin_nested():
            _take_apart(session, kept, snapshot)
    except IntegrityError:
        raise ContactRefused(Problem.MERGE_NOT_UNDONE, name=name, other=kept.name) from None
    merge.undone_at = now()
    _tell(session, actor, kept, snapshot)
    return name


def _take_apart(session: Session, kept: Contact | Party, snapshot: Row) -> None:
    table, other_id = table_of(kept), snapshot["other_id"]
    row = as_values(table, snapshot["other"])
    if isinstance(kept, Contact):
        row["party_id"] = kept.party_id  # its own may have been merged since
    for column, (before, after) in snapshot["changed"].items():
        was, is_now = as_values(table, {column: before}), as_values(table, {column: after})
        same = table.c[column].is_not_distinct_from(is_now[column])
        session.execute(update(table).where(table.c.id == kept.id, same).values(was))
    session.execute(insert(table).values(row))
    for name in OWNED[
        table.name
    ]:  # in this order: JSONB keeps none, and addresses come before what names them
        rows = snapshot["owned"][name]
        _give_back(session, Base.metadata.tables[name], table, rows, kept.id, other_id)
    for place, keys in snapshot["moving"].items():
        _move_back(session, place, keys, kept.id, other_id)
    here = MergedRow.object_type == table.name
    session.execute(delete(MergedRow).where(here, MergedRow.merged_id == other_id))
    earlier = update(MergedRow).where(here, MergedRow.merged_id.in_(snapshot["earlier"]))
    session.execute(earlier.values(kept_id=other_id))
    if isinstance(kept, Party):
        _codes_back(session, kept, snapshot)
        work_out_totals(session, kept.company_id, [kept.id, other_id])
    session.expire_all()


def _give_back(
    session: Session, table: Table, target: Table, rows: dict[str, list[Row]], kept_id: int, other_id: int
) -> None:
    """The other one's rows: those that lived on go back, those that the merge dropped are written again."""
    column, key = owner(table, target), row_key(table)
    at_first = [key(row) for row in rows["kept"]]
    for row in rows["other"]:
        mine = [table.c[name] == value for name, value in zip(_names(table), key(row), strict=True)]
        lived = key(row) in rows["lived"]
        if lived and key(row) not in at_first:
            done: Any = session.execute(delete(table).where(column == kept_id, *mine))
            if not done.rowcount:
                continue  # somebody took it away since
        session.execute(insert(table).values(as_values(table, row) | {column.name: other_id}))
    if table.name == "consent_states":  # of two words the later one stayed
        _own_words_back(session, table, rows["kept"], kept_id)


def _own_words_back(session: Session, table: Table, kept: Sequence[Row], kept_id: int) -> None:
    for row in kept:
        same = [table.c[name] == row[name] for name in ("purpose", "channel")]
        if session.execute(select(table.c.id).where(table.c.contact_id == kept_id, *same)).first() is None:
            session.execute(insert(table).values(as_values(table, row)))


def _names(table: Table) -> list[str]:
    return [c.name for c in table.primary_key.columns if not (c.foreign_keys and c.name != "role_id")]


def _move_back(session: Session, place: str, keys: Sequence[list[Any]], kept_id: int, other_id: int) -> None:
    """What moved and is still where it was moved to."""
    name, _dot, column_name = place.partition(".")
    table = Base.metadata.tables.get(name)
    if table is None or column_name not in table.c:
        return
    column, primary = table.c[column_name], list(table.primary_key.columns)
    move = update(table).where(column == kept_id).values({column_name: other_id})
    if len(primary) == 1:
        ids = [key[0] for key in keys]
        for part in chunks(ids, 5000):
            session.execute(move.where(primary[0].in_(part)))
        return
    for key in keys:
        session.execute(
            move.where(*(c == value for c, value in zip(primary, key, strict=True) if c is not column))
        )


def _codes_back(session: Session, kept: Party, snapshot: Row) -> None:
    code, codes = str(snapshot["other"]["code"]), snapshot.get("codes", {})
    mine = Packaging.id.in_(codes.get("packagings", [])), Packaging.party_code == kept.code
    session.execute(update(Packaging).where(*mine).values(party_code=code))
    swap_code(session, kept.company_id, kept.code, code, codes.get("filters", []))


def _tell(session: Session, actor: Actor, kept: Contact | Party, snapshot: Row) -> None:
    is_contact = isinstance(kept, Contact)
    levels = [
        kept.privacy_level if isinstance(kept, Contact) else 0,
        snapshot["other"].get("privacy_level", 0),
    ]
    audit.record(
        session,
        actor,
        "contacts.contact.unmerged" if is_contact else "contacts.party.unmerged",
        company_id=kept.company_id,
        subject=kept,
        label=kept.name if isinstance(kept, Contact) else f"{kept.code} {kept.name}",
        privacy_level=max(levels),
        returned_id=snapshot["other_id"],
    )
