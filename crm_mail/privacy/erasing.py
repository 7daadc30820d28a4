"""Erasure of a contact (art. 17 GDPR): what goes, what stays and why, first as a preview, then for good."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.erased_addresses import remember_erased
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.db import Base, today
from crm_mail.evidence.models import MailItem
from crm_mail.outbox.models import Attempt, Message, MessageEvent, MessageIssue
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.states import QUEUED, MessageState
from crm_mail.permissions import EVERYTHING, Actor, Permission
from crm_mail.personal_data import Fate, Link
from crm_mail.privacy.audit_overlay import redact_audit
from crm_mail.privacy.footprint import Footprint, footprint_of_contact, rows_of
from crm_mail.privacy.keeping import Kept, kept_messages
from crm_mail.privacy.models import ActKind, PrivacyAct, PrivacyRemain
from crm_mail.privacy.redacting import (
    delete_rows,
    redact_messages,
    redact_rows,
    replace_in_rows,
)
from crm_mail.privacy.registry import BY_NAME, TABLES
from crm_mail.refusals import Refusal
from crm_mail.storage import BlobStore


class ErasureRefused(Refusal):
    """A message is being sent at this moment, or a copy of one waits to leave."""

    def __init__(self, runs: Iterable[int]) -> None:
        self.runs = tuple(sorted(set(runs)))
        super().__init__(
            "messages that name this contact are on their way (run "
            f"{', '.join(map(str, self.runs))}): wait until the run is finished, or cancel it, then erase again"
        )


@dataclass(slots=True)
class Erasure:
    """What an erasure does, or did.

    Args:
        counts: rows by table and fate.
        kept: messages that stay, with reason and term.
        files: stored files that no row names any more: `remove_files` after the commit.
    """

    contact_id: int
    messages: int = 0
    copies: int = 0
    withheld: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add(self, name: str, count: int) -> None:
        """Count rows of a table."""
        if count:
            self.counts[name] = self.counts.get(name, 0) + count

    def remove_files(self, store: BlobStore) -> None:
        """Take the files out of the store; once the transaction is committed."""
        for sha256 in self.files:
            store.remove(sha256)

    def as_json(self) -> dict[str, Any]:
        """Counts and terms, without a personal value."""
        return {
            "contact": self.contact_id,
            "messages_redacted": self.messages,
            "copies_redacted": self.copies,
            "withheld": self.withheld,
            "rows": dict(sorted(self.counts.items())),
            "kept": [
                {"message": one.message_id, "reason": one.reason.value, "until": one.until_on.isoformat()}
                for one in self.kept
            ],
        }


def preview_erasure(session: Session, actor: Actor, contact: Contact) -> Erasure:
    """What `erase_contact` would do; nothing is changed."""
    actor.require(Permission.PRIVACY_MANAGE)
    footprint = footprint_of_contact(session, contact, actor.sight)
    kept = kept_messages(session, footprint.company_id, footprint.messages, today())
    plan = Erasure(contact.id, kept=list(kept.values()))
    plan.messages = len(set(footprint.messages) - footprint.copied - set(kept))
    plan.copies = len(footprint.copied - set(kept))
    gone = set(footprint.messages) - set(kept)
    for declared in TABLES:
        condition = rows_of(footprint, declared)
        if condition is None or declared.fate is Fate.KEEP:
            continue
        found = Base.metadata.tables[declared.name]
        if declared.link is Link.MESSAGE and declared.is_proof:
            condition = and_(condition, found.c[declared.by].not_in(set(footprint.messages) - gone))
        plan.add(declared.name, session.scalar(select(func.count()).select_from(found).where(condition)) or 0)
    return plan


def erase_contact(session: Session, actor: Actor, contact: Contact, reason: str = "") -> Erasure:
    """Erase a contact for good. What law obliges to keep stays until its term, and is noted in `privacy_remains`.

    Messages above the actor's clearance are found too: an erasure is whole or it is none.

    Raises:
        PermissionDenied: the right to manage privacy is missing.
        ErasureRefused: a message is on its way.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    contact_id, company_id, party_id, level = (
        contact.id,
        contact.company_id,
        contact.party_id,
        contact.privacy_level,
    )
    footprint = footprint_of_contact(session, contact, EVERYTHING)
    _refuse_on_their_way(session, footprint)
    done = Erasure(contact_id)
    done.withheld = _call_back(session, actor, footprint)
    kept = kept_messages(session, company_id, footprint.messages, today())
    done.kept = list(kept.values())
    done.files = _files(session, footprint, set(kept))
    _erase_messages(session, footprint, kept, done)
    done.add("audit_events", redact_audit(session, footprint))
    _erase_rows(session, footprint, done)
    remember_erased(session, company_id, [*footprint.addresses, *footprint.shared])
    session.expire_all()
    _bury(session, contact_id)
    act = PrivacyAct(
        company_id=company_id,
        contact_id=contact_id,
        party_id=party_id,
        privacy_level=level,
        kind=ActKind.ERASED,
        user_name=actor.name,
        reason=reason[:300],
        report=done.as_json(),
    )
    session.add(act)
    session.flush()
    for one in done.kept:
        if session.get(PrivacyRemain, one.message_id) is None:
            session.add(
                PrivacyRemain(
                    message_id=one.message_id,
                    act_id=act.id,
                    kept_until_on=one.until_on,
                    reason=one.reason.value,
                )
            )
    audit.record(
        session,
        actor,
        "privacy.contact.erased",
        company_id=company_id,
        subject=act,
        label=f"contact {contact_id}",
        privacy_level=level,
        **{name: value for name, value in done.as_json().items() if name != "kept"},
        kept=len(done.kept),
    )
    return done


