"""Whose document it is: the party found by tax number, code or name, or made from what the document says."""

from dataclasses import replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.tax_numbers import clean_number, number_forms, number_in_code
from crm_mail.contacts.finding.matching import match_party
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import name_key
from crm_mail.document_types import DocumentType
from crm_mail.importers.base import Direction, DocumentParty, ParsedDocument
from crm_mail.permissions import Actor

PAYROLL_CODE: Final = "NOMINA"


def find_or_make_party(session: Session, actor: Actor, company: Company, parsed: ParsedDocument) -> Party:
    """The party of a document whose direction is known: by tax number, then code, then name; else a new one."""
    stated, direction, code = parsed.party, parsed.direction, parsed.party_code or ""
    assert stated is not None  # the direction was decided before
    if parsed.privacy_level and parsed.canonical is None:
        return _payroll_party(session, actor, company)
    if parsed.generic_tax_id is not None and stated.vat_number == parsed.generic_tax_id:
        stated = replace(stated, vat_number=None)  # it would match every other customer without an RFC
    if parsed.canonical is not None and code:  # our own program wrote it: its code is not a stranger's word
        known = match_party(session, company.id, code=code)
        if known is not None:
            return _learnt(session, actor, session.get_one(Party, known.party_id), stated, parsed.source)
    found = match_party(
        session, company.id, vat_number=stated.vat_number or "", tax_code=stated.tax_code or "", code=code
    )
    if found is not None:
        party = session.get_one(Party, found.party_id)
        if found.by != "code":
            return party
        if _may_be(party, stated):
            return _learnt(session, actor, party, stated, parsed.source)
        code = ""  # the code is another's here: a tax number says more
    if not (stated.vat_number or stated.tax_code or code):
        named = _find_by_name(session, company.id, stated.name or "")
        if named is not None:
            return named
    name = stated.name or stated.vat_number or stated.tax_code or "?"
    number = stated.vat_number or ("" if stated.tax_code else number_in_code(code))
    party = Party(
        company_id=company.id,
        code=code[:50] or _free_code(session, company.id, stated),
        name=name[:250],
        name_key=name_key(name[:250]),
        is_customer=direction is not Direction.SUPPLIER,
        is_supplier=direction is Direction.SUPPLIER,
        vat_number=clean_number(number)[:30],  # as it is kept everywhere, and found again
        tax_code=clean_number(stated.tax_code or "")[:30],
        address=(stated.address or "")[:200],
        postcode=(stated.postcode or "")[:20],
        city=(stated.city or "")[:100],
        province=(stated.province or "")[:50],
        country=(stated.country or "")[:2],
        language=_language(stated.country),
        packaging=_packaging(company, parsed),
    )
    return _keep(session, actor, party, parsed.source)


def _payroll_party(session: Session, actor: Actor, company: Company) -> Party:
    """The one party under which payroll slips are kept: no employee becomes a contact by them."""
    query = select(Party).where(Party.company_id == company.id, Party.code == PAYROLL_CODE)
    found = session.scalar(query)
    if found is not None:
        return found
    party = Party(
        company_id=company.id,
        code=PAYROLL_CODE,
        name="Nómina",
        name_key="nomina",
        is_customer=False,
        is_supplier=False,
        is_blocked=True,  # a second lock: nothing is ever sent to it
    )
    return _keep(session, actor, party, "cfdi")


def _keep(session: Session, actor: Actor, party: Party, source: str) -> Party:
    session.add(party)
    session.flush()
    audit.record(
        session,
        actor,
        "contacts.party.created",
        company_id=party.company_id,
        subject=party,
        label=f"{party.code} {party.name}",
        source=source,
    )
    return party


def _packaging(company: Company, parsed: ParsedDocument) -> str:
    """The packaging of a new customer; one born at the till gets the company's choice (PM-20: POS_CLI_CFD_EMP)."""
    chosen = company.till_packaging if parsed.type == DocumentType.RECEIPT else ""
    return chosen or DEFAULT_PACKAGING


def _learnt(session: Session, actor: Actor, party: Party, stated: DocumentParty, source: str) -> Party:
    """A party known by its code, with the numbers that its card lacks: the next file may know only those."""
    if not _may_be(party, stated):
        return party
    told = {"vat_number": stated.vat_number, "tax_code": stated.tax_code}
    learnt = {
        name: clean_number(value)[:30] for name, value in told.items() if value and not getattr(party, name)
    }
    for name, value in learnt.items():
        setattr(party, name, value)
    if learnt:
        audit.record(
            session,
            actor,
            "contacts.party.updated",
            company_id=party.company_id,
            subject=party,
            label=f"{party.code} {party.name}",
            before=dict.fromkeys(learnt, ""),
            after=learnt,
            source=source,
        )
    return party


def _may_be(party: Party, stated: DocumentParty) -> bool:
    """Whether a party found by its code alone can be the one stated: their tax numbers do not contradict."""
    if not (stated.vat_number and party.vat_number):
        return True
    return bool(number_forms(stated.vat_number) & number_forms(party.vat_number))


def _language(country: str | None) -> str:
    """The language of a party learnt from an invoice: its country's, where we speak it; else the company's."""
    speaks = {"IT": "it", "SM": "it", "ES": "es", "MX": "es", "AR": "es", "PY": "es", "CL": "es", "CO": "es"}
    known = speaks.get((country or "").upper())
    return known or ("en" if country else "")


def _find_by_name(session: Session, company_id: int, name: str) -> Party | None:
    return session.scalar(
        select(Party).where(Party.company_id == company_id, Party.name_key == name_key(name)).limit(1)
    )


def _free_code(session: Session, company_id: int, stated: DocumentParty) -> str:
    """A code for a party the ERP did not name: its VAT number or tax code, numbered when taken."""
    base = (stated.vat_number or stated.tax_code or "NEW").replace(" ", "")[:50]
    query = select(Party.code).where(
        Party.company_id == company_id, Party.code.startswith(base, autoescape=True)
    )
    taken = set(session.scalars(query))
    code, number = base, 1
    while code in taken:
        number += 1
        code = f"{base}-{number}"
    return code
