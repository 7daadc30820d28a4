"""Plain makers of rows: every value has a sensible default, every test overrides what it is about."""

from collections.abc import Iterable
from datetime import date
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import (
    Characteristic,
    Contact,
    ContactAddress,
    Party,
    RecipientKind,
    Subscription,
)
from crm_mail.contacts.values import name_key
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import AddressKind
from crm_mail.delivery.transports import Security
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.permissions import ANY, OUTBOX_PERMISSIONS, Actor, Permission
from crm_mail.users.models import Grant, User

_numbers = count(1)


def make_company(session: Session, **overrides: Any) -> Company:
    number = next(_numbers)
    values = {"code": f"SM{number:02}", "name": f"Officine {number} S.p.A.", "vat_number": f"IT{number:011}"}
    company = Company(**(values | overrides))
    session.add(company)
    session.flush()
    return company


def make_user(session: Session, **overrides: Any) -> User:
    number = next(_numbers)
    values = {
        "email": f"user{number}@office.example",
        "name": f"User {number}",
        "is_admin": False,
        "clearance": 0,
        "language": "en",
    }
    grants = overrides.pop("grants", [])
    areas = overrides.pop("areas", [])
    user = User(**(values | overrides))
    user.grants = [
        Grant(permission=permission, document_type=document_type, company_id=company_id)
        for permission, document_type, company_id in grants
    ]
    user.grants += [
        Grant(permission=permission, document_type=type_, company_id=company_id)
        for permission, type_, company_id in area_grants(areas)
    ]
    session.add(user)
    session.flush()
    return user


def make_actor(
    clearance: int = 3,
    is_admin: bool = True,
    user_id: int | None = None,
    areas: Iterable[Permission] = (),
    **overrides: Any,
) -> Actor:
    values = {"name": "Anna Test", "email": "anna@office.example"} | overrides
    values["grants"] = frozenset({*values.get("grants", ()), *area_grants(areas)})
    return Actor(user_id, clearance=clearance, is_admin=is_admin, **values)


def area_grants(areas: Iterable[Permission]) -> list[tuple[Permission, str, int | None]]:
    """Rights of areas in every company; who keeps the contacts brings documents in and takes lists away as well."""
    grants: list[tuple[Permission, str, int | None]] = [(permission, "", None) for permission in areas]
    if Permission.CONTACTS_MANAGE in areas:
        grants += [(Permission.DOCUMENTS_MANAGE, ANY, None), (Permission.CONTACTS_EXPORT, "", None)]
    return grants


def outbox_grants(company_id: int | None = None, document_type: str = ANY) -> frozenset[Any]:
    permissions = (*OUTBOX_PERMISSIONS, Permission.DOCUMENTS_EXPORT)
    return frozenset((permission, document_type, company_id) for permission in permissions)


def make_party(session: Session, company: Company, **overrides: Any) -> Party:
    number = next(_numbers)
    values = {"code": f"{number:06}", "name": f"Cliente {number} S.r.l."}
    values |= overrides
    party = Party(company_id=company.id, name_key=name_key(str(values["name"])), **values)
    session.add(party)
    session.flush()
    return party


def make_contact(
    session: Session,
    party: Party,
    addresses: tuple[tuple[str, str], ...] | None = None,
    subscriptions: tuple[str, ...] = (),
    characteristics: dict[str, str] | None = None,
    **overrides: Any,
) -> Contact:
    """``subscriptions`` such as ``("invoice", "account_statement:cc")``; ``addresses`` as (email, kind)."""
    number = next(_numbers)
    values = {"name": f"Contact {number}"} | overrides
    if addresses is None:
        addresses = ((f"contact{number}@customer.example", "ordinary"),)
    contact = Contact(
        company_id=party.company_id, party_id=party.id, name_key=name_key(str(values["name"])), **values
    )
    contact.addresses = [
        ContactAddress(email=email, kind=AddressKind(kind), position=position)
        for position, (email, kind) in enumerate(addresses)
    ]
    contact.characteristics = [Characteristic(key=k, value=v) for k, v in (characteristics or {}).items()]
    for subscription in subscriptions:
        document_type, _, kind = subscription.partition(":")
        contact.subscriptions.append(
            Subscription(document_type=document_type, recipient_kind=RecipientKind(kind or "to"))
        )
    session.add(contact)
    session.flush()
    return contact


def make_document(
    session: Session, party: Party, files: tuple[tuple[str, str, int], ...] | None = None, **overrides: Any
) -> Document:
    """``files`` as (name, sha256, size)."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "type": DocumentType.INVOICE,
        "number": str(number),
        "dated_on": date(2026, 11, 2),
        "is_mailable": True,
    }
    values |= overrides
    document_type = DocumentType(values.pop("type"))
    values.setdefault("natural_key", f"{document_type}/{values['dated_on'].year}//{values['number']}")
    document = Document(company_id=party.company_id, party_id=party.id, type=document_type, **values)
    if files is None:
        files = ((f"invoice-{number}.pdf", f"{number:064x}", 1000),)
    document.files = [
        DocumentFile(position=i, role="main", name=name, mime="application/pdf", sha256=sha256, size=size)
        for i, (name, sha256, size) in enumerate(files)
    ]
    session.add(document)
    session.flush()
    return document


def make_account(session: Session, company: Company, **overrides: Any) -> SenderAccount:
    number = next(_numbers)
    values: dict[str, Any] = {
        "name": f"Account {number}",
        "kind": AccountKind.SMTP,
        "host": "127.0.0.1",
        "port": 25,
        "security": Security.NONE,
        "from_address": f"office{number}@office.example",
        "is_default": True,
    }
    account = SenderAccount(company_id=company.id, **(values | overrides))
    session.add(account)
    session.flush()
    return account
