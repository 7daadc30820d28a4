"""The review page: the list of a run's messages, selection and actions on many of them, what was left out."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _

from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.completing import can_complete, completed_by
from crm_mail.outbox.preparing.language_change import LanguageUnknown
from crm_mail.outbox.preparing.leaving_out import count_left_out
from crm_mail.outbox.preparing.left_out import list_left_out
from crm_mail.outbox.reviewing import list_view, message_views, review_page, selecting, summaries, undoing
from crm_mail.outbox.reviewing.message_page import message_context
from crm_mail.outbox.reviewing.review import PAGE_SIZES, Chosen, RunNotOpen
from crm_mail.outbox.reviewing.review_acts import act, back_to_list, language_word, problem_words, take_action
from crm_mail.outbox.reviewing.review_changes import AccountUnfit
from crm_mail.outbox.reviewing.row_words import row_context
from crm_mail.outbox.reviewing.selecting import SelectionLost, TooManyExceptions
from crm_mail.outbox.reviewing.selection_views import (
    affected,
    choose_columns,
    posted_rows,
    remembering_size,
    send_rows,
)
from crm_mail.outbox.standing.views import standing_note
from crm_mail.outbox.why_words import left_out_detail, left_out_words
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.web.door import db


@requires(Permission.DOCUMENTS_SEE)
def review(run_id: int) -> Any:
    """The list of a run's messages, with the preview of one of them (`open`)."""
    run = review_page.run_or_404(run_id)
    context = list_context(run)
    return render_template("outbox/review.html", **(_pane(run) | context))


def list_context(run: Run) -> dict[str, Any]:
    """What the list and its surroundings show."""
    actor, chosen = signed_in_actor(), review_page.current_filter()
    page = review_page.current_page(run, chosen)
    counts = summaries.run_counts(db(), actor, run)
    accounts = review_page.usable_accounts(db(), actor, run.company_id)
    selects = review_page.filter_choices(run, actor, accounts)
    kept = selecting.active_selection(db(), actor, run, chosen)
    total = review_page.known_total(counts, chosen, page)
    known = {one["name"] for one in selects}
    return {
        "run": run,
        "title": review_page.run_title(run),
        "page": page,
        "counts": counts,
        "rights": review_page.rights_of(actor, run),
        "standing": standing_note(run),
        "step": review_page.STEP[run.state],
        "views": review_page.saved_views(run, counts, chosen),
        "chosen": chosen,
        "selects": selects,
        "keep": {n: v for n, v in chosen.to_arguments().items() if n not in known | {"q"}} | _size_argument(),
        "chips": review_page.active_chips(run, chosen, selects),
        "total": total,
        "selection": kept,
        "exceptions": set(kept.exceptions) if kept else set(),
        "selected": max(0, total - len(kept.exceptions)) if kept and total is not None else None,
        "first": request.args.get("from", 1, type=int),
        "sizes": PAGE_SIZES,
        "size": list_view.page_size(),
        "place": review_page.place_arguments(),
        "column_words": list_view.column_words(),
        "languages": {code: language_word(code) for code in review_page.LANGUAGES},
        "accounts": accounts,
        "account_names": review_page.account_names(db(), page.messages),
        "left_out": sum(count_left_out(db(), run.id, actor.sight).values()),
        "last_action": take_action(run),
        "may_complete": can_complete(actor, run),
        "completed_by": completed_by(run),
        **row_context(run, page.messages),
    }


def _size_argument() -> dict[str, str]:
    return {"size": request.args["size"]} if request.args.get("size") else {}


def _pane(run: Run) -> dict[str, Any]:
    opened = request.args.get("open", type=int)
    if opened is None:
        return {"message": None}
    message = review_page.message_or_404(run, opened)
    return message_context(run, message, request.args.get("tab", ""))


@requires(Permission.DOCUMENTS_SEE)
def matching(run_id: int) -> Any:
    """How many messages the filter means, for lists where counting would hold the page up."""
    run = review_page.run_or_404(run_id)
    actor, chosen = signed_in_actor(), review_page.current_filter()
    total = selecting.count_chosen(db(), actor, run, Chosen(chosen, is_all=True))
    return render_template("outbox/_matching.html", total=total)


@requires(Permission.OUTBOX_REVIEW)
def select(run_id: int) -> Any:
    """Select everything that matches, nothing, or take single rows out of the selection."""
    run = review_page.run_or_404(run_id)
    actor, chosen = signed_in_actor(), review_page.current_filter()
    action = request.form.get("action")
    try:
        if action == "all":
            selecting.select_all(db(), actor, run, chosen)
        elif action == "none":
            selecting.clear_selection(db(), actor, run)
        else:
            posted_rows(run, actor, is_all=True)
    except (SelectionLost, TooManyExceptions) as problem:
        flash(problem_words(problem), "warning")
    if "HX-Request" in request.headers:
        return _selection_bar(run, actor)
    return redirect(back_to_list(run), 303)


