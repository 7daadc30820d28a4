"""Which lines of the audit exist for a person: company, privacy level as it is now, customers of own agents, zones."""

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from crm_mail.audit import AuditEvent
from crm_mail.contacts.finding.conditions import visible_contacts, visible_parties
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.delivery.models import Suppression
from crm_mail.documents.models import Document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.outbox.models import Message
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor, Permission, Sight

OF_NO_CUSTOMER = (
    "companies",
    "company_themes",
    "company_types",
    "document_layouts",
    "mailboxes",
    "message_texts",
    "privacy_level_names",
    "sender_accounts",
    "type_policies",
    "user_groups",
    "users",
)
"""What the line is about is the same for everybody; anything else is told only where its customer is known."""


def lines_in_sight(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions that every query on the audit carries."""
    found = lines_of_level(actor.clearance)
    companies = actor.company_ids(Permission.AUDIT_SEE)
    if companies is not None:
        found.append(AuditEvent.company_id.in_(companies))
    if not actor.sight.is_whole:
        found.append(_of_own_customers(actor.sight))
    return found


def lines_of_level(clearance: int) -> list[ColumnElement[bool]]:
    """A line keeps the level that its contact had; the contact may have been raised since."""
    found: list[ColumnElement[bool]] = [AuditEvent.privacy_level <= clearance]
    if clearance < HIGHEST_CLEARANCE:
        found += [~one for one in _raised_since(clearance)]
    return found


def _raised_since(clearance: int) -> list[ColumnElement[bool]]:
    hidden = (
        select(func.lower(ContactAddress.email))
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(Contact.privacy_level > clearance)
    )
    above = (
        (Contact.id, Contact.privacy_level > clearance),
        (Message.id, Message.privacy_level > clearance),
        (Document.id, Document.privacy_level > clearance),
        (Suppression.id, Suppression.address.in_(hidden)),
    )
    return [
        and_(
            AuditEvent.object_type == column.table.name,
            exists().where(column == AuditEvent.object_id, is_above).correlate(AuditEvent),
        )
        for column, is_above in above
    ]


def _of_own_customers(sight: Sight) -> ColumnElement[bool]:
    own = (
        (Party.id, visible_parties(sight)),
        (Contact.id, [visible_contacts(sight)]),
        (Message.id, [messages_in_sight(sight)]),
        (Document.id, [documents_in_sight(sight)]),
    )
    return or_(
        AuditEvent.object_type.in_(OF_NO_CUSTOMER),
        *(
            and_(
                AuditEvent.object_type == column.table.name,
                exists().where(column == AuditEvent.object_id, *known).correlate(AuditEvent),
            )
            for column, known in own
        ),
    )
