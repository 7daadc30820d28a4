"""Which messages and left-out rows exist for a person: privacy level, and customers of the person's agents or zones."""

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.contacts.models import Party
from crm_mail.outbox.models import LeftOut, Message
from crm_mail.permissions import Sight


def messages_in_sight(sight: Sight) -> ColumnElement[bool]:
    """The condition that every query on messages carries."""
    return and_(Message.privacy_level <= sight.clearance, *of_visible_party(Message.party_id, sight))


def left_out_in_sight(sight: Sight) -> ColumnElement[bool]:
    """The condition that every query on left-out rows carries."""
    return and_(LeftOut.privacy_level <= sight.clearance, *of_visible_party(LeftOut.party_id, sight))


def is_in_sight(session: Session, sight: Sight, row: Message) -> bool:
    """Whether a message that was read by its id exists for the person."""
    if row.privacy_level > sight.clearance:
        return False
    if sight.is_whole:
        return True
    party = session.get_one(Party, row.party_id)
    return sight.covers(party.agent, party.zone)
