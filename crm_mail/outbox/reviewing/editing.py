"""Correct one message of a run: its recipients, account, subject and bodies. What it was before is kept."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.addresses import is_address, normalise_address
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel, channel_for
from crm_mail.delivery.service import accounts_for
from crm_mail.delivery.sms.numbers import NumberInvalid, is_number, normalise_number
from crm_mail.delivery.sms.segments import plain_text
from crm_mail.documents.html_text import html_to_text, sanitise_html, text_to_html
from crm_mail.outbox.composing.text_drafts import text_issues, with_stop
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.links.link_words import add_unsubscribe
from crm_mail.outbox.models import Message, MessageContent, MessageEvent, MessageIssue, MessageRevision
from crm_mail.outbox.preparing.formal_notices import is_unproven
from crm_mail.outbox.preparing.kinds import judge_kinds
from crm_mail.outbox.preparing.rules import load_decisions
from crm_mail.outbox.reviewing.edit_problems import EditProblem
from crm_mail.outbox.reviewing.review import refresh_counts, require_open
from crm_mail.outbox.reviewing.review_changes import fits
from crm_mail.outbox.reviewing.review_filter import search_key
from crm_mail.outbox.reviewing.suppressed_rows import suppressed_issue
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

ADDRESS_ISSUES = frozenset(
    {
        Issue.NO_ADDRESS,
        Issue.INVALID_ADDRESS,
        Issue.ADDRESS_KIND_UNKNOWN,
        Issue.LOOKS_LIKE_PEC,
        Issue.SHARED_ADDRESS,
        Issue.PEC_REQUIRED,
        Issue.NO_ORDINARY_ADDRESS,
    }
)
NO_ACCOUNT_FOR = {
    Channel.SMTP: Issue.NO_ACCOUNT,
    Channel.PEC: Issue.NO_PEC_ACCOUNT,
    Channel.SMS: Issue.NO_SMS_ACCOUNT,
}
ACCOUNT_ISSUES = frozenset(NO_ACCOUNT_FOR.values())
SUBJECT_LENGTH = 500
BODY_LENGTH = 500_000


_ENGLISH = {
    EditProblem.CONFLICT: "somebody else changed this message meanwhile: look at it again before changing it",
    EditProblem.SETTLED: "this message is {state}: it can no longer be changed",
    EditProblem.ACCOUNT_UNFIT: "this account cannot be used for the message: choose another one",
    EditProblem.ACCOUNT_WRONG_KIND: "a PEC account sends to PEC addresses and to no other: choose an account of the "
    "address's kind",
    EditProblem.SUBJECT_EMPTY: "the subject is empty: write one",
    EditProblem.SUBJECT_LINE_BREAK: "the subject contains a line break: write it on one line",
    EditProblem.SUBJECT_TOO_LONG: "the subject is longer than {limit} characters: shorten it",
    EditProblem.BODY_TOO_LONG: "the text is longer than {limit} characters: shorten it",
    EditProblem.NUMBER_INVALID: "{number} is no mobile number: write it as +39 333 1234567",
    EditProblem.COPIES_ON_PEC: "a PEC message goes to one recipient only: remove the copies (Cc)",
}


class EditRefused(Exception):
    """The correction cannot be made; ``problem`` says why, the message what to do."""

    def __init__(self, problem: EditProblem, **params: Any) -> None:
        super().__init__(_ENGLISH[problem].format(**params))
        self.problem = problem
        self.params = params


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person changed; None leaves a part as it is.

    Of two bodies of which only one is given, the other is made from it, so that both say the same. ``body_html`` is
    what a person may write (`split_frame`); the layout around it stays.
    """

    to_address: str | None = None
    to_kind: AddressKind | None = None
    cc: tuple[str, ...] | None = None
    account_id: int | None = None
    subject: str | None = None
    body_text: str | None = None
    body_html: str | None = None


def edit_message(
    session: Session, actor: Actor, message: Message, correction: Correction, seen: int, kind: str = "edited"
) -> list[str]:
    """Apply a correction and check the row again; the names of what changed (nothing is kept when nothing did).

    Args:
        seen: the revision the person looked at.
        kind: of the line in the history.

    Raises:
        PermissionDenied, RunNotOpen, AddressInvalid
        EditRefused: see `EditProblem`; nothing was changed.
    """
    require_open(session, actor, message.run)
    session.refresh(message, with_for_update=True)
    if message.revision != seen:
        raise EditRefused(EditProblem.CONFLICT)
    if message.state not in (MessageState.PENDING, MessageState.WITHHELD):
        raise EditRefused(EditProblem.SETTLED, state=message.state.value)
    content = session.get_one(MessageContent, message.id)
    before = _values(message, content)
    _set_recipients(session, actor, message, correction)
    _set_account(session, actor, message, correction)
    _set_texts(message, content, correction)
    changed = [name for name, value in _values(message, content).items() if value != before[name]]
    if not changed:
        return []
    session.add(
        MessageRevision(
            message_id=message.id,
            revision=message.revision,
            replaced_at=now(),
            replaced_by=actor.name,
            **before,
        )
    )
    message.is_edited, message.is_approved = True, False
    message.revision += 1
    message.search_key = search_key(
        message.party_code,
        message.party_name,
        message.recipient_name,
        message.to_address,
        message.subject,
        *(number for _type, number in message.first_documents),
    )
    _check_again(session, message, content, set(changed))
    _record(session, actor, message, kind, changed, before)
    return changed


