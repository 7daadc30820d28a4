"""Draw the PDF of documents that arrived as data only: courtesy copies of electronic invoices (IT-19).

The same data, layout, language and theme are never drawn twice. Nothing is drawn inside a transaction: results are
kept in short ones, so a process that stops half-way loses no more than the page in hand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, String, cast, exists, or_, select
from sqlalchemy.orm import Session, object_session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.db import Database, today
from crm_mail.delivery.headers import safe_file_name
from crm_mail.document_types import DocumentType, TypeNames, type_label
from crm_mail.documents.layouts import layout_name, own_layouts
from crm_mail.documents.looks import look_in_use, stored_theme
from crm_mail.documents.models import Document, DocumentFile, RenderedFile
from crm_mail.documents.own_type_print import printed_type
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import layout_for
from crm_mail.documents.pdf_markup import print_language
from crm_mail.documents.pdf_pictures import with_pictures
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.rendering import EmbeddedFile, pdf_available, render_key
from crm_mail.documents.service import FileRole
from crm_mail.storage import BlobStore

JOBS_AT_ONCE = 100
_ALWAYS_PRINTED = (DocumentType.INVOICE, DocumentType.CREDIT_NOTE)

_COMPANY_FIELDS = (
    *("name", "address", "postcode", "city", "province", "country", "vat_number", "tax_code"),
    *("phone", "email", "website"),
)


@dataclass(slots=True)
class Printed:
    """What a printing run did; ``failed`` maps document ids to reasons."""

    drawn: int = 0
    reused: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def unprinted(documents: Select[int]) -> Select[int]:
    """Of these documents, the ones that have data to print and no PDF yet."""
    chosen = documents.subquery()
    has_main = exists().where(
        DocumentFile.document_id == Document.id, DocumentFile.role == FileRole.MAIN.value
    )
    has_file = exists().where(DocumentFile.document_id == Document.id)
    has_data = cast(Document.data, String).not_in(("{}", "null"))
    return select(Document.id).where(
        Document.id.in_(select(chosen.c.id)),
        or_(has_data, Document.type.in_(_ALWAYS_PRINTED)),
        or_(Document.type != DocumentType.GENERIC, ~has_file),  # a generic document is its files
        ~has_main,
    )


def print_documents(
    database: Database,
    store: BlobStore,
    document_ids: Sequence[int],
    make_pool: Callable[[], PdfPool] = PdfPool,
    on_progress: Callable[[int], None] | None = None,
) -> Printed:
    """Draw the PDFs of documents and keep them; a failure stands on its document, the others go on.

    Args:
        make_pool: opens the pool of processes; called only when something must be drawn.
        on_progress: told how many documents are done.
    """
    result = Printed()
    if not document_ids:
        return result
    is_available, reason = pdf_available()
    with _LazyPool(make_pool) as pool:
        for start in range(0, len(document_ids), JOBS_AT_ONCE):
            part = document_ids[start : start + JOBS_AT_ONCE]
            with database.read() as session:
                jobs = list(_jobs(session, store, part))
                known = _known(session, [job.key for _, job, _ in jobs])
            contents = {key: (sha256, size) for key, (sha256, size) in known.items()}
            fresh = {job.key: job for _, job, _ in jobs if job.key not in known}
            errors = dict.fromkeys(fresh, reason) if not is_available else {}
            if fresh and is_available:
                for rendered in pool.get().render_many(fresh.values()):
                    if rendered.content is None:
                        errors[rendered.key] = str(rendered.error)
                    else:
                        contents[rendered.key] = (store.put(rendered.content), len(rendered.content))
            with database.write() as session:
                _keep(session, jobs, contents, errors, set(fresh), result)
            if on_progress:
                on_progress(start + len(part))
    return result


class _LazyPool:
    """A pool of processes that starts when the first page must be drawn."""

    def __init__(self, make_pool: Callable[[], PdfPool]) -> None:
        self._make = make_pool
        self._pool: PdfPool | None = None

    def get(self) -> PdfPool:
        if self._pool is None:
            self._pool = self._make()
        return self._pool

    def __enter__(self) -> "_LazyPool":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool is not None:
            self._pool.close()


Job = tuple[int, RenderJob, str]
"""(document id, job, file name)"""


def _jobs(session: Session, store: BlobStore, ids: Sequence[int]) -> Iterator[Job]:
    looks: dict[int, tuple[Company, Theme, Mapping[str, str]]] = {}
    query = select(Document, Party).join(Party, Party.id == Document.party_id).where(Document.id.in_(ids))
    for document, party in session.execute(query):
        if document.company_id not in looks:
            company = session.get_one(Company, document.company_id)
            looks[document.company_id] = (company, company_theme(store, company), own_layouts(company))
        company, theme, layouts = looks[document.company_id]
        job = document_job(session, store, document, party, company, theme, layouts)
        yield document.id, job, _file_name(document, job.language, company_types(session, company.id).names)


def document_job(
    session: Session,
    store: BlobStore,
    document: Document,
    party: Party,
    company: Company,
    theme: Theme,
    layouts: Mapping[str, str],
) -> RenderJob:
    """The job that prints a document for its party.

    Args:
        layouts: the company's own layouts by name (`own_layouts`); a type without one has the built-in layout.
    """
    language = print_language(party.language or company.language, theme)
    data = with_pictures(print_data(document, party, company), document.files, store)
    types = company_types(session, company.id)
    data |= printed_type(types, document.type, data, language)
    layout = layout_for(types.layout(document.type), data)
    files = _embedded(store, document) if theme.archive else ()
    source = layouts.get(layout_name(document.type, layout), "")
    key = render_key(layout, data, language, theme, files, source)
    return RenderJob(key, layout, data, language, theme, files, source)


def company_theme(store: BlobStore, company: Company) -> Theme:
    """The company's look as it is in use, with its logo."""
    session = object_session(company)
    values = look_in_use(session, company.id).values if session else {}
    return stored_theme(values, store.read(company.logo_sha256) if company.logo_sha256 else None)


