"""Pages of the printed look: the choices, the preview on a real document, the history.

`documents.views` puts these routes on the room's blueprint with `add_look_routes`.
"""

import base64
import io
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.document_types import DocumentType
from crm_mail.documents import look_words, looks, print_previews
from crm_mail.documents.layouts import own_layouts
from crm_mail.documents.look_forms import LookForm
from crm_mail.documents.pdf_columns import OPTIONAL_COLUMNS
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_theme import InvalidTheme, theme_from, theme_values
from crm_mail.documents.preview_pool import previews_of
from crm_mail.documents.print_previews import SAMPLE, Trial
from crm_mail.documents.rendering import RenderFailed
from crm_mail.outbox.preparing import redrawing
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import commit_now, db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_at_work, company_if_any
from crm_mail.web.security_headers import PDF_POLICY, allow_framing
from crm_mail.web.type_names import type_names

_BUILT_IN = {one.value for one in DocumentType}


def company_or_404() -> Company:
    """The company at work."""
    return company_at_work(Permission.TEXTS_MANAGE)


def types_asked() -> dict[str, str]:
    """The built-in types that the company uses, by id: the page asks for their texts and columns."""
    return {kind: name for kind, name in type_names().items() if kind in _BUILT_IN}


def logo_of(company: Company) -> bytes | None:
    """The company's logo."""
    return installation().store.read(company.logo_sha256) if company.logo_sha256 else None


@requires(Permission.TEXTS_MANAGE)
def edit_look() -> Any:
    """What a company decides for all its printed documents; every save is a version."""
    company = company_if_any(Permission.TEXTS_MANAGE)
    if company is None:
        return redirect(url_for(".list_texts"), 303)  # which says what is missing
    in_use = looks.look_in_use(db(), company.id)
    form = LookForm.of(in_use, look_words.typefaces())
    if form.validate_on_submit():
        try:
            values = chosen_values(form, in_use)
            looks.save_look(db(), signed_in_actor(), company.id, values, form.seen_version())
            flash(
                _("Saved. What is drawn from now on has this look; PDFs that exist stay as they are."),
                "success",
            )
            return redirect(url_for(".edit_look"), 303)
        except InvalidTheme as refused:
            form.show(refused, look_words.problem_words)
        except looks.LookChangedMeanwhile:
            form.form_errors.append(
                _("Somebody else saved the look meanwhile. Reload the page and repeat the change.")
            )
    return look_page(company, form, in_use), 422 if form.errors else 200


def chosen_values(form: LookForm, in_use: looks.Look) -> dict[str, Any]:
    """What the form says, over what is in use."""
    before = theme_values(looks.stored_theme(in_use.values))
    return form.values(before, request.form, types_asked())


def look_page(company: Company, form: LookForm, in_use: looks.Look) -> str:
    """The page with its preview and its history."""
    types = types_asked()
    shown = (
        chosen_values(form, in_use)
        if request.method == "POST"
        else theme_values(looks.stored_theme(in_use.values))
    )
    return render_template(
        "documents/look.html",
        company=company,
        form=form,
        in_use=in_use,
        types=types,
        shown=shown,
        columns={kind: look_words.column_names(kind) for kind in types if OPTIONAL_COLUMNS.get(kind)},
        documents=print_previews.real_documents(db(), signed_in_actor(), company.id),
        history=history(company),
        redrawable=redrawing.count_redrawable(db(), company.id),
    )


def history(company: Company) -> list[tuple[looks.Look, list[tuple[str, str, str]]]]:
    """Every version with what it changed, newest first."""
    versions = looks.list_looks(db(), company.id)
    before = [*versions[1:], looks.Look(looks.DEFAULT_VERSION, looks.default_values())][: len(versions)]
    return [
        (one, [look_words.change_words(change) for change in looks.look_changes(old.values, one.values)])
        for one, old in zip(versions, before, strict=True)
    ]


@requires(Permission.TEXTS_MANAGE)
def preview_look() -> Any:
    """A page of the chosen document in the look of the form, or why there is none (422); part of the page."""
    company = company_or_404()
    try:
        job = look_job(company)
    except InvalidTheme as refused:
        problems = [look_words.problem_words(problem) for problem in refused.problems]
        return render_template("documents/_print_preview.html", problem=" ".join(problems)), 422
    return preview_fragment(job, url_for(".preview_look"), "look-form")


