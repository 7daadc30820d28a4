"""What a CFDI asks of the storing: the stamp that comes later, the RFC that means nobody, the payroll slip."""

import re
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.matching import match_party
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.service import NewDocument, find_current
from crm_mail.importers.base import ImportRefused, ParsedDocument
from crm_mail.importers.formats.cfdi import UNSTAMPED

_SEPARATORS: Final = re.compile(r"[\s_.,;()+]+")


def identify_buyer(
    session: Session, company: Company, parsed: ParsedDocument, file_name: str
) -> ParsedDocument:
    """Find out whom a document to a generic RFC is for: by the Addenda, the file's name, or the foreign number.

    The file's name must hold the code of a customer that exists; other documents come back as they are.
    Raises ImportRefused when nobody is named, saying how to name somebody.
    """
    if parsed.generic_tax_id is None or parsed.privacy_level or parsed.party_code:
        return parsed
    code = _code_in_name(session, company.id, parsed, file_name)
    if code is not None:
        return replace(parsed, party_code=code)
    number = parsed.buyer.tax_code or ""
    known = match_party(session, company.id, vat_number=number, tax_code=number) if number else None
    if known is None or known.is_ambiguous:
        raise ImportRefused("generic_rfc", value=parsed.generic_tax_id, name=file_name)
    return replace(parsed, party_code=session.get_one(Party, known.party_id).code)


def _code_in_name(session: Session, company_id: int, parsed: ParsedDocument, file_name: str) -> str | None:
    """The one customer whose code is a part of the file's name; the document's own number is not taken for one."""
    stem = PurePath(file_name).stem
    words = {word for part in _SEPARATORS.split(stem) for word in (part, *part.split("-")) if word}
    series, number = parsed.series or "", parsed.number
    words -= {series, number, series + number, f"{series}-{number}", parsed.seller.vat_number or ""}
    if not words:
        return None
    query = select(Party.code).where(
        Party.company_id == company_id, Party.code.in_([word[:60] for word in words])
    )
    found = session.scalars(query).all()
    return found[0] if len(found) == 1 else None


def settle_stamp(
    session: Session, company_id: int, parsed: ParsedDocument, new: NewDocument
) -> tuple[NewDocument, Document | None]:
    """Tell what arrives from what is there: the document to keep, and the one that makes keeping needless.

    The stamped version replaces the one that waited, which releases it. One without a stamp never replaces a
    stamped one. Two stamps are two documents even when they share series and number.
    """
    current = find_current(session, company_id, new.natural_key)
    if current is None or parsed.source != "cfdi":
        return new, None
    known = (current.data.get("legal") or {}).get("uuid")
    if known and parsed.uuid is None and parsed.not_mailable_reason == UNSTAMPED:
        return new, current
    if known and parsed.uuid and known != parsed.uuid:
        return replace(new, identity=parsed.uuid), None
    return new, None