def _refuse_on_their_way(session: Session, footprint: Footprint) -> None:
    own = [id_ for id_ in footprint.messages if id_ not in footprint.copied]
    sending = select(Message.run_id).where(Message.id.in_(own), Message.state == MessageState.SENDING)
    copies = select(Message.run_id).where(
        Message.id.in_(footprint.copied), Message.state.in_([*QUEUED, MessageState.PENDING])
    )
    if runs := [*session.scalars(sending), *session.scalars(copies)]:
        raise ErasureRefused(runs)


def _call_back(session: Session, actor: Actor, footprint: Footprint) -> int:
    """Nothing that is still to be sent goes to an erased contact."""
    count = 0
    written = Message.contact_id.in_(footprint.contact_ids)
    for message in session.scalars(
        select(Message).where(written, Message.state.in_([*QUEUED, MessageState.PENDING]))
    ):
        call_back(session, actor, message)
        if message.state is MessageState.WITHHELD:
            session.add(
                MessageIssue(run_id=message.run_id, message_id=message.id, code="no_address", is_blocker=True)
            )
            message.blockers, message.first_issue = 1, "no_address"
        count += 1
    session.flush()
    return count


def call_back(session: Session, actor: Actor, message: Message) -> None:
    """Keep a message that waits from leaving: withheld before its commit, cancelled after it."""
    if message.state is MessageState.PENDING:
        message.state = MessageState.WITHHELD
        message.withheld_reason = WithheldReason.CONTACT_CHANGED_MEANWHILE.value
        kind = "withheld"
    else:
        message.state, message.next_attempt_at = MessageState.CANCELLED, None
        kind = "cancelled"
    session.add(MessageEvent(message_id=message.id, kind=kind, actor_name=actor.name))


def _files(session: Session, footprint: Footprint, kept: set[int]) -> list[str]:
    """The stored mails of the evidence that goes, unless another row keeps the same bytes."""
    ids = set(session.scalars(select(MailItem.id).where(_evidence_that_goes(footprint, kept))))
    going = set(session.scalars(select(MailItem.sha256).where(MailItem.id.in_(ids))))
    other = select(MailItem.sha256).where(MailItem.sha256.in_(going), MailItem.id.not_in(ids))
    return sorted(going - set(session.scalars(other)))


