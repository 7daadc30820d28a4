"""Reading a confidential contact (level 3) is itself audited, whichever door it was read through.

Who looks at one leaves a line for each person, contact and ten minutes; who takes many at once (lists, files, dossiers)
leaves one line for all of them, with their ids. Services and views call these two functions, also while they only read:
the line is then written in a transaction of its own.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.db import kept, now
from crm_mail.many_rows import among, chunks
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor

ONCE_IN = timedelta(minutes=10)
READ = "contacts.contact.read"
READ_MANY = "contacts.contacts.read"
AT_ONCE = 1000
MOST_IDS = 1000
"""Ids that a line about many names; the hash is over all of them."""


class Way(StrEnum):
    """How a contact was read."""

    CARD = "card"
    EXPORT = "export"
    PREVIEW = "preview"
    LIST = "list"
    INTERFACE = "interface"
    DOSSIER = "dossier"
    SUBJECT_ACCESS = "subject_access"


def note_reading(session: Session, actor: Actor, contact_ids: Iterable[int | None], way: Way) -> int:
    """Write who read which of these contacts that are confidential; how many lines."""
    ids = sorted({one for one in contact_ids if one is not None})
    read = _not_told_yet(session, actor, ids) if ids and actor.clearance >= HIGHEST_CLEARANCE else []
    if not read:
        return 0
    with kept(session) as own:
        for contact in own.scalars(select(Contact).where(among(own, Contact.id, read))):
            audit.record(
                own,
                actor,
                READ,
                company_id=contact.company_id,
                subject=contact,
                label=contact.name,
                privacy_level=contact.privacy_level,
                how=way.value,
            )
    return len(read)


def note_many_read(
    session: Session, actor: Actor, contacts: Select[Any] | Iterable[int | None], way: Way
) -> int:
    """Write who took which confidential contacts along, one line for each company; how many contacts.

    Args:
        contacts: a query of their ids, or the ids; those that are not confidential do not count.
    """
    if actor.clearance < HIGHEST_CLEARANCE:
        return 0
    by_company: dict[int, list[int]] = {}
    for company_id, id_ in _confidential(session, contacts):
        by_company.setdefault(company_id, []).append(id_)
    for company_id, ids in by_company.items():
        said: dict[str, Any] = {
            "how": way.value,
            "count": len(ids),
            "sha256": hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest(),
            "contact_ids": ids[:MOST_IDS],
        }
        if not _is_repeated(session, actor, said):
            with kept(session) as own:
                audit.record(
                    own, actor, READ_MANY, company_id=company_id, privacy_level=HIGHEST_CLEARANCE, **said
                )
    return sum(map(len, by_company.values()))


def _confidential(session: Session, contacts: Select[Any] | Iterable[int | None]) -> list[tuple[int, int]]:
    """Company and id, by id."""
    if isinstance(contacts, Select):
        wanted: list[ColumnElement[bool]] = [Contact.id.in_(contacts)]
    else:
        ids = sorted({one for one in contacts if one is not None})
        wanted = [among(session, Contact.id, part) for part in chunks(ids, AT_ONCE)]
    found: list[tuple[int, int]] = []
    for condition in wanted:
        query = select(Contact.company_id, Contact.id).where(
            condition,
            Contact.privacy_level == HIGHEST_CLEARANCE,
            Contact.state != ContactState.ERASED,
        )
        found += [(company_id, id_) for company_id, id_ in session.execute(query.order_by(Contact.id))]
    return found


def _is_repeated(session: Session, actor: Actor, said: dict[str, Any]) -> bool:
    """Whether the same person just read the same ones in the same way (a page that draws itself again)."""
    event = audit.AuditEvent
    lines = session.scalars(
        select(event.detail).where(
            event.action == READ_MANY,
            event.user_id == actor.user_id,
            event.actor_name == actor.name,
            event.at > now() - ONCE_IN,
        )
    )
    return any((line.get("sha256"), line.get("how")) == (said["sha256"], said["how"]) for line in lines)


def _not_told_yet(session: Session, actor: Actor, ids: list[int]) -> list[int]:
    found: list[int] = []
    event = audit.AuditEvent
    for part in chunks(ids, AT_ONCE):
        told = select(event.object_id).where(
            event.object_type == Contact.__tablename__,
            among(session, event.object_id, part),
            event.action == READ,
            event.user_id == actor.user_id,
            event.at > now() - ONCE_IN,
        )
        query = select(Contact.id).where(
            among(session, Contact.id, part), Contact.privacy_level == HIGHEST_CLEARANCE
        )
        found += set(session.scalars(query)) - set(session.scalars(told))
    return sorted(found)
