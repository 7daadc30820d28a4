"""The rows of the catalogue: customers with who receives their account statements, as far as the actor may know."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.catalogue.facts import SOURCE, STATEMENT
from crm_mail.catalogue.lines import numbers_of
from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.companies.models import Company
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.finding.selection import holds, visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.delivery.addresses import address_key
from crm_mail.permissions import Actor, Permission

MOST_NUMBERS = 1000


class Receives(StrEnum):
    """Who gets the account statements of a row (PM-15)."""

    BILLING = "billing"
    PACKAGING = "packaging"
    CONTACTS = "contacts"
    OWN = "own"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Receiver:
    """An address that receives; ``contact`` empty: the customer's own."""

    email: str
    contact_id: int | None = None
    contact: str = ""
    is_cc: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A customer of the catalogue. ``entered``: the contacts' addresses, also where others silence them."""

    party: Party
    company_code: str
    receives: Receives
    receivers: tuple[Receiver, ...]
    entered: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """One page by company and number; cursors are ids of customers, None at the ends."""

    rows: tuple[CatalogueRow, ...]
    total: int
    first: int
    next_cursor: str | None
    previous_cursor: str | None

    @property
    def last(self) -> int:
        """The place of its last row."""
        return self.first + len(self.rows) - 1


def catalogue_query(actor: Actor, company_id: int | None = None, text: str = "") -> Select[int]:
    """Ids of the customers in the catalogue that exist for the actor (RP-5).

    Args:
        company_id: of this company only.
        text: customer numbers, or words found in number, name or own addresses; several numbers are alternatives.
    """
    entered = select(CatalogueEntry.party_id)
    subscribed = (
        select(Contact.party_id)
        .join(Subscription, Subscription.contact_id == Contact.id)
        .where(
            Subscription.document_type == STATEMENT,
            Contact.state == ContactState.ACTIVE,
            visible_contacts(actor.sight),
        )
    )
    query = select(Party.id).where(
        Party.is_customer.is_(True),
        *visible_parties(actor.sight),
        or_(Party.id.in_(entered), Party.id.in_(subscribed)),
    )
    companies = actor.company_ids(Permission.CONTACTS_SEE)
    if companies is not None:
        query = query.where(Party.company_id.in_(companies))
    if company_id is not None:
        query = query.where(Party.company_id == company_id)
    return query.where(_found(text)) if text.strip() else query


def _found(text: str) -> ColumnElement[bool]:
    numbers = numbers_of(text)[:MOST_NUMBERS]
    words = text.split()
    alternatives: list[ColumnElement[bool]] = [Party.code.in_(numbers)] if numbers else [false()]
    if len(numbers) <= 1 or not all(any(c.isdigit() for c in number) for number in numbers):
        alternatives.append(and_(*(holds(Party.search_key, word.lower()) for word in words[:10])))
    return or_(*alternatives)


def list_rows(
    session: Session,
    actor: Actor,
    company_id: int | None = None,
    text: str = "",
    *,
    after: int = 0,
    before: int = 0,
    size: int = 50,
) -> CataloguePage:
    """One page of the catalogue.

    Args:
        after, before: the customer at the end of an earlier page; an unknown one gives the first page.

    Raises:
        PermissionDenied: the actor may not see contacts there.
    """
    actor.require(Permission.CONTACTS_SEE, company_id)
    found = catalogue_query(actor, company_id, text)
    total = _count(session, found)
    place = _place(session, found, before or after)
    going_back = bool(before) and place is not None
    query = select(Party).where(Party.id.in_(found))
    if place is not None:
        query = query.where(_behind(place, backwards=going_back))
    columns = (Party.company_id, Party.code, Party.id)
    order = [column.desc() for column in columns] if going_back else list(columns)
    parties = list(session.scalars(query.order_by(*order).limit(size + 1)))
    has_more = len(parties) > size
    parties = parties[:size]
    if going_back:
        parties.reverse()
    has_next, has_previous = (True, has_more) if going_back else (has_more, place is not None)
    rows = read_rows(session, actor, parties)
    note_many_read(session, actor, [one.contact_id for row in rows for one in row.entered], Way.LIST)
    return CataloguePage(
        rows,
        total,
        _first(session, found, parties),
        str(parties[-1].id) if parties and has_next else None,
        str(parties[0].id) if parties and has_previous else None,
    )


