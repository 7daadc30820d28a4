"""Correct one message of a run: its address, account, subject and bodies. What it was before is kept."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.addresses import normalise_address
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel, channel_for
from crm_mail.delivery.service import accounts_for
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.models import Message, MessageContent, MessageEvent, MessageIssue, MessageRevision
from crm_mail.outbox.review import refresh_counts, require_open
from crm_mail.outbox.rules import load_decisions
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

ADDRESS_ISSUES = {
    Issue.NO_ADDRESS,
    Issue.INVALID_ADDRESS,
    Issue.ADDRESS_KIND_UNKNOWN,
    Issue.LOOKS_LIKE_PEC,
    Issue.SHARED_ADDRESS,
    Issue.PEC_REQUIRED,
    Issue.NO_ORDINARY_ADDRESS,
    Issue.NO_ACCOUNT,
    Issue.NO_PEC_ACCOUNT,
}


class EditRefused(Exception):
    """The correction cannot be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person changed; None leaves a part as it is. Line breaks in a subject become blanks."""

    to_address: str | None = None
    to_kind: AddressKind | None = None
    account_id: int | None = None
    subject: str | None = None
    body_text: str | None = None
    body_html: str | None = None


def edit_message(session: Session, actor: Actor, message: Message, correction: Correction, seen: int) -> None:
    """Apply a correction and check the row again.

    Args:
        seen: the revision the person looked at.

    Raises:
        PermissionDenied, RunNotOpen, AddressInvalid
        EditRefused: somebody else changed the row meanwhile, or the account does not fit the address.
    """
    require_open(session, actor, message.run)
    session.refresh(message, with_for_update=True)
    if message.revision != seen:
        raise EditRefused("somebody else changed this message meanwhile: look at it again before changing it")
    if message.state not in (MessageState.PENDING, MessageState.WITHHELD):
        raise EditRefused(f"this message is {message.state.value}: it can no longer be changed")
    content = session.get_one(MessageContent, message.id)
    before = _keep_revision(session, actor, message, content)
    if correction.to_address is not None:
        message.to_address = normalise_address(correction.to_address)
        message.to_kind = correction.to_kind or AddressKind.UNKNOWN
        message.channel = channel_for(message.to_kind)
        message.account_id = _default_account(session, actor, message)
        if message.channel is Channel.PEC:
            message.bcc = []
        message.why = message.why | {"edited_address": True}
    if correction.account_id is not None:
        message.account_id = _fitting_account(session, message, correction.account_id).id
    if correction.subject is not None:
        message.subject = " ".join(correction.subject.split())[:500]
    if correction.body_text is not None:
        content.body_text = correction.body_text
    if correction.body_html is not None:
        content.body_html = correction.body_html
    message.is_edited, message.is_approved = True, False
    message.revision += 1
    _check_again(session, message)
    changed = [name for name, value in before.items() if value != _values(message, content)[name]]
    session.add(
        MessageEvent(message_id=message.id, kind="edited", actor_name=actor.name, detail={"changed": changed})
    )
    audit.record(
        session,
        actor,
        "outbox.message.edited",
        company_id=message.company_id,
        subject=message,
        label=f"{message.party_code} {message.to_address}",
        privacy_level=message.privacy_level,
        changed=changed,
        before={"to_address": before["to_address"], "subject": before["subject"]},
    )


def _values(message: Message, content: MessageContent) -> dict[str, str | int | None]:
    return {
        "to_address": message.to_address,
        "account_id": message.account_id,
        "subject": message.subject,
        "body_text": content.body_text,
        "body_html": content.body_html,
    }


def _keep_revision(
    session: Session, actor: Actor, message: Message, content: MessageContent
) -> dict[str, str | int | None]:
    before = _values(message, content)
    session.add(
        MessageRevision(
            message_id=message.id,
            revision=message.revision,
            replaced_at=now(),
            replaced_by=actor.name,
            **before,
        )
    )
    return before


def _default_account(session: Session, actor: Actor, message: Message) -> int | None:
    first_type = message.document_types.split(" ")[0]
    decision = load_decisions(session, message.company_id).get(first_type)
    if decision is None:
        return None
    book = accounts_for(session, message.company_id, actor.user_id)
    account = book.resolve(decision, message.channel, actor.user_id).account
    return account.id if account else None


def _fitting_account(session: Session, message: Message, account_id: int) -> SenderAccount:
    account = session.get(SenderAccount, account_id)
    if account is None or account.company_id != message.company_id:
        raise EditRefused("this account does not exist in the message's company: choose another one")
    if account.kind.value != message.channel.value:
        raise EditRefused(
            "a PEC account sends to PEC addresses and to no other: choose an account of the address's kind"
        )
    return account


def _check_again(session: Session, message: Message) -> None:
    """Settle the issues that the correction answered, and add those it made."""
    kept = [
        issue for issue in message.issues if Issue(issue.code) not in ADDRESS_ISSUES | {Issue.TEXT_INVALID}
    ]
    found: list[Issue] = []
    if not message.to_address:
        found.append(Issue.NO_ADDRESS)
    elif message.account_id is None:
        found.append(Issue.NO_PEC_ACCOUNT if message.channel is Channel.PEC else Issue.NO_ACCOUNT)
    if message.to_address and message.to_kind is AddressKind.UNKNOWN:
        found.append(Issue.ADDRESS_KIND_UNKNOWN)
    message.issues = kept + [
        MessageIssue(run_id=message.run_id, code=code.value, is_blocker=code in BLOCKERS) for code in found
    ]
    refresh_counts(session, message)


def list_revisions(session: Session, message: Message) -> list[MessageRevision]:
    """Earlier texts of a message, the newest first."""
    query = select(MessageRevision).where(MessageRevision.message_id == message.id)
    return list(session.scalars(query.order_by(MessageRevision.revision.desc())))
