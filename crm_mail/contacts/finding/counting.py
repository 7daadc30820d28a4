"""How many parties a filter means, and how many contacts: one statement, in which they are found once."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.purchase_conditions import buyers
from crm_mail.contacts.finding.selection import contact_query, party_query
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.permissions import Sight


def count_found(session: Session, chosen: PartyFilter, sight: Sight) -> tuple[int, int]:
    """Parties, and active contacts, that a filter means for somebody; exactly, however many they are."""
    found = _parties(chosen, sight).cte()
    if chosen.asks_contacts:
        contacts = contact_query(chosen, sight)
    else:  # those of the parties that were found
        contacts = select(Contact.id).where(
            Contact.party_id.in_(select(found.c[0])),
            Contact.privacy_level <= sight.clearance,
            Contact.state == ContactState.ACTIVE,
        )
    counts = [select(func.count()).select_from(one).scalar_subquery() for one in (found, contacts.subquery())]
    parties, people = session.execute(select(*counts)).one()
    return parties or 0, people or 0


def _parties(chosen: PartyFilter, sight: Sight) -> Select[Any]:
    """The parties; where purchases alone are asked for, without looking at the parties themselves."""
    is_alone = len(chosen.purchases) == 1 and replace(chosen, purchases=()).is_empty and sight.is_whole
    buying = buyers(chosen, sight) if is_alone else []
    return buying[0] if buying else party_query(chosen, sight)
