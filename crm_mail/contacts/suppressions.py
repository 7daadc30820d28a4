"""The suppression list as a person may see it: whose the addresses are, and none of a contact above the clearance.

Such an address is neither shown, found, counted, exported, lifted nor refused as known: it is not there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.finding.conditions import visible_contacts, visible_parties
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.delivery import suppression
from crm_mail.delivery.addresses import address_key, normalise_address
from crm_mail.delivery.models import Suppression
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor, Permission, Sight

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the list is asked for. `reason`: one of the codes; `is_lifted`: those that were lifted."""

    text: str = ""
    reason: str = ""
    is_lifted: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """A party, or a contact of it, that has the address."""

    party_id: int
    party_name: str
    contact_name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One address of the list, and whose it is as far as the person may know."""

    row: Suppression
    owners: Sequence[Owner] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, the newest first; cursors are ids."""

    lines: list[Line]
    total: int
    next_cursor: str
    previous_cursor: str


def _visible(actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Suppression.company_id == company_id]
    if not actor.sight.is_whole or actor.sight.clearance < HIGHEST_CLEARANCE:
        # whose a number is cannot be asked here, as cards write it in many ways: it is told to who sees everybody
        conditions.append(~and_(Suppression.address.startswith("+"), ~Suppression.address.contains("@")))
    if actor.sight.clearance < HIGHEST_CLEARANCE:
        hidden = (
            select(func.lower(ContactAddress.email))
            .join(Contact, Contact.id == ContactAddress.contact_id)
            .where(Contact.company_id == company_id, Contact.privacy_level > actor.sight.clearance)
        )
        conditions.append(Suppression.address.not_in(hidden))
    if not actor.sight.is_whole:
        conditions.append(Suppression.address.in_(_addresses_in_sight(actor.sight, company_id)))
    return conditions


def _addresses_in_sight(sight: Sight, company_id: int) -> Select[Any]:
    """The addresses, in lower case, of the customers of a person's agents or zones; nobody else's are told."""
    of_contacts = (
        select(func.lower(ContactAddress.email))
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(Contact.company_id == company_id, visible_contacts(sight))
    )
    own = (
        select(func.lower(email)).where(Party.company_id == company_id, email > "", *visible_parties(sight))
        for email in (Party.email, Party.billing_email)
    )
    found = union_all(of_contacts, *own).subquery()
    return select(found.c[0])


