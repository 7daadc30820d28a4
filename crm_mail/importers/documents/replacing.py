"""A document that says which earlier one it takes the place of: that one is voided, and drops out of open runs."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm_mail.documents.models import Document
from crm_mail.documents.service import void_document
from crm_mail.importers.base import Notice
from crm_mail.permissions import Actor


def void_replaced(session: Session, actor: Actor, document: Document, replaces: str | None) -> list[Notice]:
    """Void what `replaces` names, by its number or external id, among the documents of the same party.

    Returns a notice when nothing, or more than one document, is called so; then nothing is voided. The same document
    under its own key is simply a new version, and needs no voiding.
    """
    if not replaces or replaces in (document.number, document.data.get("external_id")):
        return []
    key = replaces.replace("/", "\u2215")
    query = select(Document).where(
        Document.company_id == document.company_id,
        Document.party_id == document.party_id,
        Document.is_current.is_(True),
        Document.id != document.id,
        or_(Document.number == replaces, Document.natural_key.contains(f"/{key}/", autoescape=True)),
    )
    found = session.scalars(query).all()
    same_type = [one for one in found if one.type == document.type]
    chosen = same_type or list(found)
    if len(chosen) != 1:
        code = "replaces_unknown" if not chosen else "replaces_several"
        return [Notice(code, {"value": replaces})]
    if chosen[0].voided_at is None:
        void_document(session, actor, chosen[0])
    return []
