"""Changing many parties at once: counted before, told in the audit, and undone by who did it.

A selection is a filter or a few ids, never both; contacts above the actor's clearance are neither counted nor touched.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm_mail import audit
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import receiving
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.finding.party_filter import PartyFilter, split_characteristic
from crm_mail.contacts.finding.selection import party_query, visible_contacts
from crm_mail.contacts.models import Characteristic, Contact, ContactState, Party, PartyChange
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.raising import raise_history
from crm_mail.db import now
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission, Sight

LEVELS = ("0", "1", "2", "3")
AT_ONCE = 5000
"""Ids in one statement: what both databases take as parameters."""


class BulkKind(StrEnum):
    """What can be done to many parties at once."""

    AGENT = "agent"
    ZONE = "zone"
    CATEGORY = "category"
    ADD_CHARACTERISTIC = "add_characteristic"
    REMOVE_CHARACTERISTIC = "remove_characteristic"
    BLOCK = "block"
    UNBLOCK = "unblock"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    LEVEL = "level"


COLUMNS: dict[BulkKind, InstrumentedAttribute[str]] = {
    BulkKind.AGENT: Party.agent,
    BulkKind.ZONE: Party.zone,
    BulkKind.CATEGORY: Party.category,
}
_TAGS = frozenset({BulkKind.ADD_CHARACTERISTIC, BulkKind.REMOVE_CHARACTERISTIC})
OF_RECEIVING = frozenset({BulkKind.SUBSCRIBE, BulkKind.UNSUBSCRIBE})
OF_CONTACTS = _TAGS | OF_RECEIVING | {BulkKind.LEVEL}
"""Kinds that change contacts, and have no sensible empty value; an empty agent, zone or category takes it away."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Parties of one company: all that a filter means, or those ticked."""

    chosen: PartyFilter
    ids: tuple[int, ...] = ()
    is_all: bool = False

    def query(self, sight: Sight) -> Select[int]:
        """Ids of the parties."""
        if self.is_all:
            return party_query(self.chosen, sight)
        return select(Party.id).where(
            Party.company_id == self.chosen.company_id, Party.id.in_(self.ids), *visible_parties(sight)
        )


@dataclass(frozen=True, slots=True)
class Affected:
    """How many are selected, and how many of them would be different (contacts, for characteristics)."""

    parties: int
    changed: int


