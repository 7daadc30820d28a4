"""The fields that texts may name, read from a company and a party; what every message of a company shares."""

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.db import today
from crm_mail.documents.message_context import (
    PARTY_FIELDS,
    CompanyFields,
    PartyFields,
    SenderFields,
    SharedContext,
    share_context,
)
from crm_mail.permissions import Actor
from crm_mail.users.models import User


def company_fields(company: Company) -> CompanyFields:
    """The company's own data as placeholders name them."""
    return CompanyFields(
        code=company.code,
        name=company.name,
        vat_number=company.vat_number,
        address=company.address,
        postcode=company.postcode,
        city=company.city,
        province=company.province,
        country=company.country,
        email=company.email,
        phone=company.phone,
        website=company.website,
    )


def party_fields(party: Party) -> PartyFields:
    """The party's data as placeholders name them."""
    fields: PartyFields = {name: getattr(party, name) for name in PARTY_FIELDS}  # type: ignore[assignment]
    return fields


def shared_context(session: Session, company: Company, signer: Actor | User) -> SharedContext:
    """The part of the context that is the same in every message, signed by this person."""
    sender = SenderFields(name=signer.name, email=signer.email)
    names = company_types(session, company.id).names
    return share_context(company_fields(company), sender, today(), names)
