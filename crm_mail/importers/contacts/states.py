"""The contacts that a batch of rows may mean, read with a few statements.

Only what exists for the actor is read: a contact above the clearance is as if it were not there, so a row about
it makes a contact of its own instead of changing, or betraying, the hidden one (IT-17).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import (
    Characteristic,
    Contact,
    ContactAddress,
    ContactState,
    RecipientKind,
    Subscription,
    contact_roles,
)
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.contacts.party_merge import CHUNK, PartyState
from crm_mail.many_rows import chunks
from crm_mail.permissions import Sight

BIRTHDAY: Final = ("birth_month", "birth_day", "birth_year")
COLUMNS: Final = ("name", "name_key", "phone", "mobile", "language", "privacy_level", "state", *BIRTHDAY)


@dataclass(slots=True, eq=False)
class AddressItem:
    """An address as it will be; `stored` is its (kind, position), None when it is new."""

    email: str
    kind: AddressKind
    position: int
    id: int = 0
    stored: tuple[AddressKind, int] | None = None


@dataclass(slots=True, eq=False)
class SubscriptionItem:
    """A subscription as it will be; `kind` None: it goes."""

    kind: RecipientKind | None
    id: int = 0
    stored: RecipientKind | None = None
    email: str = ""  # by this address; empty: the contact's usual one


@dataclass(slots=True, eq=False)
class TagItem:
    """A characteristic as it will be."""

    value: str
    id: int = 0
    stored: str | None = None


@dataclass(slots=True, eq=False)
class ContactItem:
    """A contact as it will be, with everything that hangs on it."""

    party: PartyState
    values: dict[str, Any]
    stored: dict[str, Any] | None = None
    id: int = 0
    addresses: dict[str, AddressItem] = field(default_factory=dict)  # by address_key, in order
    subscriptions: dict[str, SubscriptionItem] = field(default_factory=dict)  # by document type
    tags: dict[str, list[TagItem]] = field(default_factory=dict)  # by key
    roles: set[int] = field(default_factory=set)
    new_roles: set[int] = field(default_factory=set)
    told: dict[str, Any] | None = None  # its values after the last row that changed it, see `changes`

    def changes(self) -> dict[str, Any]:
        """The columns that differ from what is stored."""
        if self.stored is None:
            return self.values
        stored = self.stored
        return {name: value for name, value in self.values.items() if stored[name] != value}

    @property
    def is_changed(self) -> bool:
        """Whether anything will be different."""
        return (
            self.stored is None
            or self.values != self.stored
            or bool(self.new_roles)
            or any(item.stored != (item.kind, item.position) for item in self.addresses.values())
            or any(item.stored != item.kind for item in self.subscriptions.values())
            or any(item.stored != item.value for items in self.tags.values() for item in items)
        )


@dataclass(slots=True)
class ContactBatch:
    """The contacts by what a row may know of them, within their party."""

    by_name: dict[tuple[int, str], list[ContactItem]] = field(default_factory=dict)
    by_address: dict[tuple[int, str], list[ContactItem]] = field(default_factory=dict)
    items: list[ContactItem] = field(default_factory=list)
    spoken: dict[int, ContactItem] = field(default_factory=dict)  # those that a row meant, by identity

    def remember(self, item: ContactItem) -> None:
        """Make a contact findable by its name and addresses."""
        self.items.append(item)
        self.by_name.setdefault((id(item.party), item.values["name_key"]), []).append(item)
        for key in item.addresses:
            self.by_address.setdefault((id(item.party), key), []).append(item)


def load_contacts(
    session: Session,
    sight: Sight,
    parties: dict[int, PartyState],
    names: Iterable[str],
    addresses: Iterable[str],
) -> ContactBatch:
    """Read the visible contacts of `parties` (by id) that have one of the names or addresses (keys of either)."""
    batch = ContactBatch()
    if not parties:
        return batch
    found: set[int] = set()
    name_list, address_list = sorted(set(names)), sorted(set(addresses))
    for ids in chunks(parties, CHUNK):
        of_parties = (Contact.party_id.in_(ids), visible_contacts(sight))
        if name_list:
            found.update(
                session.scalars(select(Contact.id).where(*of_parties, Contact.name_key.in_(name_list)))
            )
        if address_list:
            query = select(Contact.id).join(ContactAddress, ContactAddress.contact_id == Contact.id)
            query = query.where(*of_parties, func.lower(ContactAddress.email).in_(address_list))
            found.update(session.scalars(query))
    items = _read_items(session, found, parties)
    _read_details(session, items)
    for item in items.values():
        batch.remember(item)
    return batch


def subscribed_types(session: Session, sight: Sight, party_ids: Iterable[int]) -> dict[int, set[str]]:
    """The document types that some visible, active contact of each party receives."""
    found: dict[int, set[str]] = {}
    for ids in chunks(party_ids, CHUNK):
        query = (
            select(Contact.party_id, Subscription.document_type)
            .join(Subscription, Subscription.contact_id == Contact.id)
            .where(Contact.party_id.in_(ids), visible_contacts(sight))
            .where(Contact.state == ContactState.ACTIVE)
            .distinct()
        )
        for party_id, document_type in session.execute(query):
            found.setdefault(party_id, set()).add(document_type)
    return found


def _read_items(session: Session, found: set[int], parties: dict[int, PartyState]) -> dict[int, ContactItem]:
    table = Contact.__table__.c
    items: dict[int, ContactItem] = {}
    for ids in chunks(sorted(found), CHUNK):
        query = select(table.id, table.party_id, *(table[name] for name in COLUMNS)).where(table.id.in_(ids))
        for contact_id, party_id, *rest in session.execute(query.order_by(table.id)):
            stored = dict(zip(COLUMNS, rest, strict=True))
            items[contact_id] = ContactItem(parties[party_id], dict(stored), stored, contact_id)
    return items


def _read_details(session: Session, items: dict[int, ContactItem]) -> None:
    address, tag, held = ContactAddress.__table__.c, Characteristic.__table__.c, Subscription.__table__.c
    for ids in chunks(items, CHUNK):
        query = select(address.contact_id, address.id, address.email, address.kind, address.position)
        query = query.where(address.contact_id.in_(ids)).order_by(address.position, address.id)
        emails: dict[int, str] = {}
        for owner, row_id, email, kind, position in session.execute(query):
            emails[row_id] = email
            stored = AddressItem(email, kind, position, row_id, (kind, position))
            items[owner].addresses[address_key(email)] = stored
        tags = select(tag.contact_id, tag.id, tag.key, tag.value).where(tag.contact_id.in_(ids))
        for owner, row_id, key, value in session.execute(tags.order_by(tag.id)):
            items[owner].tags.setdefault(key, []).append(TagItem(value, row_id, value))
        types = select(held.contact_id, held.id, held.document_type, held.recipient_kind, held.address_id)
        for owner, row_id, kind_of, how, by in session.execute(types.where(held.contact_id.in_(ids))):
            items[owner].subscriptions[kind_of] = SubscriptionItem(how, row_id, how, emails.get(by, ""))
        roles = select(contact_roles.c.contact_id, contact_roles.c.role_id)
        for owner, role_id in session.execute(roles.where(contact_roles.c.contact_id.in_(ids))):
            items[owner].roles.add(role_id)
