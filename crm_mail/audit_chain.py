"""The audit's seal: a chain of keyed hashes over its rows, so that a row changed, deleted, inserted or moved is found.

The worker seals what is new in each sweep, so a row stays unsealed for some seconds (docs/decisions/audit-chain.md says
why not at commit). Each seal binds a row's content and number to the seal before it, by HMAC-SHA256 under a key that
lies encrypted in the database: whoever has only the database cannot compute a seal. An erasure changes no row: what it
takes out lies over it (`audit_redactions`), so that the chain stays whole.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String, exists, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm_mail.audit import AuditEvent
from crm_mail.db import Base, Id, Json, UtcDateTime, now
from crm_mail.installation import Installation
from crm_mail.many_rows import insert_many

log = logging.getLogger(__name__)

BATCH = 5000
LATE = timedelta(hours=2)
"""PostgreSQL gives numbers before the commit: so long a row may appear below sealed ones, as its transaction lasts."""
LISTED_PROBLEMS = 1000


class AuditKey(Base):
    """The key of the chain, encrypted with the installation's key; one row."""

    __tablename__ = "audit_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class AuditSeal(Base):
    """One link of the chain: which row, what it said, and the links before."""

    __tablename__ = "audit_seals"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(Id, unique=True)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    chain_hash: Mapped[str] = mapped_column(String(64))


class AuditCheck(Base):
    """A verification of the chain, and what it found."""

    __tablename__ = "audit_checks"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sealed: Mapped[int]
    problems: Mapped[int]
    listed: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    head: Mapped[str] = mapped_column(String(64), default="")


class Kind(StrEnum):
    """What is wrong with a row."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    BROKEN = "broken"  # the chain itself was touched


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that is not what was sealed."""

    kind: Kind
    event_id: int
    position: int = 0


@dataclass(slots=True)
class Verification:
    """What a walk over the whole chain found."""

    sealed: int = 0
    unsealed: int = 0
    head: str = ""
    has_expected_head: bool = True
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was touched."""
        return not self.problems and self.has_expected_head


@dataclass(frozen=True, slots=True)
class State:
    """What the audit page says about the chain."""

    sealed_at: datetime | None
    unsealed: int
    check: AuditCheck | None


def _content(event: AuditEvent) -> bytes:
    """Everything a row says, but its number, always written alike."""
    values = [
        event.at.isoformat(),
        event.user_id,
        event.actor_name,
        event.action,
        event.company_id,
        event.object_type,
        event.object_id,
        event.object_label,
        event.privacy_level,
        event.detail,
    ]
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _mac(key: bytes, *parts: object) -> str:
    return hmac.new(key, "|".join(map(str, parts)).encode(), "sha256").hexdigest()


def _hash_of(key: bytes, event: AuditEvent) -> str:
    return hmac.new(key, _content(event), "sha256").hexdigest()


def _link(key: bytes, before: str, position: int, event_id: int, at: datetime, content: str) -> str:
    return _mac(key, "seal", before, position, event_id, at.isoformat(), content)


def _key(home: Installation, session: Session) -> bytes:
    kept = session.get(AuditKey, 1)
    return b"" if kept is None else bytes.fromhex(home.decrypt(kept.value))


def _is_new(session: Session) -> list[ColumnElement[bool]]:
    """Conditions of the rows to be sealed, in the order in which they are asked."""
    last = session.scalar(select(func.max(AuditSeal.event_id))) or 0
    conditions: list[ColumnElement[bool]] = [AuditEvent.id > last]
    if session.get_bind().dialect.name == "postgresql":
        is_sealed = exists().where(AuditSeal.event_id == AuditEvent.id)
        conditions.insert(0, (AuditEvent.at > now() - LATE) & (AuditEvent.id < last) & ~is_sealed)
    return conditions


def seal(home: Installation, most: int | None = None) -> int:
    """Seal every row that is not yet; how many. Any number of processes may do so at once: one goes first.

    Args:
        most: stop after about so many; the next call goes on.
    """
    total = 0
    while (most is None or total < most) and has_new(home):
        with home.database.write() as session:
            count = _seal_batch(home, session)
        total += count
        if count < BATCH:
            break
    return total


def has_new(home: Installation) -> bool:
    """Whether any row waits to be sealed; takes no lock."""
    with home.database.read() as session:
        return any(
            session.scalar(select(AuditEvent.id).where(one).limit(1)) is not None for one in _is_new(session)
        )


def _seal_batch(home: Installation, session: Session) -> int:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('crm-mail audit seals'))"))
    key = _key(home, session)
    if not key:
        key = secrets.token_bytes(32)
        session.add(AuditKey(id=1, value=home.encrypt(key.hex())))
    events: list[AuditEvent] = []
    for condition in _is_new(session):
        query = select(AuditEvent).where(condition).order_by(AuditEvent.id).limit(BATCH - len(events))
        events += session.scalars(query)
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1)).first()
    before, first, at = (last.chain_hash, last.position + 1, now()) if last else ("", 1, now())
    rows = []
    for position, event in enumerate(events, first):
        content = _hash_of(key, event)
        before = _link(key, before, position, event.id, at, content)
        rows.append(
            {
                "position": position,
                "event_id": event.id,
                "sealed_at": at,
                "content_hash": content,
                "chain_hash": before,
            }
        )
    session.flush()
    insert_many(session, AuditSeal, rows)
    return len(rows)


def tend(home: Installation) -> None:
    """Seal in the worker's sweep; what fails is logged and tried in the next one."""
    try:
        seal(home, 10 * BATCH)  # an installation that comes from an older version has many
    except Exception:
        log.exception("The audit could not be sealed.")


