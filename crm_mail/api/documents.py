"""Documents: brought in as canonical JSON or as files, listed, shown, their files fetched."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, RootModel
from sqlalchemy import or_, select, tuple_

from crm_mail.api.operations import Answer, Given, Reply, Taken
from crm_mail.api.paging import cut, read_cursor, write_cursor
from crm_mail.api.problems import ApiProblem, FieldError, invalid, not_found, wrong
from crm_mail.api.resources import (
    CompanyCode,
    CompanyPageQuery,
    Page,
    RowId,
    actor,
    company_by_code,
    company_codes,
    interface,
)
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.documents.service import find_document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.importers.documents.bundles import Door, ImportedFile, import_together
from crm_mail.permissions import Permission
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation

TAG = "Documents"
MOST_FILES = 100


class DocumentQuery(CompanyPageQuery):
    """Which documents; the newest first."""

    type: str = Field("", max_length=40)
    since: dt.date | None = Field(None, description="First day of the documents' date.")
    until: dt.date | None = Field(None, description="Last day of the documents' date.")
    number: str = Field("", max_length=60)
    party_id: RowId | None = None
    mailable: Literal["", "yes", "no"] = ""


class ImportQuery(Taken):
    """Where to, and whether to write."""

    company: CompanyCode
    dry_run: bool = Field(False, description="Say what would happen; write nothing.")


class CanonicalDocument(BaseModel):
    """One document in the canonical form (docs/contact-files.md, and the schema files of the product)."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(max_length=40, examples=["invoice"])]


class CanonicalDocuments(RootModel[CanonicalDocument | list[CanonicalDocument]]):
    """One document, or a list of them."""


class FileOut(Given):
    """A file of a document."""

    id: int
    role: str = Field(description="`main` (the PDF people read), `legal_xml` or `attachment`.")
    name: str
    mime: str
    size: int = Field(description="Bytes.")
    sha256: str
    is_sent: bool


class DocumentOut(Given):
    """One business document, in its current version."""

    id: int
    company: str
    party_id: int
    type: str
    number: str
    series: str
    dated_on: dt.date
    currency: str
    direction: str
    net_total: Decimal | None
    tax_total: Decimal | None
    gross_total: Decimal | None
    first_due_on: dt.date | None
    version: int
    is_current: bool
    is_mailable: bool
    not_mailable_reason: str
    voided_at: dt.datetime | None
    created_at: dt.datetime
    files: list[FileOut]


class DocumentDetail(DocumentOut):
    """One document with its canonical data."""

    data: dict[str, Any]


class Warning(Given):
    """Something to know that stopped nothing."""

    file: str
    code: str
    message: str


class ImportOut(Given):
    """What became of what was sent. A document that was there already, byte for byte, is `unchanged`."""

    dry_run: bool
    created: int
    unchanged: int
    versions: int = Field(description="New versions of documents that were there with other bytes.")
    receipts: int
    documents: list[DocumentOut]
    warnings: list[Warning]


def shown_document(document: Document, company: str) -> DocumentOut:
    """A document as it is listed."""
    names = set(DocumentOut.model_fields) - {"company", "files"}
    return DocumentOut(
        company=company,
        files=[FileOut.model_validate(one) for one in document.files],
        **{name: getattr(document, name) for name in names},
    )


@interface.operation(
    "GET",
    "/documents",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    query=DocumentQuery,
    answers=[Answer(200, "A page, the newest first.", Page[DocumentOut])],
)
def list_documents(query: DocumentQuery) -> Page[DocumentOut]:
    """Current versions of a company's documents."""
    company = company_by_code(query.company, Permission.DOCUMENTS_SEE)
    types = actor().types(Permission.DOCUMENTS_SEE, company.id, company_types(db(), company.id).ids)
    found = (
        select(Document)
        .join(Party, Party.id == Document.party_id)
        .where(Document.company_id == company.id, Document.is_current.is_(True), Document.type.in_(types))
        .where(documents_in_sight(actor().sight))
    )
    for condition in _chosen(query):
        found = found.where(condition)
    if values := read_cursor("documents", query.after):
        found = found.where(tuple_(Document.dated_on, Document.id) < tuple_(*_place(values)))
    ordered = found.order_by(Document.dated_on.desc(), Document.id.desc()).limit(query.limit + 1)
    rows, more = cut(db().scalars(ordered).all(), query.limit)
    return Page[DocumentOut](
        data=[shown_document(row, company.code) for row in rows],
        next=write_cursor("documents", rows[-1].dated_on.isoformat(), rows[-1].id) if more else None,
    )


def _chosen(query: DocumentQuery) -> list[Any]:
    wanted: list[Any] = []
    if query.type:
        wanted.append(Document.type == query.type)
    if query.since:
        wanted.append(Document.dated_on >= query.since)
    if query.until:
        wanted.append(Document.dated_on <= query.until)
    if query.number:
        wanted.append(or_(Document.number == query.number, Document.series + Document.number == query.number))
    if query.party_id is not None:
        wanted.append(Document.party_id == query.party_id)
    if query.mailable:
        wanted.append(Document.is_mailable.is_(query.mailable == "yes"))
    return wanted


