"""How parties can be reached, as conditions: with an address, of which kind, bounced, ever written to.

The outbox stands above this room: of its messages only the few columns below are read, by name.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from crm_mail.contacts.finding.conditions import Condition, unled, visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.delivery.models import Suppression
from crm_mail.permissions import Sight

_MESSAGES = table("messages", column("party_id"), column("privacy_level"), column("sent_at"))


def has_address(sight: Sight) -> Condition:
    """An address of the party's own, or of an active contact that the actor may see."""
    of_contact = (
        select(ContactAddress.id)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(Contact.party_id == Party.id, *_active(sight))
    )
    return or_(Party.email != "", Party.billing_email != "", of_contact.exists())


def has_kind(kinds: Iterable[str], sight: Sight) -> Condition:
    """An address of one of these kinds, the party's own or an active contact's."""
    wanted = sorted(kinds)
    of_kind = select(ContactAddress.contact_id).where(ContactAddress.kind.in_(wanted))
    of_contact = select(Contact.party_id).where(Contact.id.in_(of_kind), *_active(sight))
    own = (Party.email, Party.email_kind), (Party.billing_email, Party.billing_email_kind)
    owned = [select(Party.id).where(email > "", kind.in_(wanted)) for email, kind in own]
    return Party.id.in_(union_all(of_contact, *owned))  # an OR would be asked row by row


def dead_addresses(company_id: int) -> Select[Any]:
    """The addresses that a company does not write to any more, in lower case.

    Without their type, by which SQLite would pass by the indexes on `lower(email)`.
    """
    return select(unled(Suppression.address)).where(
        Suppression.company_id == company_id, Suppression.is_active.is_(True)
    )


def dead_ones(dead: Select[Any]) -> list[Condition]:
    """The conditions that a party's own addresses are among these, in the words of their indexes."""
    nothing: ColumnElement[str] = literal_column("''")
    return [
        and_(email > nothing, func.lower(email).in_(dead)) for email in (Party.email, Party.billing_email)
    ]


def has_bounced(company_id: int, sight: Sight) -> Condition:
    """An address that the company does not write to any more (`delivery.Suppression`).

    Begins with the suppressed addresses, which are few, and finds their parties through the addresses' indexes.
    """
    return Party.id.in_(_bounced_parties(company_id, sight))


def _bounced_parties(company_id: int, sight: Sight) -> Select[Any]:
    dead = dead_addresses(company_id)
    of_dead = select(ContactAddress.contact_id).where(ContactAddress.email_key.in_(dead))
    of_contacts = select(Contact.party_id).where(Contact.id.in_(of_dead), *_active(sight))
    own = [select(Party.id).where(Party.company_id == company_id, one) for one in dead_ones(dead)]
    found = union_all(of_contacts, *own).subquery()
    return select(found.c[0])


def was_written_to(sight: Sight) -> Condition:
    """Something was sent to the party, in a message that the actor may know of (IT-17)."""
    sent = (_MESSAGES.c.party_id == Party.id) & _MESSAGES.c.sent_at.is_not(None)
    return exists().where(sent & (_MESSAGES.c.privacy_level <= sight.clearance))


def _active(sight: Sight) -> tuple[Condition, Condition]:
    return visible_contacts(sight), Contact.state == ContactState.ACTIVE
