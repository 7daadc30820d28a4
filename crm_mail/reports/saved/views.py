"""Pages of reports by mail: the list, one with its preview and history, the form, and what can be done with it."""

from io import BytesIO
from typing import Any

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.documents.printed_pages import print_page
from crm_mail.documents.rendering import RenderFailed
from crm_mail.importers.databases.foreign_databases import DatabaseRefused, names_asked
from crm_mail.permissions import Permission, PermissionDenied, requires, signed_in_actor
from crm_mail.refusals import Refusal
from crm_mail.reports.saved.files import mail_page, pdf_page, workbook
from crm_mail.reports.saved.forms import ReportEditForm, say
from crm_mail.reports.saved.issues import ask_for
from crm_mail.reports.saved.letters import Made, make_report
from crm_mail.reports.saved.listing_registry import register_listings
from crm_mail.reports.saved.listings import Listing, find_listing
from crm_mail.reports.saved.models import ReportFormat, SavedReport
from crm_mail.reports.saved.pages import (
    QUERY,
    asked_here,
    list_values,
    offered,
    prepare_form,
    report_or_404,
    show_values,
    sources_of,
)
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.reports.saved.service import GIVEN, may_change, remove_report, save_report
from crm_mail.reports.saved.words import explain
from crm_mail.web.door import commit_now, db, installation
from crm_mail.web.navigation import company_at_work
from crm_mail.web.security_headers import MAIL_POLICY, allow_framing
from crm_mail.web.table_files import XLSX_MIME

blueprint = Blueprint("saved_reports", __name__, url_prefix="/reports")
_FIELDS = {
    "name": "name",
    "taken": "name",
    "source": "source_id",
    "formats": "formats",
    "recipients": "user_ids",
    "user": "user_ids",
    "address": "addresses",
    "typed": "addresses",
    "row_limit": "row_limit",
    "clearance": "clearance",
    "query": "query",
    "parameters": "query",
}


@blueprint.get("/", strict_slashes=False)
@requires(Permission.REPORTS_SEE)
def list_all() -> str:
    """The reports of the company at work."""
    return render_template("reports/saved_list.html", **list_values())


@blueprint.get("/what")
@requires(Permission.REPORTS_EXPORT)
def choose_content() -> str:
    """What a new report is to show."""
    company = company_at_work(Permission.REPORTS_EXPORT)
    found = offered(signed_in_actor(), company.id)
    has_query = bool(found) and found[-1][0] == QUERY
    return render_template(
        "reports/saved_choose.html",
        listings=found[:-1] if has_query else found,
        has_query=has_query,
        sources=sources_of(company.id) if has_query else (),
    )


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.REPORTS_EXPORT)
def new_report() -> Any:
    """A new report of what the address names."""
    company = company_at_work(Permission.REPORTS_EXPORT)
    content = request.args.get("of", "")
    if content not in dict(offered(signed_in_actor(), company.id)):
        return redirect(url_for(".choose_content"))
    return _edit(company, find_listing(content), None)


@blueprint.route("/<int:report_id>/edit", methods=("GET", "POST"))
@requires(Permission.REPORTS_EXPORT)
def edit_report(report_id: int) -> Any:
    """Change a report; whoever saves it becomes its owner."""
    report = _changeable(report_id)
    return _edit(report.company, find_listing(report.listing), report)


def _changeable(report_id: int) -> SavedReport:
    report = report_or_404(report_id)
    register_listings()
    if not may_change(signed_in_actor(), report):
        abort(403)
    return report


def _edit(company: Company, listing: Listing | None, report: SavedReport | None) -> Any:
    form = ReportEditForm()
    prepare_form(form, company, listing, report)
    if not form.is_submitted():
        if report is None:
            form.begin(listing)
        else:
            form.show(report, listing, signed_in_actor().sight.clearance)
    elif form.validate() and (saved := _save(form, company, listing, report)) is not None:
        flash(_("Saved. It is made with your rights."), "success")
        return redirect(url_for(".show_report", report_id=saved.id), 303)
    elif listing is None:
        form.add_rows()
    page = render_template(
        "reports/saved_edit.html",
        form=form,
        listing=listing,
        title_of_list=listing.title(say) if listing else "",
        report=report,
        company=company,
        may_type=signed_in_actor().can(Permission.SETTINGS_MANAGE, company.id),
    )
    return page, 422 if form.is_submitted() else 200


