"""Pages of bulk entry: paste, *Process*, the preliminary list, *Save*, what became of each row (RP-7, RP-8)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.catalogue import wording
from crm_mail.catalogue.blueprint import blueprint
from crm_mail.catalogue.checking import CheckedRow, check_lines, manageable_companies
from crm_mail.catalogue.forms import PasteForm
from crm_mail.catalogue.lines import Line, read_lines
from crm_mail.catalogue.saving import save_lines
from crm_mail.catalogue.verdicts import Outcome, Said
from crm_mail.companies.models import Company
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.page_messages import explain_refusal
from crm_mail.importers.uploads import Draft, Uploads
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import current_company
from crm_mail.web.table_files import CSV_MIME, csv_chunks

SIZE: Final = 100
SHOWN_EMAILS: Final = 4000


def _uploads() -> Uploads:
    return Uploads(installation(), "catalogue")


@blueprint.get("/bulk")
@requires(Permission.CONTACTS_MANAGE)
def show_bulk() -> Any:
    """Where the columns are pasted."""
    return _paste_page(PasteForm(formdata=None))


def _paste_page(form: PasteForm, status: int = 200) -> Any:
    actor = signed_in_actor()
    form.offer(manageable_companies(db(), actor), current_company(actor))
    return render_template("catalogue/bulk.html", form=form), status


@blueprint.post("/bulk")
@requires(Permission.CONTACTS_MANAGE)
def paste_rows() -> Any:
    """*Process*: work out what would become of each row; nothing is written yet."""
    form, actor = PasteForm(), signed_in_actor()
    sent = form.file.data if form.validate() else None
    data, name = (sent.read(), sent.filename or "") if sent else ((form.cells.data or "").encode(), "")
    try:
        lines = read_lines(data)
    except ImportRefused as refused:
        place: Any = form.file if sent else form.cells
        empty = refused.code == "empty_file" and not sent
        said = _("Paste at least one row, or choose a file.") if empty else explain_refusal(refused)
        place.errors = [*place.errors, said]
        return _paste_page(form, 422)
    company = _company(form.company.data or "")
    rows = check_lines(db(), actor, lines, company)
    kept = _uploads()
    draft = Draft(actor.user_id or 0, company.id if company else 0, name, kept.keep_file(data))
    token = kept.keep(draft.with_(report=_report(rows)))
    return redirect(url_for(".show_rows", token=token), 303)


def _company(code: str) -> Company | None:
    found = manageable_companies(db(), signed_in_actor())
    return next((one for one in found if one.code == code), None)


def _report(rows: Sequence[CheckedRow], *, is_saved: bool = False) -> dict[str, Any]:
    """What the pages show of the rows; sentences are made when they are shown, in the reader's language."""
    return {
        "is_saved": is_saved,
        "counts": dict(Counter(row.outcome.value for row in rows)),
        "rows": [
            [
                row.line.number,
                row.line.company,
                row.line.code,
                row.line.emails[:SHOWN_EMAILS],
                row.customer.name if row.customer else "",
                row.outcome.value,
                [[said.code, dict(said.params)] for said in (row.said, *row.notes)],
            ]
            for row in rows
        ],
    }


def _found(token: str) -> Draft:
    """A step of this person, or 404."""
    draft = _uploads().find(token, signed_in_actor().user_id)
    return draft if draft is not None and draft.report is not None else abort(404)


@blueprint.get("/bulk/<token>")
@requires(Permission.CONTACTS_MANAGE)
def show_rows(token: str) -> Any:
    """The preliminary list, or, after *Save*, what became of each row."""
    draft = _found(token)
    report: Any = draft.report
    show = request.args.get("show", "")
    rows = [row for row in report["rows"] if not show or row[5] == show]
    pages = max(1, -(-len(rows) // SIZE))
    number = min(max(1, request.args.get("page", 1, type=int)), pages)
    start = (number - 1) * SIZE
    return render_template(
        "catalogue/rows.html",
        token=token,
        draft=draft,
        counts=report["counts"],
        is_saved=report["is_saved"],
        total=len(report["rows"]),
        show=show,
        rows=[_shown(row) for row in rows[start : start + SIZE]],
        matching=len(rows),
        first=start + 1 if rows else 0,
        number=number,
        pages=pages,
        words=wording.outcome_words(),
    )


def _shown(row: list[Any]) -> dict[str, Any]:
    number, company, code, emails, name, outcome, said = row
    messages = [wording.words_of(Said(code_, params)) for code_, params in said]
    return {
        "number": number,
        "company": company,
        "code": code,
        "emails": emails,
        "name": name,
        "outcome": outcome,
        "messages": messages,
    }


@blueprint.post("/bulk/<token>/save")
@requires(Permission.CONTACTS_MANAGE)
def save_rows(token: str) -> Any:
    """*Save*: write the rows that can be written, in one transaction, and tell of each."""
    draft, kept = _found(token), _uploads()
    data = kept.read_file(draft)
    if data is None:
        abort(404, _("The uploaded file was kept for a day and is gone. Upload it again."))
    actor = signed_in_actor()
    managed = manageable_companies(db(), actor)
    company = next((one for one in managed if one.id == draft.company_id), None)
    lines: list[Line] = read_lines(data)
    rows = save_lines(db(), actor, lines, company)
    return redirect(
        url_for(".show_rows", token=kept.keep(draft.with_(report=_report(rows, is_saved=True)))), 303
    )


@blueprint.get("/bulk/<token>/refused.csv")
@requires(Permission.CONTACTS_MANAGE)
def download_refused(token: str) -> Any:
    """The refused rows as they were given, with what is wrong: to correct and paste again."""
    report: Any = _found(token).report
    refused = [_shown(row) for row in report["rows"] if row[5] == Outcome.REFUSED.value]
    header = (_("Company"), _("Customer number"), _("E-mail addresses"), _("Row"), _("What is wrong"))
    rows = ((r["company"], r["code"], r["emails"], r["number"], " ".join(r["messages"])) for r in refused)
    lines = csv_chunks(header, rows, str(get_locale() or "en"))
    headers = {"Content-Disposition": 'attachment; filename="refused-rows.csv"'}
    return Response(b"".join(lines), content_type=CSV_MIME, headers=headers)
