"""The public pages of download links, and revoking a link (CO-6).

A download is a POST: it is logged, and the programs that look at each link of a mail beforehand fetch nothing.
"""

import io
from typing import Any

from flask import Flask, Response, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _

from crm_mail.delivery.headers import safe_file_name
from crm_mail.outbox.links.downloads import log_download, open_link, revoke_link
from crm_mail.outbox.reviewing.review_page import message_or_404, run_or_404
from crm_mail.permissions import Permission, public, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm


@public
def show_download(token: str) -> Any:
    """The files behind a link; the same answer for every link that does not work."""
    offer = open_link(db(), token)
    page = render_template("outbox/download.html", offer=offer, token=token)
    return page, 200 if offer else 404, {"X-Robots-Tag": "noindex"}


@public
def download_file(token: str, position: int) -> Any:
    """One file behind a link."""
    offer = open_link(db(), token) if ActionForm().validate_on_submit() else None
    if offer is None or position >= len(offer.files):
        return show_download(token)
    file = offer.files[position]
    try:
        data = installation().store.read(file.sha256)
    except (StoredFileMissing, StoredFileDamaged):
        return render_template("outbox/download.html", offer=None, token=token), 404
    log_download(db(), offer, position, request.remote_addr or "")
    answer: Response = send_file(
        io.BytesIO(data), file.mime, as_attachment=True, download_name=safe_file_name(file.name)
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@requires(Permission.OUTBOX_COMMIT)
def revoke_download(run_id: int, message_id: int) -> Any:
    """Close the link of a message."""
    message = message_or_404(run_or_404(run_id), message_id)
    if revoke_link(db(), signed_in_actor(), message):
        flash(_("The download link does not work any more."), "success")
    return redirect(url_for("outbox.message", run_id=run_id, message_id=message_id), 303)


def add_download_routes(app: Flask) -> None:
    """Register the pages; the public ones have a short address, which stands in mails."""
    app.add_url_rule("/download/<token>", "outbox.show_download", show_download)
    app.add_url_rule(
        "/download/<token>/<int:position>", "outbox.download_file", download_file, methods=["POST"]
    )
    rule = "/outbox/<int:run_id>/messages/<int:message_id>/revoke-link"
    app.add_url_rule(rule, "outbox.revoke_download", revoke_download, methods=["POST"])
