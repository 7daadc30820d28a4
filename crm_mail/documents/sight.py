"""Which documents exist for a person: privacy level, and the customers of the person's agents or zones."""

from sqlalchemy import ColumnElement, and_

from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.documents.models import Document
from crm_mail.permissions import Sight


def documents_in_sight(sight: Sight) -> ColumnElement[bool]:
    """The condition that every query on documents carries."""
    return and_(Document.privacy_level <= sight.clearance, *of_visible_party(Document.party_id, sight))


def is_in_sight(sight: Sight, document: Document) -> bool:
    """Whether a document that was read by its id exists for the person."""
    if document.privacy_level > sight.clearance:
        return False
    return sight.is_whole or sight.covers(document.party.agent, document.party.zone)
