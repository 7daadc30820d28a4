"""The list of parties: one page by keyset, the count, and what the filters offer.

A page costs three statements however many parties there are: the page, the count, and the addresses of its
rows.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.conditions import names_in_use, visible_parties
from crm_mail.contacts.finding.searching import MOST, checked_query, find_parties, needs_search
from crm_mail.contacts.finding.selection import PartyFilter, party_query, visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.delivery.routing import AddressKind
from crm_mail.many_rows import among
from crm_mail.permissions import Actor, Permission, Sight

FEW = 2000
"""Parties that are put in order after they were found; more are found by reading in order."""

FACET_LIMIT = 500
"""Names offered in one filter; more than that are typed."""


class PartyOrder(StrEnum):
    """What the list can be ordered by; ``-name`` is the same backwards."""

    NAME = "name"
    NAME_BACKWARDS = "-name"
    CODE = "code"
    CODE_BACKWARDS = "-code"

    @property
    def is_by_code(self) -> bool:
        """Whether codes are compared, not names."""
        return "code" in self.value

    @property
    def is_backwards(self) -> bool:
        """Whether the last one comes first."""
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """An address of a row: the party's own (``contact`` empty) or a contact's."""

    email: str
    kind: AddressKind
    contact: str = ""


@dataclass(frozen=True, slots=True)
class PartyRow:
    """One row of the list."""

    party: Party
    addresses: tuple[ListedAddress, ...]
    contact_count: int
    language: str

    @property
    def best_kind(self) -> AddressKind | None:
        """PEC when there is a PEC address, else what the first address is; None without any."""
        kinds = [address.kind for address in self.addresses]
        return AddressKind.PEC if AddressKind.PEC in kinds else kinds[0] if kinds else None


@dataclass(frozen=True, slots=True)
class PartyPage:
    """One page; ``first`` is the place of its first row, cursors are None at the ends.

    ``has_more``: there are more than ``total``; they are counted when somebody asks for the exact number.
    """

    rows: tuple[PartyRow, ...]
    total: int
    first: int
    next_cursor: str | None
    previous_cursor: str | None
    has_more: bool = False

    @property
    def last(self) -> int:
        """The place of its last row."""
        return self.first + len(self.rows) - 1


def list_parties(
    session: Session,
    actor: Actor,
    chosen: PartyFilter,
    *,
    order: PartyOrder = PartyOrder.NAME,
    after: str = "",
    before: str = "",
    size: int = 50,
    is_exact: bool = False,
) -> PartyPage:
    """One page of the parties that a filter means.

    Args:
        after, before: a cursor of an earlier page; one that is not understood gives the first page.
        size: rows of a page.
        is_exact: count all of them, however many there are; else `searching.MOST` where that is quicker.
    """
    actor.require(Permission.CONTACTS_SEE, chosen.company_id)
    found: set[int] | None = None
    if is_searched := needs_search(chosen):
        found = None if is_exact else find_parties(session, chosen, actor.sight)
    has_more = is_searched and found is None and not is_exact
    exact = len(found) if found is not None else None
    total = MOST if has_more else count_parties(session, actor, chosen) if exact is None else exact
    cursor = _read_cursor(before or after)
    going_back = bool(before) and cursor is not None
    query = _query(session, actor, chosen, found, is_searched=is_searched, is_few=total <= FEW)
    parties = _page_of_parties(session, query, order, cursor, going_back, size + 1)
    is_full = len(parties) > size
    parties = parties[:size]
    place = cursor[2] if cursor else 0
    if going_back:
        parties.reverse()
        first = max(1, place - len(parties))
    else:
        first = place + 1
    has_next, has_previous = (True, is_full) if going_back else (is_full, cursor is not None)
    return PartyPage(
        read_rows(session, actor, chosen.company_id, parties),
        total,
        first if parties else 0,
        _cursor(parties[-1], order, first + len(parties) - 1) if parties and has_next else None,
        _cursor(parties[0], order, first) if parties and has_previous else None,
        has_more,
    )


def count_parties(session: Session, actor: Actor, chosen: PartyFilter) -> int:
    """How many parties a filter means, for this actor."""
    found = party_query(chosen, actor.sight)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def list_names(
    session: Session, sight: Sight, company_id: int, column: InstrumentedAttribute[str]
) -> list[str]:
    """The names in use of an attribute of parties (agent, zone, city…), for a filter to offer."""
    query = names_in_use(column, Party.company_id == company_id, *visible_parties(sight)).limit(FACET_LIMIT)
    return list(session.scalars(query))


Cursor = tuple[str, int, int]


def _query(
    session: Session,
    actor: Actor,
    chosen: PartyFilter,
    found: set[int] | None,
    *,
    is_searched: bool,
    is_few: bool,
) -> Select[Party]:
    """What was found, as rows; many are read along the order's index until the page is full, each checked by itself."""
    if found is not None:
        return select(Party).where(among(session, Party.id, found))
    if is_searched:
        return checked_query(chosen, actor.sight)
    meant = party_query(chosen, actor.sight)
    if is_few:  # found first, then ordered
        return select(Party).where(among(session, Party.id, session.scalars(meant)))
    return meant.with_only_columns(Party)


