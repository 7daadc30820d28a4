"""One button (PD-7): *Send by e-mail* makes a small run, and one page shows, commits and follows it (PD-8).

The one gate stays: what this page posts are the steps of `prepare`, `review` and `commit`, with their own rights.
"""

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.validators import Length

from crm_mail.db import now
from crm_mail.outbox import tasks
from crm_mail.outbox.committing.commit import CommitRefused, ListChanged, commit_run
from crm_mail.outbox.committing.commit_forms import changes_words, limits_shown, refusal_words, unknown_label
from crm_mail.outbox.committing.commit_overview import overview
from crm_mail.outbox.models import Run
from crm_mail.outbox.one_button import few_documents, obstacle_words, send_page
from crm_mail.outbox.one_button.few_documents import DraftRefused, Hindered
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import count_unprinted
from crm_mail.outbox.preparing.prepare import fill_run
from crm_mail.outbox.preparing.prepare_views import ring, run_url
from crm_mail.outbox.reviewing import review_page
from crm_mail.outbox.reviewing.review_page import run_or_404, run_title
from crm_mail.outbox.run_views import tell_left, user_names
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import after_commit, commit_now, db, installation
from crm_mail.web.type_names import type_name

OPEN = (RunState.REVIEW, RunState.APPROVAL)


class SendForm(FlaskForm):
    """The one confirmation: what was looked at, and that sending again is meant."""

    seen = HiddenField(validators=[Length(max=100)])
    key = HiddenField(validators=[Length(min=8, max=64)])
    again = BooleanField()
    unknown_is_ordinary = BooleanField()


@requires(Permission.OUTBOX_PREPARE)
def send_documents() -> Any:
    """Make a run of the chosen documents (`ids`), and show it."""
    actor = signed_in_actor()
    ids = [
        int(one) for one in request.form.getlist("ids") if one.isascii() and one.isdigit() and len(one) < 19
    ]
    if len(set(ids)) > few_documents.MOST:
        flash(
            _("At most %(n)s documents at a time. Prepare a run for more.", n=few_documents.MOST), "warning"
        )
        return redirect(url_for("outbox.prepare"), 303)
    documents = few_documents.find_documents(db(), actor, ids)
    ready, hindered = few_documents.sort_out(db(), actor, documents)
    _tell_hindered(hindered)
    if not ready:
        if not documents:
            flash(_("Choose at least one document."), "warning")
        return redirect(_back(ids), 303)
    run, is_new = few_documents.draft_of(db(), actor, ready, _title(ready))
    if is_new:
        _fill(run)
    return redirect(url_for("outbox.send_page", run_id=run.id), 303)


def _tell_hindered(hindered: list[Hindered]) -> None:
    for one in hindered[:5]:
        name = f"{type_name(one.document.type)} {one.document.series}{one.document.number}"
        reason = obstacle_words.obstacle_words(one.document, one.obstacle)
        flash(_("%(document)s is not sent: %(reason)s", document=name, reason=reason), "warning")
    if len(hindered) > 5:
        flash(_("%(n)s more documents are not sent either.", n=len(hindered) - 5), "warning")


def _back(ids: list[int]) -> str:
    """Where the button was pressed: the document's page when it was one, else the list."""
    if len(ids) == 1 and few_documents.find_documents(db(), signed_in_actor(), ids):
        return url_for("documents.show_document", document_id=ids[0])
    return url_for("documents.list_documents")


def _title(documents: list[Any]) -> str:
    """What the run is called in the lists: its first document, its party, and how many more."""
    first = documents[0]
    title = f"{type_name(first.type)} {first.series}{first.number}, {first.party.name}"
    return f"{title} +{len(documents) - 1}"[:200] if len(documents) > 1 else title[:200]


def _fill(run: Run) -> None:
    """Write the messages at once, or have the worker draw the missing PDFs first."""
    actor = signed_in_actor()
    if count_unprinted(installation(), actor, Criteria.from_dict(run.criteria)):
        after_commit(lambda: ring(tasks.FILL_RUN, run.id))
    else:
        fill_run(db(), actor, run, installation().store.has, home=installation())


@requires(Permission.DOCUMENTS_SEE)
def show_send_page(run_id: int) -> Any:
    """Who gets what, then what became of it; asked again while something can still happen."""
    run = run_or_404(run_id)
    if "error" in run.commit_summary or not few_documents.is_small(run):
        return redirect(run_url(run), 303)
    return _page(run, SendForm(formdata=None))


