"""Pages of mailings: the list, and the wizard with its steps: whom, content, letter and files, test and prepare."""

from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.campaigns import audience_views, content_views, file_views, segment_views
from crm_mail.campaigns.audience import count_audience
from crm_mail.campaigns.forms import BeginForm, problem_of
from crm_mail.campaigns.letters import LetterInvalid
from crm_mail.campaigns.page import campaign_or_404, company_at_work, editable_or_404, step_page
from crm_mail.campaigns.segment_views import begin_with_segment
from crm_mail.campaigns.service import (
    CampaignRefused,
    begin_campaign,
    copy_campaign,
    delete_campaign,
    is_tested,
    list_campaigns,
    prepare_campaign,
)
from crm_mail.campaigns.testing import languages_of, send_test
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.text_forms import explain
from crm_mail.outbox import tasks
from crm_mail.outbox.preparing.prepare_views import ring, run_url
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import after_commit, commit_now, db, installation


@requires(Permission.OUTBOX_PREPARE)
def list_all() -> Any:
    """The mailings of the company at work."""
    company = company_at_work()
    rows = list_campaigns(db(), signed_in_actor(), company.id)
    return render_template(
        "campaigns/list.html",
        company=company,
        rows=[(row, run_url(row.run) if row.run else "") for row in rows],
    )


@requires(Permission.OUTBOX_PREPARE)
def begin() -> Any:
    """Begin a mailing."""
    company = company_at_work()
    form = BeginForm.of(company)
    if form.validate_on_submit():
        row = begin_campaign(
            db(),
            signed_in_actor(),
            company.id,
            form.title.data or "",
            form.document_type.data or "",
            form.purpose.data or "",
        )
        begin_with_segment(row, request.args.get("segment", 0, type=int))
        return redirect(url_for("campaigns.edit_audience", campaign_id=row.id), 303)
    return render_template("campaigns/begin.html", form=form, company=company), 422 if form.errors else 200


@requires(Permission.OUTBOX_PREPARE)
def show(campaign_id: int) -> Any:
    """Where a mailing stands: its next step, or its run."""
    row = campaign_or_404(campaign_id)
    if row.run is not None:
        return redirect(run_url(row.run), 303)
    step = "edit_content" if not row.texts else "check"
    return redirect(url_for(f"campaigns.{step}", campaign_id=row.id), 303)


@requires(Permission.OUTBOX_PREPARE)
def check(campaign_id: int) -> Any:
    """The last step: the counts, the test, and the button that prepares."""
    row = campaign_or_404(campaign_id)
    return step_page(
        row,
        "check",
        counts=count_audience(db(), signed_in_actor(), row),
        sample=[],
        is_tested=is_tested(row),
        written=languages_of(row),
        run_url=run_url(row.run) if row.run else "",
    )


@requires(Permission.OUTBOX_PREPARE)
def test(campaign_id: int) -> Any:
    """Send the test message to oneself."""
    editable_or_404(campaign_id)
    commit_now()  # nothing is open while a server is spoken to
    try:
        outcome = send_test(installation(), signed_in_actor(), campaign_id)
    except (CampaignRefused, LetterInvalid) as refused:
        flash(problem_of(refused.code, str(refused)), "danger")
    except TemplateInvalid as wrong:
        flash(explain(wrong), "danger")
    else:
        to = signed_in_actor().email
        if outcome.is_sent:
            flash(
                _("The test message was sent to %(address)s. Look at it before going on.", address=to),
                "success",
            )
        else:
            flash(_("The test message was not sent: %(detail)s", detail=outcome.detail), "danger")
    return redirect(url_for("campaigns.check", campaign_id=campaign_id), 303)


@requires(Permission.OUTBOX_PREPARE)
def prepare(campaign_id: int) -> Any:
    """Make the run; its review follows."""
    row = editable_or_404(campaign_id)
    if row.audience == {"company_id": row.company_id} and not request.form.get("everybody"):
        flash(_("Tick that everybody is meant, or choose to whom."), "danger")
        return redirect(url_for("campaigns.check", campaign_id=row.id), 303)
    try:
        run = prepare_campaign(db(), signed_in_actor(), row)
    except CampaignRefused as refused:
        flash(problem_of(refused.code, str(refused)), "danger")
        return redirect(url_for("campaigns.check", campaign_id=row.id), 303)
    after_commit(lambda: ring(tasks.FILL_RUN, run.id))
    return redirect(run_url(run), 303)


@requires(Permission.OUTBOX_PREPARE)
def copy(campaign_id: int) -> Any:
    """A new draft like this one."""
    row = campaign_or_404(campaign_id)
    new = copy_campaign(db(), signed_in_actor(), row, _("Copy of %(title)s", title=row.title)[:120])
    flash(_("Copied. Audience, texts, files and letter are those of the first one."), "success")
    return redirect(url_for("campaigns.edit_audience", campaign_id=new.id), 303)


@requires(Permission.OUTBOX_PREPARE)
def delete(campaign_id: int) -> Any:
    """Throw a draft away."""
    row = campaign_or_404(campaign_id)
    if row.run_id is not None:
        abort(409, problem_of("prepared", ""))
    delete_campaign(db(), signed_in_actor(), row)
    flash(_("Deleted."), "success")
    return redirect(url_for("campaigns.list_campaigns"), 303)


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")
    one = "/<int:campaign_id>"
    blueprint.add_url_rule("/", "list_campaigns", list_all, strict_slashes=False)
    blueprint.add_url_rule("/new", "begin", begin, methods=["GET", "POST"])
    blueprint.add_url_rule(one, "show", show)
    blueprint.add_url_rule(f"{one}/check", "check", check)
    blueprint.add_url_rule(f"{one}/test", "test", test, methods=["POST"])
    blueprint.add_url_rule(f"{one}/prepare", "prepare", prepare, methods=["POST"])
    blueprint.add_url_rule(f"{one}/copy", "copy", copy, methods=["POST"])
    blueprint.add_url_rule(f"{one}/delete", "delete", delete, methods=["POST"])
    audience_views.add_routes(blueprint)
    content_views.add_routes(blueprint)
    file_views.add_routes(blueprint)
    segment_views.add_routes(blueprint)
    app.register_blueprint(blueprint)
