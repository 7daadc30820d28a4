"""Electronic invoices and PDFs become documents: the file is read, its party found or made, the bytes kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from babel.numbers import get_territory_currencies
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.sdi_service import remember_invoice_file
from crm_mail.documents.service import (
    FileRole,
    NewDocument,
    NewFile,
    Stored,
    can_see,
    find_current,
    is_same,
    store_document,
)
from crm_mail.importers.base import (
    Direction,
    DocumentParty,
    ImportRefused,
    Notice,
    ParsedDocument,
    ParsedFile,
    Totals,
)
from crm_mail.importers.documents.address_suggestions import suggest_addresses
from crm_mail.importers.documents.other_form import is_other_form
from crm_mail.importers.documents.parties import find_or_make_party
from crm_mail.importers.documents.replacing import void_replaced
from crm_mail.importers.documents.sdi_import import import_sdi_receipt
from crm_mail.importers.formats.canonical import CONFIDENTIAL, Beside, Surroundings, nothing_beside
from crm_mail.importers.formats.cfdi_rules import identify_buyer, settle_stamp
from crm_mail.importers.formats.credit_terms import add_credit_terms
from crm_mail.importers.formats.detect import FileFormat, check_named_kind, sniff_document_format
from crm_mail.importers.formats.readers import read_documents
from crm_mail.importers.formats.sdi_receipts import is_sdi_receipt
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

OTHER_SELLER = ":other-seller"
NOBODY_OF_US = "other_seller"
"""Neither side of the document is our company: not mailed until a person says so on its page."""
LEGAL_MIMES = {"xml": "application/xml", "p7m": "application/pkcs7-mime", "pdf": "application/pdf"}


@dataclass(slots=True)
class DocumentFileResult:
    """What one file gave."""

    created: int = 0
    unchanged: int = 0
    versions: int = 0
    documents: list[Document] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    suggested: int = 0
    receipts: int = 0
    """New receipts of the SdI; what they are about is in `documents`."""

    def count(self, stored: Stored) -> None:
        """Add one document's outcome."""
        name = {Stored.CREATED: "created", Stored.UNCHANGED: "unchanged", Stored.VERSION: "versions"}[stored]
        setattr(self, name, getattr(self, name) + 1)


def import_document_file(
    session: Session,
    store: BlobStore,
    actor: Actor,
    company: Company,
    name: str,
    data: bytes,
    *,
    dry_run: bool = False,
    size_limit: int = 50 * 1024 * 1024,
    companions: Sequence[ParsedFile] = (),
    beside: Beside = nothing_beside,
) -> DocumentFileResult:
    """Read one electronic invoice file and keep its documents.

    All of the file's documents are kept, or none: the door commits after this returns.

    Args:
        name: the file's name, kept with the original bytes.
        dry_run: say what would happen; nothing is written, nor stored.
        size_limit: bytes.
        companions: files of the same base name, kept with the one document that the file holds.
        beside: fetches what a canonical document names by path.

    Raises:
        ImportRefused: the file is another format, broken or hostile; the message says what and where.
        PermissionDenied: the actor may not bring documents in.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, company.id)
    if not companions and is_sdi_receipt(data, name):
        told = import_sdi_receipt(session, store, actor, company, name, data, dry_run=dry_run)
        return DocumentFileResult(
            unchanged=int(not told.is_new),
            receipts=int(told.is_new),
            documents=[document for document in told.documents if can_see(actor, document)],
            warnings=told.warnings,
        )
    result = DocumentFileResult()
    around = _surroundings(session, company, companions, beside, size_limit)
    for parsed in _with_companions(_read(data, name, company, size_limit, around), companions, name):
        result.warnings.extend(parsed.warnings)
        parsed, source = _oriented(around, identify_buyer(session, company, parsed, name), result)
        new, settled = settle_stamp(session, company.id, parsed, _new_document(parsed, name, source))
        if settled is not None:
            result.warnings.append(Notice("already_stamped", {"number": parsed.number}))
            result.count(Stored.UNCHANGED)
            continue
        if not companions and is_other_form(session, store, company.id, new):
            result.count(Stored.UNCHANGED)
            continue
        if dry_run:
            result.count(would_store(session, company.id, new))
            continue
        party = find_or_make_party(session, actor, company, parsed)
        new = _with_terms(new, parsed, party)
        document, stored = store_document(session, actor, store, party, new)
        result.count(stored)
        result.warnings.extend(void_replaced(session, actor, document, parsed.replaces))
        if can_see(actor, document):
            result.documents.append(document)
        if parsed.sdi_type is not None:
            remember_invoice_file(session, actor, document, name)
        result.suggested += suggest_addresses(session, party, parsed)
    return result


def _surroundings(
    session: Session, company: Company, companions: Sequence[ParsedFile], beside: Beside, size_limit: int
) -> Surroundings:
    types = company_types(session, company.id)
    return Surroundings(
        company=company.code,
        currency=_usual_currency(company.country),
        own=types.schemas(),
        directions={one.id: one.facts.direction.value for one in types.by_id.values()},
        beside=beside,
        has_main_pdf=any(file.role == FileRole.MAIN for file in companions),
        file_limit=size_limit,
    )


def _usual_currency(country: str) -> str:
    """What a document means that names no currency: that of the company's country."""
    return next(iter(get_territory_currencies(country.upper())), "EUR")


