"""Pages that import contacts: upload or paste, say what the columns hold, see what would happen, apply."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.importers.base import ImportRefused, ParsedRow
from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts.change_page import kept_changes, told_changes
from crm_mail.importers.contacts.columns import guess_mapping, score_header
from crm_mail.importers.contacts.import_result import ContactImportResult
from crm_mail.importers.contacts.rows import open_contact_file
from crm_mail.importers.contacts.service import import_contacts, row_context
from crm_mail.importers.forms import PasteForm, TableForm
from crm_mail.importers.page_messages import explain, explain_refusal, field_choices
from crm_mail.importers.tables import mappings
from crm_mail.importers.tables.tabular import Table, read_table
from crm_mail.importers.uploads import Draft, Uploads
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import current_company
from crm_mail.web.table_files import CSV_MIME, csv_chunks
from crm_mail.web.type_names import type_names

SHOWN_MESSAGES: Final = 100
SHOWN_ROWS: Final = 8


def company_or_404() -> Company:
    """The company at work."""
    return current_company(signed_in_actor()) or abort(404)


def uploads() -> Uploads:
    """The files that wait for their import."""
    return Uploads(installation())


def home_page(table: TableForm, paste: PasteForm, status: int = 200) -> Any:
    """The first page of the room."""
    actor, company = signed_in_actor(), current_company(signed_in_actor())
    if company is None:
        return render_template("contacts/no_company.html")
    saved = mappings.list_mappings(db(), actor, company.id)
    page = render_template(
        "importers/home.html", table=table, paste=paste, saved=saved, company=company, types=type_names()
    )
    return page, status


@blueprint.get("/", strict_slashes=False)
@requires(Permission.CONTACTS_MANAGE)
def home() -> Any:
    """Everything that can be brought in."""
    return home_page(TableForm(), PasteForm())


@blueprint.post("/contacts")
@requires(Permission.CONTACTS_MANAGE)
def upload_contacts() -> Any:
    """Take a file and go on to its columns."""
    form = TableForm()
    sent = form.file.data if form.validate_on_submit() else None
    if not sent:
        form.file.errors = [*form.file.errors, _("Choose a file.")]
        return home_page(form, PasteForm(formdata=None), 422)
    answer = _begin(sent.read(), sent.filename or "")
    if isinstance(answer, str):
        form.file.errors = [answer]
        return home_page(form, PasteForm(formdata=None), 422)
    return answer


@blueprint.post("/contacts/paste")
@requires(Permission.CONTACTS_MANAGE)
def paste_contacts() -> Any:
    """Take copied cells and go on to their columns."""
    form = PasteForm()
    answer = _begin((form.cells.data or "").encode(), _("pasted cells"))
    if isinstance(answer, str):
        form.cells.errors = [answer]
        return home_page(TableForm(formdata=None), form, 422)
    return answer


def _begin(data: bytes, name: str) -> Any:
    """Keep the bytes and go on; a sentence when they are no table."""
    try:
        _open(data, "")
    except ImportRefused as refused:
        return explain_refusal(refused)
    actor, kept = signed_in_actor(), uploads()
    draft = Draft(actor.user_id or 0, company_or_404().id, name, kept.keep_file(data))
    return redirect(url_for(".choose_columns", token=kept.keep(draft)), 303)


def _open(data: bytes, sheet: str) -> Table:
    return read_table(data, header_score=score_header, sheet=sheet or None)


def found(token: str) -> tuple[Draft, bytes]:
    """A step of this person in the company at work, with its file, or 404."""
    draft = uploads().find(token, signed_in_actor().user_id)
    if draft is None or draft.company_id != company_or_404().id:
        abort(404)
    data = uploads().read_file(draft)
    if data is None:
        abort(404, _("The uploaded file was kept for a day and is gone. Upload it again."))
    return draft, data


@blueprint.route("/contacts/<token>/columns", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def choose_columns(token: str) -> Any:
    """Say which column holds what; then try it without writing anything."""
    draft, data = found(token)
    table = _open(data, draft.sheet)
    headers = [header for header in dict.fromkeys(table.header) if header]
    if request.method == "GET":
        chosen = draft.columns if draft.columns is not None else _offered(draft, headers)
        return columns_page(draft, token, table, headers, chosen)
    chosen = {header: request.form.get(f"column-{number}", "") for number, header in enumerate(headers)}
    try:
        result = import_contacts(
            db(), signed_in_actor(), company_or_404(), data, columns=_used(chosen), dry_run=True,
            sheet=draft.sheet or None,
        )  # fmt: skip
        _save_mapping(request.form.get("name", ""), _used(chosen))
    except ImportRefused as refused:
        return columns_page(draft, token, table, headers, chosen, explain_refusal(refused))
    except mappings.MappingNameInvalid:
        problem = _("Give the mapping a name of at most 80 characters.")
        return columns_page(draft, token, table, headers, chosen, problem)
    kept = uploads().keep(draft.with_(columns=chosen, report=report_of(result)))
    return redirect(url_for(".preview_contacts", token=kept), 303)


def _offered(draft: Draft, headers: list[str]) -> Mapping[str, str]:
    """The saved mapping that the address names, else what the names of the columns say."""
    wanted = request.args.get("mapping", 0, type=int)
    for saved in mappings.list_mappings(db(), signed_in_actor(), draft.company_id):
        columns = mappings.read_columns(saved)
        if saved.id == wanted or (not wanted and set(columns) and set(columns) == set(headers)):
            return columns
    return guess_mapping(headers).to_dict()


def _used(chosen: Mapping[str, str]) -> dict[str, str]:
    return {header: target for header, target in chosen.items() if target}


def _save_mapping(name: str, columns: Mapping[str, str]) -> None:
    if name.strip():
        mappings.save_mapping(db(), signed_in_actor(), company_or_404().id, name, columns)
        flash(_("The mapping was saved as “%(name)s”.", name=" ".join(name.split())), "success")


def columns_page(
    draft: Draft, token: str, table: Table, headers: list[str], chosen: Mapping[str, str], problem: str = ""
) -> Any:
    """The page on which the columns are chosen."""
    page = render_template(
        "importers/columns.html",
        draft=draft,
        token=token,
        headers=headers,
        samples=table.samples(headers),
        chosen=chosen,
        groups=field_choices(headers, chosen),
        saved=mappings.list_mappings(db(), signed_in_actor(), draft.company_id),
        problem=problem,
        notes=[explain(note.code, note.params) for note in table.notes],
    )
    return page, 422 if problem else 200


def report_of(result: ContactImportResult) -> dict[str, Any]:
    """The part of a result that the pages show; sentences are made when it is shown, in the reader's language."""
    return {
        "rows": result.rows,
        "created": result.created,
        "updated": result.updated,
        "unchanged": result.unchanged,
        "error_rows": result.error_rows,
        "parties_created": result.parties_created,
        "roles_created": result.roles_created,
        "warning_count": result.warning_count,
        "errors": [_kept(e.row, e.column, e.code, e.params) for e in result.errors],
        "warnings": [_kept(w.row, w.column, w.code, w.params) for w in result.warnings[:SHOWN_MESSAGES]],
        "changes": kept_changes(result.changes),
        "change_count": result.change_count,
        "notes": [_kept(n.row, n.column, n.code, n.params) for n in result.notes],
    }