def _set_recipients(session: Session, actor: Actor, message: Message, correction: Correction) -> None:
    if message.channel is Channel.SMS:
        _set_number(session, message, correction)
        return
    if correction.to_address is not None:
        address = normalise_address(correction.to_address)
        kind, evidence = correction.to_kind or AddressKind.UNKNOWN, None
        if kind is AddressKind.UNKNOWN:
            option = judge_kinds(session, message.company_id, [address])[address]
            kind, evidence = option.kind, option.evidence
        if (address, kind) != (message.to_address, message.to_kind):
            message.to_address, message.to_kind, message.channel = address, kind, channel_for(kind)
            message.account_id = default_account(session, actor, message)
            kept = {name: value for name, value in message.why.items() if name != "kind"}
            message.why = kept | {"edited_address": True}
            if evidence is not None:
                message.why = message.why | {"kind": evidence.to_dict()}
    if correction.cc is not None:
        message.cc = [normalise_address(address) for address in correction.cc]
    if message.channel is Channel.PEC:
        if message.cc:
            raise EditRefused(EditProblem.COPIES_ON_PEC)
        message.bcc = []


def _set_number(session: Session, message: Message, correction: Correction) -> None:
    """A text stays a text: another number takes the place of the one it had."""
    if correction.to_address is None:
        return
    party, company = session.get_one(Party, message.party_id), message.run.company
    try:
        number = normalise_number(correction.to_address, party.country or company.country)
    except NumberInvalid as invalid:
        raise EditRefused(EditProblem.NUMBER_INVALID, number=correction.to_address) from invalid
    if number != message.to_address:
        message.to_address = number
        message.why = message.why | {"edited_address": True}


def _set_account(session: Session, actor: Actor, message: Message, correction: Correction) -> None:
    if correction.account_id is None or correction.account_id == message.account_id:
        return
    account = session.get(SenderAccount, correction.account_id)
    if account is None or not fits(account, actor, message.company_id):
        raise EditRefused(EditProblem.ACCOUNT_UNFIT)
    if account.kind.value != message.channel.value:
        raise EditRefused(EditProblem.ACCOUNT_WRONG_KIND)
    message.account_id = account.id


def _set_texts(message: Message, content: MessageContent, correction: Correction) -> None:
    if correction.subject is not None:
        message.subject = _checked_subject(correction.subject)
    text, html = correction.body_text, correction.body_html
    if max(len(text or ""), len(html or "")) > BODY_LENGTH:
        raise EditRefused(EditProblem.BODY_TOO_LONG, limit=BODY_LENGTH)
    clean = sanitise_html(html) if html is not None and html.strip() else html
    if text is not None and clean is None and content.body_html:
        clean = sanitise_html(text_to_html(text))
    elif clean and text is None:
        text = html_to_text(clean)
    if text is not None:
        plain = text.replace("\r\n", "\n")
        content.body_text = plain_text(plain) if message.channel is Channel.SMS else plain
    if clean is not None:
        before, _old, after = split_frame(content.body_html)
        content.body_html = f"{before}{clean.strip()}{after}" if clean.strip() else ""
    if message.unsubscribe_url and content.body_text.strip():  # advertising never goes without it
        company = message.run.company.name
        if message.channel is Channel.SMS:
            content.body_text = with_stop(content.body_text, message.unsubscribe_url, message.language)
            return
        content.body_text, content.body_html = add_unsubscribe(
            content.body_text, content.body_html, message.unsubscribe_url, company, message.language
        )


_FRAME_TOP = '<tr><td style="padding:24px 28px 24px 28px">'
_FRAME_BOTTOM = '\n</td></tr>\n<tr><td class="foot"'


def split_frame(body_html: str) -> tuple[str, str, str]:
    """An HTML body as (what our layout puts before it, what a person may write, what the layout puts after it).

    A body without our layout is all a person's.
    """
    before, top, rest = body_html.partition(_FRAME_TOP)
    content, bottom, after = rest.rpartition(_FRAME_BOTTOM)
    return (before + top, content, bottom + after) if top and bottom else ("", body_html, "")


def _checked_subject(given: str) -> str:
    if len(given.strip().splitlines()) > 1:
        raise EditRefused(EditProblem.SUBJECT_LINE_BREAK)
    subject = " ".join(given.split())
    if not subject:
        raise EditRefused(EditProblem.SUBJECT_EMPTY)
    if len(subject) > SUBJECT_LENGTH:
        raise EditRefused(EditProblem.SUBJECT_TOO_LONG, limit=SUBJECT_LENGTH)
    return subject