def count_affected(session: Session, actor: Actor, picked: Picked, kind: BulkKind, value: str) -> Affected:
    """What a change would do; writes nothing.

    Raises:
        ContactRefused: the value is missing or too long.
        PermissionDenied: the actor may not manage contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE, picked.chosen.company_id)
    value = _checked(session, actor, picked, kind, value)
    parties = session.scalar(select(func.count()).select_from(picked.query(actor.sight).subquery())) or 0
    query = _different(actor, picked, kind, value).subquery()
    return Affected(parties, session.scalar(select(func.count()).select_from(query)) or 0)


def _checked(session: Session, actor: Actor, picked: Picked, kind: BulkKind, value: str) -> str:
    """The value, if it is one that this actor may give in this company."""
    clean = clean_value(kind, value)
    if kind in OF_RECEIVING and clean not in company_types(session, picked.chosen.company_id).ids:
        raise ContactRefused(Problem.TYPE_UNKNOWN, "value", type=clean[:40])
    if kind is BulkKind.LEVEL and int(clean) > actor.clearance:
        raise ContactRefused(Problem.LEVEL_ABOVE_OWN, "value", level=clean, own=actor.clearance)
    return clean


def clean_value(kind: BulkKind, value: str) -> str:
    """The value without outer blanks.

    Raises:
        ContactRefused: it is missing where one is needed, or too long.
    """
    clean = " ".join(value.split())
    if kind is BulkKind.LEVEL:
        if clean not in LEVELS:
            raise ContactRefused(Problem.LEVEL_INVALID, "value", level=clean)
        return clean
    if kind not in _TAGS:
        if len(clean) > 60:
            raise ContactRefused(Problem.TOO_LONG, "value", value=clean[:60], maximum=60)
        return clean
    key, said = split_characteristic(clean)
    if not key or len(key) > 60 or len(said or "") > 200:
        raise ContactRefused(Problem.CHARACTERISTIC_INVALID, "value", text=clean[:60])
    return f"{key}={said}" if said else key


def _different(actor: Actor, picked: Picked, kind: BulkKind, value: str) -> Select[*tuple[Any, ...]]:
    """(id, what is there now) of the rows that a change would make different."""
    parties = picked.query(actor.sight)
    if kind in COLUMNS:
        column = COLUMNS[kind]
        return select(Party.id, column).where(Party.id.in_(parties), column != value)
    if kind in (BulkKind.BLOCK, BulkKind.UNBLOCK):
        is_blocked = Party.is_blocked.is_(kind is BulkKind.UNBLOCK)
        return select(Party.id, Party.is_blocked).where(Party.id.in_(parties), is_blocked)
    visible = [
        Contact.party_id.in_(parties),
        visible_contacts(actor.sight),
        Contact.state == ContactState.ACTIVE,
    ]
    if kind is BulkKind.LEVEL:
        return select(Contact.id, Contact.privacy_level).where(*visible, Contact.privacy_level != int(value))
    if kind in OF_RECEIVING:
        return receiving.different(visible, value, wanted=kind is BulkKind.SUBSCRIBE)
    key, said = split_characteristic(value)
    if kind is BulkKind.ADD_CHARACTERISTIC:
        having = select(Characteristic.contact_id).where(_is_tag(key, said or ""))
        return select(Contact.id, Contact.privacy_level).where(*visible, Contact.id.not_in(having))
    same = func.lower(Characteristic.key) == key.lower() if said is None else _is_tag(key, said)
    tags = select(Characteristic.contact_id, Characteristic.key, Characteristic.value)
    return tags.join(Contact, Contact.id == Characteristic.contact_id).where(*visible, same)


def _is_tag(key: str, value: str) -> Any:
    return and_(func.lower(Characteristic.key) == key.lower(), Characteristic.value == value)


def change_parties(
    session: Session, actor: Actor, picked: Picked, kind: BulkKind, value: str
) -> PartyChange | None:
    """Do it; None when nothing was different.

    Raises:
        ContactRefused: the value is missing or too long.
        PermissionDenied: the actor may not manage contacts.
    """
    company_id = picked.chosen.company_id
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    value = _checked(session, actor, picked, kind, value)
    rows = [tuple(row) for row in session.execute(_different(actor, picked, kind, value))]
    if not rows:
        return None
    change = PartyChange(
        company_id=company_id,
        user_id=actor.user_id,
        kind=kind.value,
        value=value,
        count=len(rows),
        before=_grouped(rows),
    )
    session.add(change)
    _apply(session, kind, value, rows)
    _record(session, actor, change, "contacts.parties.changed")
    return change


def _grouped(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """[what was there, ids] once for each value: few values stand for many rows."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        groups["=".join(row[1:]) if len(row) > 2 else row[1]].append(row[0])
    return [[value, ids] for value, ids in groups.items()]


def _apply(session: Session, kind: BulkKind, value: str, rows: Sequence[tuple[Any, ...]]) -> None:
    ids = sorted({row[0] for row in rows})
    if kind in COLUMNS:
        _set(session, ids, COLUMNS[kind], value)
    elif kind in (BulkKind.BLOCK, BulkKind.UNBLOCK):
        _set(session, ids, Party.is_blocked, kind is BulkKind.BLOCK)
    elif kind is BulkKind.LEVEL:
        _set(session, ids, Contact.privacy_level, int(value))
    elif kind is BulkKind.SUBSCRIBE:
        receiving.subscribe(session, ids, value)
    elif kind is BulkKind.UNSUBSCRIBE:
        receiving.unsubscribe(session, ids, value)
    elif kind is BulkKind.ADD_CHARACTERISTIC:
        _add_tags(session, ids, value)
    else:
        for tag in {"=".join(row[1:]) for row in rows}:
            _remove_tags(session, [row[0] for row in rows if "=".join(row[1:]) == tag], tag)


