"""Contacts as vCards 4.0 (RFC 6350), of the parties and the people that a person may see."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.bulk import Picked
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.contact_birthdays import birthday_of
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.delivery.routing import AddressKind
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission

AT_ONCE = 500
OCTETS = 75
"""Of a line, without its end (RFC 6350 3.2)."""


def export_vcards(session: Session, actor: Actor, picked: Picked) -> Iterator[str]:
    """A card for each active contact of the parties picked, by party and name."""
    actor.require(Permission.CONTACTS_EXPORT, picked.chosen.company_id)
    query = (
        select(Contact.id)
        .where(Contact.party_id.in_(picked.query(actor.sight)), visible_contacts(actor.sight))
        .where(Contact.company_id == picked.chosen.company_id, Contact.state == ContactState.ACTIVE)
        .order_by(Contact.party_id, Contact.name_key, Contact.id)
    )
    ids = list(session.scalars(query))
    note_many_read(session, actor, ids, Way.EXPORT)
    for part in chunks(ids, AT_ONCE):
        found = session.execute(
            select(Contact, Party)
            .join(Party, Party.id == Contact.party_id)
            .where(Contact.id.in_(part))
            .order_by(Contact.party_id, Contact.name_key, Contact.id)
        )
        yield from (as_vcard(contact, party) for contact, party in found)


def as_vcard(contact: Contact, party: Party) -> str:
    """One contact; the name is not divided into its parts, which are not known."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"FN:{_text(contact.name)}", f"ORG:{_text(party.name)}"]
    for place, address in enumerate(contact.addresses, 1):
        group = f"pec{place}." if address.kind is AddressKind.PEC else ""
        lines.append(f"{group}EMAIL;PREF={min(place, 100)}:{_text(address.email)}")
        lines += [f"{group}X-ABLabel:PEC"] if group else []
    lines += [f'TEL;TYPE="voice,work":{_text(contact.phone)}'] if contact.phone else []
    lines += [f'TEL;TYPE="voice,cell":{_text(contact.mobile)}'] if contact.mobile else []
    if any((party.address, party.city, party.postcode, party.province, party.country)):
        parts = ("", "", party.address, party.city, party.province, party.postcode, party.country)
        lines.append("ADR;TYPE=work:" + ";".join(_text(part) for part in parts))
    birthday = birthday_of(contact)
    if birthday is not None:  # in the basic form, which RFC 6350 4.3.1 allows without a year too
        year = f"{birthday.year:04}" if birthday.year else "--"
        lines.append(f"BDAY:{year}{birthday.month:02}{birthday.day:02}")
    language = contact.language or party.language
    lines += [f"LANG:{language}"] if language else []
    tags = [f"{one.key}={one.value}" if one.value else one.key for one in contact.characteristics]
    lines += ["CATEGORIES:" + ",".join(_text(tag) for tag in tags)] if tags else []
    lines.append("END:VCARD")
    return "".join(_folded(lines))


def _text(value: str) -> str:
    """With what has a meaning in vCards escaped (RFC 6350 3.4)."""
    for sign in ("\\", ",", ";"):
        value = value.replace(sign, f"\\{sign}")
    return "\\n".join(value.splitlines())


def _folded(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        present, size = "", 0
        for character in line:
            octets = len(character.encode())
            if size + octets > OCTETS:
                yield present + "\r\n"
                present, size = " ", 1
            present += character
            size += octets
        yield present + "\r\n"