def _values(message: Message, content: MessageContent) -> dict[str, Any]:
    return {
        "to_address": message.to_address,
        "to_kind": message.to_kind,
        "cc": list(message.cc),
        "account_id": message.account_id,
        "subject": message.subject,
        "body_text": content.body_text,
        "body_html": content.body_html,
    }


def default_account(session: Session, actor: Actor, message: Message) -> int | None:
    """The account that the company's rules give a message on its channel; None when there is none."""
    decision = load_decisions(session, message.company_id).get(message.document_types.split(" ")[0])
    if decision is None:
        return None
    book = accounts_for(session, message.company_id, actor.user_id)
    account = book.resolve(decision, message.channel, actor.user_id).account
    return account.id if account else None


def _check_again(session: Session, message: Message, content: MessageContent, changed: set[str]) -> None:
    """Settle the issues that the correction answered, and add those it made."""
    settled: set[Issue] = {Issue.INVALID_ADDRESS, Issue.UNPROVEN, *ACCOUNT_ISSUES}
    if changed & {"to_address", "to_kind"}:
        settled |= ADDRESS_ISSUES
    if message.subject and content.body_text.strip():
        settled.add(Issue.TEXT_INVALID)
    if changed & {"subject", "body_text", "body_html"}:
        settled.add(Issue.EMPTY_FIELD)
    found = address_issues(session, message)
    if message.channel is Channel.SMS:
        settled.add(Issue.TEXT_TOO_LONG)
        found += [issue for issue, _params in text_issues(content.body_text)]
    bounced = suppressed_issue(session, message)
    message.issues = [one for one in message.issues if one.code != Issue.SUPPRESSED_ADDRESS]
    message.issues += [bounced] if bounced else []
    replace_issues(message, settled, found)


def address_issues(session: Session, message: Message) -> list[Issue]:
    """What stands against a row's address and account as they are."""
    if not message.to_address:
        return [Issue.NO_ADDRESS]
    found = [Issue.INVALID_ADDRESS] if _invalid_address(message) else []
    if message.to_kind is AddressKind.UNKNOWN:
        found.append(Issue.ADDRESS_KIND_UNKNOWN)
    if message.account_id is None:
        found.append(NO_ACCOUNT_FOR[message.channel])
    if is_unproven(session, message):
        found.append(Issue.UNPROVEN)
    return found


def _invalid_address(message: Message) -> str:
    """The first recipient that is no e-mail address; empty when all are."""
    is_fit = is_number if message.channel is Channel.SMS else is_address
    return next((one for one in (message.to_address, *message.cc) if one and not is_fit(one)), "")


def replace_issues(message: Message, settled: set[Issue], found: list[Issue]) -> None:
    """Take settled issues off a row and put on what was found and does not stand there yet."""
    kept = [issue for issue in message.issues if issue.code not in settled]
    standing = {issue.code for issue in kept}
    message.issues = kept + [
        MessageIssue(
            run_id=message.run_id,
            code=code.value,
            is_blocker=code in BLOCKERS,
            params=_params_of(message, code),
        )
        for code in found
        if code not in standing and not (code is Issue.NO_ADDRESS and standing & ADDRESS_BLOCKERS)
    ]
    refresh_counts(message)


def _params_of(message: Message, code: Issue) -> dict[str, Any]:
    if code is Issue.INVALID_ADDRESS:
        return {"address": _invalid_address(message)}
    if code is Issue.ADDRESS_KIND_UNKNOWN:
        return dict(message.why.get("kind") or {})
    return {}


ADDRESS_BLOCKERS = frozenset(
    {Issue.NO_ADDRESS, Issue.INVALID_ADDRESS, Issue.PEC_REQUIRED, Issue.NO_ORDINARY_ADDRESS}
)


def _record(
    session: Session, actor: Actor, message: Message, kind: str, changed: list[str], before: dict[str, Any]
) -> None:
    detail = {"changed": changed}
    session.add(MessageEvent(message_id=message.id, kind=kind, actor_name=actor.name, detail=detail))
    audit.record(
        session,
        actor,
        f"outbox.message.{kind}",
        company_id=message.company_id,
        subject=message,
        label=f"{message.party_code} {message.to_address}",
        privacy_level=message.privacy_level,
        changed=changed,
        before={"to_address": before["to_address"], "subject": before["subject"]},
    )


def list_revisions(session: Session, message: Message) -> list[MessageRevision]:
    """Earlier versions of a message, the newest first."""
    query = select(MessageRevision).where(MessageRevision.message_id == message.id)
    return list(session.scalars(query.order_by(MessageRevision.revision.desc())))


def restore_revision(
    session: Session, actor: Actor, message: Message, revision: MessageRevision, seen: int
) -> list[str]:
    """Make a message what it was; the present version is kept as a revision of its own.

    Raises:
        as `edit_message`.
    """
    correction = Correction(
        to_address=revision.to_address or None,
        to_kind=revision.to_kind,
        cc=tuple(revision.cc),
        account_id=revision.account_id,
        subject=revision.subject or None,
        body_text=revision.body_text,
        body_html=split_frame(revision.body_html)[1],
    )
    return edit_message(session, actor, message, correction, seen, "restored")
