"""The page on which somebody says which addresses of a run are PEC, domain by domain."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from crm_mail.contacts.kind_watch import check_kinds
from crm_mail.delivery.domains.kind_words import describe_look, describe_reason
from crm_mail.delivery.domains.pec_ladder import Verdict
from crm_mail.delivery.routing import AddressKind
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.kind_answers import Answered, answer_kind, list_questions
from crm_mail.outbox.preparing.prepare_views import run_url
from crm_mail.outbox.reviewing.checking import check_messages
from crm_mail.outbox.reviewing.review import Chosen, RunNotOpen
from crm_mail.outbox.reviewing.review_acts import problem_words
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.reviewing.review_page import REVIEWED, rights_of, run_or_404, run_title
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm

SECONDS = 15.0
"""How long a person waits for name servers at most."""


@requires(Permission.OUTBOX_REVIEW)
def address_kinds(run_id: int) -> Any:
    """The addresses of which nobody knows the kind, by domain, with the reason."""
    run, actor = run_or_404(run_id), signed_in_actor()
    if run.state not in REVIEWED:
        return redirect(run_url(run), 303)
    return render_template(
        "outbox/address_kinds.html",
        run=run,
        title=run_title(run),
        questions=list_questions(db(), actor, run),
        rights=rights_of(actor, run),
        is_remembered=actor.can(Permission.CONTACTS_MANAGE, run.company_id),
        reason_words=reason_words,
    )


def reason_words(verdict: Verdict) -> str:
    """Why the ladder does not know, in words."""
    parts = (describe_reason(verdict.reason, verdict.detail, _), describe_look(verdict.looks_like_pec, _))
    return " ".join(part for part in parts if part)


@requires(Permission.OUTBOX_REVIEW)
def say_kind(run_id: int) -> Any:
    """Take an answer for an address, or for all addresses of a domain."""
    run = run_or_404(run_id)
    given = request.form.get("kind", "")
    if not ActionForm().validate_on_submit() or given not in (AddressKind.PEC, AddressKind.ORDINARY):
        abort(400)
    place = {"domain": request.form.get("domain", ""), "address": request.form.get("address", "")}
    try:
        done = answer_kind(db(), signed_in_actor(), run, AddressKind(given), **place)
    except RunNotOpen as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
        return redirect(run_url(run), 303)
    _tell(done)
    return redirect(url_for("outbox.address_kinds", run_id=run.id), 303)


def _tell(done: Answered) -> None:
    said = ngettext(
        "%(n)s message changed.", "%(n)s messages changed.", done.messages, n=format_decimal(done.messages)
    )
    if done.cards:
        said += " " + _("The answer is kept on the cards.")
    flash(said, "success" if done.messages else "info")
    if done.with_copies:
        flash(
            ngettext(
                "%(n)s message has copies (Cc) and cannot go by PEC: remove them first.",
                "%(n)s messages have copies (Cc) and cannot go by PEC: remove them first.",
                done.with_copies,
                n=format_decimal(done.with_copies),
            ),
            "warning",
        )


@requires(Permission.OUTBOX_REVIEW)
def look_up_kinds(run_id: int) -> Any:
    """Look the domains up now, then check the messages again. No transaction waits for the servers."""
    if not ActionForm().validate_on_submit():
        abort(400)
    run = run_or_404(run_id)
    company_id = run.company_id
    db().rollback()
    done = check_kinds(installation(), most=200, seconds=SECONDS, company_id=company_id)
    if done.is_offline:
        flash(
            _("This computer does not reach the internet's name servers. Nothing was looked up."), "warning"
        )
        return redirect(url_for("outbox.address_kinds", run_id=run_id), 303)
    try:
        _check_again(run_or_404(run_id))
    except RunNotOpen as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
    flash(
        _("%(asked)s domains looked up, %(settled)s settled.", asked=done.asked, settled=done.settled),
        "info",
    )
    return redirect(url_for("outbox.address_kinds", run_id=run_id), 303)


def _check_again(run: Run) -> None:
    asked = Chosen(filter=ReviewFilter(state="pending", issue="address_kind_unknown"), is_all=True)
    check_messages(db(), signed_in_actor(), run, asked, installation().store.has)


def add_kind_routes(bp: Blueprint) -> None:
    """Register the page on the room's blueprint (whose prefix is /outbox)."""
    page = "/<int:run_id>/address-kinds"
    bp.add_url_rule(page, "address_kinds", address_kinds)
    bp.add_url_rule(page, "say_kind", say_kind, methods=["POST"])
    bp.add_url_rule(f"{page}/look-up", "look_up_kinds", look_up_kinds, methods=["POST"])