def _with_companions(
    found: list[ParsedDocument], companions: Sequence[ParsedFile], name: str
) -> list[ParsedDocument]:
    """The one document with the files that came beside it; with several, whose they are cannot be told."""
    if not companions:
        return found
    if len(found) != 1:
        others = ", ".join(file.name for file in companions)
        raise ImportRefused("pair_of_many", name=name, number=len(found), others=others)
    return [replace(found[0], files=(*found[0].files, *companions))]


def _read(
    data: bytes, name: str, company: Company, size_limit: int, around: Surroundings
) -> list[ParsedDocument]:
    own = [company.vat_number, company.tax_code]
    try:
        return read_documents(data, own_tax_ids=own, size_limit=size_limit, surroundings=around)
    except ImportRefused as refused:
        if refused.code == "pdf_needs_fields":  # a reader does not know the file's name
            raise ImportRefused(refused.code, name=name) from None
        if refused.code == "wrong_format":
            check_named_kind(name, data)
        raise


def _oriented(
    around: Surroundings, parsed: ParsedDocument, result: DocumentFileResult
) -> tuple[ParsedDocument, str]:
    """Which way the document goes; when neither side is ours, it is taken as sold, and waits for a person."""
    if parsed.direction is None:
        seller = parsed.seller.vat_number or parsed.seller.tax_code or parsed.seller.name or "?"
        result.warnings.append(Notice("other_seller", {"seller": seller}))
        reason = parsed.not_mailable_reason or NOBODY_OF_US
        taken = replace(parsed, direction=Direction.CUSTOMER, mailable=False, not_mailable_reason=reason)
        return taken, f"{parsed.source}{OTHER_SELLER}"
    is_our_own = around.directions[parsed.type] == Direction.SUPPLIER.value  # orders: we wrote them
    if parsed.direction is Direction.SUPPLIER and parsed.mailable and not is_our_own:
        return replace(parsed, mailable=False, not_mailable_reason="received"), parsed.source
    return parsed, parsed.source


def would_store(session: Session, company_id: int, new: NewDocument) -> Stored:
    """What keeping a document would do; nothing is written."""
    current = find_current(session, company_id, new.natural_key)
    if current is None:
        return Stored.CREATED
    offered = [sha256(file.content).hexdigest() for file in new.files]
    return Stored.UNCHANGED if is_same(current, offered, new) else Stored.VERSION


def _new_document(parsed: ParsedDocument, name: str, source: str) -> NewDocument:
    is_slip = bool(parsed.privacy_level) and parsed.canonical is None  # payroll: neither names nor amounts
    is_ours = not source.endswith(OTHER_SELLER) and parsed.direction is Direction.CUSTOMER
    if parsed.canonical is not None:
        is_ours = parsed.not_mailable_reason != "received"
    seller = parsed.seller.vat_number or parsed.seller.tax_code or parsed.party_code or ""
    totals = Totals() if is_slip else parsed.totals
    dues = [due.date for due in parsed.due_dates if due.date is not None]
    return NewDocument(
        type=parsed.type,
        number=parsed.number,
        series=parsed.series or "",
        dated_on=parsed.date,
        currency=parsed.currency,
        direction=parsed.direction.value if parsed.direction else "customer",
        net_total=totals.net,
        tax_total=totals.tax,
        gross_total=totals.gross,
        first_due_on=min(dues) if dues else None,
        data=_confidential_data(parsed) if is_slip else canonical_data(parsed),
        is_mailable=parsed.mailable,
        not_mailable_reason=parsed.not_mailable_reason or "",
        source=source,
        key_owner="" if is_ours else seller,
        identity=parsed.identity or "",
        privacy_level=parsed.privacy_level,
        files=_files_of(parsed, name),
        is_data_told=parsed.canonical is not None,
    )


def _files_of(parsed: ParsedDocument, name: str) -> list[NewFile]:
    """The files of a document, the printed form first; nothing of a payroll slip is ever attached."""
    may_leave = not parsed.privacy_level or parsed.not_mailable_reason == CONFIDENTIAL
    files = [
        NewFile(FileRole.ATTACHMENT, enclosed.name, enclosed.mime, enclosed.content)
        for enclosed in parsed.attachments
    ]
    for file in parsed.files:
        role = FileRole(file.role)
        is_sent = may_leave and (
            role is not FileRole.LEGAL_XML or parsed.is_legal_sent or bool(parsed.canonical)
        )
        files.append(NewFile(role, file.name, file.mime, file.content, is_sent=is_sent))
    if parsed.legal_file:
        kind = parsed.legal_file_kind
        role = FileRole.MAIN if kind == "pdf" else FileRole.LEGAL_XML
        is_sent = parsed.is_legal_sent and may_leave
        files.insert(0, NewFile(role, name, LEGAL_MIMES[kind], parsed.legal_file, is_sent=is_sent))
    return sorted(files, key=lambda file: file.role is not FileRole.MAIN)