def _page_of_parties(
    session: Session,
    query: Select[Party],
    order: PartyOrder,
    cursor: Cursor | None,
    going_back: bool,
    limit: int,
) -> list[Party]:
    column = Party.code if order.is_by_code else Party.name_key
    key = tuple_(column, Party.id)
    descending = order.is_backwards != going_back
    if cursor is not None:
        position = tuple_(cursor[0], cursor[1])
        query = query.where(key < position if descending else key > position)
    columns = (column.desc(), Party.id.desc()) if descending else (column, Party.id)
    return list(session.scalars(query.order_by(*columns).limit(limit)))


def read_rows(
    session: Session, actor: Actor, company_id: int, parties: Sequence[Party]
) -> tuple[PartyRow, ...]:
    """The rows of these parties, with the addresses that the actor may see."""
    company = session.get_one(Company, company_id)
    of_contacts = _contact_addresses(session, actor, [party.id for party in parties])
    rows = []
    for party in parties:
        own = ((party.billing_email, party.billing_email_kind), (party.email, party.email_kind))
        addresses = [ListedAddress(email, kind) for email, kind in own if email]
        contacts = of_contacts.get(party.id, {})
        addresses += [address for listed in contacts.values() for address in listed]
        rows.append(PartyRow(party, tuple(addresses), len(contacts), party.language or company.language))
    return tuple(rows)


def _contact_addresses(
    session: Session, actor: Actor, party_ids: Sequence[int]
) -> dict[int, dict[int, list[ListedAddress]]]:
    query = (
        select(Contact.party_id, Contact.id, Contact.name, ContactAddress.email, ContactAddress.kind)
        .outerjoin(ContactAddress, ContactAddress.contact_id == Contact.id)
        .where(Contact.party_id.in_(party_ids), visible_contacts(actor.sight))
        .where(Contact.state == ContactState.ACTIVE)
        .order_by(Contact.party_id, Contact.name_key, Contact.id, ContactAddress.position)
    )
    found: dict[int, dict[int, list[ListedAddress]]] = {}
    for party_id, contact_id, name, email, kind in session.execute(query):
        listed = found.setdefault(party_id, {}).setdefault(contact_id, [])
        if email:
            listed.append(ListedAddress(email, kind, name))
    return found


def _cursor(party: Party, order: PartyOrder, place: int) -> str:
    text = json.dumps([party.code if order.is_by_code else party.name_key, party.id, place])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> Cursor | None:
    try:
        key, party_id, place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return str(key), int(party_id), int(place)
    except (ValueError, TypeError, binascii.Error):
        return None
