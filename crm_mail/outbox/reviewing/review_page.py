"""What the review pages share: the run or 404, the filter and place in the address bar, counts and their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from flask_babel import format_decimal, get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.outbox.issue_words import issue_name
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reviewing import list_view, review, summaries
from crm_mail.outbox.reviewing.review import Page, RunCounts
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, Permission, signed_in_actor
from crm_mail.users.actors import who_can
from crm_mail.web.door import db

PLACE = ("after", "before", "size", "from")
BACK, SEND_PAGE = "back", "send"
"""The argument that leads back to the page of a few documents (`send_views`) after a correction made from there."""
REVIEWED = (RunState.REVIEW, RunState.APPROVAL)


def run_or_404(run_id: int) -> Run:
    """The run, if it exists for the signed-in person."""
    return review.find_run(db(), signed_in_actor(), run_id) or abort(404)


def message_or_404(run: Run, message_id: int) -> Message:
    """A message of the run, if it exists for the signed-in person."""
    message = review.find_message(db(), signed_in_actor(), message_id)
    if message is None or message.run_id != run.id:
        abort(404)
    note_reading(db(), signed_in_actor(), [message.contact_id], Way.PREVIEW)
    return message


def link(endpoint: str, **values: Any) -> str:
    """An address of another room; an unknown page fails (`tests/test_house.py` looks at all of them)."""
    return url_for(endpoint, **values)


def place_arguments() -> dict[str, Any]:
    """Filter and place of the list as they stand in the address: every link of the review carries them on."""
    if is_of_send_page():
        return {BACK: SEND_PAGE}
    chosen = current_filter().to_arguments()
    return chosen | {name: request.args[name] for name in PLACE if request.args.get(name)}


def is_of_send_page() -> bool:
    """Whether this is the page of a few documents, or a step that begins and ends there."""
    return request.endpoint in ("outbox.send_page", "outbox.commit_send_page") or (
        request.args.get(BACK) == SEND_PAGE
    )


def _any(values: dict[str, str]) -> dict[str, Any]:
    """Query arguments as `url_for` is typed to take them."""
    return dict(values)


def current_filter() -> ReviewFilter:
    """The filter of the address bar."""
    return ReviewFilter.from_arguments(request.args.get)


def _cursor(name: str) -> int | None:
    given = request.args.get(name, type=int)
    return given if given is not None and 0 < given < 2**62 else None


def current_page(run: Run, chosen: ReviewFilter) -> Page:
    """The rows that the address means."""
    place = {"after": _cursor("after"), "before": _cursor("before")}
    return review.list_messages(db(), signed_in_actor(), run, chosen, size=list_view.page_size(), **place)


@dataclass(frozen=True, slots=True)
class Rights:
    """What the signed-in person may do with a run now."""

    review: bool
    commit: bool
    export: bool = False


def rights_of(actor: Actor, run: Run) -> Rights:
    """Changing needs the right for every type of the run, and a run that is still open."""
    is_open = run.state in REVIEWED

    def holds(permission: Permission) -> bool:
        types: Sequence[str | None] = list(run.document_types) or [None]
        return all(actor.can(permission, run.company_id, one) for one in types)

    return Rights(
        is_open and holds(Permission.OUTBOX_REVIEW),
        is_open and holds(Permission.OUTBOX_COMMIT),
        holds(Permission.DOCUMENTS_EXPORT),
    )


STEP = {
    RunState.PREPARING: 1,
    RunState.REVIEW: 2,
    RunState.APPROVAL: 2,
    RunState.COMMITTED: 3,
    RunState.SENDING: 4,
    RunState.PAUSED: 4,
    RunState.FINISHED: 6,
    RunState.CANCELLED: 5,
}


def run_title(run: Run) -> str:
    """What the run is called."""
    return run.title or _("Run %(number)s", number=run.id)


def saved_views(run: Run, counts: RunCounts, chosen: ReviewFilter) -> list[dict[str, Any]]:
    """The views above the list, as links with their number; the one that is looked at is marked."""
    if run.state not in REVIEWED:
        shown = [(state, counts.states.get(state.value, 0)) for state in MessageState]
        return [
            _view(
                run, chosen, ReviewFilter(state=state.value), f"{state_word(state)} {format_decimal(n)}", ""
            )
            for state, n in shown
            if n
        ]
    n = format_decimal
    total, warned, withheld = counts.total, counts.warned, counts.states.get("withheld", 0)
    all_words = ngettext("%(n)s message", "%(n)s messages", total, n=n(total))
    warned_words = ngettext("%(n)s with a warning", "%(n)s with warnings", warned, n=n(warned))
    views = [
        _view(run, chosen, ReviewFilter(), all_words, "mail"),
        _view(
            run,
            chosen,
            READY,
            ngettext("%(n)s ready", "%(n)s ready", counts.ready, n=n(counts.ready)),
            "check",
            "success",
        ),
        _view(
            run,
            chosen,
            BLOCKED,
            ngettext("%(n)s blocked", "%(n)s blocked", counts.blocked, n=n(counts.blocked)),
            "ban",
            "danger" * bool(counts.blocked),
        ),
        _view(run, chosen, WARNED, warned_words, "alert-triangle", "warning" * bool(warned)),
        _view(
            run,
            chosen,
            EDITED,
            ngettext("%(n)s edited", "%(n)s edited", counts.edited, n=n(counts.edited)),
            "pencil",
        ),
    ]
    if counts.approved:
        views.append(
            _view(
                run,
                chosen,
                APPROVED,
                ngettext("%(n)s approved", "%(n)s approved", counts.approved, n=n(counts.approved)),
                "user-check",
            )
        )
    if withheld:
        words = _("%(n)s left out by hand", n=n(withheld))
        views.append(_view(run, chosen, ReviewFilter(state="withheld"), words, "square-check"))
    return views


READY, BLOCKED = ReviewFilter(state="ready"), ReviewFilter(state="blocked")
WARNED = ReviewFilter(state="pending", issue="any")
EDITED, APPROVED = ReviewFilter(edited="yes"), ReviewFilter(approved="yes")


def _view(
    run: Run, chosen: ReviewFilter, view: ReviewFilter, text: str, icon: str, tone: str = ""
) -> dict[str, Any]:
    size = request.args.get("size") or None
    url = url_for("outbox.review", run_id=run.id, **_any(view.to_arguments()), size=size)
    return {"text": text, "url": url, "icon": icon, "tone": tone, "active": view == chosen}


def known_total(counts: RunCounts, chosen: ReviewFilter, page: Page) -> int | None:
    """How many rows a filter means when that is known without counting; None: ask `outbox.matching`."""
    if page.next is None and page.previous is None:
        return len(page.messages)
    values = chosen.to_dict()
    state = values.get("state", "")
    if not values:
        return counts.total
    if set(values) == {"state"}:
        return {"ready": counts.ready, "blocked": counts.blocked}.get(state, counts.states.get(state, 0))
    if values == {"state": "pending", "issue": "any"}:
        return counts.warned
    return counts.edited if values == {"edited": "yes"} else None


def state_word(state: MessageState | str) -> str:
    """The word of a message's state; the same as the badges say."""
    words = {
        "pending": _("Pending"),
        "ready": _("Ready"),
        "blocked": _("Blocked"),
        "withheld": _("Withheld"),
        "committed": _("Committed"),
        "sending": _("Sending"),
        "retrying": _("Retrying"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "bounced": _("Bounced"),
        "failed": _("Failed"),
        "uncertain": _("Uncertain"),
        "cancelled": _("Cancelled"),
    }
    return str(words.get(str(state), state))


def shown_state(message: Message) -> str:
    """A pending row is called ready or blocked: that is what the reviewer asks."""
    if message.state is not MessageState.PENDING:
        return message.state.value
    return "blocked" if message.blockers else "ready"


def is_in_review(message: Message) -> bool:
    """Whether what the review says of a message can still be settled; later it only tells what once was."""
    return message.state in (MessageState.PENDING, MessageState.WITHHELD)


def is_kind_open(message: Message) -> bool:
    """Whether somebody has yet to say of what kind the address is; once a message is committed it was answered."""
    is_unknown = message.to_kind is AddressKind.UNKNOWN and message.channel is not Channel.SMS
    return is_unknown and is_in_review(message)


ALWAYS_SHOWN = frozenset({"state", "issue", "agent", "channel"})
LANGUAGES = {"it": "Italiano", "es": "Español", "en": "English"}


def filter_choices(run: Run, actor: Actor, accounts: Sequence[SenderAccount]) -> list[dict[str, Any]]:
    """The selects of the filter bar: name, label and what can be chosen; those with one choice are left out."""
    facets = summaries.run_facets(db(), actor, run)
    issues = summaries.run_issues(db(), actor, run)
    types, language = company_types(db(), run.company_id), page_language()
    yes_no = [("yes", _("Yes")), ("no", _("No"))]
    states = [("ready", state_word("ready")), ("blocked", state_word("blocked"))]
    states += [(state.value, state_word(state)) for state in MessageState]
    issue_choices = [("any", _("Any warning"))]
    issue_choices += [(code, f"{issue_name(code, _)} ({count})") for code, _blocks, count in issues]
    selects = [
        _choice("state", _("State"), states),
        _choice("issue", _("Problem"), issue_choices),
        _choice(
            "document_type",
            _("Document type"),
            [(one, types.label(one, language)) for one in run.document_types],
        ),
        _choice("agent", _("Agent"), [(one, one) for one in facets.get("agent", ())]),
        _choice("zone", _("Zone"), [(one, one) for one in facets.get("zone", ())]),
        _choice("city", _("City"), [(one, one) for one in facets.get("city", ())]),
        _choice("language", _("Language"), list(LANGUAGES.items())),
        _choice("channel", _("Channel"), [("smtp", _("Ordinary mail")), ("pec", "PEC"), ("sms", "SMS")]),
        _choice("account", _("Account"), [(str(account.id), account.name) for account in accounts]),
        _choice("edited", _("Edited"), yes_no),
        _choice("approved", _("Approved"), yes_no),
        _choice("sent_before", _("Sent before"), yes_no),
        _choice("larger_than", _("Files"), [(str(mb), _("over %(mb)s MB", mb=mb)) for mb in (1, 5, 10, 20)]),
    ]
    return [one for one in selects if len(one["choices"]) > 1]


def _choice(name: str, label: str, choices: list[tuple[str, str]]) -> dict[str, Any]:
    return {"name": name, "label": label, "choices": choices, "is_first": name in ALWAYS_SHOWN}


def active_chips(run: Run, chosen: ReviewFilter, selects: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """What narrows the list, each with the address without it."""
    words = {one["name"]: (one["label"], dict(one["choices"])) for one in selects}
    chips = []
    for name, value in chosen.to_dict().items():
        label, choices = words.get(name, (_("Text"), {}))
        rest = ReviewFilter.from_dict({k: v for k, v in chosen.to_dict().items() if k != name})
        url = url_for("outbox.review", run_id=run.id, **_any(rest.to_arguments()))
        chips.append((f"{label}: {choices.get(value, state_word(value) if name == 'state' else value)}", url))
    return chips


def usable_accounts(session: Session, actor: Actor, company_id: int) -> list[SenderAccount]:
    """The accounts that the actor may send from: the company's and the actor's own, switched on."""
    owner = or_(SenderAccount.user_id.is_(None), SenderAccount.user_id == actor.user_id)
    query = select(SenderAccount).where(
        SenderAccount.company_id == company_id, SenderAccount.is_enabled.is_(True), owner
    )
    return list(session.scalars(query.order_by(SenderAccount.kind, SenderAccount.name)))


def account_names(session: Session, messages: Sequence[Message]) -> dict[int, str]:
    """The names of the accounts that rows leave from."""
    ids = {message.account_id for message in messages if message.account_id}
    query = select(SenderAccount.id, SenderAccount.name).where(SenderAccount.id.in_(ids))
    return {id_: name for id_, name in session.execute(query)} if ids else {}


def who_may_set_up(session: Session) -> list[str]:
    """Whom to ask for a change of accounts, companies or texts: names of those who hold the right."""
    return who_can(session, Permission.SETTINGS_MANAGE)


def page_language() -> str:
    """The language of the page, of two letters."""
    return str(get_locale() or "en")[:2]
