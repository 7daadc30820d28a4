"""Pages of the documents room: the list, one document with its files, and (from `text_views`) the texts."""

from typing import Any

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.documents import sdi_service, sdi_words, service
from crm_mail.documents.layout_views import add_layout_routes
from crm_mail.documents.listing import DocumentFilter, list_versions
from crm_mail.documents.listing import list_documents as list_page
from crm_mail.documents.look_views import add_look_routes
from crm_mail.documents.mailing_words import mailing_reason
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.documents.packaging_views import add_packaging_routes
from crm_mail.documents.sdi_views import add_sdi_routes
from crm_mail.documents.text_views import add_text_routes
from crm_mail.evidence.proof_page import stage_badges
from crm_mail.outbox.history import document_history, states_of_documents
from crm_mail.outbox.one_button.few_documents import Obstacle, find_obstacle
from crm_mail.outbox.one_button.obstacle_words import obstacle_words
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import current_company
from crm_mail.web.security_headers import PDF_POLICY, allow_framing
from crm_mail.web.type_names import type_names

blueprint = Blueprint("documents", __name__, url_prefix="/documents")
SIZES = (50, 100, 200)


@blueprint.get("/", strict_slashes=False)
@requires(Permission.DOCUMENTS_SEE)
def list_documents() -> Any:
    """Documents of the company at work."""
    actor = signed_in_actor()
    company = current_company(actor)
    if company is None:
        return render_template("contacts/no_company.html")
    chosen = DocumentFilter.from_arguments(request.args.get)
    size = request.args.get("size", SIZES[0], type=int)
    page = list_page(
        db(),
        actor,
        company.id,
        chosen,
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
        size=size if size in SIZES else SIZES[0],
    )
    return render_template(
        "documents/list.html",
        page=page,
        chosen=chosen,
        types=type_names(only_used=False),
        sizes=SIZES,
        size=size,
        actor=actor,
        sent_states=states_of_documents(db(), actor, [document.id for document in page.documents]),
        sdi_states=sdi_service.states_of(db(), page.documents),
        sdi_words=sdi_words.STATES,
        may_send=actor.can(Permission.OUTBOX_PREPARE, company.id),
        sdi_choices=sdi_words.choices() if sdi_service.has_states(db(), company.id) else [],
    )


def document_or_404(document_id: int) -> Document:
    """The document, if it exists for the signed-in person."""
    document = service.find_document(db(), signed_in_actor(), document_id)
    if document is None:
        abort(404)
    return document


@blueprint.get("/<int:document_id>")
@requires(Permission.DOCUMENTS_SEE)
def show_document(document_id: int) -> Any:
    """One document: facts, files, versions, and what was sent to whom."""
    actor, document = signed_in_actor(), document_or_404(document_id)
    obstacle = find_obstacle(db(), actor, document)
    history = document_history(db(), actor, document)
    return render_template(
        "documents/show.html",
        document=document,
        types=type_names(only_used=False),
        versions=list_versions(db(), signed_in_actor(), document),
        history=history,
        proofs=stage_badges([line.message_id for line in history]),
        main=next((file for file in document.files if file.role == service.FileRole.MAIN), None),
        mailing_reason=mailing_reason,
        may_send=obstacle is None,
        obstacle=obstacle_words(document, obstacle) if obstacle not in (None, Obstacle.NO_RIGHT) else "",
        sdi=sdi_service.find_card(db(), document),
        sdi_words=sdi_words,
        is_final=document.not_mailable_reason in service.NEVER_BY_HAND,
        may_prepare=actor.can(Permission.OUTBOX_PREPARE, document.company_id, document.type),
        may_manage=actor.can(Permission.DOCUMENTS_MANAGE, document.company_id, document.type),
    )


@blueprint.get("/<int:document_id>/history")
@requires(Permission.DOCUMENTS_SEE)
def show_history(document_id: int) -> Any:
    """What was sent of a document, alone: its page asks again while something is on its way (PD-8)."""
    document = document_or_404(document_id)
    history = document_history(db(), signed_in_actor(), document)
    proofs = stage_badges([line.message_id for line in history])
    return render_template("documents/_sent_to.html", document=document, history=history, proofs=proofs)


@blueprint.get("/<int:document_id>/files/<int:file_id>")
@requires(Permission.DOCUMENTS_SEE)
def download_file(document_id: int, file_id: int) -> Response:
    """A file of a document: PDFs inside the page, everything else as a download."""
    document = document_or_404(document_id)
    file = db().scalar(
        select(DocumentFile).where(DocumentFile.id == file_id, DocumentFile.document_id == document.id)
    )
    if file is None:
        abort(404)
    try:
        content = installation().store.read(file.sha256)
    except (StoredFileMissing, StoredFileDamaged):
        abort(
            410,
            _("This file is missing or damaged: restore it from a backup, or bring the document in again."),
        )
    is_inline = (
        file.mime == "application/pdf" and content.startswith(b"%PDF-") and "download" not in request.args
    )
    response = Response(content, mimetype=file.mime if is_inline else "application/octet-stream")
    response.headers.set("Content-Disposition", "inline" if is_inline else "attachment", filename=file.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return allow_framing(response, PDF_POLICY) if is_inline else response


@blueprint.post("/<int:document_id>/mailable")
@requires(Permission.OUTBOX_PREPARE)
def set_mailable(document_id: int) -> Any:
    """Mark a document as not to be sent, or as to be sent again."""
    document = document_or_404(document_id)
    is_mailable = request.form.get("mailable") == "yes"
    try:
        service.set_mailable(db(), signed_in_actor(), document, is_mailable)
    except service.NeverMailed as never:
        flash(_("It stays unsent: %(reason)s.", reason=mailing_reason(never.reason)), "warning")
        return redirect(url_for("documents.show_document", document_id=document.id), 303)
    flash(
        _("The document will be sent.") if is_mailable else _("The document is marked as not to be sent."),
        "success",
    )
    return redirect(url_for("documents.show_document", document_id=document.id), 303)


@blueprint.post("/<int:document_id>/void")
@requires(Permission.DOCUMENTS_MANAGE)
def void_document(document_id: int) -> Any:
    """Mark a document as cancelled: it drops out of every run that has not left."""
    document = document_or_404(document_id)
    service.void_document(db(), signed_in_actor(), document)
    flash(_("The document is marked as voided. It drops out of runs that have not left."), "success")
    return redirect(url_for("documents.show_document", document_id=document.id), 303)


add_packaging_routes(blueprint)
add_text_routes(blueprint)
add_look_routes(blueprint)
add_layout_routes(blueprint)
add_sdi_routes(blueprint)


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
