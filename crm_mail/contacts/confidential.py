"""Reading a confidential contact (level 3) is itself audited: once for each person, contact and ten minutes."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.db import among, now
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor

ONCE_IN = timedelta(minutes=10)
READ = "contacts.contact.read"
AT_ONCE = 1000


class Way(StrEnum):
    """How a contact was read."""

    CARD = "card"
    EXPORT = "export"
    PREVIEW = "preview"


def confidential_of_parties(session: Session, party_ids: Iterable[int]) -> list[int]:
    """Ids of the confidential contacts of these parties, as far as they are shown."""
    found: list[int] = []
    ids = list(party_ids)
    for start in range(0, len(ids), AT_ONCE):
        query = select(Contact.id).where(
            among(session, Contact.party_id, ids[start : start + AT_ONCE]),
            Contact.privacy_level == HIGHEST_CLEARANCE,
            Contact.state != ContactState.ERASED,
        )
        found += session.scalars(query)
    return found


def note_reading(session: Session, actor: Actor, contact_ids: Iterable[int], way: Way) -> int:
    """Write who read which of these contacts that are confidential; how many lines."""
    read = unnoted(session, actor, contact_ids)
    for contact in session.scalars(select(Contact).where(among(session, Contact.id, read))):
        audit.record(
            session,
            actor,
            READ,
            company_id=contact.company_id,
            subject=contact,
            label=contact.name,
            privacy_level=contact.privacy_level,
            how=way.value,
        )
    return len(read)


def unnoted(session: Session, actor: Actor, contact_ids: Iterable[int]) -> list[int]:
    """Those of the contacts whose reading is to be told, and was not told yet."""
    ids = sorted(set(contact_ids))
    return _to_tell(session, actor, ids) if ids and actor.clearance >= HIGHEST_CLEARANCE else []


def _to_tell(session: Session, actor: Actor, ids: list[int]) -> list[int]:
    found: list[int] = []
    event = audit.AuditEvent
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
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