@requires(Permission.OUTBOX_COMMIT)
def commit_send_page(run_id: int) -> Any:
    """Let it go: the commit of the run, with its right, its second person and its undo window."""
    run, form = run_or_404(run_id), SendForm()
    actor = signed_in_actor()
    if run.state not in OPEN or not few_documents.is_small(run):
        return redirect(url_for("outbox.send_page", run_id=run.id), 303)
    if not form.validate() or not _is_meant(run, form):
        return _page(run, form), 422
    try:
        done = commit_run(
            db(),
            actor,
            run,
            key=form.key.data,
            seen=form.seen.data or "-",
            unknown_is_ordinary=bool(form.unknown_is_ordinary.data),
        )
    except CommitRefused as problem:
        commit_now()  # what dropped out has dropped out, visibly
        return _page(run, form, problem), 409
    if not done.awaits_approval:
        tell_left(done)
        after_commit(lambda: ring(tasks.DRAIN))
    return redirect(url_for("outbox.send_page", run_id=run.id), 303)


def _is_meant(run: Run, form: SendForm) -> bool:
    """What somebody has already is sent again only when the person says so."""
    if form.again.data or not few_documents.count_sent_before(db(), signed_in_actor(), run):
        return True
    form.again.errors = [_("Tick that it is to be sent again, or leave out who has it already.")]
    return False


@requires(Permission.OUTBOX_PREPARE)
def discard_run(run_id: int) -> Any:
    """Throw the draft away: nothing was sent."""
    run = run_or_404(run_id)
    documents = send_page.documents_of(run)
    try:
        few_documents.discard_draft(db(), signed_in_actor(), run)
    except DraftRefused:
        flash(_("This run can no longer be thrown away here."), "warning")
        return redirect(url_for("outbox.send_page", run_id=run.id), 303)
    flash(_("Nothing was sent."), "info")
    if len(documents) == 1:
        return redirect(url_for("documents.show_document", document_id=documents[0].id), 303)
    return redirect(url_for("documents.list_documents"), 303)


def _page(run: Run, form: SendForm, problem: CommitRefused | None = None) -> str:
    messages = send_page.shown_messages(run) if run.state is not RunState.PREPARING else []
    part = "HX-Request" in request.headers
    return render_template(
        "outbox/_send.html" if part else "outbox/send.html",
        run=run,
        title=run_title(run),
        documents=send_page.documents_of(run),
        cards=send_page.cards_of(run, messages),
        outcome=send_page.outcome_of(messages),
        left_out=send_page.left_out_of(run) if run.state in OPEN else [],
        place=review_page.place_arguments(),
        shown_state=review_page.shown_state,
        **_confirmation(run, form, problem),
        **_undo(run),
    )


def _confirmation(run: Run, form: SendForm, problem: CommitRefused | None) -> dict[str, Any]:
    """What the form at the end needs, while the run is open."""
    if run.state not in OPEN:
        return {"rights": None}
    actor = signed_in_actor()
    rights, seen = review_page.rights_of(actor, run), overview(db(), actor, run)
    form.seen.data, form.key.data = seen.mark, secrets.token_hex(16)
    again = few_documents.count_sent_before(db(), actor, run)
    form.unknown_is_ordinary.label.text = unknown_label(seen.undetermined)
    form.again.label.text = ngettext(
        "Send it again: one recipient has it, or is about to get it",
        "Send it again: %(num)d recipients have it, or are about to get it",
        again,
    )
    return {
        "rights": rights,
        "seen": seen,
        "form": form,
        "again": again,
        "problem": refusal_words(problem) if problem and not isinstance(problem, ListChanged) else "",
        "changes": changes_words(problem) if isinstance(problem, ListChanged) else [],
        "may_discard": run.state is RunState.REVIEW and run.created_by == actor.user_id,
        "committed_by": user_names([run.committed_by]).get(run.committed_by or 0, ""),
        "waits_for_other": run.state is RunState.APPROVAL and run.committed_by == actor.user_id,
        **limits_shown(db(), actor, run, seen.messages),
        "committers": [] if rights.commit else send_page.who_may_commit(run),
    }


def _undo(run: Run) -> dict[str, Any]:
    seconds = max(0, round((run.starts_at - now()).total_seconds())) if run.starts_at else 0
    types: list[str | None] = [*run.document_types] or [None]
    actor = signed_in_actor()
    return {
        "waits": seconds if run.state is RunState.COMMITTED else 0,
        "may_steer": all(actor.can(Permission.OUTBOX_COMMIT, run.company_id, one) for one in types),
    }


def add_send_routes(bp: Blueprint) -> None:
    """Register the pages on the room's blueprint (whose prefix is /outbox)."""
    bp.add_url_rule("/send", "send_documents", send_documents, methods=["POST"])
    page = "/<int:run_id>/send"
    bp.add_url_rule(page, "send_page", show_send_page)
    bp.add_url_rule(page, "commit_send_page", commit_send_page, methods=["POST"])
    bp.add_url_rule(f"{page}/discard", "discard_run", discard_run, methods=["POST"])
