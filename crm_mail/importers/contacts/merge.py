"""Which contact a row means, and what the row changes on it.

A contact is recognised within its party: by name and an address that both have; else by an address, when the row
names nobody or no other row of the file has spoken of that contact (then the name is a correction); else by the
name alone, likewise once (then the address is new, and goes first). Otherwise it is another person: several people
may share a mailbox, and namesakes may work in one firm.

Nothing is taken away but subscriptions that the file denies; roles, addresses and characteristics are added.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final

from crm_mail.contacts.birthdays import birthday_columns
from crm_mail.contacts.models import ContactState, RecipientKind
from crm_mail.contacts.values import name_key, one_line
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.base import Notice, ParsedAddress, ParsedContact
from crm_mail.importers.contacts.changes import Change, contact_change
from crm_mail.importers.contacts.party_merge import PartyState
from crm_mail.importers.contacts.row_rules import join_phones
from crm_mail.importers.contacts.states import (
    AddressItem,
    ContactBatch,
    ContactItem,
    SubscriptionItem,
    TagItem,
)

_NEW: Final[dict[str, Any]] = {
    "phone": "",
    "mobile": "",
    "language": "",
    "privacy_level": 0,
    "state": ContactState.ACTIVE,
    "birth_month": None,
    "birth_day": None,
    "birth_year": None,
}


class Wanted:
    """A contact that a row asks for.

    Args:
        is_nameless: the row names nobody; the name was borrowed.
        only_if_new: what is known already stays as it is (addresses that are recipients of everything).
    """

    __slots__ = ("contact", "found", "is_nameless", "key", "keys", "only_if_new", "party", "row")

    def __init__(
        self,
        row: int,
        party: PartyState,
        contact: ParsedContact,
        *,
        is_nameless: bool,
        only_if_new: bool = False,
    ) -> None:
        self.row = row
        self.party = party
        self.contact = contact
        self.is_nameless = is_nameless
        self.only_if_new = only_if_new
        self.key = name_key(contact.name)
        self.keys = [address_key(address.email) for address in contact.addresses]
        self.found: ContactItem | None = None


class ContactMerge:
    """Recognises and changes contacts batch by batch; remembers which ones the file has spoken of."""

    def __init__(
        self, role_ids: Mapping[str, int], role_names: Mapping[int, str], erased: Container[str] = ()
    ) -> None:
        self.role_ids = role_ids
        self.role_names = role_names
        self.erased = erased
        self._spoken: set[int] = set()

    def merge(
        self, batch: ContactBatch, wanted: Sequence[Wanted], notices: list[Notice], changes: list[Change]
    ) -> list[tuple[ContactItem, bool, bool]]:
        """(contact, made, changed) of each, in order; `changes` takes what is different on stored ones."""
        for item in wanted:  # first those that are certain, so that no guess takes their contact away
            item.found = _find_exact(batch, item)
            if item.found is not None:
                batch.spoken[id(item.found)] = item.found
        results = []
        for item in wanted:
            found = item.found or _find_exact(batch, item) or self._find_likely(batch, item, notices)
            is_new = found is None
            if found is None:
                values = _NEW | {"name": one_line(item.contact.name), "name_key": item.key}
                found = ContactItem(item.party, values)
            key_before = found.values["name_key"]
            changed = self._apply(batch, found, item, notices) if is_new or not item.only_if_new else False
            if changed and found.stored is not None:
                change = contact_change(item.row, found, self.role_names)
                changes += [change] if change else []
            if is_new:
                batch.remember(found)
            elif found.values["name_key"] != key_before:
                batch.by_name.setdefault((id(found.party), found.values["name_key"]), []).append(found)
            batch.spoken[id(found)] = found
            results.append((found, is_new, changed))
        return results

    def close_batch(self, batch: ContactBatch) -> None:
        """Remember, once they have their ids, the contacts that this batch was about."""
        self._spoken.update(item.id for item in batch.spoken.values())

    def _find_likely(self, batch: ContactBatch, item: Wanted, notices: list[Notice]) -> ContactItem | None:
        party = id(item.party)
        for key in item.keys:
            for found in batch.by_address.get((party, key), ()):
                if item.is_nameless or self._is_free(batch, found):
                    return found
        for found in batch.by_name.get((party, item.key), ()):
            if not self._is_free(batch, found) or (item.is_nameless and found.addresses):
                continue
            if found.addresses:
                value = item.contact.addresses[0].email
                notices.append(
                    Notice("address_changed", {"name": item.contact.name, "value": value}, item.row)
                )
            return found
        return None

    def _is_free(self, batch: ContactBatch, found: ContactItem) -> bool:
        return id(found) not in batch.spoken and (found.id == 0 or found.id not in self._spoken)

    def _apply(self, batch: ContactBatch, found: ContactItem, item: Wanted, notices: list[Notice]) -> bool:
        contact = item.contact
        changed = _apply_values(found, item)
        known = set(found.addresses)
        changed |= _apply_addresses(batch, found, contact.addresses, item.row, notices)
        for key, address in found.addresses.items():
            if key not in known and key in self.erased:
                notices.append(Notice("address_erased", {"value": address.email}, item.row))
        changed |= _apply_tags(found, contact.characteristics)
        changed |= _apply_subscriptions(found, contact)
        roles = {self.role_ids[name_key(role)] for role in contact.roles} - found.roles
        found.roles |= roles
        found.new_roles |= roles
        return changed or bool(roles)


def _find_exact(batch: ContactBatch, item: Wanted) -> ContactItem | None:
    keys = item.keys
    for found in batch.by_name.get((id(item.party), item.key), ()):
        if not keys or any(key in found.addresses for key in keys):
            return found
    return None


def _apply_values(found: ContactItem, item: Wanted) -> bool:
    contact, values = item.contact, found.values
    wanted: dict[str, Any] = {}
    if not item.is_nameless:
        wanted["name"], wanted["name_key"] = one_line(contact.name), item.key
    for name, numbers in (("phone", contact.phones), ("mobile", contact.mobiles)):
        if numbers:
            wanted[name] = join_phones(numbers)[0]
    if contact.language and contact.language != (values["language"] or item.party.values["language"]):
        wanted["language"] = contact.language
    if contact.privacy_level is not None:
        wanted["privacy_level"] = contact.privacy_level
    if contact.birthday is not None:
        wanted |= birthday_columns(contact.birthday)
    if values["state"] is ContactState.SUGGESTED:  # the file is the person's word that was waited for
        wanted["state"] = ContactState.ACTIVE
    changed = False
    for name, value in wanted.items():
        if values[name] != value:
            values[name] = value
            changed = True
    return changed


def _apply_addresses(
    batch: ContactBatch,
    found: ContactItem,
    given: Iterable[ParsedAddress],
    row: int,
    notices: list[Notice],
) -> bool:
    changed = False
    added: dict[str, AddressItem] = {}
    shares_one = False
    for address in given:
        key = address_key(address.email)
        known = found.addresses.get(key)
        if known is None:
            added[key] = AddressItem(address.email, address.kind, 0)
            continue
        shares_one = True
        if address.kind in (known.kind, AddressKind.UNKNOWN):
            continue
        if known.kind is AddressKind.UNKNOWN:
            known.kind = address.kind
            changed = True
        else:
            params = {"value": known.email, "stored": known.kind.value, "given": address.kind.value}
            notices.append(Notice("kind_differs", params, row))
    if not added:
        return changed
    ordered = found.addresses | added if shares_one else added | found.addresses
    found.addresses = ordered
    for position, item in enumerate(ordered.values()):
        item.position = position
    for key in added:
        batch.by_address.setdefault((id(found.party), key), []).append(found)
    return True


def _apply_tags(found: ContactItem, given: Iterable[tuple[str, str | None]]) -> bool:
    """A value takes the place of the one value that the same name had; several stay."""
    changed = False
    for key, text in given:
        value = text or ""
        present = found.tags.setdefault(key, [])
        if any(tag.value == value for tag in present):
            continue
        changed = True
        if len(present) == 1 and value:
            present[0].value = value
        elif not present or value:
            present.append(TagItem(value))
        else:
            changed = False  # the bare name says nothing new beside a value
    return changed


def _apply_subscriptions(found: ContactItem, contact: ParsedContact) -> bool:
    changed = False
    held = found.subscriptions
    for wanted in contact.subscriptions:
        kind = RecipientKind(wanted.recipient_kind.value)
        item = held.get(wanted.document_type)
        if item is None:
            held[wanted.document_type] = SubscriptionItem(kind)
            changed = True
        elif item.kind is not kind:
            item.kind = kind
            changed = True
    for document_type in contact.not_subscribed:
        item = held.get(document_type)
        if item is not None and item.kind is not None:
            item.kind = None
            changed = True
    return changed
