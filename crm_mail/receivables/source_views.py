"""Pages of database sources: which there are, a new one, what its query would bring, bring it."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.importers.page_messages import explain_refusal
from crm_mail.importers.uploads import Draft
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.receivables.blueprint import blueprint
from crm_mail.receivables.forms import SourceForm
from crm_mail.receivables.import_views import begin_draft
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerSource
from crm_mail.receivables.page_parts import company_or_404
from crm_mail.receivables.sources import (
    delete_source,
    list_sources,
    read_source,
    save_source,
)
from crm_mail.receivables.wording import source_problem
from crm_mail.web.door import db, installation

_FIELDS = {"name": "name", "url": "url", "driver": "url", "own": "url", "option": "url", "query": "query"}


@blueprint.route("/sources", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_sources() -> Any:
    """The sources of the company, and one more; saving under a known name changes that one."""
    company, form = company_or_404(), SourceForm()
    if form.validate_on_submit():
        try:
            save_source(
                db(),
                signed_in_actor(),
                installation(),
                company.id,
                name=form.name.data or "",
                url=form.url.data or "",
                query=form.query.data or "",
                kind=Kind(form.kind.data),
                is_complete=bool(form.is_complete.data),
            )
        except DatabaseRefused as refused:
            target = form[_FIELDS.get(refused.problem, "query")]
            target.errors = [*target.errors, source_problem(refused)]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_sources"), 303)
    known = list_sources(db(), signed_in_actor(), company.id)
    page = render_template("receivables/sources.html", form=form, sources=known, company=company)
    return page, 422 if form.errors else 200


def _found(source_id: int) -> LedgerSource:
    source = db().get(LedgerSource, source_id)
    if source is None or source.company_id != company_or_404().id:
        abort(404)
    return source


@blueprint.post("/sources/<int:source_id>/read")
@requires(Permission.DOCUMENTS_MANAGE)
def read_from_source(source_id: int) -> Any:
    """Run the query, and go on as with a file that was uploaded."""
    source, company = _found(source_id), company_or_404()
    try:
        data = read_source(installation(), source, company)
        columns = dict(source.columns) or None
        draft = Draft(signed_in_actor().user_id or 0, company.id, source.name, "", columns=columns)
        return begin_draft(draft, data, {"kind": source.kind.value, "complete": source.is_complete})
    except DatabaseRefused as refused:
        flash(source_problem(refused), "danger")
    except ImportRefused as refused_list:
        flash(explain_refusal(refused_list), "danger")
    return redirect(url_for(".import_items"), 303)


@blueprint.post("/sources/<int:source_id>/delete")
@requires(Permission.SETTINGS_MANAGE)
def forget_source(source_id: int) -> Any:
    """Forget a source."""
    if not delete_source(db(), signed_in_actor(), company_or_404().id, source_id):
        abort(404)
    flash(_("The source was deleted."), "success")
    return redirect(url_for(".edit_sources"), 303)
