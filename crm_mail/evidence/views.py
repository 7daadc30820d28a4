"""Pages of evidence: what was received, one mail with its check, alarms to settle, mails handed in by a person."""

import io
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import SelectField
from wtforms.validators import InputRequired

from crm_mail.companies.models import Company
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.delivery.mailbox.failures import MailboxFailed
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.service import accounts_for
from crm_mail.evidence import handing_in, listing, proof_page, settling
from crm_mail.evidence.alarm_words import alarm_words
from crm_mail.evidence.handing_in import HandedIn
from crm_mail.evidence.item_words import kind_words
from crm_mail.evidence.listing import ItemFilter
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.evidence.resolving import search_for
from crm_mail.evidence.sms_views import add_sms_routes
from crm_mail.outbox.models import Message
from crm_mail.outbox.reviewing.review import find_message
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import commit_now, db, installation
from crm_mail.web.navigation import current_company

blueprint = Blueprint("evidence", __name__, url_prefix="/evidence")
_RESULTS = {
    HandedIn.TAKEN: (_l("%(name)s was taken in."), "success"),
    HandedIn.KNOWN: (_l("%(name)s was taken in before."), "info"),
    HandedIn.NOTHING: (_l("%(name)s is no receipt and speaks of no message of this company."), "warning"),
    HandedIn.TOO_LARGE: (_l("%(name)s is too large for a mail."), "warning"),
}


class HandInForm(FlaskForm):
    """Receipts that a person saved by hand, and the account they came to."""

    account = SelectField(_l("Came to"), coerce=int, validators=[InputRequired()])
    files = MultipleFileField(_l("Mails (.eml)"))


def _company() -> Company:
    return current_company(signed_in_actor()) or abort(404)


def _item(item_id: int) -> MailItem:
    item = listing.find_item(db(), signed_in_actor(), item_id) or abort(404)
    message = db().get(Message, item.message_id) if item.message_id else None
    note_reading(db(), signed_in_actor(), [message.contact_id if message else None], Way.PREVIEW)
    return item


def _message(message_id: int) -> Message:
    return find_message(db(), signed_in_actor(), message_id) or abort(404)


def _proof_of(message: Message) -> str:
    return url_for("outbox.message", run_id=message.run_id, message_id=message.id, tab="proof")


@blueprint.get("")
@requires(Permission.DOCUMENTS_SEE)
def list_items() -> str:
    """What was received about this company's messages, newest first; alarms first of all."""
    company, actor = _company(), signed_in_actor()
    chosen = ItemFilter(
        kind=request.args.get("kind", ""),
        alarm=request.args.get("alarm", ""),
        is_unmatched=request.args.get("unmatched") == "1",
    )
    before = request.args.get("after", type=int)
    rows = listing.list_items(db(), actor, company.id, chosen, before, listing.PAGE + 1)
    of_mails, of_silence = listing.count_alarms(db(), actor, company.id)
    return render_template(
        "evidence/list.html",
        rows=[(proof_page.shown_item(item), message) for item, message in rows[: listing.PAGE]],
        following=rows[listing.PAGE - 1][0].id if len(rows) > listing.PAGE else None,
        chosen=chosen,
        kinds=[(kind.value, kind_words(kind, proof_page.gettext)) for kind in ItemKind],
        silent=[
            (proof, message, alarm_words(proof.alarm, proof_page.gettext))
            for proof, message in listing.silent_messages(db(), actor, company.id)
        ]
        if chosen.alarm == "open"
        else [],
        of_mails=of_mails,
        of_silence=of_silence,
        may_set=actor.can(Permission.ACCOUNTS_MANAGE, company.id),
    )


