"""The list of what a run leaves out, with names a person can read (BX-1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.models import Contact, Party
from crm_mail.documents.models import Document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.outbox.models import LeftOut, Run
from crm_mail.outbox.sight import left_out_in_sight
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A document or a contact that is not in the run. Ids are for links; texts are empty where nothing applies."""

    id: int
    reason: str
    detail: str
    party_id: int | None
    party_code: str
    party_name: str
    contact_id: int | None
    contact_name: str
    document_id: int | None
    document_type: str
    document_number: str


def list_left_out(
    session: Session, actor: Actor, run: Run, reason: str = "", after: int = 0, size: int = 50
) -> tuple[Sequence[LeftOutRow], int | None]:
    """A page by keyset, and the cursor of the next one; contacts above the actor's clearance do not exist."""
    query = (
        select(LeftOut, Party.code, Party.name, Contact.name, Document.type, Document.number)
        .outerjoin(Party, Party.id == LeftOut.party_id)
        .outerjoin(Contact, Contact.id == LeftOut.contact_id)
        .outerjoin(Document, Document.id == LeftOut.document_id)
        .where(
            LeftOut.run_id == run.id,
            left_out_in_sight(actor.sight),
            or_(LeftOut.contact_id.is_(None), visible_contacts(actor.sight)),
            or_(LeftOut.document_id.is_(None), documents_in_sight(actor.sight)),
            LeftOut.id > after,
        )
        .order_by(LeftOut.id)
        .limit(size + 1)
    )
    if reason:
        query = query.where(LeftOut.reason == reason)
    rows = [
        LeftOutRow(
            id=row.id,
            reason=row.reason,
            detail=row.detail,
            party_id=row.party_id,
            party_code=party_code or "",
            party_name=party_name or "",
            contact_id=row.contact_id,
            contact_name=contact_name or "",
            document_id=row.document_id,
            document_type=document_type or "",
            document_number=document_number or "",
        )
        for row, party_code, party_name, contact_name, document_type, document_number in session.execute(
            query
        )
    ]
    more = len(rows) > size
    rows = rows[:size]
    return rows, rows[-1].id if more else None
