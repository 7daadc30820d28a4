"""What was taken in, as lists and counts: only what concerns messages that exist for the actor.

A message's evidence is visible to who may see the message: company, clearance, and every document type it carries. What
matches no message is for those who manage the settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Contact, ContactAddress
from crm_mail.evidence.alarms import Alarm
from crm_mail.evidence.applying import proof_of
from crm_mail.evidence.models import ItemKind, MailItem, MessageProof
from crm_mail.evidence.proof import Proof
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reviewing.review import find_message
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import HIGHEST_CLEARANCE, OUTBOX_PERMISSIONS, Actor, Permission

PAGE = 50


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What the list shows. ``alarm``: ``open``, ``settled``, or the code of one."""

    kind: str = ""
    alarm: str = ""
    is_unmatched: bool = False
    message_id: int | None = None


def visible_messages(session: Session, actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    """Conditions on `Message`: those of the company that exist for the actor."""
    found: list[ColumnElement[bool]] = [
        Message.company_id == company_id,
        messages_in_sight(actor.sight),
    ]
    hidden = [
        cast(Run.document_types, String).contains(f'"{type_}"', autoescape=True)
        for type_ in company_types(session, company_id).ids
        if not any(actor.can(p, company_id, type_) for p in OUTBOX_PERMISSIONS)
    ]
    if hidden:  # as `can_see_run`: a run exists for who holds a right for each of its types
        found.append(Message.run_id.not_in(select(Run.id).where(Run.company_id == company_id, or_(*hidden))))
    return found


def list_items(
    session: Session,
    actor: Actor,
    company_id: int,
    chosen: ItemFilter,
    before: int | None = None,
    size: int = PAGE,
) -> Sequence[tuple[MailItem, Message | None]]:
    """Mails that were taken in, newest first, each with its message.

    Args:
        before: an item's id; only older ones.
    """
    query = (
        select(MailItem, Message)
        .outerjoin(Message, Message.id == MailItem.message_id)
        .where(MailItem.company_id == company_id, _may_see(session, actor, company_id), *_chosen(chosen))
        .order_by(MailItem.id.desc())
        .limit(size)
    )
    if before is not None:
        query = query.where(MailItem.id < before)
    return [(item, message) for item, message in session.execute(query)]


def _may_see(session: Session, actor: Actor, company_id: int) -> ColumnElement[bool]:
    matched = and_(MailItem.message_id.is_not(None), *visible_messages(session, actor, company_id))
    if actor.can(Permission.ACCOUNTS_MANAGE, company_id):
        return or_(matched, and_(MailItem.message_id.is_(None), *_strays(actor, company_id)))
    return matched


def _strays(actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    """Conditions on mails without a message: they may still speak of a contact that does not exist for the actor."""
    if not actor.sight.is_whole:
        return [false()]
    if actor.clearance >= HIGHEST_CLEARANCE:
        return []
    hidden = (
        select(func.lower(ContactAddress.email))
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(Contact.company_id == company_id, Contact.privacy_level > actor.clearance)
    )
    return [func.lower(MailItem.recipient).not_in(hidden)]


def _chosen(chosen: ItemFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.kind in set(ItemKind):
        found.append(MailItem.kind == ItemKind(chosen.kind))
    if chosen.alarm == "open":
        found += [MailItem.alarm != literal_column("''"), MailItem.alarm_settled_at.is_(None)]
    elif chosen.alarm == "settled":
        found += [MailItem.alarm != "", MailItem.alarm_settled_at.is_not(None)]
    elif chosen.alarm in set(Alarm):
        found.append(MailItem.alarm == chosen.alarm)
    if chosen.is_unmatched:
        found.append(MailItem.message_id.is_(None))
    if chosen.message_id is not None:
        found.append(MailItem.message_id == chosen.message_id)
    return found


def find_item(session: Session, actor: Actor, item_id: int) -> MailItem | None:
    """One mail, if it exists for the actor."""
    item = session.get(MailItem, item_id)
    if item is None:
        return None
    if item.message_id is None:
        if not actor.can(Permission.ACCOUNTS_MANAGE, item.company_id):
            return None
        known = select(MailItem.id).where(MailItem.id == item.id, *_strays(actor, item.company_id))
        return item if session.scalar(known) is not None else None
    return item if find_message(session, actor, item.message_id) is not None else None


def silent_messages(
    session: Session, actor: Actor, company_id: int, size: int = PAGE
) -> Sequence[tuple[MessageProof, Message]]:
    """Messages whose silence nobody has settled, the latest first."""
    query = (
        select(MessageProof, Message)
        .join(Message, Message.id == MessageProof.message_id)
        .where(*_silent(company_id), *visible_messages(session, actor, company_id))
        .order_by(MessageProof.message_id.desc())
        .limit(size)
    )
    return [(proof, message) for proof, message in session.execute(query)]


def _silent(company_id: int) -> list[ColumnElement[bool]]:
    return [
        MessageProof.company_id == company_id,
        MessageProof.alarm != literal_column("''"),  # in the very words of ix_message_proofs_alarm
        MessageProof.alarm_settled_at.is_(None),
    ]


def count_alarms(session: Session, actor: Actor, company_id: int) -> tuple[int, int]:
    """Open alarms of mails, and of silence, that exist for the actor."""
    of_mails = (
        select(func.count())
        .select_from(MailItem)
        .outerjoin(Message, Message.id == MailItem.message_id)
        .where(
            MailItem.company_id == company_id,
            _may_see(session, actor, company_id),
            *_chosen(ItemFilter(alarm="open")),
        )
    )
    of_silence = (
        select(func.count())
        .select_from(MessageProof)
        .join(Message, Message.id == MessageProof.message_id)
        .where(*_silent(company_id), *visible_messages(session, actor, company_id))
    )
    return session.scalar(of_mails) or 0, session.scalar(of_silence) or 0


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """How many messages of a run have come how far. ``accepted`` counts every accepted one, delivered or not."""

    accepted: int = 0
    delivered: int = 0
    not_certified: int = 0
    warned: int = 0
    failed: int = 0
    silent: int = 0
    replied: int = 0

    @property
    def is_any(self) -> bool:
        """Whether anything came, or is missed."""
        return any((self.accepted, self.delivered, self.warned, self.failed, self.silent, self.replied))


def run_evidence(session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]) -> RunEvidence:
    """Counts of a run, by one walk over the proofs between its first and its last message.

    Args:
        conditions: on `Message`: those of the run that exist for the reader.
    """
    first, last = session.execute(
        select(func.coalesce(func.min(Message.id), 0), func.coalesce(func.max(Message.id), 0)).where(
            Message.run_id == run.id
        )
    ).one()
    proof = MessageProof
    open_ = and_(proof.delivered_at.is_(None), proof.failed_at.is_(None))

    def count(*wanted: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((and_(*wanted), 1), else_=0)), 0)

    query = (
        select(
            count(proof.accepted_at.is_not(None)),
            count(proof.delivered_at.is_not(None)),
            count(proof.accepted_at.is_not(None), proof.recipient_is_pec.is_(False), open_),
            count(proof.delayed_at.is_not(None), open_),
            count(proof.failed_at.is_not(None), proof.delivered_at.is_(None)),
            count(proof.alarm != "", proof.alarm_settled_at.is_(None)),
            count(proof.replied_at.is_not(None)),
        )
        .select_from(proof)
        .where(
            proof.company_id == run.company_id,
            proof.message_id.between(first, last),
            exists().where(Message.id == proof.message_id, *conditions),
        )
    )
    return RunEvidence(*(int(value) for value in session.execute(query).one()))


def proofs_of(session: Session, message_ids: Sequence[int]) -> dict[int, Proof]:
    """What is proven of messages; only those of which anything is known."""
    query = select(MessageProof).where(MessageProof.message_id.in_(message_ids))
    return {row.message_id: proof_of(row) for row in session.scalars(query)}
