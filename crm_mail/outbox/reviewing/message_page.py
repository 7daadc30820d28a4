"""What the preview of one message shows: its tabs, its problems with their remedies, its history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.type_registry import company_types
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.words import length_words
from crm_mail.documents.models import Document
from crm_mail.evidence.proof_page import proof_context
from crm_mail.outbox.change_words import event_words
from crm_mail.outbox.issue_words import issue_name, issue_words
from crm_mail.outbox.links.downloads import link_of
from crm_mail.outbox.models import (
    Attempt,
    Message,
    MessageContent,
    MessageDocument,
    MessageEvent,
    MessageFile,
    Run,
)
from crm_mail.outbox.reviewing import review, review_page, summaries
from crm_mail.outbox.reviewing.editing import list_revisions
from crm_mail.outbox.reviewing.review_acts import take_action
from crm_mail.outbox.reviewing.review_page import Rights
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.sending.envelopes import raw_headers
from crm_mail.outbox.why_words import describe_why, withheld_words
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.web.door import db

TABS = ("message", "text", "headers", "why", "proof", "history")
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that settles a problem: a link, or a button that posts a decision."""

    label: str
    url: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A blocker or warning with its remedies."""

    text: str
    remedy: str
    is_blocker: bool
    ways: list[Remedy] = field(default_factory=list)


def message_context(run: Run, message: Message, tab: str) -> dict[str, Any]:
    """Everything that the preview of a message needs.

    Args:
        tab: ``message``, ``text``, ``file-N``, ``headers``, ``why``, ``proof`` or ``history``; the first when it is
            none of them.
    """
    actor, chosen = signed_in_actor(), review_page.current_filter()
    rights = review_page.rights_of(actor, run)
    content = db().get_one(MessageContent, message.id)
    tabs = _tabs(run, message, content)
    tab = tab if any(one["key"] == tab for one in tabs) else tabs[0]["key"]
    before, after = review.neighbours(db(), actor, message, chosen)
    account = db().get(SenderAccount, message.account_id) if message.account_id else None
    counts = summaries.run_counts(db(), actor, run)
    return {
        "message": message,
        "content": content,
        "account": account,
        "tabs": [one | {"active": one["key"] == tab} for one in tabs],
        "tab": tab,
        "tab_context": _tab_context(message, tab),
        "text_length": length_words(content.body_text, account) if message.channel is Channel.SMS else "",
        "problems": problems_of(run, message, rights),
        "download": link_of(db(), message),
        "rights": rights,
        "counts": counts,
        "views": review_page.saved_views(run, counts, chosen),
        "previous": before,
        "following": after,
        "on_page": {one.id for one in review_page.current_page(run, chosen).messages},
        "place": review_page.place_arguments(),
        "can_change": rights.review and message.state.value in ("pending", "withheld"),
        "shown_state": review_page.shown_state,
        "is_kind_open": review_page.is_kind_open,
        "withheld_words": lambda reason, into=None: withheld_words(reason, _, into),
        "issue_name": lambda code: issue_name(code, _),
        "link": review_page.link,
        "step": review_page.STEP[run.state],
        "title": review_page.run_title(run),
        "run": run,
        "last_action": take_action(run),
    }


def _tabs(run: Run, message: Message, content: MessageContent) -> list[dict[str, Any]]:
    keys = [("message", _("Message"), "mail")] if content.body_html else []
    keys.append(("text", _("Text"), "align-left"))
    for file in message.files:
        keys.append(
            (f"file-{file.position}", file.name, "file-type-pdf" if file.mime == PDF else "paperclip")
        )
    keys += [
        *([("headers", _("Headers"), "code")] if message.channel is not Channel.SMS else []),
        ("why", _("Why"), "help"),
        *([("proof", _("Proof"), "certificate")] if message.message_id else []),
        ("history", _("History"), "history"),
    ]
    place = review_page.place_arguments()
    return [
        {
            "key": key,
            "label": label,
            "is_file": key.startswith("file-"),
            "url": url_for("outbox.message", run_id=run.id, message_id=message.id, tab=key, **place),
        }
        for key, label, _icon in keys
    ]


def _tab_context(message: Message, tab: str) -> dict[str, Any]:
    if tab.startswith("file-"):
        position = int(tab.removeprefix("file-"))
        return {"file": next(file for file in message.files if file.position == position), "pdf": PDF}
    if tab == "headers":
        return _headers(message)
    if tab == "why":
        return {
            "why": describe_why(
                message.why, _, review_page.page_language(), company_types(db(), message.company_id).names
            ),
            "documents": _documents(message),
        }
    if tab == "proof":
        return proof_context(message)
    if tab == "history":
        return _history(message)
    return {}


def _headers(message: Message) -> dict[str, Any]:
    query = select(Attempt.mime_sha256).where(Attempt.message_id == message.id, Attempt.mime.is_not(None))
    try:
        text, is_sent = raw_headers(db(), message)
    except ValueError:  # HeaderInjection, AddressInvalid, no Message-ID
        return {"headers": "", "is_sent": False, "sha256": ""}
    sha256 = db().scalar(query.order_by(Attempt.id.desc()).limit(1)) or ""
    return {"headers": text, "is_sent": is_sent, "sha256": sha256}


def _documents(message: Message) -> list[Document]:
    query = (
        select(Document)
        .join(MessageDocument, MessageDocument.document_id == Document.id)
        .where(MessageDocument.message_id == message.id)
        .order_by(MessageDocument.position)
    )
    return list(db().scalars(query))


def _history(message: Message) -> dict[str, Any]:
    events = db().scalars(
        select(MessageEvent)
        .where(MessageEvent.message_id == message.id)
        .order_by(MessageEvent.id.desc())
        .limit(200)
    )
    attempts = db().scalars(
        select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.id.desc())
    )
    return {
        "events": [_event(event) for event in events],
        "attempts": [(one, cause_words(one.cause, one.code, "", _)) for one in attempts],
        "revisions": list_revisions(db(), message),
    }


def _event(event: MessageEvent) -> dict[str, Any]:
    words = event_words(event.kind, event.detail, _)
    return {
        "at": event.at,
        "title": words.title,
        "text": words.text,
        "who": event.actor_name,
        "icon": words.icon,
        "tone": words.tone,
    }


def problems_of(run: Run, message: Message, rights: Rights) -> list[Problem]:
    """Blockers before warnings, each with what settles it for this person; without that once the review is over."""
    found = []
    is_open = review_page.is_in_review(message)
    standing = [one for one in message.issues if is_open or one.code not in _OF_KIND]
    for issue in sorted(standing, key=lambda one: (not one.is_blocker, one.id)):
        words = issue_words(issue.code, issue.params, _)
        ways = _ways(run, message, issue.code, issue.params) if rights.review else []
        remedy = words.remedy if is_open else ""
        if is_open and issue.code in ("no_pec_account", "no_account") and not _may_set_up(run):
            names = ", ".join(review_page.who_may_set_up(db()))
            remedy = _("%(remedy)s Ask %(names)s.", remedy=remedy, names=names) if names else remedy
        found.append(Problem(words.text, remedy, words.is_blocker, ways))
    return found


def _may_set_up(run: Run) -> bool:
    return signed_in_actor().can(Permission.ACCOUNTS_MANAGE, run.company_id)


def _edit(run: Run, message: Message, label: str, part: str) -> Remedy:
    place = review_page.place_arguments()
    url = url_for("outbox.edit_message", run_id=run.id, message_id=message.id, part=part, **place)
    return Remedy(label, url=url)


_OF_ADDRESS = frozenset(
    {"no_address", "invalid_address", "suppressed_address", "pec_required", "no_ordinary_address"}
)
_OF_KIND = frozenset({"address_kind_unknown", "looks_like_pec"})
_OF_ACCOUNT = frozenset({"no_account", "no_pec_account"})
_CHECKABLE = _OF_ADDRESS | _OF_KIND | _OF_ACCOUNT | {"missing_file", "pdf_failed", "file_too_large"}


def _ways(run: Run, message: Message, code: str, params: dict[str, Any]) -> list[Remedy]:
    ways = _ways_to_correct(run, message, code)
    card = review_page.link("contacts.show_party", party_id=message.party_id)
    if card and code in _OF_ADDRESS | _OF_KIND | {"shared_address", "empty_field"}:
        ways.append(Remedy(_("Open the card"), url=card))
    if code == "suppressed_address" and (
        url := review_page.link("suppressions.list_addresses", q=message.to_address)
    ):
        ways.append(Remedy(_("Show it on the list"), url=url))
    if code == "shared_address" and message.to_address:
        url = url_for("outbox.review", run_id=run.id, q=message.to_address)
        ways.append(Remedy(_("Show all with this address"), url=url))
    if code in ("already_sent", "in_other_run") and str(params.get("run", "")).isdigit():
        other = review.find_run(db(), signed_in_actor(), int(params["run"]))
        if other is not None:
            url = url_for("outbox.review", run_id=other.id, q=message.party_code)
            ways.append(Remedy(_("Show run %(number)s", number=other.id), url=url))
    if code in _CHECKABLE:
        ways.append(Remedy(_("Check again"), decision="check"))
    if code in ("already_sent", "in_other_run", "missing_file", "other_seller"):
        ways.append(Remedy(_("Leave out"), decision="exclude"))
    return ways


def _ways_to_correct(run: Run, message: Message, code: str) -> list[Remedy]:
    ways: list[Remedy] = []
    if code in _OF_ADDRESS:
        ways.append(_edit(run, message, _("Enter the address"), "to_address"))
    if code in _OF_KIND:
        ways += [
            Remedy(_("It is ordinary mail"), decision="kind-ordinary"),
            Remedy(_("It is PEC"), decision="kind-pec"),
        ]
    if code == "no_account":
        ways.append(_edit(run, message, _("Choose an account"), "account_id"))
    if code in _OF_ACCOUNT and _may_set_up(run) and (url := review_page.link("delivery.list_accounts")):
        ways.append(Remedy(_("Open the accounts"), url=url))
    if code == "no_pec_account":
        ways.append(_edit(run, message, _("Use another address"), "to_address"))
    if code in ("text_invalid", "empty_field"):
        ways.append(_edit(run, message, _("Write it by hand"), "body_text"))
    if code == "text_invalid" and _may_set_up(run) and (url := review_page.link("documents.list_texts")):
        ways.append(Remedy(_("Open the texts"), url=url))
    return ways


def find_file(message: Message, position: int) -> MessageFile | None:
    """A file of the message, by its place; a file of another message cannot be named at all (law 7)."""
    return next((file for file in message.files if file.position == position), None)


def is_pane() -> bool:
    """Whether htmx asks for the preview alone."""
    return "HX-Request" in request.headers


def shown_accounts(accounts: Sequence[SenderAccount], message: Message) -> list[SenderAccount]:
    """Accounts to choose from, those of the message's channel first."""
    return sorted(accounts, key=lambda account: account.kind.value != message.channel.value)
