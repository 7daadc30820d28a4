"""Restriction of processing (art. 18 GDPR): the data stay, nothing is sent, until somebody lifts it.

The grounds of art. 18.1: accuracy contested, unlawful processing, needed by the person for a claim, objection pending.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor, Permission
from crm_mail.privacy.erasing import call_back
from crm_mail.privacy.models import ActKind, PrivacyAct
from crm_mail.refusals import Refusal

WAITING = (MessageState.PENDING, MessageState.COMMITTED, MessageState.RETRYING)


class AlreadyRestricted(Refusal):
    """The contact is restricted already, or it is not."""

    def __init__(self, name: str, *, is_restricted: bool) -> None:
        super().__init__(f"{name} is {'already restricted' if is_restricted else 'not restricted'}")


def restrict_contact(session: Session, actor: Actor, contact: Contact, reason: str) -> int:
    """Stop using a contact: nothing is sent to it from now on, waiting messages are called back; how many.

    Copies of messages to others end with their next preparation or commit, as with an inactive contact.

    Raises:
        PermissionDenied: the right to manage privacy is missing.
        AlreadyRestricted: it is.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    if contact.state is ContactState.RESTRICTED:
        raise AlreadyRestricted(contact.name, is_restricted=True)
    before = contact.state
    contact.state = ContactState.RESTRICTED
    session.flush()
    waiting = select(Message).where(Message.contact_id == contact.id, Message.state.in_(WAITING))
    messages = session.scalars(waiting.with_for_update()).all()
    for message in messages:
        call_back(session, actor, message)
    _note(session, actor, contact, ActKind.RESTRICTED, reason, before=before.value, messages=len(messages))
    return len(messages)


def lift_restriction(session: Session, actor: Actor, contact: Contact, reason: str = "") -> None:
    """Use a contact again, as it was used before (art. 18.3: the person is told first).

    Raises:
        PermissionDenied: the right to manage privacy is missing.
        AlreadyRestricted: it is not restricted.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    if contact.state is not ContactState.RESTRICTED:
        raise AlreadyRestricted(contact.name, is_restricted=False)
    restricted = restriction_of(session, contact.id)
    before = restricted.report.get("before") if restricted else None
    contact.state = ContactState(before) if before else ContactState.INACTIVE
    _note(session, actor, contact, ActKind.LIFTED, reason, state=contact.state.value)


def restriction_of(session: Session, contact_id: int) -> PrivacyAct | None:
    """The act that restricted a contact last."""
    newest = select(func.max(PrivacyAct.id)).where(
        PrivacyAct.contact_id == contact_id, PrivacyAct.kind == ActKind.RESTRICTED
    )
    return session.scalar(select(PrivacyAct).where(PrivacyAct.id == newest.scalar_subquery()))


def _note(
    session: Session, actor: Actor, contact: Contact, kind: ActKind, reason: str, **report: int | str
) -> None:
    act = PrivacyAct(
        company_id=contact.company_id,
        contact_id=contact.id,
        party_id=contact.party_id,
        privacy_level=contact.privacy_level,
        kind=kind,
        user_name=actor.name,
        reason=reason[:300],
        report=report,
    )
    session.add(act)
    session.flush()
    audit.record(
        session,
        actor,
        f"privacy.contact.{kind.value}",
        company_id=contact.company_id,
        subject=contact,
        label=contact.name,
        privacy_level=contact.privacy_level,
        reason=reason[:300],
        **report,
    )