def canonical_data(parsed: ParsedDocument) -> dict[str, Any]:
    """The canonical form that layouts and texts read: amounts as decimal strings, dates ISO, nothing empty."""
    if parsed.canonical is not None:
        dues = [{"date": due.date, "amount": due.amount, "method": due.method} for due in parsed.due_dates]
        return dict(parsed.canonical) | ({"due_dates": _without_empty(dues)} if dues else {})
    canonical: dict[str, Any] = _without_empty(
        {
            "type": parsed.type,
            "number": parsed.number,
            "series": parsed.series,
            "date": parsed.date,
            "currency": parsed.currency,
            "seller": _party(parsed.seller),
            "party": _party(parsed.buyer if parsed.direction is Direction.CUSTOMER else parsed.seller),
            "lines": [
                {
                    "number": line.number,
                    "code": line.code,
                    "description": line.description,
                    "qty": line.quantity,
                    "uom": line.unit,
                    "price": line.price,
                    "discounts": line.discount,
                    "net": line.net,
                    "tax_code": line.tax_nature or _rate(line.tax_rate),
                }
                for line in parsed.lines
            ],
            "tax_summary": [
                {"rate": row.rate, "nature": row.nature, "base": row.net, "tax": row.tax}
                for row in parsed.tax_summary
            ],
            "totals": _totals(parsed.totals),
            "due_dates": [
                {"date": due.date, "amount": due.amount, "method": due.method} for due in parsed.due_dates
            ],
            "payment": {"iban": parsed.ibans[0] if parsed.ibans else None},
            "references": [{"type": r.kind, "number": r.number, "date": r.date} for r in parsed.references],
            "notes": list(parsed.notes),
            "sdi_type": parsed.sdi_type,
            "recipient_code": parsed.recipient_code,
            **parsed.extra,
        }
    )
    return canonical


def _with_terms(new: NewDocument, parsed: ParsedDocument, party: Party) -> NewDocument:
    """The due date by the party's days of credit, where the document states none."""
    agreed = add_credit_terms(parsed, party)
    if agreed is parsed:
        return new
    return replace(new, first_due_on=agreed.due_dates[0].date, data=canonical_data(agreed))


def _confidential_data(parsed: ParsedDocument) -> dict[str, Any]:
    """What may be read of a confidential document outside its file: neither names nor amounts."""
    named = {
        "type": parsed.type,
        "number": parsed.number,
        "series": parsed.series,
        "date": parsed.date,
        "confidential": True,
        "legal": {"uuid": parsed.uuid},
    }
    canonical: dict[str, Any] = _without_empty(named)
    return canonical


def _rate(rate: Decimal | None) -> str | None:
    return None if rate is None else f"{rate.normalize():f}%"


def _totals(totals: Totals) -> dict[str, Any]:
    names = ("net", "tax", "gross", "withholding", "stamp", "payable")
    return {name: getattr(totals, name) for name in names}


def _party(party: DocumentParty) -> dict[str, Any]:
    names = ("name", "vat_number", "tax_code", "address", "postcode", "city", "province", "country")
    return {name: getattr(party, name) for name in names}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in cleaned.items() if inner not in (None, "", [], {})}
    if isinstance(value, (list, tuple)):
        return [_without_empty(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def add_uploaded_pdf(
    session: Session,
    store: BlobStore,
    actor: Actor,
    party: Party,
    document_type: str,
    number: str,
    dated_on: date,
    name: str,
    content: bytes,
    *,
    total: Decimal | None = None,
    currency: str = "",
) -> tuple[Document, Stored]:
    """Keep a PDF with the few fields that a person typed.

    Raises:
        ImportRefused: the file is no PDF, or the number is empty.
    """
    if sniff_document_format(content) is not FileFormat.PDF:
        raise ImportRefused("not_a_pdf", name=name)
    if not number.strip():
        raise ImportRefused("number_missing", name=name)
    new = NewDocument(
        type=document_type,
        number=number.strip()[:60],
        dated_on=dated_on,
        files=[NewFile(FileRole.MAIN, name, "application/pdf", content)],
        currency=currency or _usual_currency(session.get_one(Company, party.company_id).country),
        direction="supplier" if party.is_supplier and not party.is_customer else "customer",
        gross_total=total,
        source="upload",
    )
    return store_document(session, actor, store, party, new)


def merge_results(results: Iterable[DocumentFileResult]) -> DocumentFileResult:
    """The sum of several files."""
    total = DocumentFileResult()
    for result in results:
        total.created += result.created
        total.unchanged += result.unchanged
        total.versions += result.versions
        total.suggested += result.suggested
        total.receipts += result.receipts
        total.documents += result.documents
        total.warnings += result.warnings
    return total
