"""Pages of a company's document types: which it uses, what it calls them, and those it adds.

`companies.views` puts these routes on the room's blueprint with `add_type_routes`.
"""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.companies import own_types
from crm_mail.companies.company_rules import CompanyInvalid
from crm_mail.companies.messages import explain, show_problems
from crm_mail.companies.models import Company
from crm_mail.companies.type_forms import NameForm, OwnTypeForm
from crm_mail.companies.type_registry import BUILT_IN, company_types
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm


def _found(company_id: int) -> Company:
    company = db().get(Company, company_id) or abort(404)
    return company if signed_in_actor().can(Permission.SETTINGS_MANAGE, company.id) else abort(404)


def _language() -> str:
    return str(get_locale() or "en")


@requires(Permission.SETTINGS_MANAGE)
def list_types(company_id: int) -> Any:
    """Every type: used or not, its name, where it goes; POST keeps which are used."""
    company, form, problem = _found(company_id), ActionForm(), ""
    if form.validate_on_submit():
        try:
            changed = own_types.set_used(db(), signed_in_actor(), company, request.form.getlist("used"))
        except CompanyInvalid:
            problem = _("Leave at least one type in use.")
        else:
            flash(
                ngettext("%(num)d type changed.", "%(num)d types changed.", changed)
                if changed
                else _("Nothing was different."),
                "success" if changed else "info",
            )
            return redirect(url_for("companies.list_types", company_id=company.id), 303)
    types = company_types(db(), company.id)
    page = render_template(
        "companies/types.html", company=company, types=types, page_language=_language(), problem=problem
    )
    return page, 422 if problem else 200


@requires(Permission.SETTINGS_MANAGE)
def edit_type(company_id: int, type_name: str) -> Any:
    """The names of a built-in type, or everything about an own one."""
    company = _found(company_id)
    view = company_types(db(), company.id).by_id.get(type_name) or abort(404)
    if view.is_own:
        return _own_page(company, OwnTypeForm.of_type(view, _built_in()), type_name)
    form = NameForm.of(view)
    if form.validate_on_submit():
        try:
            own_types.rename_type(db(), signed_in_actor(), company, type_name, form.name())
        except CompanyInvalid as refused:
            show_problems(form, refused.problems)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("companies.list_types", company_id=company.id), 303)
    title = view.facts.label(_language())
    built_in = BUILT_IN.facts(type_name)
    page = render_template(
        "companies/type_name.html", company=company, form=form, title=title, built_in=built_in
    )
    return page, 422 if form.errors else 200


@requires(Permission.SETTINGS_MANAGE)
def create_type(company_id: int) -> Any:
    """Add a type."""
    return _own_page(_found(company_id), OwnTypeForm.of_type(None, _built_in()), "")


def _own_page(company: Company, form: OwnTypeForm, type_id: str) -> Any:
    """The form of an own type, and what becomes of it."""
    if form.validate_on_submit():
        try:
            kept = own_types.save_own_type(
                db(), signed_in_actor(), company, form.own_type(type_id), is_new=not type_id
            )
        except CompanyInvalid as refused:
            of_rows = [one for one in refused.problems if one.field == "fields"]
            show_problems(form, [one for one in refused.problems if one.field != "fields"])
            form.form_errors.extend(explain(one) for one in of_rows)
        else:
            name = kept.name.labels[company.language]
            flash(_("Saved.") if type_id else _("%(name)s was added.", name=name), "success")
            return redirect(url_for("companies.list_types", company_id=company.id), 303)
    title = company_types(db(), company.id).label(type_id, _language()) if type_id else _("Add a type")
    page = render_template(
        "companies/type_own.html", company=company, form=form, title=title, type_id=type_id
    )
    return page, 422 if form.is_submitted() else 200


def _built_in() -> list[tuple[str, str]]:
    """The built-in types by their built-in names: a renamed one still is what it is."""
    return [(one.id, one.facts.label(_language())) for one in BUILT_IN.by_id.values()]


def add_type_routes(blueprint: Blueprint) -> None:
    """Put the pages on the room's blueprint."""
    rule = "/<int:company_id>/types"
    blueprint.add_url_rule(rule, view_func=list_types, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{rule}/new", view_func=create_type, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{rule}/<string:type_name>", view_func=edit_type, methods=["GET", "POST"])
