"""The company's consents as rows of a file that the import of contacts reads again: one row for each contact."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.rules import write_entry
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.permissions import Actor, Permission

HEADER = ["party_code", "party_name", "contact_name", "contact_email", "consents"]
"""Canonical headers of the import, hence not translated."""


def export_states(session: Session, actor: Actor, company_id: int) -> Iterator[list[str]]:
    """Each visible contact that ever said something, with its latest words, by code and name."""
    actor.require(Permission.CONTACTS_EXPORT, company_id)
    heard = select(ConsentState.contact_id).where(ConsentState.company_id == company_id)
    note_many_read(
        session,
        actor,
        heard.join(Contact, Contact.id == ConsentState.contact_id).where(visible_contacts(actor.sight)),
        Way.EXPORT,
    )
    first = (
        select(ContactAddress.email)
        .where(ContactAddress.contact_id == Contact.id)
        .order_by(ContactAddress.position, ContactAddress.id)
        .limit(1)
        .correlate(Contact)
        .scalar_subquery()
    )
    query = (
        select(
            Contact.id,
            Party.code,
            Party.name,
            Contact.name,
            first,
            ConsentState.purpose,
            ConsentState.channel,
            ConsentState.decision,
            ConsentState.at,
        )
        .join(Contact, Contact.id == ConsentState.contact_id)
        .join(Party, Party.id == Contact.party_id)
        .where(ConsentState.company_id == company_id, visible_contacts(actor.sight))
        .order_by(Party.code, Contact.name_key, Contact.id, ConsentState.id)
        .execution_options(yield_per=2000)
    )
    for _id, group in groupby(session.execute(query), key=itemgetter(0)):
        words = [tuple(row) for row in group]
        _contact, code, party, name, email, *_rest = words[0]
        entries = [
            write_entry(purpose, channel, decision, at.date())
            for *_who, purpose, channel, decision, at in words
        ]
        yield [code, party, name, email or "", "|".join(entries)]
