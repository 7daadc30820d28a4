"""Finding what stands twice: contacts of one party with the same e-mail or name, parties with the same tax number.

One address in two parties is no duplicate: an accountant serves several firms, and their papers stay apart. Each
question reads one index in its order, and stops when the page is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.finding.conditions import visible_contacts, visible_parties
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.permissions import Actor, Permission

SIZE = 25
MOST_MEMBERS = 20
_GONE = (ContactState.ERASED, ContactState.RESTRICTED)


class DuplicateKind(StrEnum):
    """What two rows have in common."""

    EMAIL = "email"
    NAME = "name"
    VAT_NUMBER = "vat_number"
    TAX_CODE = "tax_code"

    @property
    def is_of_parties(self) -> bool:
        """Whether parties are compared, not contacts."""
        return self in (DuplicateKind.VAT_NUMBER, DuplicateKind.TAX_CODE)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that have ``key`` in common; of very many only the first are listed."""

    key: str
    contacts: tuple[Contact, ...] = ()
    parties: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicatePage:
    """One page of groups; ``next_cursor`` empty on the last."""

    groups: tuple[Group, ...]
    next_cursor: str


def find_duplicates(
    session: Session, actor: Actor, company_id: int, kind: DuplicateKind, after: str = "", size: int = SIZE
) -> DuplicatePage:
    """The groups after a cursor of an earlier page, of what exists for the actor."""
    actor.require(Permission.CONTACTS_SEE, company_id)
    if kind.is_of_parties:
        return _of_parties(session, actor, company_id, kind, after, size)
    rows = session.execute(_keys(actor, company_id, kind, after).limit(size + 1)).all()
    groups = tuple(_group(session, actor, kind, key, party_id) for key, party_id in rows[:size])
    note_many_read(session, actor, [one.id for group in groups for one in group.contacts], Way.LIST)
    return DuplicatePage(groups, _cursor(rows[size - 1]) if len(rows) > size else "")


def _keys(actor: Actor, company_id: int, kind: DuplicateKind, after: str) -> Select[Any]:
    conditions = _present(actor, company_id)
    key: InstrumentedAttribute[str]
    query: Any
    if kind is DuplicateKind.EMAIL:
        key = ContactAddress.email_key
        twice = select(key).group_by(key).having(func.count() > 1)  # read from its index alone
        query = select(key, Contact.party_id).join(Contact, Contact.id == ContactAddress.contact_id)
        conditions.append(key.in_(twice))
    else:
        key = Contact.name_key
        query = select(key, Contact.party_id)
    place = _place(after)
    if place is not None:
        party_id, text = place
        conditions.append((Contact.party_id > party_id) | ((Contact.party_id == party_id) & (key > text)))
    grouped: Select[Any] = (
        query.where(*conditions).group_by(Contact.party_id, key).order_by(Contact.party_id, key)
    )
    found: Select[Any] = grouped.having(func.count(Contact.id.distinct()) > 1)
    return found


def _present(actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    return [
        Contact.company_id == company_id,
        visible_contacts(actor.sight),
        Contact.state.not_in(_GONE),
    ]


def _group(session: Session, actor: Actor, kind: DuplicateKind, key: str, party_id: int) -> Group:
    query = select(Contact).where(Contact.party_id == party_id, visible_contacts(actor.sight))
    query = query.where(Contact.state.not_in(_GONE)).options(selectinload(Contact.party))
    if kind is DuplicateKind.EMAIL:
        query = query.where(
            Contact.id.in_(select(ContactAddress.contact_id).where(ContactAddress.email_key == key))
        )
    else:
        query = query.where(Contact.name_key == key)
    return Group(key, contacts=tuple(session.scalars(query.order_by(Contact.id).limit(MOST_MEMBERS))))


def _of_parties(
    session: Session, actor: Actor, company_id: int, kind: DuplicateKind, after: str, size: int
) -> DuplicatePage:
    column = Party.vat_number if kind is DuplicateKind.VAT_NUMBER else Party.tax_code
    seen = visible_parties(actor.sight)
    query = select(column).where(Party.company_id == company_id, column > after, *seen).group_by(column)
    keys: Sequence[str] = session.scalars(
        query.having(func.count() > 1).order_by(column).limit(size + 1)
    ).all()
    groups = []
    for key in keys[:size]:
        members = select(Party).where(Party.company_id == company_id, column == key, *seen)
        groups.append(
            Group(key, parties=tuple(session.scalars(members.order_by(Party.id).limit(MOST_MEMBERS))))
        )
    return DuplicatePage(tuple(groups), keys[size - 1] if len(keys) > size else "")


def _cursor(row: Any) -> str:
    key, party_id = row
    return f"{party_id}.{key}"


def _place(cursor: str) -> tuple[int, str] | None:
    number, _dot, key = cursor.partition(".")
    return (int(number), key) if number.isascii() and number.isdigit() and len(number) < 19 else None
