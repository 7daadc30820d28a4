"""Pages of the layouts: the list, the editor with its preview on a real document, the history and the difference.

`documents.views` puts these routes on the room's blueprint with `add_layout_routes`.
"""

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from crm_mail.companies.models import Company
from crm_mail.documents import layouts, look_words, looks, print_previews
from crm_mail.documents.differences import unified
from crm_mail.documents.layout_checks import check_jobs
from crm_mail.documents.layout_names import check_names
from crm_mail.documents.look_views import (
    chosen_job,
    company_or_404,
    logo_of,
    page_language,
    pdf_answer,
    preview_fragment,
)
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import CFDI
from crm_mail.documents.pdf_sandbox import LayoutFault, compile_layout
from crm_mail.documents.pdf_sandbox_rules import FILTERS, PARTS
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.preview_pool import previews_of
from crm_mail.documents.print_previews import SAMPLE, Trial
from crm_mail.documents.rendering import RenderFailed
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import commit_now, db
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_if_any
from crm_mail.web.type_names import type_name


class LayoutForm(FlaskForm):
    """The source; `based_on` is the version that the author saw."""

    source = TextAreaField(_l("Layout code"))
    based_on = HiddenField()

    def seen_version(self) -> int | None:
        """The version the author saw; None when the page did not say."""
        given = str(self.based_on.data or "")
        return int(given) if given.isdigit() and len(given) < 10 else None


def layout_label(name: str) -> str:
    """What a layout prints, in the language of the page."""
    return _("Stamped CFDI (any type)") if name == CFDI else type_name(name)


def named_company(name: str) -> Company:
    """The company at work, or 404 for a layout that it cannot have."""
    company = company_or_404()
    if name not in layouts.layout_names(db(), company.id):
        abort(404)
    return company


def look_of(company: Company) -> Theme:
    """The look in use, which layouts are tried in."""
    return looks.stored_theme(looks.look_in_use(db(), company.id).values, logo_of(company))


@requires(Permission.TEXTS_MANAGE)
def list_layouts() -> Any:
    """Every layout of the company at work: which are its own."""
    company = company_if_any(Permission.TEXTS_MANAGE)
    names = layouts.layout_names(db(), company.id) if company else ()
    own = layouts.own_layouts(company) if company else {}
    rows = [(name, layout_label(name), name in own) for name in names]
    return render_template("documents/layouts.html", company=company, rows=rows)


@requires(Permission.TEXTS_MANAGE)
def edit_layout(name: str) -> Any:
    """Change a layout; it is drawn for the samples before it is saved, and every save is a version."""
    company = named_company(name)
    in_use = layouts.layout_in_use(db(), company.id, name)
    source = in_use.source or layouts.builtin_source(db(), company.id, name)
    form = LayoutForm(data={"source": source, "based_on": str(in_use.version)})
    if form.validate_on_submit() and (saved := save_checked(company, name, form)):
        flash(_("Saved. What is drawn from now on has this layout."), "success")
        return redirect(saved, 303)
    status = 422 if form.errors else 200
    return layout_page(company, name, form, in_use), status


def save_checked(company: Company, name: str, form: LayoutForm) -> str:
    """Save what the form says, if it can be drawn; the page's address, or empty with the reason in the form."""
    source = (form.source.data or "").replace("\r\n", "\n")
    if source == layouts.builtin_source(db(), company.id, name):
        source = ""
    try:
        if source.strip():
            check_source(source)
            jobs = list(check_jobs(db(), company, name, source, look_of(company)))
            commit_now()  # drawing takes seconds, and nobody else can write meanwhile on SQLite
            previews_of(current_app.extensions).check(jobs)
        layouts.save_layout(
            db(), signed_in_actor(), company.id, name, source if source.strip() else "", form.seen_version()
        )
        return url_for(".edit_layout", name=name)
    except LayoutFault as fault:
        form.source.errors = [look_words.layout_words(fault.facts)]
    except RenderFailed as failed:
        form.source.errors = [look_words.failure_words(failed)]
    except layouts.LayoutChangedMeanwhile:
        form.form_errors.append(
            _(
                "Somebody else saved this layout meanwhile. Copy your changes, reload the page and repeat them."
            )
        )
    return ""


def check_source(source: str) -> None:
    """What can be said of a layout before it is drawn. Raises `LayoutFault`."""
    compile_layout(source)
    check_names(source)