def _chosen(actor: Actor, company_id: int, wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = _visible(actor, company_id)
    if wanted.is_lifted:
        conditions += [Suppression.is_active.is_(False), Suppression.lifted_at.is_not(None)]
    else:
        conditions.append(Suppression.is_active.is_(True))
    if wanted.text.strip():
        conditions.append(Suppression.address.contains(address_key(wanted.text), autoescape=True))
    if wanted.reason:
        conditions.append(Suppression.reason == wanted.reason)
    return conditions


def list_page(
    session: Session,
    actor: Actor,
    company_id: int,
    wanted: Wanted,
    *,
    after: int = 0,
    before: int = 0,
    size: int = 50,
) -> Page:
    """A page of the list.

    Raises:
        PermissionDenied
    """
    actor.require(Permission.CONTACTS_SEE, company_id)
    conditions = _chosen(actor, company_id, wanted)
    total = session.scalar(select(func.count()).select_from(Suppression).where(*conditions)) or 0
    query = select(Suppression).where(*conditions)
    if before:
        rows = list(
            session.scalars(query.where(Suppression.id > before).order_by(Suppression.id).limit(size + 1))
        )
        has_more, rows = len(rows) > size, rows[:size][::-1]
        newer, older = has_more, True
    else:
        if after:
            query = query.where(Suppression.id < after)
        rows = list(session.scalars(query.order_by(Suppression.id.desc()).limit(size + 1)))
        older, rows, newer = len(rows) > size, rows[:size], bool(after)
    owners = _owners(session, actor, company_id, [row.address for row in rows])
    return Page(
        [Line(row, owners.get(row.address, ())) for row in rows],
        total,
        str(rows[-1].id) if rows and older else "",
        str(rows[0].id) if rows and newer else "",
    )


def _owners(
    session: Session, actor: Actor, company_id: int, addresses: Sequence[str]
) -> dict[str, list[Owner]]:
    found: dict[str, list[Owner]] = {}
    contacts = (
        select(ContactAddress.email, Party.id, Party.name, Contact.name)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .join(Party, Party.id == Contact.party_id)
        .where(
            Contact.company_id == company_id,
            visible_contacts(actor.sight),
            func.lower(ContactAddress.email).in_(addresses),
        )
        .order_by(Party.name, Contact.name)
    )
    for email, party_id, party_name, contact_name in session.execute(contacts):
        found.setdefault(address_key(email), []).append(Owner(party_id, party_name, contact_name))
    own = func.lower(Party.email).in_(addresses), func.lower(Party.billing_email).in_(addresses)
    parties = select(Party.email, Party.billing_email, Party.id, Party.name).where(
        Party.company_id == company_id, or_(*own)
    )
    for email, billing, party_id, name in session.execute(parties.order_by(Party.name)):
        for key in {address_key(email), address_key(billing)} & set(addresses):
            found.setdefault(key, []).append(Owner(party_id, name))
    return found


def reasons_in_use(session: Session, actor: Actor, company_id: int) -> list[str]:
    """The reasons that the list has, for a filter."""
    query = select(Suppression.reason).where(*_chosen(actor, company_id, Wanted())).distinct()
    return sorted(session.scalars(query))


def find(session: Session, actor: Actor, suppression_id: int) -> Suppression | None:
    """One row, if it exists for this person."""
    row = session.get(Suppression, suppression_id)
    if row is None or not actor.can(Permission.CONTACTS_SEE, row.company_id):
        return None
    query = select(Suppression).where(Suppression.id == row.id, *_visible(actor, row.company_id))
    return session.scalar(query)


def find_address(session: Session, actor: Actor, company_id: int, address: str) -> Suppression | None:
    """The same by address."""
    query = select(Suppression).where(
        Suppression.address == address_key(address), *_visible(actor, company_id)
    )
    return session.scalar(query)


def add(session: Session, actor: Actor, company_id: int, address: str, detail: str = "") -> str:
    """Put an address on the list; the address as it was put there.

    Raises:
        PermissionDenied, AddressInvalid
        SuppressionRefused: it is there already, as far as the person may know.
    """
    key = address_key(normalise_address(address))
    level = _level(session, company_id, key)
    if suppression.suppressed_as(session, company_id, key) and not _is_told(session, actor, company_id, key):
        actor.require(Permission.CONTACTS_MANAGE, company_id)
        return key  # as if it were new: that it is there already says that somebody has it
    suppression.suppress(session, actor, company_id, key, detail, level)
    return key


def _is_told(session: Session, actor: Actor, company_id: int, key: str) -> bool:
    query = select(Suppression.id).where(*_visible(actor, company_id), Suppression.address == key)
    return session.scalar(query) is not None


def lift(session: Session, actor: Actor, row: Suppression, why: str) -> None:
    """Write to the address again.

    Raises:
        PermissionDenied, SuppressionRefused
    """
    suppression.lift(session, actor, row, why, _level(session, row.company_id, row.address))


def export(session: Session, actor: Actor, company_id: int, wanted: Wanted) -> Iterator[Suppression]:
    """Every row asked for, the newest first; the audit is told."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    conditions = _chosen(actor, company_id, wanted)
    count = session.scalar(select(func.count()).select_from(Suppression).where(*conditions)) or 0
    audit.record(
        session, actor, "delivery.suppression.exported", company_id=company_id, label="csv", count=count
    )
    query = select(Suppression).where(*conditions).order_by(Suppression.id.desc())
    yield from session.scalars(query.execution_options(yield_per=AT_ONCE))


def suppressed_among(
    session: Session, company_id: int, addresses: Sequence[str]
) -> dict[str, tuple[str, str, datetime]]:
    """Of these addresses those on the list: address as given → reason, status, since when."""
    by_key = {address_key(address): address for address in addresses if address}
    query = select(Suppression.address, Suppression.reason, Suppression.status, Suppression.since_at).where(
        Suppression.company_id == company_id,
        Suppression.is_active.is_(True),
        Suppression.address.in_(by_key),
    )
    return {by_key[key]: (reason, status, since) for key, reason, status, since in session.execute(query)}


def _level(session: Session, company_id: int, key: str) -> int:
    """The highest privacy level of a contact that has the address."""
    query = (
        select(func.max(Contact.privacy_level))
        .join(ContactAddress, ContactAddress.contact_id == Contact.id)
        .where(Contact.company_id == company_id, func.lower(ContactAddress.email) == key)
    )
    return session.scalar(query) or 0
