"""Pages of the ERP's database: its address, named queries on it, trying one and running it."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts.pages import company_or_404
from crm_mail.importers.databases import service
from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.importers.databases.forms import SourceForm, ViewForm
from crm_mail.importers.databases.models import SqlView
from crm_mail.importers.page_messages import explain_refusal
from crm_mail.importers.tables.mappings import MappingUnknown, list_mappings
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import commit_now, db, installation

_FIELDS = {
    "url": "url",
    "driver": "url",
    "own": "url",
    "option": "url",
    "mapping": "mapping",
    "since": "since_column",
}


def problem_words(refused: DatabaseRefused) -> str:
    """Why a database or a query is refused, in the language of the page."""
    detail = refused.detail
    words: dict[str, str] = {
        "name": _("Give a name of at most 80 characters."),
        "url": _("The address is not understood: write postgresql+psycopg://user:password@host/database."),
        "driver": _("The driver for %(name)s is not installed here.", name=detail),
        "own": _("This is the database of CRM Mail itself: name the one of the ERP."),
        "query": _("The query must be one SELECT without a semicolon."),
        "parameters": _("The query asks for %(name)s: give it as a parameter.", name=detail),
        "option": _("The address may not carry the option %(name)s: leave it out.", name=detail),
        "source": _("Choose the database that the query is for."),
        "mapping": _("There is no such mapping of columns."),
        "since": _("A query that asks for :since needs the column it is about, and where to begin."),
        "column": _("The query gives no column %(name)s.", name=detail),
        "used": _("The query “%(name)s” uses this database: delete that first.", name=detail),
        "failed": _("The database did not answer the query: %(reason)s", reason=detail),
        "slow": _("The query took longer than %(n)s seconds: let it ask for less.", n=detail),
        "too_many": _("The query gives more than %(n)s rows: let it ask for :since.", n=detail),
    }
    return words.get(refused.problem) or str(_("There is no such query."))


@blueprint.route("/databases", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def list_databases() -> Any:
    """The queries of the company; who may change settings adds databases and queries."""
    company, actor = company_or_404(), signed_in_actor()
    may_set = actor.can(Permission.SETTINGS_MANAGE, company.id)
    if request.method == "POST" and not may_set:
        abort(403)
    sources = service.list_sources(db(), actor, company.id) if may_set else []
    of_source = request.form.get("form") == "source"
    source_form = SourceForm(request.form if of_source else None, prefix="source-")
    view_form = ViewForm(None if of_source else request.form or None)
    view_form.offer(sources, [one.name for one in list_mappings(db(), actor, company.id)])
    form: SourceForm | ViewForm = source_form if of_source else view_form
    if request.method == "POST" and form.validate():
        try:
            _save(form, company.id)
        except DatabaseRefused as refused:
            target = form[_FIELDS.get(refused.problem, "name" if of_source else "query")]
            target.errors = [*target.errors, problem_words(refused)]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".list_databases"), 303)
    page = render_template(
        "importers/databases.html",
        company=company,
        sources=sources,
        views=service.list_views(db(), actor, company.id),
        source_form=source_form,
        view_form=view_form,
        may_set=may_set,
    )
    return page, 422 if form.errors else 200


def _save(form: SourceForm | ViewForm, company_id: int) -> None:
    actor = signed_in_actor()
    if isinstance(form, SourceForm):
        given = (form.name.data or "", form.url.data or "")
        service.save_source(db(), actor, installation(), company_id, *given)
    else:
        service.save_view(db(), actor, company_id, form.read())


@blueprint.post("/databases/queries/<int:view_id>/run")
@requires(Permission.CONTACTS_MANAGE)
def run_query(view_id: int) -> Any:
    """Run a query now, or say what running it would do."""
    company, actor = company_or_404(), signed_in_actor()
    view = db().get(SqlView, view_id)
    if view is None or view.company_id != company.id:
        abort(404)
    name, dry_run = view.name, bool(request.form.get("dry_run"))
    commit_now()  # the query has transactions of its own
    try:
        done = service.run_view(installation(), actor, company.id, name, dry_run=dry_run)
    except (DatabaseRefused, ImportRefused, MappingUnknown) as refused:
        words = problem_words(refused) if isinstance(refused, DatabaseRefused) else str(refused)
        service.note_failure(installation(), company.id, name, str(refused))
        flash(explain_refusal(refused) if isinstance(refused, ImportRefused) else words, "danger")
        return redirect(url_for(".list_databases"), 303)
    return render_template("importers/database_result.html", done=done, company=company, view_id=view_id)


@blueprint.post("/databases/queries/<int:view_id>/delete")
@requires(Permission.SETTINGS_MANAGE)
def delete_query(view_id: int) -> Any:
    """Forget a query."""
    if not service.delete_view(db(), signed_in_actor(), company_or_404().id, view_id):
        abort(404)
    flash(_("The query was deleted."), "success")
    return redirect(url_for(".list_databases"), 303)


@blueprint.post("/databases/<int:source_id>/delete")
@requires(Permission.SETTINGS_MANAGE)
def delete_database(source_id: int) -> Any:
    """Forget a database that no query uses."""
    try:
        if not service.delete_source(db(), signed_in_actor(), company_or_404().id, source_id):
            abort(404)
        flash(_("The database was deleted."), "success")
    except DatabaseRefused as refused:
        flash(problem_words(refused), "danger")
    return redirect(url_for(".list_databases"), 303)
