"""Mappings of a list's columns, kept under a name per company, for files that arrive again and again."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.importers.tables.mappings import MAX_NAME, MappingNameInvalid, MappingUnknown
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.models import LedgerMapping


def list_mappings(session: Session, actor: Actor, company_id: int) -> Sequence[LedgerMapping]:
    """The mappings of a company, by name."""
    actor.require(Permission.DOCUMENTS_MANAGE, company_id)
    query = select(LedgerMapping).where(LedgerMapping.company_id == company_id)
    return session.scalars(query.order_by(LedgerMapping.name)).all()


def load_mapping(session: Session, actor: Actor, company_id: int, name: str) -> dict[str, str]:
    """header → field of a saved mapping.

    Raises:
        MappingUnknown: there is none of that name.
    """
    saved = list_mappings(session, actor, company_id)
    for mapping in saved:
        if mapping.name.casefold() == " ".join(name.split()).casefold():
            return dict(mapping.columns)
    raise MappingUnknown(name, [mapping.name for mapping in saved])


def save_mapping(
    session: Session, actor: Actor, company_id: int, name: str, columns: Mapping[str, str]
) -> LedgerMapping:
    """Keep a mapping under a name; one of the same name (in any case of letters) is replaced.

    Raises:
        MappingNameInvalid: no name, or too long.
    """
    clean = " ".join(name.split())
    if not clean or len(clean) > MAX_NAME:
        raise MappingNameInvalid
    used = {header: target for header, target in columns.items() if target}
    for mapping in list_mappings(session, actor, company_id):
        if mapping.name.casefold() == clean.casefold():
            mapping.name, mapping.columns = clean, used
            return mapping
    mapping = LedgerMapping(company_id=company_id, name=clean, columns=used)
    session.add(mapping)
    session.flush()
    return mapping
