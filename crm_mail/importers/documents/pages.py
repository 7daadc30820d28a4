"""Pages that bring documents in: electronic invoices, several at once, and any PDF with a few typed fields."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from crm_mail.companies.models import Company
from crm_mail.contacts.access import count_suggestions
from crm_mail.contacts.models import Party
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.rendering import RenderFailed
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts.pages import company_or_404
from crm_mail.importers.documents.bundles import Door, import_together
from crm_mail.importers.documents.service import DocumentFileResult, add_uploaded_pdf
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.forms import InvoicesForm, PdfForm
from crm_mail.importers.page_messages import explain, explain_refusal
from crm_mail.importers.party_search import find_typed_party, party_label, search_parties
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import commit_now, db, installation

PDF_CHECK_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one uploaded file."""

    name: str
    result: DocumentFileResult | None = None
    problem: str = ""
    warnings: list[str] = field(default_factory=list)


@blueprint.route("/documents", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def import_documents() -> Any:
    """Electronic documents, receipts and archives of them: each file is kept or refused by itself."""
    company, form = company_or_404(), InvoicesForm()
    outcomes: list[FileOutcome] = []
    if form.validate_on_submit():
        sent = [file for file in form.files.data or () if isinstance(file, FileStorage) and file.filename]
        outcomes = list(_import_uploads(company, sent))
        if not outcomes:
            form.files.errors = [*form.files.errors, _("Choose at least one file.")]
    status = 422 if form.errors or any(o.problem for o in outcomes) else 200
    if outcomes:
        commit_now()  # the good files are kept even when the answer tells of refused ones
    page = render_template(
        "importers/documents.html",
        form=form,
        outcomes=outcomes,
        company=company,
        waiting=count_suggestions(db(), signed_in_actor(), company.id),
    )
    return page, status


def _import_uploads(company: Company, sent: list[FileStorage]) -> Iterator[FileOutcome]:
    """What became of the uploaded documents, each of one or more files; archives give several."""
    door = Door(db(), installation().store, signed_in_actor(), company)
    files: dict[str, bytes] = {}
    for file in sent:
        name, data = file.filename or "", file.read()
        if files.get(name, data) != data:
            yield FileOutcome(name, problem=_("Two files are called so. Upload them one after the other."))
        else:
            files[name] = data
    for done in import_together(door, files):
        if done.result is None:
            problem = explain_refusal(done.refused) if done.refused else _("Nothing was read.")
            yield FileOutcome(done.name, problem=problem)
            continue
        warnings = [explain(notice.code, notice.params) for notice in done.result.warnings]
        yield FileOutcome(done.name, done.result, warnings=list(dict.fromkeys(warnings)))


@blueprint.route("/pdf", methods=("GET", "POST"))
@requires(Permission.DOCUMENTS_MANAGE)
def add_pdf() -> Any:
    """One PDF with its type, number, date and party."""
    company, form = company_or_404(), PdfForm()
    if form.is_submitted():
        form.validate()
        party = find_typed_party(db(), signed_in_actor(), company.id, form.party.data or "")
        content = form.file.data.read() if form.file.data else b""
        if _is_fit(form, party, content) and party is not None:
            answer = _keep_pdf(form, party, content)
            if answer is not None:
                return answer
    options = [party_label(p) for p in search_parties(db(), signed_in_actor(), company.id, "")]
    page = render_template("importers/pdf.html", form=form, company=company, options=options)
    return page, 422 if form.is_submitted() else 200


def _keep_pdf(form: PdfForm, party: Party, content: bytes) -> Any:
    """The answer; None when the service refused, with the reason at the file."""
    assert form.date.data is not None  # the form requires it
    try:
        document, stored = add_uploaded_pdf(
            db(), installation().store, signed_in_actor(), party, form.type.data,
            form.number.data or "", form.date.data, form.file.data.filename or "document.pdf", content,
        )  # fmt: skip
    except ImportRefused as refused:
        form.file.errors = [explain_refusal(refused)]
        return None
    told = {
        "created": _("The document was added."),
        "unchanged": _("The very same document was there already; nothing changed."),
        "version": _("A new version of the document was added; the earlier one stays."),
    }
    flash(told[stored.value], "success")
    return redirect(url_for("documents.show_document", document_id=document.id), 303)


def _is_fit(form: PdfForm, party: Party | None, content: bytes) -> bool:
    """Whether the party is known and the file opens as a PDF; what is wrong stands at its field."""
    if party is None and not form.party.errors:
        form.party.errors = [
            _("No customer or supplier, or more than one, is called so. Choose one from the list.")
        ]
    if not content:
        form.file.errors = [_("Choose the PDF file.")]
    elif (problem := pdf_problem(content)) is not None:
        form.file.errors = [problem]
    return not form.errors


def pdf_problem(content: bytes) -> str | None:
    """Why a file cannot be used as a PDF; it is opened in a process of its own, bounded in time and memory."""
    if sniff_document_format(content) is not FileFormat.PDF:
        return str(_("This is not a PDF. Choose the PDF of the document."))
    try:
        with PdfPool(1, timeout=PDF_CHECK_SECONDS) as pool:
            pool.thumbnail(content, 64)
    except RenderFailed:
        return str(_("The PDF is damaged or protected by a password. Save it again and choose it anew."))
    return None


@blueprint.get("/parties")
@requires(Permission.DOCUMENTS_MANAGE)
def offer_parties() -> Any:
    """The customers and suppliers that a few typed letters may mean, as options of a list."""
    company = company_or_404()
    typed = request.args.get("party", "")[:100]
    found = search_parties(db(), signed_in_actor(), company.id, typed)
    return render_template("importers/_parties.html", options=[party_label(party) for party in found])
