"""What is stored of the customers that rows name, read a few thousand at a time, whatever the number of rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.delivery.addresses import address_key
from crm_mail.document_types import DocumentType
from crm_mail.many_rows import among, chunks
from crm_mail.permissions import Actor, Permission, Sight

STATEMENT = DocumentType.ACCOUNT_STATEMENT.value
SOURCE = "catalogue"
USABLE = (ContactState.ACTIVE, ContactState.SUGGESTED)
AT_ONCE = 5000
"""Values in one statement: what both databases take as parameters."""


@dataclass(slots=True)
class KnownContact:
    """An address of a contact that the actor may see and that a row could subscribe."""

    contact_id: int
    address_id: int
    state: ContactState
    level: int


@dataclass(slots=True)
class Customer:
    """A customer as the rules need it.

    Args:
        receiving: keys of the addresses that receive, as far as the actor may know.
        held: keys of addresses that receive through a contact above the clearance: never told, never doubled.
        free: key → a contact with that address that is not subscribed.
        made: keys of addresses that this room made for a held one.
    """

    id: int
    company_id: int
    code: str
    name: str
    is_customer: bool
    is_blocked: bool
    email: str
    billing_email: str
    packaging_emails: str
    is_entered: bool = False
    receiving: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    free: dict[str, KnownContact] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    @property
    def own_address(self) -> str:
        """Who receives when nobody is subscribed (PM-15)."""
        return self.billing_email or self.packaging_emails or self.email


def load_customers(
    session: Session, actor: Actor, company_id: int, codes: Collection[str]
) -> dict[str, Customer]:
    """Code → customer or supplier of a company."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    found: dict[str, Customer] = {}
    for part in chunks(sorted(set(codes)), AT_ONCE):
        query = (
            _columns()
            .where(
                Party.company_id == company_id,
                among(session, Party.code, part),
                *visible_parties(actor.sight),
            )
            .order_by(Party.id)
        )
        for row in session.execute(query):
            found[row.code] = Customer(*row)
    by_id = {customer.id: customer for customer in found.values()}
    for ids in chunks(by_id, AT_ONCE):
        _read_contacts(session, actor, by_id, ids)
        entered = select(CatalogueEntry.party_id).where(among(session, CatalogueEntry.party_id, ids))
        for id_ in session.scalars(entered):
            by_id[id_].is_entered = True
    return found


def _columns() -> Select[int, int, str, str, bool, bool, str, str, str]:
    return select(
        Party.id,
        Party.company_id,
        Party.code,
        Party.name,
        Party.is_customer,
        Party.is_blocked,
        Party.email,
        Party.billing_email,
        Party.packaging_emails,
    )


def _read_contacts(session: Session, actor: Actor, by_id: dict[int, Customer], ids: Iterable[int]) -> None:
    """One row for each address, the first of a contact first. Those above the clearance count as held only."""
    query = (
        select(
            Contact.party_id,
            Contact.id,
            Contact.state,
            Contact.source,
            Contact.privacy_level,
            ContactAddress.id.label("address_id"),
            ContactAddress.email,
            Subscription.id.label("subscription_id"),
            Subscription.address_id.label("chosen_id"),
        )
        .join(ContactAddress, ContactAddress.contact_id == Contact.id)
        .outerjoin(
            Subscription,
            (Subscription.contact_id == Contact.id) & (Subscription.document_type == STATEMENT),
        )
        .where(among(session, Contact.party_id, ids))
        .order_by(Contact.party_id, Contact.id, ContactAddress.position, ContactAddress.id)
    )
    served: set[int] = set()
    for row in session.execute(query):
        _take(by_id[row.party_id], row, row.id not in served, actor.sight)
        if not row.chosen_id or row.chosen_id == row.address_id:
            served.add(row.id)


def _take(
    customer: Customer,
    row: Row[int, int, ContactState, str, int, int, str, int | None, int | None],
    is_first: bool,
    sight: Sight,
) -> None:
    key = address_key(row.email)
    receives = row.subscription_id is not None and row.state is ContactState.ACTIVE
    if row.privacy_level > sight.clearance:
        if receives and (row.chosen_id is None or row.chosen_id == row.address_id):
            customer.held.add(key)
    elif receives:
        if row.chosen_id == row.address_id or (row.chosen_id is None and is_first):
            customer.receiving.add(key)
    elif row.state in USABLE or (row.state is ContactState.INACTIVE and row.source == SOURCE):
        customer.free.setdefault(key, KnownContact(row.id, row.address_id, row.state, row.privacy_level))
        if row.source == SOURCE and row.state is ContactState.ACTIVE:
            customer.made.add(key)


def find_with_zeros(session: Session, company_id: int, codes: Collection[str]) -> dict[str, str]:
    """Code → the customer's code that differs only by leading zeros (RP-16), where there is exactly such a one."""
    wanted = {code.lstrip("0"): code for code in codes if code.lstrip("0")}
    if not wanted:
        return {}
    found: dict[str, str] = {}
    for part in chunks(wanted, AT_ONCE):
        query = select(Party.code).where(Party.company_id == company_id, among(session, Party.code, part))
        found |= {wanted[code]: code for code in session.scalars(query)}
    padded = select(Party.code).where(Party.company_id == company_id, Party.code >= "0", Party.code < "1")
    for code in session.scalars(padded):
        if code.startswith("0") and (given := wanted.get(code.lstrip("0"))) and given != code:
            found[given] = code
    return found
