"""A PDF that says nothing of itself and is called by what it is: type, party, number and date out of its name."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import CompanyTypes, company_types
from crm_mail.contacts.finding.matching import match_party
from crm_mail.contacts.models import Party
from crm_mail.documents.service import FileRole, NewDocument, NewFile, store_document
from crm_mail.importers.base import ImportRefused, ParsedFile
from crm_mail.importers.documents.service import DocumentFileResult, would_store
from crm_mail.importers.formats.name_patterns import NamedDocument, read_name, type_words
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

SOURCE = "file_name"


def company_words(types: CompanyTypes) -> dict[str, str]:
    """The words that stand for a company's types: its own names included."""
    named = {
        view.id: (view.facts.label.it, view.facts.label.es, view.facts.label.en)
        for view in types.by_id.values()
        if view.is_own or view.is_renamed
    }
    return type_words(named)


def import_named_pdf(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    name: str,
    content: bytes,
    pattern: str,
    *,
    extras: Sequence[ParsedFile] = (),
    dry_run: bool = False,
) -> DocumentFileResult:
    """Keep a PDF as the document that its name says.

    Arguments: `content`, a PDF that was opened before; `extras`, files sent with it.
    Raises ImportRefused: the name does not follow the pattern, or names nobody known; PermissionDenied.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, company.id)
    types = company_types(session, company.id)
    named = read_name(name, pattern, company_words(types))
    if named is None:
        raise ImportRefused("pdf_needs_fields", name=name)
    party = _find_party(session, company, named, name)
    direction = "supplier" if named.is_supplier else types.facts(named.type).direction.value
    is_received = direction == "supplier" and types.facts(named.type).direction.value != "supplier"
    new = NewDocument(
        type=named.type,
        number=named.number,
        series=named.series[:30],
        dated_on=named.date,
        files=[
            NewFile(FileRole.MAIN, name, "application/pdf", content),
            *(NewFile(FileRole(one.role), one.name, one.mime, one.content) for one in extras),
        ],
        direction=direction,
        is_mailable=not is_received,
        not_mailable_reason="received" if is_received else "",
        key_owner=party.code if is_received else "",
        source=SOURCE,
    )
    result = DocumentFileResult()
    if dry_run:
        result.count(would_store(session, company.id, new))
        return result
    document, stored = store_document(session, actor, store, party, new)
    result.count(stored)
    result.documents.append(document)
    return result


def _find_party(session: Session, company: Company, named: NamedDocument, name: str) -> Party:
    """The party by its code, leading zeros and all, else by its VAT number."""
    found: Party | None = None
    if named.party_code:
        query = select(Party).where(Party.company_id == company.id, Party.code == named.party_code)
        found = session.scalar(query)
    elif named.vat_number:
        match = match_party(session, company.id, vat_number=named.vat_number, tax_code=named.vat_number)
        found = session.get_one(Party, match.party_id) if match and not match.is_ambiguous else None
    if found is None:
        raise ImportRefused("named_party_unknown", name=name, value=named.party_code or named.vat_number)
    return found
