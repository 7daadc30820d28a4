"""Contacts of parties."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from crm_mail.api.operations import Answer, Given, Reply, Taken
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.parties import party_or_404
from crm_mail.api.problems import not_found, wrong
from crm_mail.api.resources import (
    CompanyPageQuery,
    Page,
    RowId,
    actor,
    company_by_code,
    company_codes,
    dump,
    interface,
)
from crm_mail.contacts import people
from crm_mail.contacts.access import find_contact
from crm_mail.contacts.confidential import Way, note_many_read, note_reading
from crm_mail.contacts.contact_birthdays import birthday_of
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Contact, ContactState, RecipientKind, Role
from crm_mail.contacts.values import AddressValues, ContactValues
from crm_mail.delivery.routing import AddressKind
from crm_mail.permissions import Permission
from crm_mail.web.door import db

TAG = "Contacts"
Line = Annotated[str, Field(max_length=200)]
SETTABLE = frozenset({ContactState.ACTIVE, ContactState.INACTIVE})


class Address(Taken):
    """An address and what is known of it. ``kind`` is never guessed: `unknown` is asked at commit."""

    email: Annotated[str, Field(max_length=254, examples=["anna@rossi.example"])]
    kind: AddressKind = AddressKind.UNKNOWN


class AddressOut(Given):
    """An address of a contact."""

    email: str
    kind: AddressKind


class ContactFields(Taken):
    """What can be said of a contact."""

    name: Line = Field("", examples=["Anna Bianchi"])
    roles: list[Line] = Field([], max_length=50, description="Names of the company's list of roles.")
    phone: Line = ""
    mobile: Line = ""
    language: Line = Field("", description="Two letters; empty: the party's.")
    privacy_level: int = Field(0, ge=0, le=3)
    state: ContactState = Field(ContactState.ACTIVE, description="`active` or `inactive` can be set.")
    notes: Annotated[str, Field(max_length=10_000)] = ""
    birthday: Line = Field("", examples=["1980-03-31"])
    addresses: list[Address] = Field([], max_length=50, description="The first of a kind is used.")
    characteristics: list[Line] = Field([], max_length=200, examples=[["sector=food", "fair-2026"]])


class NewContact(ContactFields):
    """A new person or office of a party."""

    party_id: RowId
    name: Annotated[str, Field(min_length=1, max_length=200)]


class ContactChange(ContactFields):
    """What is to be different; fields that are left out stay, lists are replaced as a whole."""


class SubscriptionOut(Given):
    """A contact receives documents of a type."""

    document_type: str
    kind: RecipientKind
    email: str = Field(description="One of the contact's addresses; empty: the usual one.")


class ContactOut(Given):
    """A person or an office of a party."""

    id: int
    company: str
    party_id: int
    name: str
    roles: list[str]
    phone: str
    mobile: str
    language: str
    privacy_level: int
    state: ContactState
    notes: str
    birthday: str
    addresses: list[AddressOut]
    characteristics: list[str]
    subscriptions: list[SubscriptionOut]
    created_at: datetime
    updated_at: datetime


class ContactQuery(CompanyPageQuery):
    """Which contacts."""

    party_id: RowId | None = None
    state: ContactState | None = None
    email: str = Field("", max_length=254, description="With this very address.")


class ContactRemoval(Given):
    """What became of a contact."""

    removal: people.Removal = Field(
        description="`kept_inactive`: messages were written to it; it is switched off."
    )


def shown_subscriptions(contact: Contact) -> list[SubscriptionOut]:
    """What a contact receives."""
    emails = {address.id: address.email for address in contact.addresses}
    return [
        SubscriptionOut(
            document_type=one.document_type,
            kind=one.recipient_kind,
            email=emails.get(one.address_id or 0, ""),
        )
        for one in sorted(contact.subscriptions, key=lambda row: row.document_type)
    ]


def shown_contact(contact: Contact, company: str) -> ContactOut:
    """A contact as it is answered."""
    own = ("id", "party_id", "name", "phone", "mobile", "language", "privacy_level", "state", "notes")
    born = birthday_of(contact)
    return ContactOut(
        **{name: getattr(contact, name) for name in (*own, "created_at", "updated_at")},
        company=company,
        roles=[role.name for role in contact.roles],
        birthday=born.as_text() if born else "",
        addresses=[AddressOut(email=one.email, kind=one.kind) for one in contact.addresses],
        characteristics=[f"{c.key}={c.value}" if c.value else c.key for c in contact.characteristics],
        subscriptions=shown_subscriptions(contact),
    )


def contact_or_404(contact_id: int) -> Contact:
    """The contact, if it exists for the key."""
    contact = find_contact(db(), actor(), contact_id)
    if contact is None:
        raise not_found("contact", contact_id)
    note_reading(db(), actor(), [contact.id], Way.INTERFACE)
    return contact


@interface.operation(
    "GET",
    "/contacts",
    tag=TAG,
    scope=Permission.CONTACTS_SEE,
    query=ContactQuery,
    answers=[Answer(200, "A page, in the order of their making.", Page[ContactOut])],
    refusals=[404],
)
def list_contacts(query: ContactQuery) -> Page[ContactOut]:
    """Contacts of a company, or of one party."""
    company = company_by_code(query.company, Permission.CONTACTS_SEE)
    found = select(Contact).where(
        Contact.company_id == company.id,
        Contact.state != ContactState.ERASED,
        visible_contacts(actor().sight),
    )
    if query.party_id is not None:
        found = found.where(Contact.party_id == party_or_404(query.party_id).id)
    if query.state is not None:
        found = found.where(Contact.state == query.state)
    if query.email:
        found = found.where(Contact.addresses.any(email_key=query.email.lower()))
    if (last := read_id_cursor("contacts", query.after)) is not None:
        found = found.where(Contact.id > last)
    rows, more = cut(db().scalars(found.order_by(Contact.id).limit(query.limit + 1)).all(), query.limit)
    note_many_read(db(), actor(), [row.id for row in rows], Way.INTERFACE)
    return Page[ContactOut](
        data=[shown_contact(row, company.code) for row in rows],
        next=write_cursor("contacts", rows[-1].id) if more else None,
    )


@interface.operation(
    "POST",
    "/contacts",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    body=NewContact,
    answers=[Answer(201, "The new contact.", ContactOut, has_location=True)],
    refusals=[404, 409],
)
def create_contact(body: NewContact) -> Reply:
    """Add a person or an office to a party."""
    party = party_or_404(body.party_id)
    contact = people.create_contact(db(), actor(), party, _values(body, party.company_id))
    db().flush()
    db().refresh(contact)
    shown = shown_contact(contact, company_codes()[contact.company_id])
    return Reply(shown, 201, {"Location": f"/api/v1/contacts/{contact.id}"})


@interface.operation(
    "GET",
    "/contacts/<int:contact_id>",
    tag=TAG,
    scope=Permission.CONTACTS_SEE,
    answers=[Answer(200, "The contact.", ContactOut)],
    refusals=[404],
)
def show_contact(contact_id: int) -> ContactOut:
    """One contact."""
    contact = contact_or_404(contact_id)
    return shown_contact(contact, company_codes()[contact.company_id])


@interface.operation(
    "PATCH",
    "/contacts/<int:contact_id>",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    body=ContactChange,
    answers=[Answer(200, "The contact as it is now.", ContactOut)],
    refusals=[404, 409],
)
def change_contact(contact_id: int, body: ContactChange) -> ContactOut:
    """Change a contact."""
    contact = contact_or_404(contact_id)
    people.update_contact(db(), actor(), contact, _values(body, contact.company_id, contact))
    db().flush()
    return shown_contact(contact, company_codes()[contact.company_id])


@interface.operation(
    "DELETE",
    "/contacts/<int:contact_id>",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    answers=[Answer(200, "What became of it.", ContactRemoval)],
    refusals=[404, 409],
)
def delete_contact(contact_id: int) -> ContactRemoval:
    """Delete a contact; one that messages were written to becomes inactive instead."""
    contact = contact_or_404(contact_id)
    return ContactRemoval(removal=people.delete_contact(db(), actor(), contact))


def _values(body: ContactFields, company_id: int, before: Contact | None = None) -> ContactValues:
    """The values as typed: those of the request over those that are stored; subscriptions stay."""
    given = dump(body) if before is not None else body.model_dump()
    values = ContactFields().model_dump() if before is None else shown_contact(before, "").model_dump()
    values |= given
    if (
        "state" in given
        and given["state"] not in SETTABLE
        and (before is None or before.state != given["state"])
    ):
        raise wrong("state", f"{given['state']} cannot be set", "give active or inactive")
    if before is not None and before.state is ContactState.RESTRICTED and "state" in given:
        raise wrong("state", "the contact is restricted", "who manages privacy lifts it")
    return ContactValues(
        name=values["name"],
        role_ids=_role_ids(company_id, values["roles"]),
        addresses=tuple(AddressValues(one["email"], one["kind"]) for one in values["addresses"]),
        characteristics=tuple(values["characteristics"]),
        **{
            name: values[name]
            for name in ("phone", "mobile", "language", "privacy_level", "state", "notes", "birthday")
        },
    )


def _role_ids(company_id: int, names: list[str]) -> tuple[int, ...]:
    known = {
        name: id_
        for id_, name in db().execute(select(Role.id, Role.name).where(Role.company_id == company_id))
    }
    missing = [name for name in names if name not in known]
    if missing:
        raise wrong(
            "roles",
            f"the company has no role {missing[0]}",
            f"give some of: {', '.join(sorted(known)) or 'none'}",
        )
    return tuple(known[name] for name in dict.fromkeys(names))
