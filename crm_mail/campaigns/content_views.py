"""The second step of a mailing: subject and text in each language, with a preview that follows."""

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.campaigns.content import tidy
from crm_mail.campaigns.forms import ContentForm
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.page import campaign_or_404, editable_or_404, step_page
from crm_mail.campaigns.service import change_text
from crm_mail.campaigns.testing import make_trial
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.documents.message_context import MESSAGE_FIELDS, placeholder_names
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.text_forms import explain
from crm_mail.documents.text_views import with_subject
from crm_mail.documents.texts import RenderedMessage, TextInvalid, TextMissing
from crm_mail.outbox.reviewing.body_pictures import with_pictures
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.security_headers import MAIL_POLICY, allow_framing

_HIDDEN = ("document", "download_link", "same_type")


def _language(row: Campaign) -> str:
    wanted = request.args.get("language", "")
    usual = row.company.language if row.company.language in TEXT_LANGUAGES else "en"
    return wanted if wanted in TEXT_LANGUAGES else next(iter(row.texts), usual)


@requires(Permission.OUTBOX_PREPARE)
def edit_content(campaign_id: int) -> Any:
    """Write the text of one language."""
    row = editable_or_404(campaign_id) if request.method == "POST" else campaign_or_404(campaign_id)
    language = _language(row)
    form = ContentForm.of(row, language)
    if form.validate_on_submit():
        try:
            change_text(db(), signed_in_actor(), row, language, form.text())
        except TextMissing as missing:
            form[missing.field].errors = [_("Enter a value.")]
        except TextInvalid as wrong:
            form[wrong.field].errors = [explain(wrong.error)]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("campaigns.edit_content", campaign_id=row.id, language=language), 303)
    page = step_page(
        row,
        "edit_content",
        form=form,
        language=language,
        text_languages=TEXT_LANGUAGES,
        placeholders=[name for name in placeholder_names(MESSAGE_FIELDS) if not name.startswith(_HIDDEN)],
    )
    return page, 422 if form.errors else 200


@requires(Permission.OUTBOX_PREPARE)
def preview(campaign_id: int) -> Any:
    """What the text in the editor would give to the first recipient; shown in a frame."""
    row = campaign_or_404(campaign_id)
    language = _language(row)
    return _preview(row, language, ContentForm().text(), request.form.get("part", "html"))


@requires(Permission.OUTBOX_PREPARE)
def preview_saved(campaign_id: int) -> Any:
    """What the kept text gives to the first recipient; shown in a frame."""
    row = campaign_or_404(campaign_id)
    language = _language(row)
    text = MessageText(
        *(row.texts.get(language, {}).get(part, "") for part in ("subject", "body_text", "body_html"))
    )
    return _preview(row, language, text, request.args.get("part", "html"))


def _preview(row: Campaign, language: str, text: MessageText, part: str) -> Response:
    tried = Campaign(
        company_id=row.company_id,
        document_type=row.document_type,
        purpose=row.purpose,
        audience=row.audience,
        only_subscribed=row.only_subscribed,
        with_parties=row.with_parties,
    )
    try:
        tried.texts = {language: tidy(text, language)}
        trial = make_trial(db(), installation(), signed_in_actor(), tried, language, files=False)
    except (TextInvalid, TextMissing, TemplateInvalid) as refused:
        error = refused.error if isinstance(refused, TextInvalid) else refused
        words = explain(error) if isinstance(error, TemplateInvalid) else _("Enter a value.")
        field = "" if isinstance(refused, TemplateInvalid) else refused.field
        page = render_template("documents/texts_preview.html", problem=words, field=field, shown=None)
        return allow_framing(make_response(page, 422), MAIL_POLICY)
    shown = RenderedMessage(trial.subject, trial.body_text, trial.body_html)
    if part == "text" or not shown.html:
        page = render_template("documents/texts_preview.html", problem="", shown=shown)
        return allow_framing(make_response(page), MAIL_POLICY)
    html = with_pictures(shown.html, row.files, installation().store)
    return allow_framing(make_response(with_subject(html, shown.subject)), MAIL_POLICY)


def add_routes(blueprint: Blueprint) -> None:
    """Register this step."""
    one = "/<int:campaign_id>/content"
    blueprint.add_url_rule(one, "edit_content", edit_content, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{one}/preview", "preview_content", preview, methods=["POST"])
    blueprint.add_url_rule(f"{one}/saved", "preview_saved", preview_saved)
