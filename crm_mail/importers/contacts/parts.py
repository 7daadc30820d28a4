"""The contact of a row: name, roles, addresses, telephones, characteristics and subscriptions (IT-8, IT-9)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from crm_mail.contacts.birthdays import Birthday, BirthdayInvalid, parse_birthday
from crm_mail.contacts.consents.rules import ConsentEntry, EntryInvalid, read_entries
from crm_mail.db import today
from crm_mail.delivery.addresses import address_key
from crm_mail.importers.base import (
    AddressKind,
    ParsedAddress,
    ParsedContact,
    ParsedParty,
    ParsedSubscription,
    RecipientKind,
)
from crm_mail.importers.contacts.cells import RowCells
from crm_mail.importers.tables.cell_values import (
    read_privacy_level,
    read_recipient_kind,
    read_yes_no,
    split_list,
    split_phones,
    split_tags,
)
from crm_mail.importers.tables.column_names import CHARACTERISTIC, NO_SUBSCRIPTION, SUBSCRIPTION, Field


@dataclass(slots=True)
class _Subscriptions:
    wanted: dict[str, RecipientKind] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def build_contact(
    cells: RowCells, party: ParsedParty, document_types: frozenset[str]
) -> ParsedContact | None:
    """Give the contact of the row, or None when the row describes only the party.

    A row that names no person but has addresses, telephones or subscriptions of its own makes a contact with the
    name of the party, and says so.
    """
    is_company = cells.has_column(Field.IS_COMPANY) and bool(read_yes_no(cells.first(Field.IS_COMPANY) or ""))
    addresses = [] if is_company else _read_contact_addresses(cells)
    subscriptions = _read_subscriptions(cells, document_types)
    name = _read_name(cells, is_company)
    roles = [] if is_company else _read_roles(cells)
    characteristics = tuple(dict(_read_characteristics(cells)).items())
    phones = tuple(
        dict.fromkeys(item for cell, _ in cells.columns(Field.PHONE) for item in split_phones(cell))
    )
    mobiles = tuple(
        dict.fromkeys(item for cell, _ in cells.columns(Field.MOBILE) for item in split_phones(cell))
    )
    level = _read_level(cells)
    consents = tuple(_read_consents(cells))
    if not (name or addresses or roles or subscriptions.wanted or characteristics or phones or mobiles):
        return None
    if not addresses and not name and subscriptions.wanted:
        addresses = [ParsedAddress(email) for email in party.emails]
    return ParsedContact(
        name=name or _borrow_name(cells, party, addresses),
        roles=tuple(roles),
        addresses=tuple(addresses),
        phones=phones,
        mobiles=mobiles,
        language=cells.language() if party.language is None else party.language,
        privacy_level=level,
        characteristics=characteristics,
        subscriptions=tuple(ParsedSubscription(key, kind) for key, kind in subscriptions.wanted.items()),
        consents=consents,
        birthday=_read_birthday(cells),
        not_subscribed=tuple(item for item in subscriptions.refused if item not in subscriptions.wanted),
    )


def _read_contact_addresses(cells: RowCells) -> list[ParsedAddress]:
    """PEC first where the same address stands in both columns; beside a PEC column the rest is ordinary."""
    pec = cells.addresses(Field.PEC, AddressKind.PEC)
    kind = AddressKind.ORDINARY if cells.has_column(Field.PEC) else AddressKind.UNKNOWN
    other = cells.addresses(Field.CONTACT_EMAIL, kind)
    keys = {address_key(item.email) for item in pec}
    return [item for item in other if address_key(item.email) not in keys] + pec


def _read_name(cells: RowCells, is_company: bool) -> str | None:
    if is_company:
        return None
    full = cells.first(Field.CONTACT_NAME)
    if full is None and cells.has_column(Field.IS_COMPANY):
        full = cells.first(Field.EITHER_NAME)
    parts = (cells.first(item) for item in (Field.FIRST_NAME, Field.MIDDLE_NAME, Field.LAST_NAME))
    return full or " ".join(part for part in parts if part) or None


def _borrow_name(cells: RowCells, party: ParsedParty, addresses: list[ParsedAddress]) -> str:
    name = party.name or party.code or (addresses[0].email if addresses else "")
    if party.name or party.code:
        cells.warn("contact_named_as_party", Field.CONTACT_NAME, name=name)
    return name


def _read_roles(cells: RowCells) -> list[str]:
    """The roles; a job title stands in for them when there is no role."""
    for target in (Field.ROLES, Field.JOB_TITLE):
        found = [item for cell, _ in cells.columns(target) for item in split_list(cell)]
        if found:
            return list(dict.fromkeys(found))
    return []


def _read_birthday(cells: RowCells) -> Birthday | None:
    cell = cells.first(Field.BIRTHDAY)
    if cell is None or not cell.strip("0/-. "):  # 0/0/00: how Outlook writes none
        return None
    try:
        return parse_birthday(cell, today())
    except BirthdayInvalid:
        cells.warn("bad_birthday", Field.BIRTHDAY, value=cell)
        return None


def _read_level(cells: RowCells) -> int | None:
    cell = cells.first(Field.PRIVACY_LEVEL)
    if cell is None:
        return None
    level = read_privacy_level(cell)
    if level is None:
        cells.fail("bad_privacy_level", Field.PRIVACY_LEVEL, value=cell)
    return level


def _read_characteristics(cells: RowCells) -> Iterator[tuple[str, str | None]]:
    for cell, header in cells.columns(Field.CHARACTERISTICS):
        for item in split_list(cell):
            key, equals, value = (part.strip() for part in item.partition("="))
            if not key or (equals and not value):
                cells.fail("bad_characteristic", Field.CHARACTERISTICS, header=header, value=item)
            else:
                yield key, value or None
    for cell, _ in cells.columns(Field.TAGS):
        for tag in split_tags(cell):
            yield tag, None
    for header, target in cells.plan.columns_like(CHARACTERISTIC):
        yield from _read_single(cells, header, target)
    packaging = cells.first(Field.PACKAGING)
    if packaging and cells.first(Field.CONTACT_NAME):
        yield "packaging", packaging.partition(",")[0].strip() or None


def _read_single(cells: RowCells, header: str, target: str) -> Iterator[tuple[str, str | None]]:
    """A column that is one characteristic: yes gives the bare tag, no nothing, any other text the value."""
    for cell, found in cells.columns(target):
        if found == header:
            answer = read_yes_no(cell)
            if answer is not False:
                yield target.removeprefix(CHARACTERISTIC), None if answer else cell


def _read_consents(cells: RowCells) -> Iterator[ConsentEntry]:
    for cell, header in cells.columns(Field.CONSENTS):
        try:
            entries = read_entries(cell)
        except EntryInvalid as wrong:
            cells.fail("bad_consent", Field.CONSENTS, header=header, value=str(wrong))
            continue
        late = [entry.on for entry in entries if entry.on is not None and entry.on > today()]
        if late:  # nobody agrees tomorrow
            cells.fail("bad_consent", Field.CONSENTS, header=header, value=late[0].isoformat())
        yield from entries


def _read_subscriptions(cells: RowCells, document_types: frozenset[str]) -> _Subscriptions:
    result = _Subscriptions()
    for cell, header in cells.columns(Field.SUBSCRIPTIONS):
        for item in split_list(cell.replace(";", "|").replace(",", "|")):
            _read_subscription(cells, header, item, document_types, result)
    for header, target in cells.plan.columns_like(SUBSCRIPTION, NO_SUBSCRIPTION):
        _read_flag(cells, header, target, result)
    return result


def _read_subscription(
    cells: RowCells, header: str, item: str, document_types: frozenset[str], result: _Subscriptions
) -> None:
    name, colon, word = (part.strip().lower() for part in item.partition(":"))
    kind = read_recipient_kind(word) if colon else RecipientKind.TO
    if kind is None or not name:
        cells.fail("bad_subscription", Field.SUBSCRIPTIONS, header=header, value=item)
    elif name not in document_types:
        allowed = ", ".join(sorted(document_types))
        cells.fail("unknown_document_type", Field.SUBSCRIPTIONS, header=header, value=name, allowed=allowed)
    else:
        result.wanted[name] = kind


def _read_flag(cells: RowCells, header: str, target: str, result: _Subscriptions) -> None:
    """A column such as Fattura=S; the cell may also say cc. `no_subscription:` columns mean the contrary."""
    negative = target.startswith(NO_SUBSCRIPTION)
    name, _, word = target.partition(":")[2].partition(":")
    kind = read_recipient_kind(word) or RecipientKind.TO
    for cell, found in cells.columns(target):
        if found != header:
            continue
        if cell.casefold() == "cc" and not negative:
            result.wanted[name] = RecipientKind.CC
            continue
        answer = read_yes_no(cell)
        if answer is None:
            cells.fail("bad_yes_no", target, header=header, value=cell)
        elif answer and not negative:
            result.wanted[name] = kind
        elif answer == negative:
            result.refused.append(name)
