"""Pages of message texts: the list, the editor with its preview, and the history.

`documents.views` puts these routes on the room's blueprint with `add_text_routes`.
"""

import re
from typing import Any, cast

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from markupsafe import Markup

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents import texts
from crm_mail.documents.builtin_texts import BUNDLE, MessageText, builtin_text
from crm_mail.documents.context_fields import company_fields
from crm_mail.documents.differences import unified
from crm_mail.documents.message_context import MESSAGE_FIELDS, SenderFields, placeholder_names
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.text_book import BUILTIN_VERSION, TextInUse
from crm_mail.documents.text_forms import TextForm, explain
from crm_mail.documents.text_samples import sample_context
from crm_mail.documents.text_trials import find_trial, text_trials, trial_context
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_at_work, company_if_any
from crm_mail.web.security_headers import MAIL_POLICY, allow_framing
from crm_mail.web.type_names import type_name

_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)
_ITEM_FIELDS = tuple(cast("dict[str, Any]", cast("dict[str, Any]", MESSAGE_FIELDS["documents"])["[]"]))


def text_label(name: str) -> str:
    """What a text is for, in the language of the page."""
    return _("Several types in one message") if name == BUNDLE else type_name(name)


def company() -> Company:
    """The company at work, or 404."""
    return company_at_work(Permission.TEXTS_MANAGE)


def check_names(name: str, language: str) -> None:
    """404 for a text that cannot exist."""
    if not texts.is_known(name, language, texts.text_names(db(), company().id)):
        abort(404)


@requires(Permission.TEXTS_MANAGE)
def list_texts() -> Any:
    """Every text of the company at work: which are its own, which built in."""
    at_work = company_if_any(Permission.TEXTS_MANAGE)
    book = texts.load_texts(db(), at_work.id) if at_work else None
    rows = [
        (name, text_label(name), [(language, book.text(name, language)) for language in TEXT_LANGUAGES])
        for name in (texts.text_names(db(), at_work.id) if at_work else ())
        if book is not None
    ]
    return render_template("documents/texts.html", company=at_work, rows=rows)


@requires(Permission.TEXTS_MANAGE)
def edit_text(name: str, language: str) -> Any:
    """Change a text; every save is a version."""
    check_names(name, language)
    at_work = company()
    in_use = texts.text_for(db(), at_work.id, name, language)
    form = TextForm.of(in_use, texts.newest_version(db(), at_work.id, name, language))
    if form.validate_on_submit():
        try:
            before = form.seen_version()
            texts.save_text(db(), signed_in_actor(), at_work.id, name, language, form.text(), before)
            flash(_("Saved. Runs that are already prepared keep their texts."), "success")
            return redirect(url_for(".edit_text", name=name, language=language), 303)
        except texts.TextChangedMeanwhile:
            form.form_errors.append(
                _(
                    "Somebody else saved this text meanwhile. Copy your changes, reload the page and repeat them."
                )
            )
        except (texts.TextInvalid, texts.TextMissing) as refused:
            form.show(refused)
    return editor_page(at_work, name, language, form, in_use), 422 if form.errors else 200


def editor_page(at_work: Company, name: str, language: str, form: TextForm, in_use: TextInUse) -> str:
    """The editor, with the placeholders, the preview and the history."""
    return render_template(
        "documents/texts_edit.html",
        company=at_work,
        name=name,
        title=text_label(name),
        text_language=language,
        form=form,
        in_use=in_use,
        placeholders=placeholder_names(MESSAGE_FIELDS),
        item_fields=_ITEM_FIELDS,
        versions=texts.list_versions(db(), at_work.id, name, language),
        trials=text_trials(db(), signed_in_actor(), at_work.id, name),
        text_languages=TEXT_LANGUAGES,
    )


@requires(Permission.TEXTS_MANAGE)
def restore_text(name: str, language: str) -> Any:
    """Use an older version again, or the built-in text (version 0)."""
    check_names(name, language)
    version = request.form.get("version", -1, type=int)
    if not ActionForm().validate_on_submit():
        abort(400)
    actor, at_work = signed_in_actor(), company()
    try:
        if version == BUILTIN_VERSION:
            texts.restore_builtin(db(), actor, at_work.id, name, language)
        elif not texts.restore_version(db(), actor, at_work.id, name, language, version):
            abort(404)
    except texts.TextInvalid as refused:
        abort(422, explain(refused.error))
    flash(_("Restored."), "success")
    return redirect(url_for(".edit_text", name=name, language=language), 303)


