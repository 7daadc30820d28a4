"""Pages of keys: the own ones under the account, everybody's for who looks after users."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from crm_mail.api import keys
from crm_mail.api.forms import KeyForm, scope_words
from crm_mail.api.models import ApiKey
from crm_mail.api.scopes import offered_scopes
from crm_mail.companies.models import Company
from crm_mail.contacts.messages import level_label
from crm_mail.contacts.vocabulary import level_names
from crm_mail.db import now
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company, visible_companies
from crm_mail.web.problems import show_problems


def _form(actor: Actor) -> KeyForm:
    form = KeyForm()
    company = current_company(actor)
    names = level_names(db(), company.id) if company else {}
    levels = [(level, level_label(level, names)) for level in range(actor.clearance + 1)]
    form.offer(offered_scopes(actor), visible_companies(actor), levels)
    return form


def _shown(key: ApiKey) -> dict[str, Any]:
    words = {one.value: text for one, text in scope_words().items()}
    codes = {one.id: one.code for one in db().query(Company).filter(Company.id.in_(key.company_ids))}
    state = "revoked" if key.revoked_at else "expired" if key.expires_at <= now() else "active"
    return {
        "key": key,
        "state": state,
        "scopes": [words.get(one, one) for one in key.scopes],
        "companies": [codes.get(one, "?") for one in key.company_ids],
    }


@requires(Permission.SIGNED_IN)
def list_keys() -> str:
    """The own keys."""
    actor = signed_in_actor()
    return render_template(
        "api/keys.html",
        rows=[_shown(key) for key in keys.list_keys(db(), actor)],
        may_make=bool(offered_scopes(actor)),
        may_see_all=actor.can(Permission.USERS_MANAGE),
    )


@requires(Permission.SIGNED_IN)
def create_key() -> Any:
    """Make a key; it is shown on the answer, this once."""
    actor = signed_in_actor()
    form = _form(actor)
    if form.validate_on_submit():
        try:
            key, token = keys.issue_key(db(), actor, form.read())
        except keys.KeyRefused as refused:
            show_problems(form, [refused], _explain)
        else:
            return render_template("api/key_made.html", key=key, token=token)
    return render_template("api/new_key.html", form=form), (422 if form.is_submitted() else 200)


def _explain(refused: keys.KeyRefused) -> str:
    words: dict[str, str] = {
        "taken": _("Somebody else has a key of this name: choose another one."),
        "scopes": _("Choose at least one."),
        "companies": _("Choose companies that you work for."),
        "name": _("Give a name of at most 80 characters."),
    }
    return words.get(refused.problem) or str(_("This value is not possible."))


@requires(Permission.SIGNED_IN)
def revoke_key(key_id: int) -> Any:
    """End a key at once: an own one, or as who looks after users."""
    actor = signed_in_actor()
    key = keys.revoke_key(db(), actor, key_id)
    if key is None:
        abort(404)
    flash(_("The key was ended: requests with it are refused from now on."), "success")
    is_own = key.owner_id == actor.user_id
    return redirect(url_for(".list_keys" if is_own else ".list_all_keys"), 303)


@requires(Permission.USERS_MANAGE)
def list_all_keys() -> str:
    """Everybody's keys."""
    found = keys.list_all_keys(db(), signed_in_actor())
    return render_template("api/all_keys.html", rows=[_shown(key) | {"owner": owner} for key, owner in found])


def add_key_routes(bp: Blueprint) -> None:
    """Where these pages are."""
    bp.add_url_rule("/my-account/api-keys", view_func=list_keys)
    bp.add_url_rule("/my-account/api-keys/new", view_func=create_key, methods=["GET", "POST"])
    bp.add_url_rule("/my-account/api-keys/<int:key_id>/revoke", view_func=revoke_key, methods=["POST"])
    bp.add_url_rule("/users/api-keys", view_func=list_all_keys)
