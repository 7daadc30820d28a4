"""Addresses that documents state for their buyer become suggested contacts, which a person confirms.

A PEC often belongs to an accountant or an intermediary, and the e-mail of an invoice (BT-58) to a person who left:
neither ever receives anything before somebody has looked at it.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.contacts.values import name_key
from crm_mail.delivery.addresses import AddressInvalid, normalise_address
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.base import Direction, ParsedDocument

SUGGESTION_SOURCE: Final = "fatturapa:PECDestinatario"


def suggest_addresses(session: Session, party: Party, parsed: ParsedDocument) -> int:
    """Keep the addresses that a document states for its buyer as suggestions; how many are new."""
    if parsed.direction is not Direction.CUSTOMER:
        return 0
    found = 0
    if parsed.suggested_pec:
        found += _suggest(session, party, parsed.suggested_pec, AddressKind.PEC, "PEC", SUGGESTION_SOURCE)
    if parsed.suggested_email:
        source = f"{parsed.source}:buyer-email"
        name = parsed.buyer.name or party.name
        found += _suggest(session, party, parsed.suggested_email, AddressKind.UNKNOWN, name, source)
    return found


def _suggest(session: Session, party: Party, email: str, kind: AddressKind, name: str, source: str) -> bool:
    """Keep an address of an invoice as a suggestion that a person confirms; whether it is new."""
    try:
        address = normalise_address(email)
    except AddressInvalid:
        return False
    known = (
        select(ContactAddress.id)
        .join(Contact)
        .where(Contact.party_id == party.id, ContactAddress.email == address)
    )
    if session.scalar(known.limit(1)) is not None or address in (party.email, party.billing_email):
        return False
    contact = Contact(
        company_id=party.company_id,
        party_id=party.id,
        name=name[:200],
        name_key=name_key(name[:200]),
        state=ContactState.SUGGESTED,
        source=source[:60],
        addresses=[ContactAddress(email=address, kind=kind)],
    )
    session.add(contact)
    session.flush()
    return True