def preview_fragment(job: RenderJob, again_url: str, form_id: str) -> Any:
    """One page as a picture, with its neighbours' buttons."""
    page = request.form.get("page", 0, type=int)
    commit_now()  # drawing takes seconds, and nobody else can write meanwhile on SQLite
    try:
        picture = previews_of(current_app.extensions).picture(job, page)
    except RenderFailed as failed:
        problem = look_words.failure_words(failed)
        return render_template("documents/_print_preview.html", problem=problem), 422
    return render_template(
        "documents/_print_preview.html",
        picture=base64.b64encode(picture.png).decode(),
        page=min(max(page, 0), picture.pages - 1),
        pages=picture.pages,
        again_url=again_url,
        form_id=form_id,
    )


@requires(Permission.TEXTS_MANAGE)
def preview_look_pdf() -> Any:
    """The chosen document as a PDF in the look of the form; nothing is kept."""
    try:
        return pdf_answer(look_job(company_or_404()))
    except InvalidTheme as refused:
        abort(422, " ".join(look_words.problem_words(problem) for problem in refused.problems))


def pdf_answer(job: RenderJob) -> Any:
    """The whole PDF, shown by the browser."""
    commit_now()
    try:
        content = previews_of(current_app.extensions).pdf(job)
    except RenderFailed as failed:
        abort(422, look_words.failure_words(failed))
    answer = send_file(io.BytesIO(content), mimetype="application/pdf", download_name="preview.pdf")
    return allow_framing(answer, PDF_POLICY)


def look_job(company: Company) -> RenderJob:
    """What the form asks to be drawn. Raises `InvalidTheme`."""
    in_use = looks.look_in_use(db(), company.id)
    form = LookForm.of(in_use, look_words.typefaces())
    theme = theme_from(chosen_values(form, in_use), logo_of(company))
    return chosen_job(company, Trial(theme, own_layouts(company), page_language()))


def page_language() -> str:
    """The language of samples: that of the page, or the one that was asked for."""
    asked = request.form.get("language", "")
    return asked if asked in ("it", "es", "en") else str(get_locale() or "en")


def chosen_job(company: Company, trial: Trial, fallback: str = DocumentType.QUOTE) -> RenderJob:
    """The job for the document that the page chose; its fallback is a sample."""
    chosen = request.form.get("document") or f"{SAMPLE}{fallback}"
    job = print_previews.preview_job(db(), installation().store, signed_in_actor(), company, chosen, trial)
    return job or abort(404)


@requires(Permission.TEXTS_MANAGE)
def restore_look() -> Any:
    """Use an older version again, or the look of a new company (version 0)."""
    company, version = company_or_404(), request.form.get("version", -1, type=int)
    if not ActionForm().validate_on_submit():
        abort(400)
    if not looks.restore_look(db(), signed_in_actor(), company.id, version):
        abort(404)
    flash(_("Restored."), "success")
    return redirect(url_for(".edit_look"), 303)


@requires(Permission.TEXTS_MANAGE)
def draw_again() -> Any:
    """Let go of the PDFs that were never sent, so that the next preparation draws them in the look in use."""
    company = company_or_404()
    if not ActionForm().validate_on_submit():
        abort(400)
    count = redrawing.draw_again(db(), signed_in_actor(), company.id)
    text = ngettext(
        "%(num)d PDF will be drawn again when it is next prepared.",
        "%(num)d PDFs will be drawn again when they are next prepared.",
        count,
    )
    flash(text, "success")
    return redirect(url_for(".edit_look"), 303)


def add_look_routes(blueprint: Blueprint) -> None:
    """Put the pages of the look on the documents room's blueprint."""
    rules: Mapping[str, tuple[Any, tuple[str, ...]]] = {
        "/look": (edit_look, ("GET", "POST")),
        "/look/preview": (preview_look, ("POST",)),
        "/look/preview.pdf": (preview_look_pdf, ("POST",)),
        "/look/restore": (restore_look, ("POST",)),
        "/look/draw-again": (draw_again, ("POST",)),
    }
    for rule, (view, methods) in rules.items():
        blueprint.add_url_rule(rule, view_func=view, methods=list(methods))
