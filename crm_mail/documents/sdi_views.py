"""The receipt of the SdI behind a document, as it came."""

from flask import Blueprint, Response, abort
from flask_babel import gettext as _

from crm_mail.documents import sdi_service, service
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation


def add_sdi_routes(blueprint: Blueprint) -> None:
    """Add the room's pages about receipts."""

    @blueprint.get("/<int:document_id>/receipts/<int:receipt_id>")
    @requires(Permission.DOCUMENTS_SEE)
    def download_receipt(document_id: int, receipt_id: int) -> Response:
        """A receipt, byte for byte."""
        document = service.find_document(db(), signed_in_actor(), document_id)
        card = sdi_service.find_card(db(), document) if document is not None else None
        receipt = next((item for item in card.receipts if item.id == receipt_id), None) if card else None
        if receipt is None:
            abort(404)
        try:
            content = installation().store.read(receipt.sha256)
        except (StoredFileMissing, StoredFileDamaged):
            abort(410, _("This file is missing or damaged: restore it from a backup, or bring it in again."))
        response = Response(content, mimetype="application/octet-stream")
        response.headers.set("Content-Disposition", "attachment", filename=receipt.name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
