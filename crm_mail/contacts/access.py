"""What exists for an actor: the only ways to reach one party or one contact by its id.

A contact above the clearance, or a party of a company that the actor has nothing to do with, is not found,
exactly as one that was never there (IT-17).
"""

from collections.abc import Sequence

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.permissions import Actor, Permission

_WAITS = Contact.state == literal_column("'suggested'")  # in the words of the index `ix_contacts_waiting`


def find_party(session: Session, actor: Actor, party_id: int) -> Party | None:
    """One party, or None when it does not exist for the actor."""
    query = select(Party).where(Party.id == party_id, *visible_parties(actor.sight))
    companies = actor.company_ids(Permission.CONTACTS_SEE)
    if companies is not None:
        query = query.where(Party.company_id.in_(companies))
    return session.scalar(query)


def find_contact(session: Session, actor: Actor, contact_id: int) -> Contact | None:
    """One contact, or None when it does not exist for the actor."""
    return session.scalar(_for_actor(select(Contact).where(Contact.id == contact_id), actor))


def list_contacts(session: Session, actor: Actor, party_id: int) -> Sequence[Contact]:
    """The contacts of a party that exist for the actor: active, then suggested, then inactive ones, by
    name.
    """
    query = _for_actor(select(Contact).where(Contact.party_id == party_id), actor)
    found = session.scalars(query.order_by(Contact.name_key, Contact.id)).all()
    order = list(ContactState)
    return sorted(found, key=lambda contact: order.index(contact.state))


def list_suggestions(
    session: Session, actor: Actor, company_id: int, limit: int = 200
) -> Sequence[tuple[Contact, Party]]:
    """Contacts learnt from documents that wait for a person's word, oldest first."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    query = (
        select(Contact, Party)
        .join(Party, Party.id == Contact.party_id)
        .where(Contact.company_id == company_id, _WAITS)
        .where(visible_contacts(actor.sight))
        .order_by(Contact.id)
        .limit(limit)
    )
    return [(contact, party) for contact, party in session.execute(query)]


def count_suggestions(session: Session, actor: Actor, company_id: int) -> int:
    """How many contacts wait for a person's word, of those that exist for the actor."""
    query = select(func.count()).where(
        Contact.company_id == company_id, _WAITS, visible_contacts(actor.sight)
    )
    return session.scalar(query) or 0


def _for_actor(query: Select[Contact], actor: Actor) -> Select[Contact]:
    query = query.where(visible_contacts(actor.sight), Contact.state != ContactState.ERASED)
    companies = actor.company_ids(Permission.CONTACTS_SEE)
    return query if companies is None else query.where(Contact.company_id.in_(companies))