def _save(
    form: ReportEditForm, company: Company, listing: Listing | None, report: SavedReport | None
) -> SavedReport | None:
    values = form.read(listing)
    try:
        return save_report(db(), signed_in_actor(), company, report, values)
    except (ReportRefused, DatabaseRefused) as refused:
        form.refuse(_FIELDS.get(refused.problem, ""), explain(refused, say))
        if refused.problem == "parameters":
            known = GIVEN | {one["name"] for one in values.parameters}
            form.add_rows(sorted(names_asked(values.query) - known))
    return None


@blueprint.get("/<int:report_id>")
@requires(Permission.REPORTS_SEE)
def show_report(report_id: int) -> str:
    """One report: what, to whom, when, how it looks, and its history."""
    return render_template("reports/saved_show.html", **show_values(report_or_404(report_id)))


@blueprint.get("/<int:report_id>/history")
@requires(Permission.REPORTS_SEE)
def show_history(report_id: int) -> str:
    """The history alone, while something is under way."""
    return render_template("reports/_saved_history.html", **show_values(report_or_404(report_id)))


@blueprint.get("/<int:report_id>/preview")
@requires(Permission.REPORTS_SEE)
def preview_report(report_id: int) -> Response:
    """The body of the mail as the person at the page would see it, now."""
    report = report_or_404(report_id)
    try:
        page = mail_page(*_parts(_made(report)))
    except (PermissionDenied, Refusal) as refused:
        words = explain(refused, say, signed_in_actor().name)
        page = render_template("reports/saved_problem.html", problem=words)
    return allow_framing(make_response(page), MAIL_POLICY)


def _made(report: SavedReport) -> Made:
    """As the person at the page may see it, whoever owns it."""
    return make_report(installation(), report.id, asked_here(report.company))


def _parts(made: Made) -> tuple[Any, Any, Any]:
    return made.table, made.heading, made.reader


@blueprint.post("/<int:report_id>/download")
@requires(Permission.REPORTS_EXPORT)
def download_report(report_id: int) -> Any:
    """The report as a PDF or a workbook, with the rights of the person at the page."""
    report = _changeable(report_id)
    kind = request.form.get("format", "")
    if kind not in (ReportFormat.PDF, ReportFormat.XLSX):
        abort(404)
    name = f"{report.name} {now():%Y-%m-%d}.{kind}".replace("/", "-")
    audit.record(
        db(),
        signed_in_actor(),
        "reports.saved_report.downloaded",
        company_id=report.company_id,
        subject=report,
        label=report.name,
        kind=kind,
    )
    commit_now()  # the report is read in sessions of its own
    try:
        parts = _parts(_made(report))
        is_pdf = kind == ReportFormat.PDF
        data = print_page(pdf_page(*parts)) if is_pdf else workbook(*parts)
    except (PermissionDenied, Refusal, RenderFailed) as refused:
        flash(explain(refused, say, signed_in_actor().name), "danger")
        return redirect(url_for(".show_report", report_id=report_id), 303)
    mime = "application/pdf" if is_pdf else XLSX_MIME
    return send_file(BytesIO(data), mime, as_attachment=True, download_name=name)


@blueprint.post("/<int:report_id>/run")
@requires(Permission.REPORTS_EXPORT)
def run_report(report_id: int) -> Response:
    """Mail it now; the same button twice is once."""
    report, actor = _changeable(report_id), signed_in_actor()
    nonce = request.form.get("nonce", "")[:40]
    if not nonce.isalnum():
        abort(400)
    ask_for(db(), report, f"hand:{nonce}", asked_by=actor.user_id)
    flash(_("It is made and mailed within a few seconds."), "success")
    return redirect(url_for(".show_report", report_id=report_id, _anchor="history"), 303)


@blueprint.post("/<int:report_id>/delete")
@requires(Permission.REPORTS_EXPORT)
def delete_report(report_id: int) -> Response:
    """Forget a report and its history."""
    remove_report(db(), signed_in_actor(), _changeable(report_id))
    flash(_("The report was deleted."), "success")
    return redirect(url_for(".list_all"), 303)
