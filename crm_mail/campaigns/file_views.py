"""The third step of a mailing: attachments, pictures of the text, and the letter merged for each recipient."""

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _

from crm_mail.campaigns.content import Texts
from crm_mail.campaigns.forms import FilesForm, HtmlLetterForm, WordLetterForm, problem_of
from crm_mail.campaigns.letter_making import Letter, make_all
from crm_mail.campaigns.letters import LetterInvalid, LetterKind, check_docx, merge_docx
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.office import office_program
from crm_mail.campaigns.page import campaign_or_404, editable_or_404, step_page
from crm_mail.campaigns.service import (
    CampaignRefused,
    add_file,
    remove_file,
    remove_letter,
    set_html_letter,
    set_word_letter,
)
from crm_mail.campaigns.testing import first_reached
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.text_forms import explain
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation


def _here(row: Campaign) -> Any:
    return redirect(url_for("campaigns.edit_files", campaign_id=row.id), 303)


def _page(row: Campaign, **forms: Any) -> str:
    values = {
        "files_form": FilesForm(formdata=None),
        "word_form": WordLetterForm(formdata=None, data={"as_pdf": row.letter_as_pdf}),
        "html_forms": {
            language: HtmlLetterForm(
                formdata=None, data={"name": row.letter_name, "html": row.letter_html.get(language, "")}
            )
            for language in (row.texts or {row.company.language: {}})
        },
    } | forms
    return step_page(row, "edit_files", kinds=LetterKind, has_office=bool(office_program()), **values)


@requires(Permission.OUTBOX_PREPARE)
def edit_files(campaign_id: int) -> Any:
    """What a mailing carries."""
    return _page(campaign_or_404(campaign_id))


@requires(Permission.OUTBOX_PREPARE)
def add(campaign_id: int) -> Any:
    """Take files in."""
    row, form = editable_or_404(campaign_id), FilesForm()
    if not form.validate_on_submit():
        return _page(row, files_form=form), 422
    given = [file for file in form.files.data or () if file and file.filename]
    if not given:
        form.files.errors = [_("Choose a file.")]
        return _page(row, files_form=form), 422
    for file in given:
        try:
            add_file(
                db(),
                signed_in_actor(),
                installation(),
                row,
                file.filename,
                file.read(),
                inline=bool(form.inline.data),
            )
        except CampaignRefused as refused:
            flash(f"{file.filename}: {problem_of(refused.code, str(refused))}", "danger")
    return _here(row)


@requires(Permission.OUTBOX_PREPARE)
def remove(campaign_id: int, file_id: int) -> Any:
    """Take a file away."""
    row = editable_or_404(campaign_id)
    remove_file(db(), signed_in_actor(), row, file_id)
    return _here(row)


@requires(Permission.OUTBOX_PREPARE)
def set_word(campaign_id: int) -> Any:
    """Use a Word template as the letter; it is merged once at once, so that a fault is known here."""
    row, form, actor = editable_or_404(campaign_id), WordLetterForm(), signed_in_actor()
    if not form.validate_on_submit():
        return _page(row, word_form=form), 422
    file = form.letter.data
    data = file.read() if file else b""
    try:
        if data:
            check_docx(data)  # before anything of it is unpacked
            merge_docx(data, _context(row))
        name = file.filename if file and file.filename else row.letter_name
        set_word_letter(db(), actor, installation(), row, name, data, as_pdf=bool(form.as_pdf.data))
    except LetterInvalid as wrong:
        form.letter.errors = [problem_of(wrong.code, str(wrong))]
        return _page(row, word_form=form), 422
    flash(_("The letter is kept. It is merged for each recipient when the mailing is prepared."), "success")
    return _here(row)


def _context(row: Campaign) -> dict[str, Any]:
    texts = Texts.of(db(), signed_in_actor(), row)
    return texts.context(first_reached(db(), signed_in_actor(), row))


@requires(Permission.OUTBOX_PREPARE)
def set_html(campaign_id: int) -> Any:
    """Use HTML as the letter, in the language of the form."""
    row, form = editable_or_404(campaign_id), HtmlLetterForm()
    language = request.form.get("language", "")
    if language not in TEXT_LANGUAGES or not form.validate_on_submit():
        abort(400)
    try:
        kept = {**row.letter_html, language: form.html.data or ""}
        set_html_letter(db(), signed_in_actor(), row, form.name.data or "", kept)
    except TemplateInvalid as wrong:
        form.html.errors = [explain(wrong)]
    except CampaignRefused as refused:
        form.html.errors = [problem_of(refused.code, str(refused))]
    else:
        flash(
            _("The letter is kept. It is printed for each recipient when the mailing is prepared."), "success"
        )
        return _here(row)
    return _page(row, html_forms={language: form}), 422


@requires(Permission.OUTBOX_PREPARE)
def drop_letter(campaign_id: int) -> Any:
    """Send no letter."""
    row = editable_or_404(campaign_id)
    remove_letter(db(), signed_in_actor(), row)
    return _here(row)


@requires(Permission.OUTBOX_PREPARE)
def trial_letter(campaign_id: int) -> Any:
    """The letter as the first recipient would get it, as a file."""
    row = campaign_or_404(campaign_id)
    letter = Letter.of(installation(), row) or abort(404)
    try:
        (made,) = make_all(letter, [_context(row)])
    except LetterInvalid as wrong:
        abort(409, problem_of(wrong.code, str(wrong)))
    if made.problem:
        abort(409, made.problem)
    answer = Response(made.data, mimetype=letter.mime)
    answer.headers.set("Content-Disposition", "attachment", filename=letter.file_name)
    return answer


def add_routes(blueprint: Blueprint) -> None:
    """Register this step."""
    one = "/<int:campaign_id>"
    blueprint.add_url_rule(f"{one}/files", "edit_files", edit_files)
    blueprint.add_url_rule(f"{one}/files", "add_files", add, methods=["POST"])
    blueprint.add_url_rule(f"{one}/files/<int:file_id>/remove", "remove_file", remove, methods=["POST"])
    blueprint.add_url_rule(f"{one}/word-letter", "set_word_letter", set_word, methods=["POST"])
    blueprint.add_url_rule(f"{one}/html-letter", "set_html_letter", set_html, methods=["POST"])
    blueprint.add_url_rule(f"{one}/no-letter", "drop_letter", drop_letter, methods=["POST"])
    blueprint.add_url_rule(f"{one}/trial-letter", "trial_letter", trial_letter)