def _selection_bar(run: Run, actor: Actor) -> str:
    chosen = review_page.current_filter()
    kept = selecting.active_selection(db(), actor, run, chosen)
    rows = Chosen(chosen, is_all=True, exceptions=tuple(kept.exceptions) if kept else ())
    count = selecting.count_chosen(db(), actor, run, rows)
    place = review_page.place_arguments()
    rights = review_page.rights_of(actor, run)
    return render_template(
        "outbox/_bulk_bar.html",
        run=run,
        selection=kept,
        selected=count,
        total=count,
        place=place,
        rights=rights,
    )


@requires(Permission.OUTBOX_REVIEW)
def change_messages(run_id: int) -> Any:
    """Act on the ticked rows, or on all that the filter means (`scope`)."""
    run = review_page.run_or_404(run_id)
    actor = signed_in_actor()
    is_all, action = request.form.get("scope") == "all", request.form.get("action", "")
    try:
        rows = posted_rows(run, actor, is_all)
        if action in ("xlsx", "csv"):
            return send_rows(run, actor, rows, action)
        act(run, actor, rows, action)
    except (SelectionLost, TooManyExceptions, AccountUnfit, LanguageUnknown, RunNotOpen) as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
    else:
        if is_all:
            selecting.clear_selection(db(), actor, run)
    return redirect(back_to_list(run), 303)


@requires(Permission.OUTBOX_REVIEW)
def undo_change(run_id: int, action_id: int) -> Any:
    """Give the rows of an action back what they were."""
    run = review_page.run_or_404(run_id)
    actor = signed_in_actor()
    action = undoing.find_action(db(), actor, run, action_id)
    if action is None or not undoing.can_undo(action):
        flash(_("This was undone already."), "info")
        return redirect(back_to_list(run), 303)
    try:
        count = undoing.undo_action(db(), actor, run, action)
    except RunNotOpen as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
    else:
        flash(_("Undone: %(count)s messages are as they were.", count=format_decimal(count)), "success")
    return redirect(back_to_list(run), 303)


@requires(Permission.DOCUMENTS_SEE)
def left_out(run_id: int) -> Any:
    """What the run leaves out, with the reason and what would change it."""
    run = review_page.run_or_404(run_id)
    actor = signed_in_actor()
    counts = count_left_out(db(), run.id, actor.sight)
    reason = request.args.get("reason", "")
    rows, following = list_left_out(
        db(),
        actor,
        run,
        reason if reason in counts else "",
        after=request.args.get("after", 0, type=int),
        size=list_view.page_size(),
    )
    tabs = [_left_out_tab(run, "", _("All"), sum(counts.values()), reason)]
    tabs += [
        _left_out_tab(run, one, left_out_words(one, _)[0], counts[one], reason) for one in sorted(counts)
    ]
    return render_template(
        "outbox/left_out.html",
        run=run,
        title=review_page.run_title(run),
        rows=rows,
        following=following,
        tabs=tabs,
        words=lambda code: left_out_words(code, _),
        detail_words=lambda detail: left_out_detail(detail, _),
        link=review_page.link,
        total=counts.get(reason, sum(counts.values())),
        first=request.args.get("from", 1, type=int),
    )


def _left_out_tab(run: Run, reason: str, label: str, count: int, chosen: str) -> dict[str, Any]:
    url = url_for("outbox.left_out", run_id=run.id, reason=reason or None)
    return {"label": label, "url": url, "count": count, "active": reason == chosen}


def vary(view: Callable[..., Any]) -> Callable[..., Response]:
    """A view that answers a part of a page to htmx: caches must tell the two apart."""

    def answer(**values: Any) -> Response:
        response = make_response(view(**values))
        response.headers.add("Vary", "HX-Request")
        return response

    answer.permission = view.permission  # type: ignore[attr-defined]
    return answer


def add_review_routes(bp: Blueprint) -> None:
    """Register the pages of the review on the room's blueprint (whose prefix is /outbox)."""
    run = "/<int:run_id>"
    bp.add_url_rule(run, "review", remembering_size(review))
    bp.add_url_rule(f"{run}/affected", "affected", affected, methods=["POST"])
    bp.add_url_rule(f"{run}/columns", "choose_columns", choose_columns, methods=["POST"])
    bp.add_url_rule(f"{run}/matching", "matching", matching)
    bp.add_url_rule(f"{run}/selection", "select", select, methods=["POST"])
    bp.add_url_rule(f"{run}/messages", "change_messages", change_messages, methods=["POST"])
    bp.add_url_rule(f"{run}/actions/<int:action_id>/undo", "undo_change", undo_change, methods=["POST"])
    bp.add_url_rule(f"{run}/left-out", "left_out", left_out)
    message = f"{run}/messages/<int:message_id>"
    bp.add_url_rule(message, "message", vary(message_views.message))
    bp.add_url_rule(
        f"{message}/edit", "edit_message", vary(message_views.edit_message), methods=["GET", "POST"]
    )
    bp.add_url_rule(f"{message}/decision", "decide", vary(message_views.decide), methods=["POST"])
    bp.add_url_rule(
        f"{message}/revisions/<int:revision_id>/restore", "restore", message_views.restore, methods=["POST"]
    )
    bp.add_url_rule(f"{message}/body", "message_body", message_views.message_body)
    bp.add_url_rule(f"{message}/source", "message_source", message_views.message_source)
    bp.add_url_rule(f"{message}/files/<int:position>", "message_file", message_views.message_file)
