"""Mappings of columns to fields, kept under a name per company, for files that arrive again and again."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import SavedMapping
from crm_mail.contacts.values import one_line
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.columns import is_field
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

MAX_NAME = 80
CONTACTS, SALES = "contacts", "sales"
"""What a mapping is for."""

_RIGHTS = {CONTACTS: Permission.CONTACTS_MANAGE, SALES: Permission.DOCUMENTS_MANAGE}


class MappingUnknown(Refusal, LookupError):
    """The company has no mapping of that name; the message lists those it has."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        others = ", ".join(known) or "none is saved yet"
        super().__init__(f"there is no mapping called “{name}”; saved mappings: {others}")
        self.name = name
        self.known = tuple(known)


class MappingNameInvalid(Refusal, ValueError):
    """The name of a mapping is empty or longer than 80 characters."""

    def __init__(self) -> None:
        super().__init__(f"give the mapping a name of at most {MAX_NAME} characters")


def list_mappings(
    session: Session, actor: Actor, company_id: int, purpose: str = CONTACTS
) -> list[SavedMapping]:
    """The mappings of a company for one kind of file, by name."""
    actor.require(_RIGHTS[purpose], company_id)
    query = select(SavedMapping).where(SavedMapping.company_id == company_id, SavedMapping.purpose == purpose)
    return list(session.scalars(query.order_by(SavedMapping.name)))


def load_mapping(
    session: Session, actor: Actor, company_id: int, name: str, purpose: str = CONTACTS
) -> dict[str, str]:
    """header → field of a saved mapping.

    Raises:
        MappingUnknown: there is none of that name.
    """
    saved = list_mappings(session, actor, company_id, purpose)
    for mapping in saved:
        if mapping.name.casefold() == one_line(name).casefold():
            return read_columns(mapping)
    raise MappingUnknown(name, [mapping.name for mapping in saved])


def read_columns(mapping: SavedMapping) -> dict[str, str]:
    """The columns of a stored mapping."""
    return {str(header): str(target) for header, target in json.loads(mapping.columns).items()}


def save_mapping(
    session: Session,
    actor: Actor,
    company_id: int,
    name: str,
    columns: Mapping[str, str],
    purpose: str = CONTACTS,
) -> SavedMapping:
    """Keep a mapping under a name; one of the same name (in any case of letters) is replaced.

    Raises:
        MappingNameInvalid: no name, too long, or that of a mapping for another kind of file.
        ImportRefused: a field does not exist.
    """
    clean = one_line(name)
    if not clean or len(clean) > MAX_NAME:
        raise MappingNameInvalid
    for header, target in columns.items():
        if target and purpose == CONTACTS and not is_field(target):
            raise ImportRefused("unknown_mapping_field", header=header, field=target)
    text = json.dumps({header: target for header, target in columns.items() if target}, ensure_ascii=False)
    for mapping in list_mappings(session, actor, company_id, purpose):
        if mapping.name.casefold() == clean.casefold():
            mapping.columns, mapping.name = text, clean
            return mapping
    taken = select(SavedMapping.id).where(SavedMapping.company_id == company_id, SavedMapping.name == clean)
    if session.execute(taken).first() is not None:
        raise MappingNameInvalid
    mapping = SavedMapping(company_id=company_id, name=clean, columns=text, purpose=purpose)
    session.add(mapping)
    session.flush()
    return mapping


def delete_mapping(
    session: Session, actor: Actor, company_id: int, mapping_id: int, purpose: str = CONTACTS
) -> bool:
    """Forget a mapping; False when the company has none of that id for this kind of file."""
    actor.require(_RIGHTS[purpose], company_id)
    mapping = session.get(SavedMapping, mapping_id)
    if mapping is None or mapping.company_id != company_id or mapping.purpose != purpose:
        return False
    session.delete(mapping)
    session.flush()
    return True
