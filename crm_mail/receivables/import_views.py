"""Pages that bring lists of open items or movements in: file or cells, columns, what would happen, done."""

from collections.abc import Mapping
from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.pages import found, uploads
from crm_mail.importers.page_messages import explain, explain_refusal
from crm_mail.importers.tables.mappings import MappingNameInvalid
from crm_mail.importers.tables.tabular import Table
from crm_mail.importers.uploads import Draft
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.receivables import mappings
from crm_mail.receivables.blueprint import blueprint
from crm_mail.receivables.columns import guess_columns, guess_kind
from crm_mail.receivables.forms import LedgerForm
from crm_mail.receivables.importing import LedgerResult, import_ledger
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.lists import open_ledger
from crm_mail.receivables.page_parts import company_or_404
from crm_mail.receivables.sources import list_sources
from crm_mail.receivables.wording import field_words
from crm_mail.web.door import db

SHOWN: Final = 100


@blueprint.route("/import", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def import_items() -> Any:
    """Take a file or copied cells and go on to the columns."""
    company, form = company_or_404(), LedgerForm()
    if form.validate_on_submit():
        sent = form.file.data
        data = sent.read() if sent else (form.cells.data or "").encode()
        try:
            open_ledger(data)
        except ImportRefused as refused:
            target = form.file if sent or not data else form.cells
            target.errors = [*target.errors, explain_refusal(refused) if data else _("Choose a file.")]
        else:
            name = (sent.filename if sent else "") or _("pasted cells")
            return begin_draft(Draft(signed_in_actor().user_id or 0, company.id, name, ""), data)
    sources = list_sources(db(), signed_in_actor(), company.id)
    page = render_template("receivables/import.html", form=form, company=company, sources=sources)
    return page, 422 if form.errors else 200


def begin_draft(draft: Draft, data: bytes, options: Mapping[str, Any] | None = None) -> Any:
    """Keep a list and go on to its columns.

    Raises:
        ImportRefused: it is none.
    """
    open_ledger(data)
    kept = draft.with_(sha256=uploads().keep_file(data), report=options)
    return redirect(url_for(".choose_item_columns", token=uploads().keep(kept)), 303)


@blueprint.route("/import/<token>/columns", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def choose_item_columns(token: str) -> Any:
    """Say which column holds what; then try it without writing anything."""
    draft, data = found(token)
    table = open_ledger(data, draft.sheet or None)
    headers = [header for header in dict.fromkeys(table.header) if header]
    if request.method == "GET":
        chosen = dict(draft.columns) if draft.columns is not None else _offered(headers)
        return _columns_page(draft, table, headers, chosen, _options(draft, chosen))
    chosen = {header: request.form.get(f"column-{number}", "") for number, header in enumerate(headers)}
    kind, complete = request.form.get("kind", ""), request.form.get("complete") == "yes"
    options = {"kind": kind if kind in set(Kind) else Kind.OPEN_ITEMS.value, "complete": complete}
    try:
        result = _run(draft, data, chosen, options, dry_run=True)
        _save_mapping(request.form.get("name", ""), chosen)
    except ImportRefused as refused:
        return _columns_page(draft, table, headers, chosen, options, explain_refusal(refused))
    except MappingNameInvalid:
        problem = _("Give the mapping a name of at most 80 characters.")
        return _columns_page(draft, table, headers, chosen, options, problem)
    kept = uploads().keep(draft.with_(columns=chosen, report=report_of(result)))
    return redirect(url_for(".preview_items", token=kept), 303)


def _run(
    draft: Draft, data: bytes, columns: Mapping[str, str], options: Mapping[str, Any], *, dry_run: bool
) -> LedgerResult:
    return import_ledger(
        db(),
        signed_in_actor(),
        company_or_404(),
        data,
        kind=Kind(options["kind"]),
        columns={header: target for header, target in columns.items() if target},
        is_complete=bool(options["complete"]),
        dry_run=dry_run,
        sheet=draft.sheet or None,
        name=draft.name,
    )


def _offered(headers: list[str]) -> dict[str, str]:
    """The saved mapping that the address names, or one of exactly these columns, else what the names say."""
    wanted = request.args.get("mapping", 0, type=int)
    for saved in mappings.list_mappings(db(), signed_in_actor(), company_or_404().id):
        if saved.id == wanted or (not wanted and set(saved.columns) == set(headers)):
            return dict(saved.columns)
    return guess_columns(headers)


def _options(draft: Draft, chosen: Mapping[str, str]) -> dict[str, Any]:
    if draft.report is not None:
        return {"kind": draft.report["kind"], "complete": draft.report["complete"]}
    used = {header: target for header, target in chosen.items() if target}
    return {"kind": guess_kind(used).value, "complete": True}


def _save_mapping(name: str, columns: Mapping[str, str]) -> None:
    if name.strip():
        mappings.save_mapping(db(), signed_in_actor(), company_or_404().id, name, columns)
        flash(_("The mapping was saved as “%(name)s”.", name=" ".join(name.split())), "success")


def _columns_page(
    draft: Draft,
    table: Table,
    headers: list[str],
    chosen: Mapping[str, str],
    options: Mapping[str, Any],
    problem: str = "",
) -> Any:
    page = render_template(
        "receivables/columns.html",
        draft=draft,
        headers=headers,
        samples=table.samples(headers),
        chosen=chosen,
        options=options,
        fields=field_words(),
        saved=mappings.list_mappings(db(), signed_in_actor(), draft.company_id),
        problem=problem,
        notes=[explain(note.code, note.params) for note in table.notes],
    )
    return page, 422 if problem else 200


def report_of(result: LedgerResult) -> dict[str, Any]:
    """What the pages show of a result; sentences are made when it is shown, in the reader's language."""
    counts = ("rows", "created", "updated", "unchanged", "settled", "error_rows", "warning_count")
    told = {
        "errors": [[e.row, e.column, e.code, _texts(e.params)] for e in result.errors[:SHOWN]],
        "warnings": [[w.row, w.column, w.code, _texts(w.params)] for w in result.warnings[:SHOWN]],
        "notes": [[n.row, n.column, n.code, _texts(n.params)] for n in result.notes],
    }
    chosen = {"kind": result.kind.value, "complete": result.is_complete, "dry_run": result.dry_run}
    return chosen | {name: getattr(result, name) for name in counts} | told


def _texts(params: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}


@blueprint.get("/import/<token>")
@requires(Permission.DOCUMENTS_MANAGE)
def preview_items(token: str) -> Any:
    """What would happen, or what happened, with a message for each row that needs one."""
    draft, _data = found(token)
    if draft.report is None or "rows" not in draft.report:
        return redirect(url_for(".choose_item_columns", token=token), 303)
    messages = {
        name: [
            {"row": row, "column": column, "text": explain(code, params)}
            for row, column, code, params in draft.report[name]
        ]
        for name in ("errors", "warnings", "notes")
    }
    return render_template(
        "receivables/result.html", draft=draft, token=token, report=draft.report, messages=messages
    )


@blueprint.post("/import/<token>/apply")
@requires(Permission.DOCUMENTS_MANAGE)
def apply_items(token: str) -> Any:
    """Do it, in one transaction."""
    draft, data = found(token)
    report = draft.report if draft.report and "rows" in draft.report else abort(404)
    try:
        result = _run(draft, data, draft.columns or {}, report, dry_run=False)
    except ImportRefused as refused:
        abort(422, explain_refusal(refused))
    kept = uploads().keep(draft.with_(report=report_of(result)))
    return redirect(url_for(".preview_items", token=kept), 303)
