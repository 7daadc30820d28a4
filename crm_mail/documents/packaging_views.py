"""Settings pages of packagings: the list, one packaging, and which one customers born at the till get.

`documents.views` puts these routes on the room's blueprint with `add_packaging_routes`.
"""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies.company_rules import CompanyInvalid
from crm_mail.companies.messages import show_problems
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.type_registry import company_types
from crm_mail.delivery.service import accounts_for
from crm_mail.documents import packagings
from crm_mail.documents.builtin_texts import BUNDLE
from crm_mail.documents.packaging_forms import PackagingForm, TillForm
from crm_mail.documents.packagings import PackagingInUse, PackagingValues
from crm_mail.documents.texts import text_names
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm


def _company(company_id: int) -> Company:
    company = db().get(Company, company_id) or abort(404)
    return company if signed_in_actor().can(Permission.SETTINGS_MANAGE, company.id) else abort(404)


@requires(Permission.SETTINGS_MANAGE)
def list_packagings(company_id: int) -> Any:
    """Every packaging of a company; POST keeps which one customers born at the till get."""
    company = _company(company_id)
    found = packagings.list_packagings(db(), company.id)
    form = TillForm.of(company.till_packaging or DEFAULT_PACKAGING, [one.code for one in found])
    if form.validate_on_submit():
        packagings.set_till_packaging(db(), signed_in_actor(), company, form.till_packaging.data)
        flash(_("Saved."), "success")
        return redirect(url_for("documents.list_packagings", company_id=company.id), 303)
    page = render_template(
        "documents/packagings.html",
        company=company,
        packagings=found,
        parties=packagings.count_parties(db(), company.id, signed_in_actor().sight),
        form=form,
    )
    return page, 422 if form.errors else 200


@requires(Permission.SETTINGS_MANAGE)
def create_packaging(company_id: int) -> Any:
    """Add a packaging."""
    return _page(_company(company_id), None)


@requires(Permission.SETTINGS_MANAGE)
def edit_packaging(company_id: int, code: str) -> Any:
    """Change a packaging."""
    company = _company(company_id)
    return _page(company, packagings.find_packaging(db(), company.id, code) or abort(404))


def _page(company: Company, values: PackagingValues | None) -> Any:
    form = _form(company, values)
    if form.validate_on_submit():
        entered = form.values(values.code if values else "")
        try:
            packagings.save_packaging(db(), signed_in_actor(), company, entered, is_new=values is None)
        except CompanyInvalid as refused:
            show_problems(form, refused.problems)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("documents.list_packagings", company_id=company.id), 303)
    page = render_template("documents/packaging_edit.html", company=company, form=form, values=values)
    return page, 422 if form.errors else 200


def _form(company: Company, values: PackagingValues | None) -> PackagingForm:
    types, language = company_types(db(), company.id), str(get_locale() or "en")
    named = [(one, types.label(one, language)) for one in types.used]
    texts = [
        (one, _("Several types in one message") if one == BUNDLE else types.label(one, language))
        for one in text_names(db(), company.id)
    ]
    has_copies = bool(installation().settings.copies_dir)
    return PackagingForm.of(values, named, texts, accounts_for(db(), company.id), has_copies=has_copies)


@requires(Permission.SETTINGS_MANAGE)
def remove_packaging(company_id: int, code: str) -> Any:
    """Remove a packaging that nobody names."""
    company = _company(company_id)
    if ActionForm().validate_on_submit():
        try:
            packagings.remove_packaging(db(), signed_in_actor(), company, code)
        except PackagingInUse:
            flash(
                _(
                    "%(code)s is in use and cannot be removed. Give its customers another packaging.",
                    code=code,
                ),
                "danger",
            )
        else:
            flash(_("%(code)s was removed.", code=code), "success")
    return redirect(url_for("documents.list_packagings", company_id=company.id), 303)


def add_packaging_routes(blueprint: Blueprint) -> None:
    """Put the pages on the room's blueprint."""
    rule, both = "/packagings/<int:company_id>", ["GET", "POST"]
    blueprint.add_url_rule(rule, view_func=list_packagings, methods=both)
    blueprint.add_url_rule(f"{rule}/new", view_func=create_packaging, methods=both)
    blueprint.add_url_rule(f"{rule}/<code>", view_func=edit_packaging, methods=both)
    blueprint.add_url_rule(f"{rule}/<code>/remove", view_func=remove_packaging, methods=["POST"])
