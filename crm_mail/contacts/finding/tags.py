"""Characteristics as conditions on contacts: all of, any of, none of (IT-14)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Select, false, func, or_, select, union

from crm_mail.contacts.finding.conditions import Condition, same_name
from crm_mail.contacts.finding.party_filter import PartyFilter, split_characteristic
from crm_mail.contacts.models import Characteristic, Contact


def tag_conditions(chosen: PartyFilter) -> list[Condition]:
    """What a contact must hold, and what it must not."""
    found: list[Condition] = []
    found += [Contact.id.in_(_holding(key, values)) for key, values in _by_key(chosen.characteristics)]
    for text in chosen.all_characteristics:
        key, value = split_characteristic(text)
        found.append(Contact.id.in_(_holding(key.lower(), [value])))
    if chosen.any_characteristics:
        found.append(or_(*(Contact.id.in_(query) for query in each_holding(chosen.any_characteristics))))
    found += [Contact.id.not_in(query) for query in each_holding(chosen.no_characteristics)]
    return found


def holders(words: Iterable[str]) -> CTE:
    """The contacts that hold one of these characteristics, as a table at the head of the statement."""
    return union(*each_holding(words)).cte()


def each_holding(words: Iterable[str]) -> list[Select[Any]]:
    """The contacts that hold a characteristic, one statement for each key."""
    return [_holding(key, values) for key, values in _by_key(words)]


def _by_key(words: Iterable[str]) -> list[tuple[str, list[str | None]]]:
    found: dict[str, list[str | None]] = {}
    for text in words:
        key, value = split_characteristic(text)
        found.setdefault(key.lower(), []).append(value)
    return list(found.items())


def _holding(key: str, values: Sequence[str | None]) -> Select[Any]:
    query = select(Characteristic.contact_id).where(same_name(Characteristic.key, [key]))
    if None in values:  # the key alone: any value
        return query
    named = [value for value in values if value]
    alternatives: list[Condition] = [same_name(Characteristic.value, named)] if named else []
    if "" in values:  # ``sector=``: the tag without a value
        alternatives.append(func.lower(Characteristic.value) == "")
    return query.where(or_(*alternatives) if alternatives else false())