def layout_page(company: Company, name: str, form: LayoutForm, in_use: layouts.LayoutVersion) -> str:
    """The editor, with the preview and the history."""
    return render_template(
        "documents/layout_edit.html",
        company=company,
        name=name,
        title=layout_label(name),
        form=form,
        in_use=in_use,
        sample=layouts.base_type(db(), company.id, name),
        documents=print_previews.real_documents(db(), signed_in_actor(), company.id, name),
        versions=layouts.list_layout_versions(db(), company.id, name),
        parts=sorted(PARTS),
        filters=sorted(FILTERS),
    )


@requires(Permission.TEXTS_MANAGE)
def preview_layout(name: str) -> Any:
    """A page of the chosen document by the layout in the editor, or why there is none (422); part of the page."""
    job = layout_job(name)
    try:
        check_source(job.source)
    except LayoutFault as fault:
        problem = look_words.layout_words(fault.facts)
        return render_template("documents/_print_preview.html", problem=problem), 422
    return preview_fragment(job, url_for(".preview_layout", name=name), "layout-form")


@requires(Permission.TEXTS_MANAGE)
def preview_layout_pdf(name: str) -> Any:
    """The chosen document as a PDF by the layout in the editor; nothing is kept."""
    return pdf_answer(layout_job(name))


def layout_job(name: str) -> RenderJob:
    """What the editor asks to be drawn."""
    company = named_company(name)
    source = LayoutForm().source.data or ""
    trial = Trial(look_of(company), {name: source}, page_language())
    chosen = request.form.get("document", "")
    if chosen and not chosen.startswith(SAMPLE):
        return chosen_job(company, trial)
    job = next(iter(check_jobs(db(), company, name, source, trial.theme)))
    sample = print_previews.sample_job(db(), company, dict(job.data), trial)
    return type(sample)(sample.key, sample.layout, sample.data, trial.language, sample.theme, (), source)


@requires(Permission.TEXTS_MANAGE)
def compare_layouts(name: str) -> Any:
    """The difference between two versions; 0 is the built-in layout."""
    company = named_company(name)
    versions = layouts.list_layout_versions(db(), company.id, name)
    newest = versions[0].version if versions else layouts.BUILTIN_VERSION
    old = request.args.get("old", max(newest - 1, 0), type=int)
    new = request.args.get("new", newest, type=int)
    sources = [layouts.find_layout_version(db(), company.id, name, version) for version in (old, new)]
    if sources[0] is None or sources[1] is None:
        abort(404)
    return render_template(
        "documents/difference.html",
        title=layout_label(name),
        back=(_("Layout: %(name)s", name=layout_label(name)), url_for(".edit_layout", name=name)),
        versions=[0, *(one.version for one in reversed(versions))],
        old=old,
        new=new,
        parts=[(_("Layout code"), unified(sources[0], sources[1]))],
    )


@requires(Permission.TEXTS_MANAGE)
def restore_layout(name: str) -> Any:
    """Use an older version again, or the built-in layout (version 0); an older one is checked again."""
    company, version = named_company(name), request.form.get("version", -1, type=int)
    if not ActionForm().validate_on_submit():
        abort(400)
    source = layouts.find_layout_version(db(), company.id, name, version)
    if source is None:
        abort(404)
    form = LayoutForm(formdata=None, data={"source": source})
    if not save_checked(company, name, form):
        abort(422, " ".join(str(error) for error in form.source.errors))
    flash(_("Restored."), "success")
    return redirect(url_for(".edit_layout", name=name), 303)


def add_layout_routes(blueprint: Blueprint) -> None:
    """Put the pages of layouts on the documents room's blueprint."""
    one = "/layouts/<name>"
    blueprint.add_url_rule("/layouts", view_func=list_layouts, methods=["GET"])
    blueprint.add_url_rule(one, view_func=edit_layout, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{one}/preview", view_func=preview_layout, methods=["POST"])
    blueprint.add_url_rule(f"{one}/preview.pdf", view_func=preview_layout_pdf, methods=["POST"])
    blueprint.add_url_rule(f"{one}/difference", view_func=compare_layouts, methods=["GET"])
    blueprint.add_url_rule(f"{one}/restore", view_func=restore_layout, methods=["POST"])