def _kept(row: int | None, column: str | None, code: str, params: Mapping[str, object]) -> list[Any]:
    return [row, column, code, {name: str(value) for name, value in params.items()}]


def told(messages: list[list[Any]]) -> list[dict[str, Any]]:
    """Kept messages as sentences, row by row."""
    return [
        {"row": row, "column": column, "text": explain(code, params)}
        for row, column, code, params in sorted(messages, key=lambda message: message[0] or 0)[
            :SHOWN_MESSAGES
        ]
    ]


@blueprint.get("/contacts/<token>/preview")
@requires(Permission.CONTACTS_MANAGE)
def preview_contacts(token: str) -> Any:
    """What would happen, with a message for each row that needs one."""
    return report_page("importers/preview.html", token)


@blueprint.get("/contacts/<token>/result")
@requires(Permission.CONTACTS_MANAGE)
def show_result(token: str) -> Any:
    """What the import did."""
    return report_page("importers/result.html", token)


def report_page(template: str, token: str) -> Any:
    """A page with the report of a step."""
    draft, data = found(token)
    if draft.report is None:
        return redirect(url_for(".choose_columns", token=token), 303)
    return render_template(
        template,
        draft=draft,
        token=token,
        report=draft.report,
        errors=told(draft.report["errors"]),
        warnings=told(draft.report["warnings"]),
        notes=told(draft.report["notes"]),
        changes=told_changes(db(), signed_in_actor().sight, draft.report.get("changes", [])),
        first_rows=list(_first_rows(draft, data)),
    )


def _first_rows(draft: Draft, data: bytes) -> Iterator[ParsedRow]:
    company = company_or_404()
    file = open_contact_file(
        data,
        columns=_used(draft.columns or {}),
        context=row_context(db(), company),
        sheet=draft.sheet or None,
    )
    return islice((row for row in file.rows() if row.is_valid), SHOWN_ROWS)


@blueprint.post("/contacts/<token>/apply")
@requires(Permission.CONTACTS_MANAGE)
def apply_contacts(token: str) -> Any:
    """Do it, in one transaction."""
    draft, data = found(token)
    columns = _used(draft.columns or {})
    try:
        result = import_contacts(
            db(), signed_in_actor(), company_or_404(), data, columns=columns, sheet=draft.sheet or None,
            name=draft.name,
        )  # fmt: skip
    except ImportRefused as refused:
        abort(422, explain_refusal(refused))
    kept = uploads().keep(draft.with_(report=report_of(result)))
    return redirect(url_for(".show_result", token=kept), 303)


@blueprint.get("/contacts/<token>/errors.csv")
@requires(Permission.CONTACTS_MANAGE)
def download_errors(token: str) -> Any:
    """The rows that were not applied, as they are in the file, with what is wrong: to correct and import again."""
    draft, data = found(token)
    told: dict[int, list[str]] = {}
    for row, column, code, params in (draft.report or {}).get("errors", []):
        text = explain(code, params)
        told.setdefault(row, []).append(f"{column}: {text}" if column else text)
    table = _open(data, draft.sheet)
    rows = (
        (line.number, " ".join(told[line.number]), *line.cells)
        for line in table.rows()
        if line.number in told
    )
    lines = csv_chunks((_("Row"), _("What is wrong"), *table.header), rows, str(get_locale() or "en"))
    headers = {"Content-Disposition": 'attachment; filename="rows-not-imported.csv"'}
    return Response(b"".join(lines), content_type=CSV_MIME, headers=headers)


@blueprint.post("/mappings/<int:mapping_id>/delete")
@requires(Permission.CONTACTS_MANAGE)
def delete_mapping(mapping_id: int) -> Any:
    """Forget a saved mapping."""
    if not mappings.delete_mapping(db(), signed_in_actor(), company_or_404().id, mapping_id):
        abort(404)
    flash(_("The mapping was deleted."), "success")
    return redirect(url_for(".home"), 303)