def _place(values: list[Any]) -> tuple[dt.date, int]:
    try:
        day, row = dt.date.fromisoformat(str(values[0])), int(values[1])
    except (ValueError, IndexError, TypeError):
        row = 2**63
        day = dt.date.max
    if row >= 2**63:
        raise wrong("?after", "this is no cursor of this list", "take `next` of the page before")
    return day, row


@interface.operation(
    "POST",
    "/documents",
    tag=TAG,
    scope=Permission.DOCUMENTS_MANAGE,
    query=ImportQuery,
    body=CanonicalDocuments,
    takes_files=True,
    answers=[
        Answer(201, "Kept; something is new.", ImportOut),
        Answer(200, "Nothing is new, or nothing was to be written.", ImportOut),
    ],
    refusals=[409, 413, 415],
)
def bring_documents(query: ImportQuery, body: CanonicalDocuments | None = None) -> Reply:
    """Bring documents in, as canonical JSON or as files.

    Files (electronic invoices, PDFs, ZIP archives, canonical JSON with its PDFs) come as `multipart/form-data`; files
    of one base name are one document. All of a request is kept, or nothing. The same again changes nothing.
    """
    company = company_by_code(query.company, Permission.DOCUMENTS_MANAGE, Permission.CONTACTS_MANAGE)
    files = _sent_files() if request.files else {"documents.json": request.get_data(cache=True)}
    place = Door(
        db(),
        installation().store,
        actor(),
        company,
        query.dry_run,
        installation().settings.max_upload_mb * 1024 * 1024,
    )
    done = list(import_together(place, files))
    refused = [one for one in done if one.refused is not None]
    if refused:
        raise invalid(
            FieldError(
                one.name, one.refused.message, one.refused.message.partition(": ")[2] or "correct the file"
            )
            for one in refused
            if one.refused is not None
        )
    told = _told(done, company, query.dry_run)
    is_new = not query.dry_run and bool(told.created or told.versions or told.receipts)
    return Reply(told, 201 if is_new else 200)


def _sent_files() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for field_name, file in request.files.items(multi=True):
        name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
        if not name or not name.isprintable() or name in found:
            raise wrong(field_name, "each file needs a name of its own", "send a file name with each part")
        found[name] = file.read()
    if len(found) > MOST_FILES:
        raise ApiProblem(413, "too_large", f"at most {MOST_FILES} files in a request", "send a ZIP archive")
    return found


def _told(done: list[ImportedFile], company: Company, dry_run: bool) -> ImportOut:
    results = [one.result for one in done if one.result is not None]
    return ImportOut(
        dry_run=dry_run,
        **{
            name: sum(getattr(result, name) for result in results)
            for name in ("created", "unchanged", "versions", "receipts")
        },
        documents=[shown_document(row, company.code) for result in results for row in result.documents],
        warnings=[
            Warning(file=one.name, code=notice.code, message=notice.message)
            for one in done
            if one.result is not None
            for notice in one.result.warnings
        ],
    )


def document_or_404(document_id: int) -> Document:
    """The document, if it exists for the key."""
    document = find_document(db(), actor(), document_id)
    if document is None:
        raise not_found("document", document_id)
    return document


@interface.operation(
    "GET",
    "/documents/<int:document_id>",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The document.", DocumentDetail)],
    refusals=[404],
)
def show_document(document_id: int) -> DocumentDetail:
    """One document with its canonical data; older versions are found by their own ids."""
    document = document_or_404(document_id)
    shown = shown_document(document, company_codes()[document.company_id])
    return DocumentDetail(**shown.model_dump(), data=document.data)


@interface.operation(
    "GET",
    "/documents/<int:document_id>/files/<int:file_id>",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The file, byte for byte.", mime="application/octet-stream")],
    refusals=[404, 410],
)
def download_file(document_id: int, file_id: int) -> Response:
    """A file of a document, byte for byte."""
    document = document_or_404(document_id)
    file = db().scalar(
        select(DocumentFile).where(DocumentFile.id == file_id, DocumentFile.document_id == document.id)
    )
    if file is None:
        raise not_found("file", file_id)
    return stored_file(file.sha256, file.name)


def stored_file(sha256: str, name: str) -> Response:
    """Bytes of the store, as a download.

    Raises:
        ApiProblem: 410 when they are missing or damaged.
    """
    try:
        content = installation().store.read(sha256)
    except (StoredFileMissing, StoredFileDamaged):
        raise ApiProblem(
            410,
            "not_found",
            "the stored file is missing or damaged",
            "restore it from a backup, or bring it in again",
        ) from None
    response = Response(content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
