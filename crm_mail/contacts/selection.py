"""A filter becomes one query: which parties, which contacts, for a person of a given clearance.

Everything is one statement over sets, so that 100,000 parties cost no more round trips than one. A contact
above the
clearance plays no part: it is not found, it makes no party found, it is not counted (IT-17).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, exists, false, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from crm_mail.companies.models import Company
from crm_mail.contacts.models import (
    Characteristic,
    Contact,
    ContactAddress,
    ContactState,
    Party,
    Role,
    Subscription,
    contact_roles,
)
from crm_mail.contacts.party_filter import FilterInvalid, PartyFilter, PartyKind, split_characteristic

__all__ = ["FilterInvalid", "PartyFilter", "PartyKind", "contact_query", "party_query", "visible_contacts"]

Condition = ColumnElement[bool]
Column = InstrumentedAttribute[str]

DIGITS = "0123456789"
ACTIVE_ONLY = (ContactState.ACTIVE,)


def party_query(chosen: PartyFilter, clearance: int) -> Select[int]:
    """Ids of the parties that a filter means, for somebody of this clearance.

    With a role, a characteristic or a subscription asked, only parties that have an active visible contact
    with all of them.
    """
    conditions = _party_conditions(chosen, clearance)
    if chosen.asks_contacts:
        having = select(Contact.party_id).where(*_contact_conditions(chosen, clearance, ACTIVE_ONLY))
        conditions.append(Party.id.in_(having))
    return select(Party.id).where(*conditions)


def contact_query(
    chosen: PartyFilter, clearance: int, states: Sequence[ContactState] = ACTIVE_ONLY
) -> Select[int]:
    """Ids of the contacts that a filter means: of the parties meant, and with the role and characteristic
    asked.
    """
    conditions = _contact_conditions(chosen, clearance, states)
    of_parties = _party_conditions(chosen, clearance)
    if len(of_parties) > 1:  # the first is the company, which the contact knows itself
        conditions.append(Contact.party_id.in_(select(Party.id).where(*of_parties)))
    return select(Contact.id).where(*conditions)


class _Holds(FunctionElement[bool]):
    """A text holds a pattern, whatever the case of its letters."""

    name = "holds"
    type = Boolean()
    inherit_cache = True


@compiles(_Holds)
def _compile_holds(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    operator = "LIKE" if compiler.dialect.name == "sqlite" else "ILIKE"  # LIKE ignores case on SQLite only
    return f"({text} {operator} {pattern} ESCAPE '/')"


def holds(column: Column, word: str) -> Condition:
    """Whether a text holds a word anywhere; `%` and `_` mean themselves."""
    escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return _Holds(column, literal(f"%{escaped}%"))


def visible_contacts(clearance: int) -> Condition:
    """The condition that every query on contacts carries."""
    return Contact.privacy_level <= clearance


def spellings(names: Iterable[str]) -> set[str]:
    """What `lower()` of a stored name may give for these names, in any case.

    SQLite lowers ASCII only, so `CITTÀ` becomes `cittÀ` there and `città` on PostgreSQL; both are looked for.
    """
    found: set[str] = set()
    for name in names:
        clean = " ".join(name.split())
        found |= {clean.lower()} | {_lower_ascii(form) for form in (clean, clean.upper(), clean.title())}
    return found


def _lower_ascii(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def same_name(column: Column, names: Iterable[str]) -> Condition:
    """Equality that ignores case."""
    return func.lower(column).in_(sorted(spellings(names)))


def _named(column: Column, company_id: int, names: Iterable[str]) -> Condition:
    # The spellings in use are read from the index alone; the parties are then found through the same index.
    in_use = select(column).where(Party.company_id == company_id, same_name(column, names)).distinct()
    return column.in_(in_use)


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


def _party_conditions(chosen: PartyFilter, clearance: int) -> list[Condition]:
    company_id = chosen.company_id
    conditions: list[Condition] = [Party.company_id == company_id]
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
    ):
        if names:
            conditions.append(_named(column, company_id, names))
    for column, names in ((Party.province, chosen.provinces), (Party.category, chosen.categories)):
        if names:
            conditions.append(same_name(column, names))
    if chosen.languages:
        conditions.append(_speaks(chosen.languages))
    if chosen.blocked is not None:
        conditions.append(Party.is_blocked.is_(chosen.blocked))
    if chosen.has_address is not None:
        conditions.append(_has_address(clearance) if chosen.has_address else ~_has_address(clearance))
    if chosen.text.strip():
        conditions.append(Party.search_key >= "")  # always so; leads SQLite to the index that holds the text
    conditions += [_finds(word.lower(), company_id, clearance) for word in chosen.text.split()]
    return conditions


def _speaks(languages: Iterable[str]) -> Condition:
    wanted = sorted({language.strip().lower()[:2] for language in languages})
    by_company = exists().where(Company.id == Party.company_id, Company.language.in_(wanted))
    return or_(Party.language.in_(wanted), and_(Party.language == "", by_company))


def _has_address(clearance: int) -> Condition:
    of_contact = (
        select(ContactAddress.id)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(
            Contact.party_id == Party.id,
            visible_contacts(clearance),
            Contact.state == ContactState.ACTIVE,
        )
        .exists()
    )
    return or_(Party.email != "", Party.billing_email != "", of_contact)


def _finds(word: str, company_id: int, clearance: int) -> Condition:
    """One word, found anywhere in what names a party or one of its visible contacts.

    Each of the three texts is read from an index that covers the question, never from the wide rows.
    """
    of_addresses = select(ContactAddress.contact_id).where(holds(ContactAddress.email, word))
    by_address = select(Contact.party_id).where(
        Contact.company_id == company_id, visible_contacts(clearance), Contact.id.in_(of_addresses)
    )
    by_name = select(Contact.party_id).where(
        Contact.company_id == company_id, visible_contacts(clearance), holds(Contact.name_key, word)
    )
    return or_(holds(Party.search_key, word), Party.id.in_(by_name), Party.id.in_(by_address))


def _contact_conditions(
    chosen: PartyFilter, clearance: int, states: Sequence[ContactState]
) -> list[Condition]:
    conditions: list[Condition] = [
        Contact.company_id == chosen.company_id,
        visible_contacts(clearance),
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
    return conditions + _characterised(chosen.characteristics)


def _characterised(wanted: Iterable[str]) -> list[Condition]:
    by_key: dict[str, list[str | None]] = {}
    for text in wanted:
        key, value = split_characteristic(text)
        by_key.setdefault(key.lower(), []).append(value)
    return [Contact.id.in_(_with_characteristic(key, values)) for key, values in by_key.items()]


def _with_characteristic(key: str, values: Sequence[str | None]) -> Select[Any]:
    query = select(Characteristic.contact_id).where(same_name(Characteristic.key, [key]))
    if None in values:  # the key alone: any value
        return query
    named = [value for value in values if value]
    alternatives: list[Condition] = [same_name(Characteristic.value, named)] if named else []
    if "" in values:  # ``sector=``: the tag without a value
        alternatives.append(Characteristic.value == "")
    return query.where(or_(*alternatives) if alternatives else false())
