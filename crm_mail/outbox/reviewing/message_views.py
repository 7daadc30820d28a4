"""One message of a run: its preview, its parts, the decision about it, and its correction."""

import io
from typing import Any

from flask import (
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.contacts.address_kinds import remember_kind
from crm_mail.contacts.models import Contact, Party
from crm_mail.contacts.values import AddressValues
from crm_mail.delivery.addresses import AddressInvalid
from crm_mail.delivery.headers import safe_file_name
from crm_mail.delivery.routing import AddressKind
from crm_mail.outbox.change_words import edit_words
from crm_mail.outbox.models import Message, MessageContent, MessageEvent, MessageRevision, Run
from crm_mail.outbox.reviewing import review, review_page
from crm_mail.outbox.reviewing.body_pictures import with_pictures
from crm_mail.outbox.reviewing.card_addresses import card_without_address, keep_on_card
from crm_mail.outbox.reviewing.edit_problems import EditProblem
from crm_mail.outbox.reviewing.editing import Correction, EditRefused, restore_revision
from crm_mail.outbox.reviewing.editing import edit_message as apply_correction
from crm_mail.outbox.reviewing.message_page import PDF, find_file, is_pane, message_context, shown_accounts
from crm_mail.outbox.reviewing.review import Chosen, RunNotOpen
from crm_mail.outbox.reviewing.review_acts import act, back_to_list, problem_words
from crm_mail.outbox.reviewing.review_forms import MessageForm
from crm_mail.outbox.reviewing.review_page import message_or_404, run_or_404
from crm_mail.outbox.reviewing.row_words import row_context
from crm_mail.outbox.sending.envelopes import raw_bytes
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation
from crm_mail.web.security_headers import MAIL_POLICY, PDF_POLICY, allow_framing


@requires(Permission.DOCUMENTS_SEE)
def message(run_id: int, message_id: int) -> Any:
    """The preview of a message: a page of its own, or the pane beside the list."""
    run = run_or_404(run_id)
    return show(run, message_or_404(run, message_id), request.args.get("tab", ""))


def show(run: Run, shown: Message, tab: str = "", row: Message | None = None) -> str:
    """Render the preview; ``row`` is a row of the list to draw again with it."""
    context = message_context(run, shown, tab)
    if not is_pane():
        return render_template("outbox/message.html", **context)
    rows = [one for one in (row, shown) if one is not None] if row is not None else []
    names = review_page.account_names(db(), rows)
    values = row_context(run, rows) | context | {"rows": rows, "account_names": names}
    return render_template("outbox/_message_answer.html", **values)


@requires(Permission.OUTBOX_REVIEW)
def decide(run_id: int, message_id: int) -> Any:
    """Approve, leave out, put back, check again or settle the kind of address; then the next message, or this one."""
    run = run_or_404(run_id)
    chosen = message_or_404(run, message_id)
    action = request.form.get("action", "")
    following = _following(run, chosen) if action in ("approve", "exclude") else None
    try:
        _do(run, chosen, action)
    except RunNotOpen as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
    except EditRefused as refused:
        db().rollback()
        flash(edit_words(refused.problem, refused.params, _), "warning")
    if following is None and action in ("approve", "exclude") and not review_page.is_of_send_page():
        flash(_("No message further down this list waits for a decision."), "info")
    return _go_on(run, message_id, following)


def _do(run: Run, chosen: Message, action: str) -> None:
    if action in ("kind-ordinary", "kind-pec"):
        kind = AddressKind(action.removeprefix("kind-"))
        correction = Correction(to_address=chosen.to_address, to_kind=kind)
        apply_correction(db(), signed_in_actor(), chosen, correction, chosen.revision)
        _remember_kind(run, chosen.to_address, kind)
    else:
        act(run, signed_in_actor(), Chosen(ids=(chosen.id,)), action)


def _remember_kind(run: Run, address: str, kind: AddressKind) -> None:
    """Keep on the cards what a person says of an address, where the person may keep contacts."""
    actor = signed_in_actor()
    if not actor.can(Permission.CONTACTS_MANAGE, run.company_id):
        flash(_("The address is marked for this message only."), "info")
    elif remember_kind(db(), actor, run.company_id, [address], kind):
        flash(_("The address is marked, here and on its card."), "info")
    else:
        flash(_("The address is marked for this message. Mark it on the card too, so that it stays."), "info")


def _following(run: Run, chosen: Message) -> int | None:
    return review.next_to_review(db(), signed_in_actor(), chosen, review_page.current_filter())


def _go_on(run: Run, message_id: int, following: int | None) -> Any:
    """The next message in the same view: the pane, the list page, or the message's own page."""
    shown = following or message_id
    if review_page.is_of_send_page():
        return redirect(url_for("outbox.send_page", run_id=run.id), 303)
    if not is_pane():
        if request.form.get("view") == "page":
            place = review_page.place_arguments()
            return redirect(url_for("outbox.message", run_id=run.id, message_id=shown, **place), 303)
        return redirect(back_to_list(run, open=shown), 303)
    db().expire_all()
    chosen = review_page.current_filter()
    page = {one.id for one in review_page.current_page(run, chosen).messages}
    if following is not None and following not in page:
        first = review.position_of(db(), signed_in_actor(), run, chosen, following)
        place = {"after": following - 1, "before": None, "from": first}
        return _elsewhere(back_to_list(run, open=following, **place))
    answer = make_response(show(run, message_or_404(run, shown), row=message_or_404(run, message_id)))
    answer.headers["HX-Push-Url"] = back_to_list(run, open=shown)
    return answer


def _elsewhere(url: str) -> Response:
    """Have htmx load another page of the list."""
    return Response(status=200, headers={"HX-Redirect": url})


@requires(Permission.OUTBOX_REVIEW)
def edit_message(run_id: int, message_id: int) -> Any:
    """Correct recipients, account, subject and text of a message."""
    run = run_or_404(run_id)
    shown = message_or_404(run, message_id)
    if not review_page.rights_of(signed_in_actor(), run).review:
        abort(403)
    content = db().get_one(MessageContent, shown.id)
    form, card = MessageForm(), card_without_address(db(), signed_in_actor(), shown)
    accounts = review_page.usable_accounts(db(), signed_in_actor(), run.company_id)
    form.offer(shown_accounts(accounts, shown), card.name if card else "")
    if not form.is_submitted():
        form.fill(shown, content)
        return _form_page(run, shown, form)
    refused = _save(run, shown, content, form, card) if form.validate() else ""
    if form.errors or refused:
        db().rollback()
        shown = message_or_404(run, message_id)
        theirs = _theirs(shown, form) if refused == EditProblem.CONFLICT else None
        return _form_page(run, shown, form, theirs), 422
    db().flush()
    return _go_on(run, message_id, None)


def _form_page(run: Run, shown: Message, form: MessageForm, theirs: Any = None) -> str:
    template = "outbox/_message_edit.html" if is_pane() else "outbox/message_edit.html"
    return render_template(
        template,
        run=run,
        title=review_page.run_title(run),
        message=shown,
        form=form,
        theirs=theirs,
        part=request.args.get("part", ""),
        place=review_page.place_arguments(),
        has_html=bool(form.body_html.data),
    )


def _save(
    run: Run, shown: Message, content: MessageContent, form: MessageForm, card: Contact | Party | None
) -> EditProblem | str:
    """Apply the form; what went wrong stands at its field, and is answered."""
    conflict = form.seen_revision != shown.revision
    address_before = shown.to_address
    try:
        changed = apply_correction(
            db(), signed_in_actor(), shown, form.read(shown, content), form.seen_revision
        )
    except EditRefused as refused:
        who = _last_editor(shown) if conflict else ""
        _put_error(form, refused.problem, edit_words(refused.problem, {**refused.params, "who": who}, _))
        return refused.problem
    except AddressInvalid as refusal:
        name = "to_address" if refusal.text.strip() == (form.to_address.data or "").strip() else "cc"
        text = _("“%(address)s” is not an e-mail address. Correct it.", address=refusal.text[:100])
        form[name].errors = [text if refusal.text.strip() else _("Enter an address.")]
        return "address"
    except RunNotOpen as problem:
        form.form_errors.append(problem_words(problem))
        return "run"
    if card is not None and form.keep_on_card.data and "to_address" in changed:
        told = AddressValues(shown.to_address, AddressKind(form.to_kind.data or "unknown"))
        if keep_on_card(db(), signed_in_actor(), shown, card, told, address_before):
            flash(_("Saved, here and on the card of %(name)s.", name=card.name), "success")
            return ""
    flash(_("Saved.") if changed else _("Nothing was different."), "success" if changed else "info")
    return ""


_FIELD_OF = {
    EditProblem.ACCOUNT_UNFIT: "account_id",
    EditProblem.ACCOUNT_WRONG_KIND: "account_id",
    EditProblem.SUBJECT_EMPTY: "subject",
    EditProblem.SUBJECT_LINE_BREAK: "subject",
    EditProblem.SUBJECT_TOO_LONG: "subject",
    EditProblem.BODY_TOO_LONG: "body_text",
    EditProblem.COPIES_ON_PEC: "cc",
    EditProblem.NUMBER_INVALID: "to_address",
}


def _put_error(form: MessageForm, problem: EditProblem, text: str) -> None:
    name = _FIELD_OF.get(problem)
    if name is None:
        form.form_errors.append(text)
    else:
        form[name].errors = [*form[name].errors, text]


def _last_editor(shown: Message) -> str:
    query = select(MessageEvent.actor_name).where(
        MessageEvent.message_id == shown.id, MessageEvent.actor_name != ""
    )
    return db().scalar(query.order_by(MessageEvent.id.desc()).limit(1)) or _("Somebody else")


def _theirs(shown: Message, form: MessageForm) -> list[tuple[str, str]]:
    """What the other person saved, where it differs from what was typed here; saving again replaces it knowingly."""
    other = MessageForm(formdata=None)
    other.fill(shown, db().get_one(MessageContent, shown.id))
    form.seen.data = form.seen.raw_data = other.seen.data  # type: ignore[assignment]
    names = ("to_address", "cc", "subject", "body_text", "body_html")
    return [
        (form[name].label.text, other[name].data)
        for name in names
        if _plain(other[name].data) != _plain(form[name].data)
    ]


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


@requires(Permission.OUTBOX_REVIEW)
def restore(run_id: int, message_id: int, revision_id: int) -> Any:
    """Bring an earlier version back."""
    run = run_or_404(run_id)
    shown = message_or_404(run, message_id)
    revision = db().get(MessageRevision, revision_id)
    if revision is None or revision.message_id != shown.id:
        abort(404)
    seen = request.form.get("seen", 0, type=int)
    try:
        restore_revision(db(), signed_in_actor(), shown, revision, seen)
    except EditRefused as refused:
        db().rollback()
        params = {**refused.params, "who": _("Somebody else")}
        flash(edit_words(refused.problem, params, _), "warning")
    except RunNotOpen as problem:
        db().rollback()
        flash(problem_words(problem), "warning")
    else:
        flash(_("The earlier version is back. The one it replaced is kept in the history."), "success")
    if request.form.get("view") == "page":
        place = review_page.place_arguments()
        return redirect(
            url_for("outbox.message", run_id=run.id, message_id=shown.id, tab="history", **place), 303
        )
    return redirect(back_to_list(run, open=message_id, tab="history"), 303)


@requires(Permission.DOCUMENTS_SEE)
def message_body(run_id: int, message_id: int) -> Response:
    """The HTML body alone, for a frame in which nothing of it can run."""
    shown = message_or_404(run_or_404(run_id), message_id)
    body = with_pictures(db().get_one(MessageContent, shown.id).body_html, shown.files, installation().store)
    return allow_framing(Response(body, mimetype="text/html"), MAIL_POLICY)


@requires(Permission.DOCUMENTS_SEE)
def message_source(run_id: int, message_id: int) -> Response:
    """The whole message as a file: the very bytes that were sent, or those that would be."""
    shown = message_or_404(run_or_404(run_id), message_id)
    try:
        source, _is_sent = raw_bytes(db(), installation().store, shown)
    except (StoredFileMissing, StoredFileDamaged):
        abort(409, _("A file of this message is missing or damaged: restore it from a backup."))
    except ValueError:
        abort(409, _("This message cannot be built yet: settle what blocks it first."))
    return _download(source, f"message-{shown.id}.eml", "message/rfc822")


def _download(data: bytes, name: str, mime: str = "application/octet-stream") -> Response:
    answer = send_file(io.BytesIO(data), mime, as_attachment=True, download_name=safe_file_name(name))
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@requires(Permission.DOCUMENTS_SEE)
def message_file(run_id: int, message_id: int, position: int) -> Response:
    """A file of the message: a PDF is shown, anything else is downloaded."""
    shown = message_or_404(run_or_404(run_id), message_id)
    file = find_file(shown, position) or abort(404)
    try:
        data = installation().store.read(file.sha256)
    except (StoredFileMissing, StoredFileDamaged):
        abort(
            409,
            _("This file is missing or damaged: restore it from a backup, or bring the document in again."),
        )
    if file.mime == PDF and data.startswith(b"%PDF-") and "download" not in request.args:
        name = safe_file_name(file.name)
        return allow_framing(send_file(io.BytesIO(data), PDF, download_name=name), PDF_POLICY)
    return _download(data, file.name)
