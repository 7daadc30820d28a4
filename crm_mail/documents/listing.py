"""Lists of documents: filters in the address, pages by keyset, only the types the actor has to do with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import name_key
from crm_mail.documents.models import Document
from crm_mail.documents.sdi import SdiKind
from crm_mail.documents.sdi_models import SdiInvoice
from crm_mail.documents.sight import documents_in_sight
from crm_mail.permissions import Actor, Permission


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Every field empty means every document. ``text``: number, party code or party name."""

    type: str = ""
    from_on: date | None = None
    to_on: date | None = None
    text: str = ""
    mailable: str = ""
    sdi: str = ""

    @classmethod
    def from_arguments(cls, get: Callable[[str], str | None]) -> Self:
        """Read query arguments; a date that is none counts as not given."""
        return cls(
            (get("type") or "").strip(),
            _day(get("from")),
            _day(get("to")),
            (get("q") or "").strip()[:200],
            (get("mailable") or "").strip(),
            (get("sdi") or "").strip()[:2],
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the list."""
        return self == type(self)()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One page, newest first; the cursors are texts of date and id."""

    documents: Sequence[Document]
    next_cursor: str | None
    previous_cursor: str | None


def list_documents(
    session: Session,
    actor: Actor,
    company_id: int,
    chosen: DocumentFilter,
    *,
    after: str = "",
    before: str = "",
    size: int = 50,
) -> DocumentPage:
    """Current versions of a company's documents, newest first."""
    types = actor.types(Permission.DOCUMENTS_SEE, company_id, company_types(session, company_id).ids)
    query = (
        select(Document)
        .join(Party, Party.id == Document.party_id)
        .where(Document.company_id == company_id, Document.is_current.is_(True), Document.type.in_(types))
        .where(documents_in_sight(actor.sight), *_conditions(chosen))
        .limit(size + 1)
    )
    if before and (mark := _read_cursor(before)):
        newer = or_(Document.dated_on > mark[0], and_(Document.dated_on == mark[0], Document.id > mark[1]))
        rows = list(session.scalars(query.where(newer).order_by(Document.dated_on, Document.id)))
        has_more, rows = len(rows) > size, rows[:size][::-1]
        return DocumentPage(
            rows, _cursor(rows[-1]) if rows else None, _cursor(rows[0]) if has_more and rows else None
        )
    if mark := _read_cursor(after):
        older = or_(Document.dated_on < mark[0], and_(Document.dated_on == mark[0], Document.id < mark[1]))
        query = query.where(older)
    rows = list(session.scalars(query.order_by(Document.dated_on.desc(), Document.id.desc())))
    has_more, rows = len(rows) > size, rows[:size]
    return DocumentPage(
        rows, _cursor(rows[-1]) if has_more else None, _cursor(rows[0]) if mark is not None and rows else None
    )


def _conditions(chosen: DocumentFilter) -> list[Any]:
    found: list[Any] = []
    if chosen.type:
        found.append(Document.type == chosen.type)
    if chosen.from_on:
        found.append(Document.dated_on >= chosen.from_on)
    if chosen.to_on:
        found.append(Document.dated_on <= chosen.to_on)
    if chosen.mailable:
        found.append(Document.is_mailable.is_(chosen.mailable == "yes"))
    if chosen.sdi in set(SdiKind):
        found.append(Document.id.in_(select(SdiInvoice.document_id).where(SdiInvoice.state == chosen.sdi)))
    for word in chosen.text.lower().split():
        found.append(
            or_(
                Document.number.icontains(word, autoescape=True),
                Party.code.icontains(word, autoescape=True),
                Party.name_key.contains(name_key(word), autoescape=True),
            )
        )
    return found


def _cursor(document: Document) -> str:
    return f"{document.dated_on.isoformat()}.{document.id}"


def _read_cursor(text: str) -> tuple[date, int] | None:
    day, _, number = text.partition(".")
    found = _day(day)
    return (found, int(number)) if found and number.isdigit() else None


def list_versions(session: Session, actor: Actor, document: Document) -> Sequence[Document]:
    """Every version of a document, the newest first."""
    query = select(Document).where(
        Document.company_id == document.company_id,
        Document.natural_key == document.natural_key,
        documents_in_sight(actor.sight),
    )
    return session.scalars(query.order_by(Document.version.desc())).all()
