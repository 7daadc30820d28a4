"""Pages that bring sales lists in: file or cells, columns, what would happen, done."""

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts.pages import company_or_404, found, told, uploads
from crm_mail.importers.forms import SalesForm
from crm_mail.importers.page_messages import explain, explain_refusal, sales_fields
from crm_mail.importers.sales.columns import COLUMNS
from crm_mail.importers.sales.service import SalesResult, import_sales, open_sales
from crm_mail.importers.tables import mappings
from crm_mail.importers.tables.mappings import SALES, MappingNameInvalid
from crm_mail.importers.tables.tabular import Table
from crm_mail.importers.uploads import Draft
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db

SHOWN = 100
_COUNTS = ("dry_run", "rows", "created", "updated", "unchanged", "invoiced", "products", "error_rows")


@blueprint.route("/sales", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def upload_sales() -> Any:
    """Take a file or copied cells and go on to the columns."""
    company, form = company_or_404(), SalesForm()
    if form.validate_on_submit():
        sent = form.file.data
        data = sent.read() if sent else (form.cells.data or "").encode()
        try:
            open_sales(data)
        except ImportRefused as refused:
            target = form.file if sent or not data else form.cells
            target.errors = [*target.errors, explain_refusal(refused) if data else _("Choose a file.")]
        else:
            name, kept = (sent.filename if sent else "") or _("pasted cells"), uploads()
            draft = Draft(signed_in_actor().user_id or 0, company.id, name, kept.keep_file(data))
            return redirect(url_for(".choose_sales_columns", token=kept.keep(draft)), 303)
    saved = mappings.list_mappings(db(), signed_in_actor(), company.id, SALES)
    page = render_template("importers/sales.html", form=form, company=company, saved=saved)
    return page, 422 if form.errors else 200


@blueprint.route("/sales/<token>/columns", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def choose_sales_columns(token: str) -> Any:
    """Say which column holds what; then try it without writing anything."""
    draft, data = found(token)
    table = open_sales(data, draft.sheet or None)
    headers = [header for header in dict.fromkeys(table.header) if header]
    if request.method == "GET":
        chosen = dict(draft.columns) if draft.columns is not None else _offered(headers)
        return _columns_page(draft, table, headers, chosen)
    chosen = {header: request.form.get(f"column-{number}", "") for number, header in enumerate(headers)}
    try:
        result = _run(draft, data, chosen, dry_run=True)
        _save_mapping(request.form.get("name", ""), chosen)
    except ImportRefused as refused:
        return _columns_page(draft, table, headers, chosen, explain_refusal(refused))
    except MappingNameInvalid:
        problem = _("Give the mapping a name of at most 80 characters that no other mapping has.")
        return _columns_page(draft, table, headers, chosen, problem)
    kept = uploads().keep(draft.with_(columns=chosen, report=_report_of(result)))
    return redirect(url_for(".show_sales_report", token=kept), 303)


def _run(draft: Draft, data: bytes, columns: Mapping[str, str], *, dry_run: bool) -> SalesResult:
    used = {header: target for header, target in columns.items() if target}
    return import_sales(
        db(), signed_in_actor(), company_or_404(), data,
        columns=used, dry_run=dry_run, sheet=draft.sheet or None, name=draft.name,
    )  # fmt: skip


def _offered(headers: list[str]) -> dict[str, str]:
    """The saved mapping that the address names, or one of exactly these columns, else what the names say."""
    wanted = request.args.get("mapping", 0, type=int)
    for saved in mappings.list_mappings(db(), signed_in_actor(), company_or_404().id, SALES):
        columns = mappings.read_columns(saved)
        if saved.id == wanted or (not wanted and columns and set(columns) <= set(headers)):
            return columns
    return COLUMNS.guess(headers)


def _save_mapping(name: str, columns: Mapping[str, str]) -> None:
    if name.strip():
        mappings.save_mapping(db(), signed_in_actor(), company_or_404().id, name, columns, SALES)
        flash(_("The mapping was saved as “%(name)s”.", name=" ".join(name.split())), "success")


def _columns_page(
    draft: Draft, table: Table, headers: list[str], chosen: Mapping[str, str], problem: str = ""
) -> Any:
    page = render_template(
        "importers/sales_columns.html",
        draft=draft,
        headers=headers,
        samples=table.samples(headers),
        chosen=chosen,
        fields=sales_fields(),
        saved=mappings.list_mappings(db(), signed_in_actor(), draft.company_id, SALES),
        problem=problem,
        notes=[explain(note.code, note.params) for note in table.notes],
    )
    return page, 422 if problem else 200


def _report_of(result: SalesResult) -> dict[str, Any]:
    """What the pages show; sentences are made when it is shown, in the reader's language."""
    errors = [[e.row, e.column, e.code, _texts(e.params)] for e in result.errors[:SHOWN]]
    notes = [[n.row, n.column, n.code, _texts(n.params)] for n in result.notes]
    return {name: getattr(result, name) for name in _COUNTS} | {"errors": errors, "notes": notes}


def _texts(params: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}


@blueprint.post("/sales/mappings/<int:mapping_id>/delete")
@requires(Permission.DOCUMENTS_MANAGE)
def delete_sales_mapping(mapping_id: int) -> Any:
    """Forget a saved mapping."""
    if not mappings.delete_mapping(db(), signed_in_actor(), company_or_404().id, mapping_id, SALES):
        abort(404)
    flash(_("The mapping was deleted."), "success")
    return redirect(url_for(".upload_sales"), 303)


@blueprint.get("/sales/<token>")
@requires(Permission.DOCUMENTS_MANAGE)
def show_sales_report(token: str) -> Any:
    """What would happen, or what happened, with a message for each row that needs one."""
    draft, _data = found(token)
    if draft.report is None:
        return redirect(url_for(".choose_sales_columns", token=token), 303)
    errors, notes = told(draft.report["errors"]), told(draft.report["notes"])
    return render_template(
        "importers/sales_report.html",
        draft=draft,
        token=token,
        report=draft.report,
        errors=errors,
        notes=notes,
    )


@blueprint.post("/sales/<token>/apply")
@requires(Permission.DOCUMENTS_MANAGE)
def apply_sales(token: str) -> Any:
    """Do it, in one transaction."""
    draft, data = found(token)
    if draft.report is None:
        abort(404)
    try:
        result = _run(draft, data, draft.columns or {}, dry_run=False)
    except ImportRefused as refused:
        abort(422, explain_refusal(refused))
    kept = uploads().keep(draft.with_(report=_report_of(result)))
    return redirect(url_for(".show_sales_report", token=kept), 303)