def _set(session: Session, ids: Sequence[int], column: Any, value: Any, only_if: Any = None) -> int:
    """Write one value; ``only_if``: only where this stands now. How many rows."""
    count = 0
    for part in chunks(ids, AT_ONCE):
        model = column.class_
        query = update(model).where(model.id.in_(part))
        if only_if is not None:
            query = query.where(column == only_if)
        done: Any = session.execute(
            query.values({column: value, model.updated_at: now()}).execution_options(
                synchronize_session=False
            )
        )
        count += done.rowcount
    if column is Contact.privacy_level:
        raise_history(session, ids)
    session.expire_all()
    return count


def _add_tags(session: Session, ids: Sequence[int], tag: str) -> int:
    """Give contacts a characteristic; those that are gone, or have it, are passed over."""
    key, _equals, said = tag.partition("=")
    count = 0
    for part in chunks(ids, AT_ONCE):
        having = select(Characteristic.contact_id).where(_is_tag(key, said))
        wanted = select(Contact.id).where(Contact.id.in_(part), Contact.id.not_in(having))
        found = [{"contact_id": id_, "key": key, "value": said} for id_ in session.scalars(wanted)]
        if found:
            session.execute(insert(Characteristic), found)
        count += len(found)
    session.expire_all()
    return count


def _remove_tags(session: Session, ids: Sequence[int], tag: str) -> int:
    key, _equals, said = tag.partition("=")
    count = 0
    for part in chunks(ids, AT_ONCE):
        query = delete(Characteristic).where(Characteristic.contact_id.in_(part), _is_tag(key, said))
        done: Any = session.execute(query.execution_options(synchronize_session=False))
        count += done.rowcount
    session.expire_all()
    return count


def find_change(session: Session, actor: Actor, change_id: int) -> PartyChange | None:
    """A change that this person made and has not undone."""
    change = session.get(PartyChange, change_id)
    if change is None or change.undone_at is not None or change.user_id != actor.user_id:
        return None
    return change if change.kind in set(BulkKind) else None


def undo_change(session: Session, actor: Actor, change: PartyChange) -> int:
    """Give rows back what they had; what somebody changed since stays. How many rows."""
    actor.require(Permission.CONTACTS_MANAGE, change.company_id)
    kind, count = BulkKind(change.kind), 0
    for before, ids in change.before:
        if kind in COLUMNS:
            count += _set(session, ids, COLUMNS[kind], before, change.value)
        elif kind in (BulkKind.BLOCK, BulkKind.UNBLOCK):
            count += _set(session, ids, Party.is_blocked, before, not before)
        elif kind is BulkKind.LEVEL:
            count += _set(session, ids, Contact.privacy_level, before, int(change.value))
        elif kind is BulkKind.SUBSCRIBE:
            count += receiving.unsubscribe(session, ids, change.value, given=True)
        elif kind is BulkKind.UNSUBSCRIBE:
            count += receiving.subscribe(session, ids, change.value, before)
        elif kind is BulkKind.ADD_CHARACTERISTIC:
            count += _remove_tags(session, ids, change.value)
        else:
            count += _add_tags(session, ids, before)
    change.undone_at = now()
    _record(session, actor, change, "contacts.parties.change_undone")
    return count


def _record(session: Session, actor: Actor, change: PartyChange, action: str) -> None:
    detail: dict[str, Any] = {"kind": change.kind, "value": change.value, "count": change.count}
    audit.record(session, actor, action, company_id=change.company_id, **detail)