def _evidence_that_goes(footprint: Footprint, kept: set[int]) -> Any:
    gone = [id_ for id_ in footprint.messages if id_ not in kept and id_ not in footprint.copied]
    named = func.lower(MailItem.recipient).in_(footprint.addresses)
    copies = [id_ for id_ in footprint.copied if id_ not in kept]
    stray = and_(MailItem.company_id == footprint.company_id, named, MailItem.message_id.is_(None))
    return MailItem.message_id.in_(gone) | and_(MailItem.message_id.in_(copies), named) | stray


def _erase_messages(session: Session, footprint: Footprint, kept: dict[int, Kept], done: Erasure) -> None:
    deleted = delete_rows(session, BY_NAME["mail_items"], _evidence_that_goes(footprint, set(kept)))
    done.add("mail_items", deleted)
    gone = [id_ for id_ in footprint.messages if id_ not in kept and id_ not in footprint.copied]
    for name, count in redact_messages(session, gone).items():
        done.add(name, count)
    done.messages = len(gone)
    copies = [id_ for id_ in footprint.copied if id_ not in kept]
    _erase_copies(session, footprint, copies, done)
    for declared in TABLES:  # what is not part of the proof goes from kept messages too
        if declared.link is Link.MESSAGE and not declared.is_proof and declared.fate is not Fate.KEEP:
            column = Base.metadata.tables[declared.name].c[declared.by]
            act = delete_rows if declared.fate is Fate.DELETE else redact_rows
            own = [id_ for id_ in kept if id_ not in footprint.copied]
            done.add(declared.name, act(session, declared, column.in_(own)))
    session.execute(update(Message).where(Message.id.in_(list(kept))).values(search_key=""))


def _erase_copies(session: Session, footprint: Footprint, copies: list[int], done: Erasure) -> None:
    """Messages to somebody else that carried a copy: they stay that one's, without this person."""
    for message in session.scalars(select(Message).where(Message.id.in_(copies))):
        message.cc = [one for one in message.cc if one.lower() not in footprint.addresses]
        message.bcc = [one for one in message.bcc if one.lower() not in footprint.addresses]
    session.flush()
    for name, columns in (
        ("messages", ("to_address", "recipient_name", "subject", "search_key", "why", "last_detail")),
        ("message_contents", ("body_text", "body_html")),
        ("message_revisions", ("to_address", "cc", "subject", "body_text", "body_html")),
        ("message_events", ("detail",)),
        ("message_issues", ("params",)),
        ("attempts", ("detail",)),
    ):
        column = Base.metadata.tables[name].c["id" if name == "messages" else "message_id"]
        done.add(name, replace_in_rows(session, name, columns, column.in_(copies), footprint.values))
    session.execute(update(Attempt).where(Attempt.message_id.in_(copies)).values(mime=None))
    done.copies = len(copies)


def _erase_rows(session: Session, footprint: Footprint, done: Erasure) -> None:
    """Rows found by the contact or by its addresses."""
    for declared in TABLES:
        if declared.link not in (Link.CONTACT, Link.ADDRESS) or declared.fate is Fate.KEEP:
            continue
        condition = rows_of(footprint, declared)
        if condition is not None:
            act = delete_rows if declared.fate is Fate.DELETE else redact_rows
            done.add(declared.name, act(session, declared, condition))


def _bury(session: Session, contact_id: int) -> None:
    """Delete the contact's row; when history points at it, it stays as a row without a person."""
    try:
        with session.begin_nested():
            session.execute(delete(Contact).where(Contact.id == contact_id))
    except IntegrityError:
        values = {"state": ContactState.ERASED, "source": "", "language": ""}
        session.execute(update(Contact).where(Contact.id == contact_id).values(values))
    session.expire_all()
