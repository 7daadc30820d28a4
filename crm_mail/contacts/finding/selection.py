"""A filter becomes one query: which parties, which contacts, for a person of a given clearance.

Everything is one statement over sets, so that 100,000 parties cost no more round trips than one. A contact
above the
clearance plays no part: it is not found, it makes no party found, it is not counted (IT-17).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from crm_mail.companies.models import Company
from crm_mail.contacts.birthdays import days_ahead
from crm_mail.contacts.consents.conditions import has_consent
from crm_mail.contacts.contact_birthdays import has_birthday
from crm_mail.contacts.finding.conditions import (
    Condition,
    holds,
    in_use,
    same_name,
    spellings,
    unled,
    visible_contacts,
    visible_parties,
)
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter, PartyKind
from crm_mail.contacts.finding.purchase_conditions import bought_what, only_refusals
from crm_mail.contacts.finding.reach import has_address, has_bounced, has_kind, was_written_to
from crm_mail.contacts.finding.tags import each_holding, holders, tag_conditions
from crm_mail.contacts.finding.words import parties_in_city, parties_named
from crm_mail.contacts.models import (
    Contact,
    ContactState,
    Party,
    Role,
    Subscription,
    contact_roles,
)
from crm_mail.db import now
from crm_mail.permissions import Sight

__all__ = [
    "FilterInvalid",
    "PartyFilter",
    "PartyKind",
    "contact_query",
    "holds",
    "party_query",
    "same_name",
    "spellings",
    "visible_contacts",
]

DIGITS = "0123456789"
ACTIVE_ONLY = (ContactState.ACTIVE,)


def party_query(chosen: PartyFilter, sight: Sight) -> Select[int]:
    """Ids of the parties that a filter means, for somebody of this clearance.

    With a role, a characteristic or a subscription asked, only parties that have an active visible contact
    with all of them.
    """
    conditions = _party_conditions(chosen, sight)
    if chosen.needs_contact:
        # Without the company, which the party knows: it would lead away from the few contacts asked for
        having = select(Contact.party_id).where(*_contact_conditions(chosen, sight, ACTIVE_ONLY)[1:])
        conditions.append(Party.id.in_(having))
    elif chosen.no_characteristics:
        conditions.append(Party.id.not_in(_only_with(chosen, sight)))
    return select(Party.id).where(*conditions)


def contact_query(
    chosen: PartyFilter, sight: Sight, states: Sequence[ContactState] = ACTIVE_ONLY
) -> Select[int]:
    """Ids of the contacts that a filter means: of the parties meant, and with the role and characteristic
    asked.
    """
    conditions = _contact_conditions(chosen, sight, states)
    of_parties = _party_conditions(chosen, sight)
    if len(of_parties) > 1:  # the first is the company, which the contact knows itself
        conditions.append(Contact.party_id.in_(select(Party.id).where(*of_parties)))
    return select(Contact.id).where(*conditions)


def code_range(first: str, last: str) -> list[Condition]:
    """Parties from one code to another, both included.

    Codes are text (RP-16). When the bounds are digits, only codes of digits are meant, and the shorter code
    comes first, so that 2 lies between 1 and 10 and `000150` between `000100` and `000200`, but `150` does
    not. Other bounds compare as text.
    """
    bounds = [bound for bound in (first, last) if bound]
    if not bounds:
        return []
    if not all(bound.isascii() and bound.isdigit() for bound in bounds):
        return ([Party.code >= first] if first else []) + ([Party.code <= last] if last else [])
    length = func.length(Party.code)
    conditions: list[Condition] = [func.ltrim(Party.code, DIGITS) == ""]
    if first and last and len(first) == len(last):
        return [*conditions, Party.code >= first, Party.code <= last, length == len(first)]
    if first:
        conditions.append(or_(length > len(first), and_(length == len(first), Party.code >= first)))
    if last:
        conditions.append(or_(length < len(last), and_(length == len(last), Party.code <= last)))
    return conditions


def plain_conditions(chosen: PartyFilter, sight: Sight) -> list[Condition]:
    """What is asked of the parties themselves, and what they must not have; the demands of `sources` are left out."""
    own = replace(
        chosen,
        text="",
        address_kinds=(),
        has_bounced=False if chosen.has_bounced is False else None,
        purchases=only_refusals(chosen),
    )
    conditions = _party_conditions(own, sight)
    if chosen.no_characteristics and not chosen.needs_contact:
        conditions.append(_keeps_somebody(chosen, sight))
    return conditions


def _party_conditions(chosen: PartyFilter, sight: Sight) -> list[Condition]:
    company_id = chosen.company_id
    conditions: list[Condition] = [_company(chosen, Party.company_id), *visible_parties(sight)]
    if chosen.kind is not None:
        conditions.append(
            (Party.is_customer if chosen.kind is PartyKind.CUSTOMER else Party.is_supplier).is_(True)
        )
    conditions += code_range(chosen.code_from, chosen.code_to)
    if chosen.codes:
        conditions.append(Party.code.in_(chosen.codes))
    for column, names in (
        (Party.agent, chosen.agents),
        (Party.zone, chosen.zones),
        (Party.city, chosen.cities),
        (Party.province, chosen.provinces),
        (Party.category, chosen.categories),
    ):
        if names:
            conditions.append(in_use(column, names, Party.company_id == company_id))
    if chosen.languages:
        conditions.append(_speaks(company_id, chosen.languages))
    if chosen.blocked is not None:
        conditions.append(Party.is_blocked.is_(chosen.blocked))
    conditions += _reach_conditions(chosen, sight)
    conditions += bought_what(chosen, sight)
    for word in chosen.text.split():
        named = parties_named(company_id, sight.clearance, word.lower())
        conditions.append(Party.id.in_(union_all(*named, parties_in_city(company_id, word.lower()))))
    return conditions


def _company(chosen: PartyFilter, column: InstrumentedAttribute[int]) -> Condition:
    """The company, which leads to all its rows unless words or purchases lead to few of them."""
    is_led = chosen.text.split() or len(chosen.purchases) > len(only_refusals(chosen))
    return unled(column) == chosen.company_id if is_led else column == chosen.company_id


def _reach_conditions(chosen: PartyFilter, sight: Sight) -> list[Condition]:
    asked = (
        (chosen.has_address, has_address(sight)),
        (chosen.has_bounced, has_bounced(chosen.company_id, sight)),
        (chosen.was_written_to, was_written_to(sight)),
    )
    found = [condition if wanted else ~condition for wanted, condition in asked if wanted is not None]
    if chosen.address_kinds:
        found.append(has_kind(chosen.address_kinds, sight))
    return found


def _only_with(chosen: PartyFilter, sight: Sight) -> Select[int]:
    """Parties whose active contacts all hold an unwanted characteristic: found from the few that hold one."""
    present = (visible_contacts(sight), Contact.state == ContactState.ACTIVE)
    tagged = holders(chosen.no_characteristics)  # tables at the head: SQLite refuses what nests too deep
    unwanted = Contact.id.in_(select(tagged.c[0]))
    some = select(Contact.party_id).where(*present, unwanted).cte()
    # Asked for each of those few: PostgreSQL would read all contacts to answer it at once
    others = select(Contact.id).where(Contact.party_id == some.c[0], *present, ~unwanted)
    return select(some.c[0]).where(~others.correlate(some).exists())


def _keeps_somebody(chosen: PartyFilter, sight: Sight) -> Condition:
    """The opposite of `_only_with`, asked party by party: for lists, which stop as soon as a page is full."""
    present = select(Contact.id).where(
        Contact.party_id == Party.id, visible_contacts(sight), Contact.state == ContactState.ACTIVE
    )
    holding = [
        query.where(query.selected_columns[0] == Contact.id).correlate(Contact).exists()
        for query in each_holding(chosen.no_characteristics)
    ]
    other = present.where(~or_(*holding))
    return or_(other.correlate(Party).exists(), ~present.correlate(Party).exists())


def _speaks(company_id: int, languages: Iterable[str]) -> Condition:
    wanted = sorted({language.strip().lower()[:2] for language in languages})
    by_company = select(literal("")).where(Company.id == company_id, Company.language.in_(wanted))
    spoken = union_all(*(select(literal(language)) for language in wanted), by_company.correlate(None))
    return Party.language.in_(spoken)  # a list, which the index answers; with OR every party would be asked


def _contact_conditions(chosen: PartyFilter, sight: Sight, states: Sequence[ContactState]) -> list[Condition]:
    conditions: list[Condition] = [
        _company(chosen, Contact.company_id),
        visible_contacts(sight),
        Contact.state.in_(states),
    ]
    if chosen.roles:
        held = (
            select(contact_roles.c.contact_id)
            .join(Role, Role.id == contact_roles.c.role_id)
            .where(Role.company_id == chosen.company_id, same_name(Role.name, chosen.roles))
        )
        conditions.append(Contact.id.in_(held))
    if chosen.subscribed_to:
        receives = select(Subscription.contact_id).where(Subscription.document_type.in_(chosen.subscribed_to))
        conditions.append(Contact.id.in_(receives))
    if chosen.birthday_within is not None:
        conditions.append(has_birthday(chosen.company_id, days_ahead(now().date(), chosen.birthday_within)))
    if chosen.consents:
        conditions.append(has_consent(chosen.consents))
    return conditions + tag_conditions(chosen)
