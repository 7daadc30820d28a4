"""Storing a batch of contacts with what hangs on them: one statement for each kind of change."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert
from sqlalchemy.orm import Session

from crm_mail.contacts.models import (
    Characteristic,
    Contact,
    ContactAddress,
    Subscription,
    contact_roles,
)
from crm_mail.contacts.raising import raise_history
from crm_mail.db import Base, now
from crm_mail.importers.bulk_insert import insert_rows
from crm_mail.importers.contacts.party_merge import CHUNK
from crm_mail.importers.contacts.states import ContactItem
from crm_mail.many_rows import chunks, update_many

SOURCE = "import"
Rows = list[dict[str, Any]]


def write_contacts(session: Session, company_id: int, items: Sequence[ContactItem]) -> tuple[int, int]:
    """Store new and changed contacts; the new ones have their ids afterwards.

    Returns how many were created and how many changed.
    """
    changed = [item for item in items if item.is_changed]
    new = [item for item in changed if item.stored is None]
    _insert_contacts(session, company_id, new)
    _update_contacts(session, [item for item in changed if item.stored is not None])
    raised = [one.id for one in changed if one.stored and _level(one.values) > _level(one.stored)]
    if raised:
        raise_history(session, raised)
    _write_addresses(session, changed)
    _write_tags(session, changed)
    _write_subscriptions(session, changed)
    roles = [{"contact_id": item.id, "role_id": role} for item in changed for role in sorted(item.new_roles)]
    _insert(session, contact_roles, roles)
    return len(new), len(changed) - len(new)


def _level(values: Mapping[str, Any]) -> int:
    return int(values["privacy_level"])


def _insert_contacts(session: Session, company_id: int, new: Sequence[ContactItem]) -> None:
    if not new:
        return
    at = now()
    fixed = {"company_id": company_id, "source": SOURCE, "created_at": at, "updated_at": at}
    rows = [fixed | item.values | {"party_id": item.party.id} for item in new]
    for item, contact_id in zip(new, insert_rows(session, Contact, rows), strict=True):
        item.id = contact_id


def _update_contacts(session: Session, items: Sequence[ContactItem]) -> None:
    at = now()
    _update(session, Contact, [item.changes() | {"id": item.id, "updated_at": at} for item in items])


def _write_addresses(session: Session, items: Sequence[ContactItem]) -> None:
    new: Rows = []
    changed: Rows = []
    for item in items:
        for address in item.addresses.values():
            values = {"kind": address.kind, "position": address.position}
            if address.stored is None:
                new.append(values | {"contact_id": item.id, "email": address.email})
            elif address.stored != (address.kind, address.position):
                changed.append(values | {"id": address.id})
    _insert(session, ContactAddress.__table__, new)
    _update(session, ContactAddress, changed)


def _write_tags(session: Session, items: Sequence[ContactItem]) -> None:
    new: Rows = []
    changed: Rows = []
    for item in items:
        for key, tags in item.tags.items():
            for tag in tags:
                if tag.stored is None:
                    new.append({"contact_id": item.id, "key": key, "value": tag.value})
                elif tag.stored != tag.value:
                    changed.append({"id": tag.id, "value": tag.value})
    _insert(session, Characteristic.__table__, new)
    _update(session, Characteristic, changed)


def _write_subscriptions(session: Session, items: Sequence[ContactItem]) -> None:
    new: Rows = []
    changed: Rows = []
    gone: list[int] = []
    for item in items:
        for document_type, held in item.subscriptions.items():
            if held.kind is None:
                gone += [held.id] if held.id else []
            elif held.stored is None:
                new.append(
                    {"contact_id": item.id, "document_type": document_type, "recipient_kind": held.kind}
                )
            elif held.stored != held.kind:
                changed.append({"id": held.id, "recipient_kind": held.kind})
    _insert(session, Subscription.__table__, new)
    _update(session, Subscription, changed)
    for ids in chunks(gone, CHUNK):
        session.execute(delete(Subscription).where(Subscription.id.in_(ids)))


def _insert(session: Session, table: Any, rows: Rows) -> None:
    if rows:
        assert isinstance(table, Table)
        session.execute(insert(table), rows)


def _update(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same columns go in one statement."""
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row)), []).append(dict(row))
    for group in groups.values():
        update_many(session, model, group)
