"""Pages of the words that a company chooses: its roles, and the names of the privacy levels."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from crm_mail.contacts import messages, vocabulary
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_views import company_or_404
from crm_mail.contacts.forms import LevelsForm, RoleForm
from crm_mail.contacts.models import Role
from crm_mail.contacts.problems import ContactRefused
from crm_mail.permissions import HIGHEST_CLEARANCE, Permission, requires, signed_in_actor
from crm_mail.web.door import db


def roles_page(form: RoleForm, status: int = 200) -> tuple[str, int]:
    """The list of roles, with the form that adds one."""
    actor = signed_in_actor()
    company = company_or_404()
    uses = vocabulary.count_roles(db(), actor, company.id)
    may_remove = actor.sight.clearance >= HIGHEST_CLEARANCE
    return render_template(
        "contacts/roles.html", uses=uses, form=form, company=company, may_remove=may_remove
    ), status


def found(role_id: int) -> Role:
    """The role, or 404."""
    return vocabulary.find_role(db(), signed_in_actor(), role_id) or abort(404)


@blueprint.route("/roles", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def list_roles() -> Any:
    """The roles of the company at work; the form adds one."""
    form = RoleForm()
    if form.validate_on_submit():
        try:
            role = vocabulary.add_role(db(), signed_in_actor(), company_or_404().id, form.name.data or "")
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("The role %(name)s was added.", name=role.name), "success")
            return redirect(url_for("contacts.list_roles"), 303)
    return roles_page(form, 422 if form.is_submitted() else 200)


@blueprint.route("/roles/<int:role_id>", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def edit_role(role_id: int) -> Any:
    """Give a role another name."""
    role = found(role_id)
    form = RoleForm(obj=role)
    if form.validate_on_submit():
        try:
            vocabulary.rename_role(db(), signed_in_actor(), role, form.name.data or "")
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("contacts.list_roles"), 303)
    return render_template(
        "contacts/edit_role.html", role=role, form=form
    ), 422 if form.is_submitted() else 200


@blueprint.route("/roles/<int:role_id>/remove", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def remove_role(role_id: int) -> Any:
    """Ask, then take a role off the list."""
    role = found(role_id)
    form = RoleForm(obj=role)
    if not form.is_submitted():
        return render_template("contacts/remove_role.html", role=role, form=form)
    try:
        vocabulary.remove_role(db(), signed_in_actor(), role)
    except ContactRefused as refused:
        abort(403, messages.explain(refused))
    flash(_("The role %(name)s was removed.", name=role.name), "success")
    return redirect(url_for("contacts.list_roles"), 303)


@blueprint.route("/privacy-levels", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def name_levels() -> Any:
    """What the company calls the privacy levels."""
    company = company_or_404()
    names = vocabulary.level_names(db(), company.id)
    form = LevelsForm(data={f"level_{level}": name for level, name in names.items()})
    if form.validate_on_submit():
        wanted = {level: field.data or "" for level, field in enumerate(form.levels())}
        try:
            vocabulary.name_levels(db(), signed_in_actor(), company.id, wanted)
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("contacts.name_levels"), 303)
    return render_template(
        "contacts/levels.html",
        form=form,
        company=company,
        built_in=[messages.level_label(level, {}) for level in range(4)],
    ), 422 if form.is_submitted() else 200
