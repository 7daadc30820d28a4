"""What the buttons of the review do, and how the page tells it: once, with Undo where there is one."""

from collections.abc import Callable
from typing import Any

from flask import flash, request, session, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from crm_mail.outbox.change_words import done_words
from crm_mail.outbox.models import ReviewAction, Run
from crm_mail.outbox.preparing import merging
from crm_mail.outbox.preparing.language_change import LanguageUnknown, change_language
from crm_mail.outbox.reviewing import review_changes, review_page, undoing
from crm_mail.outbox.reviewing.checking import check_messages
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.reviewing.review_changes import AccountUnfit
from crm_mail.outbox.reviewing.selecting import SelectionLost, TooManyExceptions
from crm_mail.permissions import Actor, signed_in_actor
from crm_mail.web.door import db, installation

UNDO_KEY = "review_action"


def back_to_list(run: Run, **changes: Any) -> str:
    """The list at the place and with the message that the address names."""
    arguments: dict[str, Any] = dict(review_page.place_arguments())
    for name in ("open", "tab"):
        if request.args.get(name):
            arguments[name] = request.args[name]
    return url_for("outbox.review", run_id=run.id, **(arguments | changes))


def act(run: Run, actor: Actor, rows: Chosen, action: str) -> None:
    """Do what a button says to rows, and say how many it was."""
    if action == "check":
        done = check_messages(db(), actor, run, rows, installation().store.has)
        flash(
            _(
                "%(rows)s messages checked again: %(changed)s changed, %(blocked)s of them are blocked.",
                rows=format_decimal(done.rows),
                changed=format_decimal(done.changed),
                blocked=format_decimal(done.blocked),
            ),
            "info",
        )
        return
    changes: dict[str, Callable[[], ReviewAction | None]] = {
        "exclude": lambda: review_changes.exclude_messages(
            db(), actor, run, rows, request.form.get("reason", "")
        ),
        "include": lambda: put_back(run, actor, rows),
        "language": lambda: change_language(db(), actor, run, rows, request.form.get("language", "")),
        "merge": lambda: merging.merge_messages(db(), actor, run, rows),
        "approve": lambda: review_changes.approve_messages(db(), actor, run, rows),
        "withdraw": lambda: review_changes.approve_messages(db(), actor, run, rows, is_approved=False),
        "account": lambda: review_changes.change_account(
            db(), actor, run, rows, request.form.get("account_id", 0, type=int)
        ),
    }
    change = changes.get(action)
    done_action = change() if change else None
    if done_action is None:
        flash(_("Nothing to change: none of these messages can be treated like this."), "info")
    else:
        keep_action(done_action)
        if by_hand := done_action.detail.get("by_hand"):
            flash(
                ngettext(
                    "%(count)s message was left as it is: a person wrote in it.",
                    "%(count)s messages were left as they are: a person wrote in them.",
                    by_hand,
                    count=format_decimal(by_hand),
                ),
                "info",
            )


def put_back(run: Run, actor: Actor, rows: Chosen) -> ReviewAction | None:
    """Put rows back; those that went into another message are taken out of it again."""
    apart = merging.take_apart(db(), actor, run, rows)
    return review_changes.include_messages(db(), actor, run, rows) or apart


def keep_action(action: ReviewAction) -> None:
    """Remember what was done, so that the next page can tell it and offer Undo."""
    session[UNDO_KEY] = action.id


def take_action(run: Run) -> dict[str, Any] | None:
    """What was done last, in words, with the address that undoes it; told once."""
    action_id = session.pop(UNDO_KEY, None)
    action = undoing.find_action(db(), signed_in_actor(), run, action_id) if action_id else None
    if action is None:
        return None
    count = format_decimal(action.count)
    detail = action.detail | {"language_name": language_word(str(action.detail.get("language", "")))}
    return {
        "id": action.id,
        "text": done_words(action.kind, count, action.count == 1, detail, _),
        "can_undo": undoing.can_undo(action),
        "url": url_for(
            "outbox.undo_change", run_id=run.id, action_id=action.id, **review_page.place_arguments()
        ),
    }


def language_word(code: str) -> str:
    """A language of the texts, in the language of the page."""
    return str({"it": _("Italian"), "es": _("Spanish"), "en": _("English")}.get(code, code))


def problem_words(problem: Exception) -> str:
    if isinstance(problem, SelectionLost):
        return str(
            _("The selection was changed in another window. Nothing was changed: select the messages again.")
        )
    if isinstance(problem, TooManyExceptions):
        return str(_("Too many messages were taken out one by one. Narrow the list by a filter instead."))
    if isinstance(problem, LanguageUnknown):
        return str(_("There are no texts in this language. Choose one of the list."))
    if isinstance(problem, AccountUnfit):
        return str(_("This account cannot be used here. Choose one of the list."))
    return str(_("This run is no longer under review. Its messages can no longer be changed."))