@blueprint.get("/items/<int:item_id>")
@requires(Permission.DOCUMENTS_SEE)
def show_item(item_id: int) -> str:
    """One received mail: what it says, and each step of its check."""
    item = _item(item_id)
    message = db().get(Message, item.message_id) if item.message_id else None
    return render_template(
        "evidence/item.html",
        **proof_page.shown_item(item),
        kind=kind_words(item.kind, proof_page.gettext),
        facts=item.facts or {},
        message=message,
        message_url=_proof_of(message) if message else "",
        account=db().get(SenderAccount, item.account_id),
        settled_by=proof_page.user_name(item.alarm_settled_by),
        may_settle=proof_page.may_settle(message, item.company_id),
    )


@blueprint.get("/items/<int:item_id>/mail")
@requires(Permission.DOCUMENTS_SEE)
def download_mail(item_id: int) -> Any:
    """The mail, byte for byte as it was received."""
    item = _item(item_id)
    try:
        data = installation().store.read(item.sha256)
    except (StoredFileMissing, StoredFileDamaged):
        abort(404, _("The stored mail is missing or damaged: restore it from a backup."))
    name = f"{item.receipt_type or item.kind.value}-{item.id}.eml"
    return send_file(io.BytesIO(data), "message/rfc822", as_attachment=True, download_name=name)


@blueprint.post("/items/<int:item_id>/settle")
@requires(Permission.DOCUMENTS_SEE)
def settle_item(item_id: int) -> Any:
    """Settle the alarm of a mail, with a note."""
    item = _item(item_id)
    try:
        settling.settle_item(db(), signed_in_actor(), item, request.form.get("note", ""))
    except settling.NoteMissing:
        abort(422, _("Write what was found or done: an alarm is settled with a note."))
    flash(_("The alarm is settled."), "success")
    return redirect(url_for(".show_item", item_id=item.id), 303)


@blueprint.post("/messages/<int:message_id>/settle")
@requires(Permission.OUTBOX_COMMIT)
def settle_silence(message_id: int) -> Any:
    """Settle the silence of a message, with a note."""
    message = _message(message_id)
    try:
        settling.settle_silence(db(), signed_in_actor(), message, request.form.get("note", ""))
    except settling.NoteMissing:
        abort(422, _("Write what was found or done: an alarm is settled with a note."))
    flash(_("The alarm is settled."), "success")
    return redirect(_proof_of(message), 303)


@blueprint.post("/messages/<int:message_id>/search")
@requires(Permission.OUTBOX_COMMIT)
def search_message(message_id: int) -> Any:
    """Look for a message in its account's mailbox now."""
    message = _message(message_id)
    url = _proof_of(message)
    commit_now()  # the search has transactions of its own
    try:
        found = search_for(installation(), message_id)
    except MailboxFailed as failed:
        flash(_("The mailbox cannot be read: %(reason)s", reason=failed.failure.detail), "danger")
    else:
        text = ngettext("%(num)s mail was found.", "%(num)s mails were found.", found)
        flash(text if found else _("Nothing was found in the mailbox."), "success" if found else "info")
    return redirect(url, 303)


@blueprint.route("/hand-in", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE)
def hand_in() -> Any:
    """Take in receipts that a person saved by hand."""
    company, form = _company(), HandInForm()
    form.account.choices = _accounts(company)
    if request.method == "GET":
        return render_template("evidence/hand_in.html", form=form)
    files = [file for file in form.files.data or [] if getattr(file, "filename", "")]
    if not form.validate() or not files:
        if not files:
            form.files.errors = [_("Choose at least one file.")]
        return render_template("evidence/hand_in.html", form=form), 422
    account = db().get_one(SenderAccount, form.account.data)
    for file in files:
        outcome = handing_in.hand_in(
            db(), installation(), signed_in_actor(), account, file.filename or "", file.read()
        )
        words, tone = _RESULTS[outcome.result]
        flash(str(words) % {"name": outcome.name}, tone)
    return redirect(url_for(".list_items"), 303)


def _accounts(company: Company) -> list[tuple[int, str]]:
    views = accounts_for(db(), company.id).by_id.values()
    return [(one.id, f"{one.name} <{one.from_address}>") for one in views]


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)
    add_sms_routes(app)
