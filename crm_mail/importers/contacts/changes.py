"""What a row changes on a party or contact that is stored: the fields by the names that an edit by hand records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.birthdays import Birthday
from crm_mail.contacts.models import Contact, Party, RecipientKind
from crm_mail.importers.contacts.party_merge import PartyState
from crm_mail.importers.contacts.states import AddressItem, ContactItem
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Change:
    """What one row makes different on one party, or on one contact of it.

    Args:
        contact: its name; None: the party itself is changed.
        id: of the contact or party that is changed.
        level: for whom it exists: the higher of the contact's privacy levels, before and after.
        before: by field; values as JSON, like `after`, which has the same fields.
    """

    row: int
    party_code: str
    party_name: str
    contact: str | None
    id: int
    level: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def as_json(self) -> list[dict[str, Any]]:
        """An entry for each field, as the command line prints it."""
        whose = {"row": self.row, "party": self.party_code, "contact": self.contact}
        return [
            {**whose, "field": name, "old": old, "new": self.after[name]} for name, old in self.before.items()
        ]


def party_change(row: int, state: PartyState, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """What a row changed on a stored party.

    Args:
        before: the columns that the row made different, as they were.
        after: the same as the row left them; a later one may have changed them again.
    """
    old, new = ({name: side[name] for name in side if name != "name_key"} for side in (before, after))
    return Change(row, state.values["code"], state.values["name"], None, state.id, 0, old, new)


def contact_change(row: int, item: ContactItem, role_names: Mapping[int, str]) -> Change | None:
    """What a row changed on a stored contact since it was read, or since the row that changed it before.

    None when nothing that people see is different.
    """
    before = item.told or _stored_values(item, role_names)
    after = item.told = _values(item, role_names)
    changed = [name for name, value in after.items() if before[name] != value]
    if not changed:
        return None
    return _of_contact(
        row,
        item,
        max(before["privacy_level"], after["privacy_level"]),
        {name: before[name] for name in changed},
        {name: after[name] for name in changed},
    )


def consent_change(row: int, item: ContactItem, words: Mapping[str, tuple[str, str]]) -> Change:
    """Words of consent that are new to the ledger.

    Args:
        words: subject → (what was said before, or empty; what is said now).
    """
    before = {subject: old for subject, (old, _new) in words.items() if old}
    after = {subject: new for subject, (_old, new) in words.items()}
    return _of_contact(row, item, item.values["privacy_level"], {"consents": before}, {"consents": after})


def record_changes(
    session: Session, actor: Actor, company_id: int, file: str, changes: Iterable[Change]
) -> None:
    """Write what the rows of a file changed into the audit, as edits by hand are, with the file and the row."""
    lines = [
        audit.Line(
            "contacts.party.updated" if one.contact is None else "contacts.contact.updated",
            Party.__tablename__ if one.contact is None else Contact.__tablename__,
            one.id,
            f"{one.party_code} {one.party_name}" if one.contact is None else one.contact,
            one.level,
            {"before": one.before, "after": one.after, "file": file, "row": one.row},
        )
        for one in changes
    ]
    audit.record_many(session, actor, lines, company_id=company_id)


def _of_contact(
    row: int, item: ContactItem, level: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Change:
    party = item.party.values
    return Change(row, party["code"], party["name"], item.values["name"], item.id, level, before, after)


def _values(item: ContactItem, role_names: Mapping[int, str]) -> dict[str, Any]:
    """The contact as it will be, like `people.contact_values`, without its notes."""
    return _typed(item.values) | {
        "roles": _roles(item.roles, role_names),
        "addresses": [_address(one, one.kind) for one in item.addresses.values()],
        "characteristics": _tags((key, tag.value) for key, tags in item.tags.items() for tag in tags),
        "subscriptions": {
            document_type: _received(held.kind, held.email)
            for document_type, held in sorted(item.subscriptions.items())
            if held.kind is not None
        },
    }


def _stored_values(item: ContactItem, role_names: Mapping[int, str]) -> dict[str, Any]:
    """The contact as it was read."""
    kept = [(one.stored, one) for one in item.addresses.values() if one.stored is not None]
    return _typed(item.stored or {}) | {
        "roles": _roles(item.roles - item.new_roles, role_names),
        "addresses": [_address(one, kind) for (kind, _at), one in sorted(kept, key=lambda pair: pair[0][1])],
        "characteristics": _tags(
            (key, tag.stored) for key, tags in item.tags.items() for tag in tags if tag.stored is not None
        ),
        "subscriptions": {
            document_type: _received(held.stored, held.email)
            for document_type, held in sorted(item.subscriptions.items())
            if held.stored is not None
        },
    }


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    month, day = values["birth_month"], values["birth_day"]
    born = Birthday(month, day, values["birth_year"]).as_text() if month and day else ""
    names = ("name", "phone", "mobile", "language", "privacy_level")
    return {name: values[name] for name in names} | {"state": values["state"].value, "birthday": born}


def _roles(ids: Iterable[int], names: Mapping[int, str]) -> list[str]:
    """The names of roles; one that somebody has added since the import began has none here."""
    return sorted(names[id_] for id_ in ids if id_ in names)


def _address(item: AddressItem, kind: str) -> str:
    return f"{item.email} ({kind})"


def _tags(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"{key}={value}" if value else key for key, value in pairs)


def _received(kind: RecipientKind, email: str) -> str:
    return f"{kind} {email}".strip()
