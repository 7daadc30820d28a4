"""The audit's seal on a real database: whole when nothing happened, and naming what an attacker did to its rows."""

import threading

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_mail import audit, audit_chain
from crm_mail.audit import AuditEvent
from crm_mail.audit_chain import AuditSeal, Kind
from crm_mail.installation import Installation
from tests.factories import make_actor

ROWS = 6


def write(home: Installation, count: int = ROWS, start: int = 0) -> None:
    with home.database.write() as session:
        for number in range(start, start + count):
            audit.record(
                session,
                make_actor(),
                "users.user.updated",
                label=f"user {number}",
                before={"name": f"è {number}"},
            )
            session.flush()


def found(home: Installation, head: str = "") -> audit_chain.Verification:
    with home.database.read() as session:
        return audit_chain.verify(home, session, head)


def problems(home: Installation) -> list[tuple[Kind, int]]:
    return [(one.kind, one.event_id) for one in found(home).problems]


def ids(session: Session) -> list[int]:
    return list(session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)))


def test_what_nobody_touched_is_whole_and_new_rows_wait(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "BATCH", 4)  # more than one batch, in sealing and in walking
    write(home)
    assert found(home).unsealed == ROWS
    assert audit_chain.seal(home) == ROWS
    assert audit_chain.seal(home) == 0
    write(home, 2, ROWS)
    result = found(home)
    assert (result.is_whole, result.sealed, result.unsealed) == (True, ROWS, 2)
    audit_chain.seal(home)
    assert found(home, result.head).is_whole


def test_a_changed_a_deleted_and_a_moved_row_are_named(home: Installation) -> None:
    write(home)
    audit_chain.seal(home)
    with home.database.write() as session:
        one, two, three, four, _five, _six = ids(session)
        session.execute(update(AuditEvent).where(AuditEvent.id == one).values(actor_name="Somebody else"))
        session.execute(delete(AuditEvent).where(AuditEvent.id == two))
        for before, after in ((three, 900), (four, three), (900, four)):
            session.execute(update(AuditEvent).where(AuditEvent.id == before).values(id=after))
    assert problems(home) == [
        (Kind.CHANGED, one),
        (Kind.DELETED, two),
        (Kind.REORDERED, three),
        (Kind.REORDERED, four),
    ]


def test_a_row_put_in_between_is_named(home: Installation) -> None:
    write(home)
    audit_chain.seal(home)
    with home.database.write() as session:
        gap = ids(session)[2]
        old = session.get_one(AuditEvent, gap).at.replace(year=2025)
        session.execute(update(AuditEvent).where(AuditEvent.id == gap).values(id=800))
        session.flush()
        session.execute(update(AuditSeal).where(AuditSeal.event_id == gap).values(event_id=800))
        session.add(AuditEvent(id=gap, at=old, actor_name="X", action="a.b.c", detail={}))
    assert {kind for kind, _event in problems(home)} == {Kind.BROKEN, Kind.INSERTED}
    assert (Kind.INSERTED, gap) in problems(home)


def test_a_chain_made_anew_without_the_key_or_cut_short_is_found(home: Installation) -> None:
    write(home)
    audit_chain.seal(home)
    head = found(home).head
    with home.database.write() as session:
        last = ids(session)[-1]
        session.execute(delete(AuditEvent).where(AuditEvent.id == last))
        session.execute(delete(AuditSeal).where(AuditSeal.event_id == last))
    assert found(home).is_whole  # a cut at the end is seen only by whoever kept the head
    assert not found(home, head).is_whole
    with home.database.write() as session:
        first = session.scalars(select(AuditSeal).order_by(AuditSeal.position)).first()
        assert first is not None
        first.chain_hash = audit_chain._link(b"", "", 1, first.event_id, first.sealed_at, first.content_hash)
    assert Kind.BROKEN in {kind for kind, _event in problems(home)}


def test_writers_and_sealers_at_once_leave_a_whole_chain(home: Installation) -> None:
    """A row whose transaction began early and ended late appears below sealed ones on PostgreSQL."""
    early = home.database.writing()
    if not home.database.is_sqlite:
        audit.record(early, make_actor(), "users.user.updated", label="early")
        early.flush()
    threads = [threading.Thread(target=write, args=(home, 20)) for _ in range(3)]
    threads += [threading.Thread(target=audit_chain.seal, args=(home,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit_chain.seal(home)
    early.commit()
    early.close()
    audit_chain.seal(home)
    result = found(home)
    assert (result.problems, result.unsealed) == ([], 0)
    assert result.sealed == 60 + (not home.database.is_sqlite)