def verify(
    home: Installation, session: Session, head: str = "", on_progress: Callable[[int], None] | None = None
) -> Verification:
    """Walk the whole chain and compare it with the rows. Changes nothing.

    Args:
        head: the last hash of an earlier verification, kept elsewhere: a chain that was cut or made anew lacks it.
    """
    found = Verification()
    key = _key(home, session)
    walk = _Walk(session, key, found)
    for number, (one, event) in enumerate(_walk(session)):
        walk.look(one, event)
        if on_progress and number % BATCH == 0:
            on_progress(number)
    _find_unsealed(session, found)
    if head:
        found.has_expected_head = (
            session.scalar(select(AuditSeal.position).where(AuditSeal.chain_hash == head)) is not None
        )
    return found


def _walk(session: Session) -> Iterator[Any]:
    """Every seal with its row, without keeping them."""
    position = 0
    joined = select(AuditSeal, AuditEvent).outerjoin(AuditEvent, AuditEvent.id == AuditSeal.event_id)
    while True:
        page = joined.where(AuditSeal.position > position).order_by(AuditSeal.position).limit(BATCH)
        rows = session.execute(page).all()
        yield from rows
        if len(rows) < BATCH:
            return
        position = rows[-1][0].position
        session.expunge_all()


class _Walk:
    """The state of a walk: the link before, and where it should be."""

    def __init__(self, session: Session, key: bytes, found: Verification) -> None:
        self.session, self.key, self.found = session, key, found
        self.position = 0

    def look(self, one: AuditSeal, event: AuditEvent | None) -> None:
        expected = _link(
            self.key, self.found.head, self.position + 1, one.event_id, one.sealed_at, one.content_hash
        )
        if one.position != self.position + 1 or not hmac.compare_digest(expected, one.chain_hash):
            self._add(Kind.BROKEN, one)
        self.position, self.found.head = one.position, one.chain_hash
        self.found.sealed += 1
        if event is None:
            self._add(Kind.DELETED, one)
        elif (content := _hash_of(self.key, event)) != one.content_hash:
            self._judge(one, content)

    def _judge(self, one: AuditSeal, content: str) -> None:
        elsewhere = select(AuditSeal.position).where(AuditSeal.content_hash == content).limit(1)
        self._add(Kind.CHANGED if self.session.scalar(elsewhere) is None else Kind.REORDERED, one)

    def _add(self, kind: Kind, one: AuditSeal) -> None:
        if len(self.found.problems) < LISTED_PROBLEMS:
            self.found.problems.append(Problem(kind, one.event_id, one.position))


def _find_unsealed(session: Session, found: Verification) -> None:
    """Rows without a seal: new ones wait for it; one below sealed ones was put in afterwards."""
    last = session.scalar(select(func.max(AuditSeal.event_id))) or 0
    found.unsealed = _count_above(session, last)
    is_sealed = exists().where(AuditSeal.event_id == AuditEvent.id)
    inserted = select(AuditEvent.id).where(AuditEvent.id < last, ~is_sealed).order_by(AuditEvent.id)
    if session.get_bind().dialect.name == "postgresql":
        inserted = inserted.where(AuditEvent.at < now() - LATE)
    for event_id in session.scalars(inserted.limit(LISTED_PROBLEMS)):
        found.problems.append(Problem(Kind.INSERTED, event_id))


def _count_above(session: Session, last: int) -> int:
    return session.scalar(select(func.count()).where(AuditEvent.id > last)) or 0


def record_check(session: Session, found: Verification) -> AuditCheck:
    """Keep what a verification found, for the page."""
    listed = [{"kind": one.kind.value, "event": one.event_id} for one in found.problems[:50]]
    check = AuditCheck(sealed=found.sealed, problems=len(found.problems), listed=listed, head=found.head)
    session.add(check)
    return check


def read_state(session: Session) -> State:
    """Until when the audit is sealed, and when it was verified last."""
    last = session.execute(
        select(AuditSeal.event_id, AuditSeal.sealed_at).order_by(AuditSeal.position.desc()).limit(1)
    ).first()
    check = session.scalars(select(AuditCheck).order_by(AuditCheck.id.desc()).limit(1)).first()
    return State(last.sealed_at if last else None, _count_above(session, last.event_id if last else 0), check)