Place = tuple[int, str, int]


def _place(session: Session, found: Select[int], party_id: int) -> Place | None:
    if not party_id:
        return None
    query = select(Party.company_id, Party.code, Party.id).where(Party.id == party_id, Party.id.in_(found))
    row = session.execute(query).first()
    return (row[0], row[1], row[2]) if row else None


def _behind(place: Place, *, backwards: bool) -> ColumnElement[bool]:
    company_id, code, id_ = place
    if backwards:
        same = and_(
            Party.company_id == company_id, or_(Party.code < code, and_(Party.code == code, Party.id < id_))
        )
        return or_(Party.company_id < company_id, same)
    same = and_(
        Party.company_id == company_id, or_(Party.code > code, and_(Party.code == code, Party.id > id_))
    )
    return or_(Party.company_id > company_id, same)


def _first(session: Session, found: Select[int], parties: Sequence[Party]) -> int:
    if not parties:
        return 0
    place = (parties[0].company_id, parties[0].code, parties[0].id)
    return 1 + _count(session, select(Party.id).where(Party.id.in_(found), _behind(place, backwards=True)))


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def read_rows(session: Session, actor: Actor, parties: Sequence[Party]) -> tuple[CatalogueRow, ...]:
    """The rows of these customers, in their order."""
    company_ids = {party.company_id for party in parties}
    query = select(Company.id, Company.code).where(Company.id.in_(company_ids))
    codes = {id_: code for id_, code in session.execute(query)}
    entered = _entered(session, actor, [party.id for party in parties])
    return tuple(_row(party, codes[party.company_id], entered.get(party.id, ())) for party in parties)


def _row(party: Party, company_code: str, entered: Sequence[Receiver]) -> CatalogueRow:
    own: list[str] = []
    if party.billing_email:
        receives, own = Receives.BILLING, [party.billing_email]
    elif party.packaging_emails:
        receives, own = Receives.PACKAGING, party.packaging_emails.split(",")
    elif entered:
        receives = Receives.CONTACTS
    else:
        receives = Receives.OWN if party.email else Receives.NOBODY
        own = [party.email] if party.email else []
    receivers = tuple(Receiver(email) for email in own) or tuple(entered)
    return CatalogueRow(party, company_code, receives, receivers, tuple(entered))


def _entered(session: Session, actor: Actor, ids: Collection[int]) -> dict[int, list[Receiver]]:
    """The addresses of contacts that receive: of each the chosen one, else the first.

    An address made here that a contact above the clearance receives at is shown like any other: it does receive, and
    nothing tells whose subscription it is.
    """
    query = (
        select(
            Contact.party_id,
            Contact.id,
            Contact.name,
            Contact.privacy_level,
            Contact.source,
            ContactAddress.id.label("address_id"),
            ContactAddress.email,
            Subscription.id.label("subscription_id"),
            Subscription.address_id.label("chosen_id"),
            Subscription.recipient_kind,
        )
        .join(ContactAddress, ContactAddress.contact_id == Contact.id)
        .outerjoin(
            Subscription, and_(Subscription.contact_id == Contact.id, Subscription.document_type == STATEMENT)
        )
        .where(Contact.party_id.in_(ids), Contact.state == ContactState.ACTIVE)
        .where(or_(Subscription.id.is_not(None), Contact.source == SOURCE))
        .order_by(Contact.party_id, Contact.id, ContactAddress.position, ContactAddress.id)
    )
    rows = session.execute(query).all()
    held = {
        (row.party_id, address_key(row.email))
        for row in rows
        if row.privacy_level > actor.sight.clearance and row.subscription_id
    }
    found: dict[int, dict[int, Receiver]] = defaultdict(dict)
    for row in rows:
        if row.privacy_level > actor.sight.clearance:
            continue
        is_told = row.subscription_id or (row.party_id, address_key(row.email)) in held
        is_its = row.chosen_id in (None, row.address_id)
        if is_told and is_its and row.id not in found[row.party_id]:
            is_cc = row.recipient_kind is not None and row.recipient_kind.value == "cc"
            found[row.party_id][row.id] = Receiver(row.email, row.id, row.name, is_cc)
    return {
        party_id: sorted(receivers.values(), key=lambda one: (one.is_cc, one.contact_id or 0))
        for party_id, receivers in found.items()
    }
