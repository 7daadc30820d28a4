"""Pages of proof dossiers: making one from a message, a document or a run, and checking one again."""

import tempfile
from datetime import datetime
from typing import IO, Any

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, send_file
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired

from crm_mail.delivery.pec.trust_anchors import AnchorUnreadable
from crm_mail.evidence.anchors import anchors_of
from crm_mail.evidence.dossiers import words
from crm_mail.evidence.dossiers.building import NothingToProve, build_dossier, messages_of
from crm_mail.evidence.dossiers.checking import check_dossier
from crm_mail.evidence.dossiers.findings import NotADossier
from crm_mail.evidence.dossiers.layout import Scope
from crm_mail.evidence.dossiers.summary import PrintedSummary
from crm_mail.evidence.item_words import receipt_words
from crm_mail.evidence.verification_words import content_words, trust_words
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.formats import format_datetime
from crm_mail.web.forms import ActionForm

LARGEST_HERE = 500
"""Messages of a dossier that is made while the person waits; larger ones by the command line."""
MEMORY = 20_000_000

blueprint = Blueprint("dossiers", __name__, url_prefix="/dossiers")


class CheckForm(FlaskForm):
    """A dossier to be checked."""

    file = FileField(_l("Dossier (ZIP)"), validators=[FileRequired(_l("Choose a file."))])


@blueprint.post("/<any(message, document, run):kind>/<int:object_id>")
@requires(Permission.DOCUMENTS_SEE)
def make(kind: str, object_id: int) -> Any:
    """Make a dossier and hand it over."""
    scope = Scope(kind, object_id)
    if not ActionForm().validate_on_submit():
        abort(400)
    try:
        _company, _scope, ids = messages_of(db(), signed_in_actor(), scope)
    except NothingToProve:
        abort(404)
    if len(ids) > LARGEST_HERE:
        flash(_too_large(scope, len(ids)), "warning")
        return redirect(request.referrer or "/", 303)
    file: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (the answer closes it)
    summary = PrintedSummary(str(get_locale())[:2])
    build_dossier(db(), installation().store, signed_in_actor(), scope, file, _anchors(), summary)
    file.seek(0)
    answer: Response = send_file(
        file, "application/zip", as_attachment=True, download_name=f"dossier-{kind}-{object_id}.zip"
    )
    return answer


def _too_large(scope: Scope, count: int) -> str:
    words: str = _(
        "This dossier has %(count)s messages, more than are made in the browser: make it with "
        "crm-mail dossier build --%(kind)s %(id)s.",
        count=count,
        kind=scope.kind,
        id=scope.id,
    )
    return words


def _anchors() -> Any:
    try:
        return anchors_of(installation())
    except AnchorUnreadable as problem:
        abort(409, _("A certificate of an authority cannot be read: %(why)s", why=str(problem)))


@blueprint.get("/check")
@requires(Permission.DOCUMENTS_SEE)
def check() -> Any:
    """Where a dossier is handed in to be checked."""
    return render_template("evidence/check_dossier.html", form=CheckForm(), check=None, refusal="")


@blueprint.post("/check")
@requires(Permission.DOCUMENTS_SEE)
def check_again() -> Any:
    """Check a dossier; nothing of it is kept."""
    form = CheckForm()
    if not form.validate_on_submit():
        return render_template("evidence/check_dossier.html", form=form, check=None, refusal=""), 422
    try:
        result = check_dossier(form.file.data.stream, _anchors())
    except NotADossier as problem:
        refusal = words.refusal_words(problem, _)
        return render_template("evidence/check_dossier.html", form=form, check=None, refusal=refusal), 422
    return render_template(
        "evidence/check_dossier.html",
        form=form,
        refusal="",
        check=result,
        verdict=words.verdict_words(result, _),
        problem_words=lambda one: words.problem_words(one, _),
        recipient_words=lambda one: words.recipient_words(one, _),
        receipt_words=lambda one: words.receipt_words(one, _),
        type_words=lambda kind: receipt_words(kind, False, _),
        time_words=_time_words,
        trust_words=lambda trust: trust_words(trust, _),
        content_words=lambda match: content_words(match, _),
    )


def _time_words(written: str) -> str:
    """A time as a dossier states it, in the user's zone; what is no time is shown as it stands there."""
    try:
        return format_datetime(datetime.fromisoformat(written), seconds=True)
    except ValueError:
        return written


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)