def _embedded(store: BlobStore, document: Document) -> tuple[EmbeddedFile, ...]:
    """The legal files that go inside the PDF of an archive, byte for byte."""
    legal = [file for file in document.files if file.role == FileRole.LEGAL_XML.value]
    return tuple(EmbeddedFile(file.name, store.read(file.sha256)) for file in legal)


def statement_file_name(code: str, sent_on: date) -> str:
    """``00012320261130.pdf``: customer number and day of sending, as the office's archives expect (RP-13)."""
    return safe_file_name(f"{code}{sent_on:%Y%m%d}.pdf".replace("/", "-").replace("\\", "-"))


def _file_name(document: Document, language: str, named: TypeNames) -> str:
    """``Fattura 101-A.pdf``: a number's slash is no folder. Statements: customer and day of sending (RP-13)."""
    if document.type == DocumentType.ACCOUNT_STATEMENT and (document.data.get("party") or {}).get("code"):
        return statement_file_name(document.data["party"]["code"], today())
    name = f"{type_label(document.type, language, named)} {document.series}{document.number}.pdf"
    return safe_file_name(name.replace("/", "-").replace("\\", "-"))


def print_data(document: Document, party: Party, company: Company) -> dict[str, Any]:
    """The canonical data of a document, with its company's letterhead and the party's code."""
    own = {name: value for name in _COMPANY_FIELDS if (value := getattr(company, name))}
    stated = document.data.get("seller") or {}
    letterhead = stated if document.source.endswith(":other-seller") else stated | own
    return document.data | {
        "company": letterhead,
        "party": (document.data.get("party") or {}) | {"code": party.code},
    }


def _known(session: Session, keys: Sequence[str]) -> dict[str, tuple[str, int]]:
    query = select(RenderedFile.key, RenderedFile.sha256, RenderedFile.size).where(RenderedFile.key.in_(keys))
    return {key: (sha256, size) for key, sha256, size in session.execute(query)}


def _keep(
    session: Session,
    jobs: Sequence[Job],
    contents: dict[str, tuple[str, int]],
    errors: dict[str, str],
    fresh: set[str],
    result: Printed,
) -> None:
    ids = sorted(id_ for id_, _, _ in jobs)
    session.execute(select(Document.id).where(Document.id.in_(ids)).order_by(Document.id).with_for_update())
    known = _known(session, [job.key for _, job, _ in jobs])
    printed = set(
        session.scalars(
            select(DocumentFile.document_id).where(
                DocumentFile.document_id.in_(ids),
                DocumentFile.role == FileRole.MAIN.value,
            )
        )
    )
    for id_, job, name in jobs:
        if id_ in printed:  # somebody else drew it meanwhile
            continue
        document = session.get_one(Document, id_)
        if job.key not in contents:
            document.print_error = errors.get(job.key, "not drawn")[:300]
            result.failed[id_] = document.print_error
            continue
        sha256, size = contents[job.key]
        if job.key not in known:
            session.add(RenderedFile(key=job.key, sha256=sha256, size=size))
            known[job.key] = (sha256, size)
        document.print_error = ""
        document.files.append(
            DocumentFile(
                position=0,
                role=FileRole.MAIN.value,
                name=name,
                mime="application/pdf",
                sha256=sha256,
                size=size,
                is_rendered=True,
            )
        )
        if job.key in fresh:
            result.drawn += 1
        else:
            result.reused += 1
