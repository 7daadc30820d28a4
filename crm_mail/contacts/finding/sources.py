"""What a filter asks of a party's contacts or addresses, in two forms each: to begin with, and to check by.

To begin with: statements that find the few rows and name their parties. To check by: a condition on `Party` that costs
a few index lookups for each party, however many parties there are. `searching` takes whichever is cheaper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select

from crm_mail.contacts.birthdays import days_ahead
from crm_mail.contacts.consents.conditions import has_consent, who_said
from crm_mail.contacts.contact_birthdays import born_on
from crm_mail.contacts.finding.conditions import Condition, holds, same_name, unled, visible_contacts
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.purchase_conditions import buyers
from crm_mail.contacts.finding.reach import dead_addresses, dead_ones
from crm_mail.contacts.finding.tags import each_holding
from crm_mail.contacts.finding.words import holds_city, parties_in_city, parties_named, spellings
from crm_mail.contacts.models import (
    Contact,
    ContactAddress,
    ContactState,
    Party,
    Role,
    Subscription,
    contact_roles,
)
from crm_mail.db import now
from crm_mail.permissions import Sight


@dataclass(frozen=True, slots=True)
class Source:
    """One demand.

    Args:
        statements: party ids, which may repeat; together everything that meets the demand.
        check: the same as a condition on `Party`.
        is_scan: whether beginning with it reads everything there is.
    """

    statements: tuple[Select[Any], ...]
    check: Condition
    is_scan: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """One demand on a contact: statements of contact ids to begin with (none: it is too wide), and the check."""

    ids: tuple[Select[Any], ...]
    check: Condition


def sources_of(chosen: PartyFilter, sight: Sight) -> list[Source]:
    """The demands on contacts and addresses, the likely narrowest first."""
    found = []
    if chosen.needs_contact:
        found.append(_of_one_contact(chosen, sight))
    found += [Source((query,), Party.id.in_(query)) for query in buyers(chosen, sight)]
    if chosen.has_bounced:
        found.append(_bounced(chosen.company_id, sight))
    words = sorted({word.lower() for word in chosen.text.split()}, key=len, reverse=True)
    found += [_word(chosen.company_id, sight, word) for word in words]
    if chosen.address_kinds:
        found.append(_kinds(chosen, sight))
    return found


def _of_one_contact(chosen: PartyFilter, sight: Sight) -> Source:
    """All that is asked of one contact: begun with one demand, the others checked."""
    sought = _sought(chosen)
    check = _has_contact(sight, *(one.check for one in sought))
    first = next((one for one in sought if one.ids), None)
    if first is None:
        wide = select(Contact.party_id).where(
            Contact.company_id == chosen.company_id,
            visible_contacts(sight),
            Contact.state == ContactState.ACTIVE,
        )
        return Source((wide.where(*(one.check for one in sought)),), check)
    others = [one.check for one in sought if one is not first]
    statements = (_of_contacts(ids, chosen.company_id, sight).where(*others) for ids in first.ids)
    return Source(tuple(statements), check)


def _of_contacts(ids: Select[Any], company_id: int, sight: Sight) -> Select[Any]:
    """Parties of the active contacts that a statement finds: read in its order, contact by contact."""
    found = ids.subquery()
    query = select(Contact.party_id).join_from(found, Contact, Contact.id == unled(found.c[0]))
    return query.where(
        unled(Contact.company_id) == company_id,
        unled(Contact.privacy_level) <= sight.clearance,
        Contact.state == ContactState.ACTIVE,
    )


def _sought(chosen: PartyFilter) -> list[Sought]:
    found = []
    if chosen.roles:
        held = select(contact_roles.c.contact_id).join(Role, Role.id == contact_roles.c.role_id)
        held = held.where(Role.company_id == chosen.company_id, same_name(Role.name, chosen.roles))
        found.append(_among(held))
    if chosen.birthday_within is not None:
        born = born_on(days_ahead(now().date(), chosen.birthday_within))
        ids = select(Contact.id).where(Contact.company_id == chosen.company_id, born)
        found.append(Sought((ids,), born))
    found += [_among(query) for query in each_holding(chosen.characteristics)]
    for word in chosen.all_characteristics:
        found += [_among(query) for query in each_holding([word])]
    if chosen.any_characteristics:
        found.append(_among(*each_holding(chosen.any_characteristics)))
    if chosen.subscribed_to:
        receives = select(Subscription.contact_id).where(Subscription.document_type.in_(chosen.subscribed_to))
        found.append(_among(receives))
    if chosen.consents:
        found.append(Sought(who_said(chosen.company_id, chosen.consents), has_consent(chosen.consents)))
    found += [Sought((), ~_among(query).check) for query in each_holding(chosen.no_characteristics)]
    return found


def _among(*ids: Select[Any]) -> Sought:
    """Contacts that a statement of contact ids finds."""
    checks = [
        query.where(query.selected_columns[0] == Contact.id).correlate(Contact).exists() for query in ids
    ]
    return Sought(ids, or_(*checks))


def _kinds(chosen: PartyFilter, sight: Sight) -> Source:
    """An address of one of these kinds, the party's own or an active contact's."""
    wanted = sorted(chosen.address_kinds)
    own = [
        and_(Party.email > "", Party.email_kind.in_(wanted)),
        and_(Party.billing_email > "", Party.billing_email_kind.in_(wanted)),
    ]
    ids = select(ContactAddress.contact_id).where(ContactAddress.kind.in_(wanted))
    return _reached(chosen.company_id, sight, own, ids)


def _bounced(company_id: int, sight: Sight) -> Source:
    dead = dead_addresses(company_id)
    own = dead_ones(dead)
    ids = select(ContactAddress.contact_id).where(ContactAddress.email_key.in_(dead))
    return _reached(company_id, sight, own, ids)


def _reached(company_id: int, sight: Sight, own: Sequence[Condition], ids: Select[Any]) -> Source:
    of_contact = _of_contacts(ids, company_id, sight)
    own_ones = [select(Party.id).where(Party.company_id == company_id, one) for one in own]
    return Source((of_contact, *own_ones), or_(*own, _has_contact(sight, _among(ids).check)))


def _has_contact(sight: Sight, *checks: Condition) -> Condition:
    """Whether a party has an active contact that meets all of these."""
    usable = (visible_contacts(sight), Contact.state == ContactState.ACTIVE)
    found = select(Contact.id).where(Contact.party_id == Party.id, *usable, *checks)
    return found.correlate(Party).exists()


def _word(company_id: int, sight: Sight, word: str) -> Source:
    """One word, found anywhere in what names a party, its city or one of its visible contacts (of any state)."""
    in_party = or_(*(holds(Party.search_key, one) for one in spellings(word)))
    in_name, in_email = holds(Contact.name_key, spellings(word)[0]), holds(ContactAddress.email_key, word)
    with_email = select(ContactAddress.id).where(ContactAddress.contact_id == Contact.id, in_email)
    of_contact = select(Contact.id).where(
        Contact.party_id == Party.id,
        visible_contacts(sight),
        or_(in_name, with_email.correlate(Contact).exists()),
    )
    check = or_(in_party, holds_city(Party.city, word), of_contact.correlate(Party).exists())
    statements = (*parties_named(company_id, sight.clearance, word), parties_in_city(company_id, word))
    return Source(statements, check, is_scan=True)
