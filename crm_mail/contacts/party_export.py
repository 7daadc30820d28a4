"""Parties as rows of a spreadsheet, with the addresses that the person may see."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.bulk import Picked
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.finding.listing import read_rows
from crm_mail.contacts.models import Contact, Party
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission

AT_ONCE = 500
Cell = str | int | datetime | None


def export_parties(session: Session, actor: Actor, picked: Picked) -> Iterator[list[Cell]]:
    """One row for each party, by code: see `contacts.bulk_views` for the columns' names."""
    company_id = picked.chosen.company_id
    actor.require(Permission.CONTACTS_EXPORT, company_id)
    ids = list(
        session.scalars(
            select(Party.id).where(Party.id.in_(picked.query(actor.sight))).order_by(Party.code, Party.id)
        )
    )
    shown = select(Contact.id).where(
        Contact.party_id.in_(picked.query(actor.sight)), visible_contacts(actor.sight)
    )
    note_many_read(session, actor, shown, Way.EXPORT)
    for part in chunks(ids, AT_ONCE):
        found = session.scalars(select(Party).where(Party.id.in_(part)).order_by(Party.code, Party.id)).all()
        for row in read_rows(session, actor, company_id, found):
            party = row.party
            yield [
                party.code,
                party.name,
                party.vat_number,
                party.tax_code,
                "x" if party.is_customer else "",
                "x" if party.is_supplier else "",
                party.agent,
                party.zone,
                party.category,
                party.address,
                party.postcode,
                party.city,
                party.province,
                party.country,
                row.language,
                row.contact_count,
                ", ".join(dict.fromkeys(address.email for address in row.addresses)),
                "x" if party.is_blocked else "",
            ]


def record_export(session: Session, actor: Actor, company_id: int, kind: str, count: int) -> None:
    """Tell the audit that personal data left as a file."""
    audit.record(
        session,
        actor,
        "contacts.parties.exported",
        company_id=company_id,
        label=kind,
        kind=kind,
        count=count,
    )
