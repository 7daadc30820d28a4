"""Who a mailing means, as queries: contacts of a filter, and firms without contacts; read in bounded batches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, exists, literal, null, select, union_all
from sqlalchemy.orm import Session

from crm_mail.campaigns.models import Campaign
from crm_mail.contacts.finding.conditions import Condition
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.selection import contact_query, party_query
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.documents.message_context import PARTY_FIELDS
from crm_mail.outbox.preparing.gathering import read_addresses, role_names
from crm_mail.permissions import Sight

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reached:
    """One recipient with what texts and letters may say of it. ``contact_id`` None: the firm itself."""

    contact_id: int | None
    party_id: int
    language: str  # as its card says; may be empty
    party: dict[str, Any]
    contact: dict[str, str] | None


def filter_of(campaign: Campaign) -> PartyFilter:
    """The filter of a mailing; with *only subscribed* it asks for the subscription to the type as well."""
    chosen = PartyFilter.from_dict(campaign.audience or {}, campaign.company_id)
    if campaign.only_subscribed:
        chosen = replace(chosen, subscribed_to=(campaign.document_type,))
    return chosen


def contact_ids(campaign: Campaign, sight: Sight) -> Select[int]:
    """Ids of the active contacts that are meant, as far as somebody sees them."""
    return contact_query(filter_of(campaign), sight)


def party_ids(campaign: Campaign, sight: Sight) -> Select[int]:
    """Ids of the firms that are meant themselves: with an address of their own, and no active contact at all."""
    chosen = filter_of(campaign)
    meant = party_query(chosen, sight)
    alone = ~exists().where(Contact.party_id == Party.id, Contact.state == ContactState.ACTIVE)
    if not campaign.with_parties or chosen.needs_contact:
        return select(Party.id).where(literal(False))
    return select(Party.id).where(Party.id.in_(meant), Party.email != "", alone)


def _everybody(campaign: Campaign, sight: Sight, *narrower: Condition) -> Select[int, int | None]:
    meant = Contact.id.in_(contact_ids(campaign, sight))
    people = select(Contact.party_id, Contact.id).where(meant, *narrower)
    firms = select(Party.id, null()).where(Party.id.in_(party_ids(campaign, sight)))
    both = union_all(people, firms).subquery()
    return select(both.c[0], both.c[1]).order_by(both.c[0], both.c[1])


def read_reached(
    session: Session, campaign: Campaign, sight: Sight, *narrower: Condition, has_details: bool = True
) -> Iterator[list[Reached]]:
    """Everybody that is meant, firm by firm, `AT_ONCE` at a time; no more of them are in memory.

    Args:
        narrower: further conditions on `Contact`.
        has_details: read each contact's address and roles as well, which most texts do not name.
    """
    query = _everybody(campaign, sight, *narrower).execution_options(yield_per=AT_ONCE)
    with session.connection().execute(query) as rows:
        for part in rows.partitions(AT_ONCE):
            pairs = [(party_id, contact_id) for party_id, contact_id in part]
            yield reached(session, pairs, has_details=has_details)


def first_few(session: Session, campaign: Campaign, sight: Sight, count: int) -> list[Reached]:
    """The first ones of everybody that is meant."""
    rows = session.connection().execute(_everybody(campaign, sight).limit(count)).all()
    return reached(session, [(party_id, contact_id) for party_id, contact_id in rows])


def reached(
    session: Session, pairs: list[tuple[int, int | None]], *, has_details: bool = True
) -> list[Reached]:
    """What is known of recipients, given as (party, contact)."""
    connection = session.connection()
    ids = [contact_id for _party, contact_id in pairs if contact_id is not None]
    contacts = {
        row[0]: row
        for row in connection.execute(
            select(Contact.id, Contact.name, Contact.language).where(Contact.id.in_(ids))
        )
    }
    columns = [getattr(Party, name) for name in PARTY_FIELDS]
    wanted = sorted({party_id for party_id, _contact in pairs})
    parties = {
        row[0]: row
        for row in connection.execute(select(Party.id, Party.email, *columns).where(Party.id.in_(wanted)))
    }
    addresses = read_addresses(session, ids) if has_details else {}
    roles = role_names(session, ids) if has_details else {}
    found = []
    for party_id, contact_id in pairs:
        _id, email, *values = parties[party_id]
        fields = dict(zip(PARTY_FIELDS, values, strict=True))
        contact = None
        language = fields["language"]
        if contact_id is not None:
            _own, name, spoken = contacts[contact_id]
            own = addresses.get(contact_id, ())
            contact = {
                "name": name,
                "roles": roles.get(contact_id, ""),
                "email": own[0].email if own else email,
            }
            language = spoken or language
        found.append(Reached(contact_id, party_id, language, fields, contact))
    return found
