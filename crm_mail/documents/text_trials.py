"""What a text is tried on: real documents of the company with a contact of their party. Nothing is kept or sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.models import Contact
from crm_mail.db import today
from crm_mail.document_types import TypeNames
from crm_mail.documents.builtin_texts import BUNDLE
from crm_mail.documents.context_fields import company_fields, party_fields
from crm_mail.documents.message_context import (
    ContactFields,
    DocumentFields,
    SenderFields,
    build_context,
    share_context,
)
from crm_mail.documents.models import Document
from crm_mail.documents.print_previews import newest_documents
from crm_mail.documents.service import can_see
from crm_mail.permissions import Actor

OFFERED = 20
CONTACTS_EACH = 3


@dataclass(frozen=True, slots=True)
class TextTrial:
    """A document and who would be written to; without a contact, the party itself."""

    document: Document
    contact: Contact | None

    @property
    def value(self) -> str:
        """What the page sends back."""
        return f"{self.document.id}.{self.contact.id if self.contact else 0}"


def text_trials(session: Session, actor: Actor, company_id: int, name: str) -> Sequence[TextTrial]:
    """The newest documents of a text's type (any type for a bundle), each with up to a few contacts."""
    documents = newest_documents(session, actor, company_id, "" if name == BUNDLE else name, OFFERED)
    found = []
    for document in documents:
        contacts = _contacts(session, actor, document.party_id, CONTACTS_EACH)
        found += [TextTrial(document, contact) for contact in contacts] or [TextTrial(document, None)]
    return found


def find_trial(session: Session, actor: Actor, company_id: int, value: str) -> TextTrial | None:
    """What the page chose, if it exists for the actor."""
    first, _, second = value.partition(".")
    if not (first.isdecimal() and second.isdecimal() and len(value) < 36):
        return None
    document = session.get(Document, int(first))
    if document is None or document.company_id != company_id or not can_see(actor, document):
        return None
    contacts = _contacts(session, actor, document.party_id, 1, int(second)) if int(second) else []
    return TextTrial(document, contacts[0] if contacts else None)


def trial_context(
    company: Company, sender: SenderFields, trial: TextTrial, language: str, named: TypeNames
) -> dict[str, Any]:
    """The mapping that a text is rendered with."""
    document, contact, party = trial.document, trial.contact, trial.document.party
    person: ContactFields | None = None
    if contact is not None:
        email = contact.addresses[0].email if contact.addresses else ""
        person = {"name": contact.name, "email": email, "roles": ", ".join(r.name for r in contact.roles)}
    described: DocumentFields = {
        "type": document.type,
        "number": document.number,
        "series": document.series,
        "date": document.dated_on,
        "total": document.gross_total if document.gross_total is not None else "",
        "currency": document.currency,
        "due_date": document.first_due_on or "",
    }
    shared = share_context(company_fields(company), sender, today(), named)
    return build_context(shared, party_fields(party), person, [described], language)


def _contacts(
    session: Session, actor: Actor, party_id: int, limit: int, contact_id: int = 0
) -> list[Contact]:
    query = (
        select(Contact)
        .where(Contact.party_id == party_id, visible_contacts(actor.sight))
        .order_by(Contact.id)
        .limit(limit)
    )
    if contact_id:
        query = query.where(Contact.id == contact_id)
    return list(session.scalars(query))
