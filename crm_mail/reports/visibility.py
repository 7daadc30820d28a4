"""Which messages of a run exist for an actor: the conditions that stand in every query of this room.

A run is visible to who holds a right of the outbox for one of its types (`outbox.review`); of its messages, those
that carry at least one such type, up to the actor's clearance.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_

from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import OUTBOX_PERMISSIONS, Actor


def visible_types(actor: Actor, company_id: int, types: Sequence[str]) -> list[str]:
    """The document types for which the actor holds a right of the outbox in a company."""
    return [t for t in types if any(actor.can(p, company_id, t) for p in OUTBOX_PERMISSIONS)]


def of_types(actor: Actor, company_id: int, types: Sequence[str]) -> list[ColumnElement[bool]]:
    """Conditions on `Message`; none when every type is visible."""
    allowed = visible_types(actor, company_id, types)
    if len(allowed) == len(types):
        return []
    spaced = " " + Message.document_types + " "
    return [or_(*(spaced.contains(f" {t} ", autoescape=True) for t in allowed), Message.id == -1)]


def visible_messages(actor: Actor, run: Run) -> list[ColumnElement[bool]]:
    """Conditions for the messages of a run that exist for the actor."""
    found = [Message.run_id == run.id, messages_in_sight(actor.sight)]
    return found + of_types(actor, run.company_id, run.document_types)