@requires(Permission.TEXTS_MANAGE)
def preview_saved_text(name: str, language: str) -> Any:
    """What the text in use, or a version of the history, gives with sample data; shown in a frame."""
    check_names(name, language)
    at_work = company()
    version = request.args.get("version", type=int)
    if version is None:
        text = texts.text_for(db(), at_work.id, name, language).text
    else:
        kept = {v.version: v.text for v in texts.list_versions(db(), at_work.id, name, language)}
        text = builtin_text(name, language) if version == 0 else kept.get(version) or abort(404)
    return preview_page(at_work, name, language, text, request.args.get("part", "html"))


@requires(Permission.TEXTS_MANAGE)
def preview_text(name: str, language: str) -> Any:
    """What the text in the editor would give, before it is saved; shown in a frame."""
    check_names(name, language)
    return preview_page(company(), name, language, TextForm().text(), request.form.get("part", "html"))


def preview_page(at_work: Company, name: str, language: str, text: MessageText, part: str) -> Response:
    """The message with the chosen document or sample data, or why there is none (422); its policy runs nothing."""
    actor = signed_in_actor()
    sender = SenderFields(name=actor.name, email=actor.email)
    named = company_types(db(), at_work.id).names
    trial = find_trial(db(), actor, at_work.id, request.form.get("trial", ""))
    if trial is None:
        context = sample_context(company_fields(at_work), sender, name, language, named=named)
    else:
        context = trial_context(at_work, sender, trial, language, named)
    try:
        shown = texts.preview_text(text, context, name, language)
    except (texts.TextInvalid, texts.TextMissing) as refused:
        words = explain(refused.error) if isinstance(refused, texts.TextInvalid) else _("Enter a value.")
        page = render_template("documents/texts_preview.html", problem=words, field=refused.field, shown=None)
        return allow_framing(make_response(page, 422), MAIL_POLICY)
    except TemplateInvalid as error:
        page = render_template("documents/texts_preview.html", problem=explain(error), field="", shown=None)
        return allow_framing(make_response(page, 422), MAIL_POLICY)
    if part == "text" or not shown.html:
        page = render_template("documents/texts_preview.html", problem="", shown=shown)
        return allow_framing(make_response(page), MAIL_POLICY)
    return allow_framing(make_response(with_subject(shown.html, shown.subject)), MAIL_POLICY)


@requires(Permission.TEXTS_MANAGE)
def compare_texts(name: str, language: str) -> Any:
    """The difference between two versions; 0 is the built-in text."""
    check_names(name, language)
    versions = texts.list_versions(db(), company().id, name, language)
    kept = {0: builtin_text(name, language), **{one.version: one.text for one in versions}}
    newest = versions[0].version if versions else 0
    old = request.args.get("old", max(newest - 1, 0), type=int)
    new = request.args.get("new", newest, type=int)
    if old not in kept or new not in kept:
        abort(404)
    fields = (("subject", _("Subject")), ("body_text", _("Plain text")), ("body_html", _("HTML")))
    return render_template(
        "documents/difference.html",
        title=text_label(name),
        back=(text_label(name), url_for(".edit_text", name=name, language=language)),
        versions=sorted(kept),
        old=old,
        new=new,
        parts=[(label, unified(getattr(kept[old], f), getattr(kept[new], f))) for f, label in fields],
    )


def with_subject(html: str, subject: str) -> str:
    """The finished HTML with its subject above, as mail programs show it."""
    strip = render_template("documents/texts_preview_subject.html", subject=subject)
    found = _BODY.search(html)
    place = found.end() if found else 0
    return Markup(html[:place]) + Markup(strip) + Markup(html[place:])  # noqa: S704 - our layout, cleaned body


def add_text_routes(blueprint: Blueprint) -> None:
    """Put the pages of texts on the documents room's blueprint."""
    one = "/texts/<name>/<language>"
    blueprint.add_url_rule("/texts", view_func=list_texts, methods=["GET"])
    blueprint.add_url_rule(one, view_func=edit_text, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{one}/difference", view_func=compare_texts, methods=["GET"])
    blueprint.add_url_rule(f"{one}/restore", view_func=restore_text, methods=["POST"])
    blueprint.add_url_rule(f"{one}/preview", view_func=preview_saved_text, methods=["GET"])
    blueprint.add_url_rule(f"{one}/preview", view_func=preview_text, methods=["POST"])
