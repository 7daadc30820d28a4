"""Raising a contact's privacy level hides its history too: what was written to it takes the new level at once (IT-17).

The outbox and privacy stand above this room: of their rows only the few columns below are known, by name. Lowering a
level brings nothing back: a row may be above for another reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, BigInteger, Select, bindparam, column, func, select, table, update
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress
from crm_mail.many_rows import among, chunks

AT_ONCE = 1000
_MESSAGES: Any = table(
    "messages",
    *(column(name, BigInteger) for name in ("id", "run_id", "party_id", "contact_id", "privacy_level")),
    column("cc", JSON),
    column("bcc", JSON),
)
_RUNS: Any = table("runs", column("id", BigInteger), column("changes", BigInteger))
_OTHERS: list[Any] = [
    table(name, column("contact_id", BigInteger), column("privacy_level", BigInteger))
    for name in ("left_out", "privacy_acts")
]


def raise_history(session: Session, contact_ids: Iterable[int]) -> None:
    """Give what was written to these contacts, or in copy to them, at least their present level."""
    session.flush()
    ids = sorted(set(contact_ids))
    for part in chunks(ids, AT_ONCE):
        _raise(session, part)
    session.expire_all()


def _raise(session: Session, ids: Sequence[int]) -> None:
    levels: dict[int, list[int]] = defaultdict(list)
    query = select(Contact.id, Contact.privacy_level).where(among(session, Contact.id, ids))
    for id_, level in session.execute(query):
        if level:
            levels[level].append(id_)
    connection = session.connection()
    for level, of_level in sorted(levels.items()):
        below = among(session, _MESSAGES.c.contact_id, of_level) & (_MESSAGES.c.privacy_level < level)
        _note_change(session, select(_MESSAGES.c.run_id).where(below))
        connection.execute(update(_MESSAGES).where(below).values(privacy_level=level))
        for other in _OTHERS:
            of_contact = among(session, other.c.contact_id, of_level) & (other.c.privacy_level < level)
            connection.execute(update(other).where(of_contact).values(privacy_level=level))
        _raise_copies(session, level, of_level)


def _raise_copies(session: Session, level: int, ids: Sequence[int]) -> None:
    """Messages of the contacts' parties that went to one of their addresses in copy."""
    addresses: dict[int, set[str]] = defaultdict(set)
    held = (
        select(Contact.party_id, func.lower(ContactAddress.email))
        .join(ContactAddress, ContactAddress.contact_id == Contact.id)
        .where(among(session, Contact.id, ids))
    )
    for party_id, email in session.execute(held):
        addresses[party_id].add(email)
    rows = select(_MESSAGES.c.id, _MESSAGES.c.party_id, _MESSAGES.c.cc, _MESSAGES.c.bcc).where(
        among(session, _MESSAGES.c.party_id, sorted(addresses)), _MESSAGES.c.privacy_level < level
    )
    found = [
        id_
        for id_, party_id, cc, bcc in session.execute(rows)
        if any(one.lower() in addresses[party_id] for one in (*(cc or ()), *(bcc or ())))
    ]
    if found:
        _note_change(session, select(_MESSAGES.c.run_id).where(among(session, _MESSAGES.c.id, found)))
        query = update(_MESSAGES).where(_MESSAGES.c.id == bindparam("row_id"))
        session.connection().execute(query.values(privacy_level=level), [{"row_id": id_} for id_ in found])


def _note_change(session: Session, run_ids: Select[int]) -> None:
    """What is known of the runs' rows is to be counted again."""
    query = update(_RUNS).where(_RUNS.c.id.in_(run_ids)).values(changes=_RUNS.c.changes + 1)
    session.connection().execute(query)
