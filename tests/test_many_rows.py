"""Many rows at once: what goes in comes out, whichever way the database takes them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.contacts.models import ContactAddress
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.many_rows import COPIED_FROM, Ids, among, insert_many, is_one_of, update_many
from tests.factories import make_company, make_contact, make_party


def test_many_rows_come_out_as_they_went_in(session: Session) -> None:
    """PostgreSQL is given a COPY: tabs, line breaks, backslashes, empty and missing values, JSON and times stay."""
    at = now()
    labels = ["a\tb", "line\nbreak", "back\\slash \\N", "", "ünï ✓"]
    rows = [
        {
            "actor_name": "x",
            "action": "test.many",
            "object_label": labels[i % len(labels)],
            "object_id": i or None,
            "at": at,
            "detail": {"n": i, "t": labels[i % len(labels)]},
        }
        for i in range(COPIED_FROM + 3)
    ]
    insert_many(session, AuditEvent, rows)
    found = session.scalars(
        select(AuditEvent).where(AuditEvent.action == "test.many").order_by(AuditEvent.id)
    )
    read = [{name: getattr(event, name) for name in rows[0]} for event in found]
    assert sorted(read, key=lambda row: row["detail"]["n"]) == rows


def test_what_the_database_refuses_is_refused_as_ever(session: Session) -> None:
    contact = make_contact(session, make_party(session, make_company(session)))
    row = {"contact_id": contact.id, "email": "same@x.test", "kind": AddressKind.UNKNOWN, "position": 0}
    with pytest.raises(IntegrityError), session.begin_nested():
        insert_many(session, ContactAddress, [row] * COPIED_FROM)
    mine = select(ContactAddress.id).where(among(session, ContactAddress.contact_id, [contact.id, -1]))
    assert list(session.scalars(mine)) == [address.id for address in contact.addresses]
    assert list(session.scalars(mine.where(among(session, ContactAddress.id, [])))) == []


def test_many_updates_change_their_own_row_alone_and_ids_are_one_parameter(session: Session) -> None:
    at = datetime(2026, 11, 3, 9, 30, 0, 5, tzinfo=UTC)
    rows = [{"actor_name": "x", "action": "test.many", "object_label": "", "at": now()} for _ in range(152)]
    insert_many(session, AuditEvent, rows)
    query = select(AuditEvent.id).where(AuditEvent.action == "test.many").order_by(AuditEvent.id)
    ids = list(session.scalars(query))
    done = [{"id": id_, "object_label": f"n{id_}", "at": at, "action": "test.done"} for id_ in ids[:150]]
    update_many(session, AuditEvent, done)
    update_many(session, AuditEvent, [])
    assert list(session.scalars(query)) == ids[150:]
    named = select(AuditEvent.object_label, AuditEvent.at).where(
        is_one_of(AuditEvent.id, bindparam("ids", type_=Ids))
    )
    found = session.execute(named, {"ids": ids[:2]}).all()
    assert sorted(found) == sorted((f"n{id_}", at) for id_ in ids[:2])
    assert session.execute(named, {"ids": []}).all() == []
