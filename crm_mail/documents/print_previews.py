"""What a look or a layout is tried on: real documents of the company that the actor may see, and the samples.

Nothing of a preview is kept, and it is drawn in a process of its own (`preview_pool`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session, contains_eager

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.documents.layout_samples import sample_data
from crm_mail.documents.layouts import layout_name
from crm_mail.documents.models import Document
from crm_mail.documents.own_type_print import printed_type
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import CFDI, is_stamped, layout_for
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.printing import document_job, print_data
from crm_mail.documents.service import can_see
from crm_mail.documents.sight import documents_in_sight
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

SAMPLE = "sample:"
OFFERED = 30


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: the look, own layouts by name, and the language of samples."""

    theme: Theme
    layouts: Mapping[str, str]
    language: str


def real_documents(session: Session, actor: Actor, company_id: int, name: str = "") -> Sequence[Document]:
    """The newest documents with data to print.

    Args:
        name: only those that this layout prints: a type id, or `cfdi`.
    """
    has_data = cast(Document.data, String).not_in(("{}", "null"))
    if not name:
        return newest_documents(session, actor, company_id, "", OFFERED, has_data)
    kind = "" if name == CFDI else name
    found = newest_documents(session, actor, company_id, kind, OFFERED * 4, has_data)
    return [one for one in found if (name == CFDI) == is_stamped(one.data)][:OFFERED]


def newest_documents(
    session: Session, actor: Actor, company_id: int, kind: str, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Document]:
    """The newest documents that exist for the actor, of one type or (empty) of any, with their parties."""
    types = actor.types(Permission.DOCUMENTS_SEE, company_id, company_types(session, company_id).ids)
    query = (
        select(Document)
        .join(Document.party)
        .options(contains_eager(Document.party))
        .where(Document.company_id == company_id, Document.is_current.is_(True), *conditions)
        .where(Document.type.in_([one for one in types if kind in ("", one)]))
        .where(documents_in_sight(actor.sight))
        .order_by(Document.dated_on.desc(), Document.id.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def preview_job(
    session: Session, store: BlobStore, actor: Actor, company: Company, chosen: str, trial: Trial
) -> RenderJob | None:
    """The job that draws what was chosen: a document's id, or `sample:` and a type; None when there is none."""
    if chosen.startswith(SAMPLE):
        return sample_job(session, company, sample_data(chosen.removeprefix(SAMPLE)), trial)
    document = session.get(Document, int(chosen)) if chosen.isdecimal() and len(chosen) < 18 else None
    if document is None or document.company_id != company.id or not can_see(actor, document):
        return None
    return document_job(session, store, document, document.party, company, trial.theme, trial.layouts)


def sample_job(session: Session, company: Company, data: dict[str, object], trial: Trial) -> RenderJob:
    """The job that draws sample data with the company's letterhead."""
    type_id = str(data["type"])
    types = company_types(session, company.id)
    document = Document(type=type_id, data=data, source="sample")
    values = print_data(document, Party(code=""), company)
    values["party"] = data.get("party") or {}
    values |= printed_type(types, type_id, values, trial.language)
    layout = layout_for(types.layout(type_id), values)
    source = trial.layouts.get(layout_name(type_id, layout), "")
    return RenderJob("preview", layout, values, trial.language, trial.theme, (), source)
