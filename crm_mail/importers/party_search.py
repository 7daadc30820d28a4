"""Finding a party by what a person types: its code, its name, or its VAT number."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.tax_numbers import number_forms
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import name_key
from crm_mail.permissions import Actor, Permission

LIMIT = 20
_BETWEEN = " · "


def party_label(party: Party) -> str:
    """How a party is written in the list that is offered: ``000123 · Rossi S.r.l.``"""
    return f"{party.code}{_BETWEEN}{party.name}"


def search_parties(session: Session, actor: Actor, company_id: int, typed: str) -> list[Party]:
    """The parties whose code or name begins with the text, then those that contain it; at most twenty."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    text = name_key(typed)
    query = (
        select(Party)
        .where(Party.company_id == company_id, *visible_parties(actor.sight))
        .order_by(Party.name_key, Party.id)
        .limit(LIMIT)
    )
    if not text:
        return list(session.scalars(query))
    starts = or_(
        Party.code.startswith(typed.strip(), autoescape=True),
        Party.name_key.startswith(text, autoescape=True),
        Party.vat_number.in_(number_forms(typed)),
    )
    found = {party.id: party for party in session.scalars(query.where(starts))}
    if len(found) < LIMIT:
        inside = query.where(Party.search_key.contains(text, autoescape=True))
        found |= {party.id: party for party in session.scalars(inside)}
    return list(found.values())[:LIMIT]


def find_typed_party(session: Session, actor: Actor, company_id: int, typed: str) -> Party | None:
    """The one party that a text means: an offered label, an exact code, VAT number or name; None otherwise."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    text = typed.strip()
    of_company = select(Party).where(Party.company_id == company_id, *visible_parties(actor.sight))
    for code in dict.fromkeys((text, text.split(_BETWEEN)[0].strip())):
        party = session.scalar(of_company.where(Party.code == code))
        if party is not None:
            return party
    for condition in (Party.vat_number.in_(number_forms(text)), Party.name_key == name_key(text)):
        matches = session.scalars(of_company.where(condition).limit(2)).all()
        if len(matches) == 1:
            return matches[0]
    return None
