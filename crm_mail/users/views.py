"""Pages of the users room: the people of the office and their rights. See also `login_views`, `account_views`."""

from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import all_types, company_types
from crm_mail.permissions import ANY, Actor, Permission, requires, signed_in_actor
from crm_mail.users import (
    account_views,
    guard,
    limit_views,
    link_views,
    login_views,
    messages,
    oidc,
    oidc_views,
    rights,
    second_factor_views,
    service,
)
from crm_mail.users.actors import build_actor, group_that_requires_second_factor
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import UserForm
from crm_mail.users.login_views import passwords, show_refusal, tell_after_commit
from crm_mail.users.matrix import build_matrix, read_cells
from crm_mail.users.models import User
from crm_mail.users.notices import Notice
from crm_mail.users.passwords import one_time_password
from crm_mail.users.problems import UserRefused
from crm_mail.users.service import UserDraft
from crm_mail.web import language
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm
from crm_mail.web.type_names import type_name

ROOM_PARTS = (login_views, account_views, second_factor_views, link_views, oidc_views, limit_views)


def companies() -> list[Company]:
    """Every company, by code."""
    return list(db().scalars(select(Company).order_by(Company.code)))


def words(user: User) -> list[str]:
    """What a user may do, in sentences."""
    codes = {company.id: company.code for company in companies()}
    return messages.rights_in_words(build_actor(db(), user), codes, type_name)


def found(user_id: int) -> User:
    """The user, or 404."""
    return service.get_user(db(), signed_in_actor(), user_id) or abort(404)


def page(template: str, user: User | None = None, status: int = 200, **values: Any) -> tuple[str, int]:
    """A page about one user (or a new one), with what its reader may do there."""
    actor = signed_in_actor()
    may_change = user is None or rights.may_change(actor, build_actor(db(), user))
    about: dict[str, Any] = {"user": user, "may_change": may_change, "actor": actor}
    if user is not None:
        about |= {"summary": words(user), "identity": oidc.identity_of(db(), user)}
        about["group"] = group_that_requires_second_factor(db(), user)
    return render_template(f"users/{template}.html", **about, **values), status


@blueprint.get("/users")
@requires(Permission.USERS_MANAGE)
def list_users() -> Any:
    """Everybody who may sign in."""
    text = request.args.get("q", "").strip()
    users = service.list_users(db(), signed_in_actor(), text)
    return render_template("users/list.html", users=users, words=words, q=text)


@blueprint.route("/users/new", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def create_user() -> Any:
    """Make a user: with a link by mail to choose the password, or a one-time password that is shown once."""
    form = UserForm(language=str(get_locale() or "en"))
    if form.validate_on_submit():
        password = one_time_password()
        try:
            user = service.create_user(
                db(), signed_in_actor(), read_draft(form), password, passwords(), must_change_password=True
            )
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            if "invite" in request.form:
                return link_views.hand_out_link(user)
            return page("one_time_password", user, 201, password=password, is_new=True)
    return page("edit", None, 422 if form.is_submitted() else 200, form=form)


@blueprint.route("/users/<int:user_id>", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def edit_user(user_id: int) -> Any:
    """A user's name, clearance and areas."""
    user = found(user_id)
    form = UserForm(obj=user)
    if not form.is_submitted():
        form.areas.data = [row.permission.value for row in user.grants if not row.document_type]
    elif form.validate():
        try:
            service.update_user(db(), signed_in_actor(), user, read_draft(form), is_active=user.is_active)
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            flash(_("%(name)s was saved.", name=user.name), "success")
            return redirect(url_for("users.edit_user", user_id=user.id), 303)
    return page("edit", user, 422 if form.is_submitted() else 200, form=form)


def read_draft(form: UserForm) -> UserDraft:
    """What the form says."""
    return UserDraft(
        email=form.email.data or "",
        name=form.name.data or "",
        is_admin=bool(form.is_admin.data),
        clearance=form.clearance.data,
        language=form.language.data,
        areas=frozenset(Permission(area) for area in form.areas.data or ()),
    )


def chosen_company() -> Company | None:
    """The company of the matrix; None means the rights that hold for every company."""
    company_id = request.args.get("company", type=int)
    return (db().get(Company, company_id) or abort(404)) if company_id is not None else None


def types_in(company: Company | None) -> tuple[str, ...]:
    """The document types of the matrix: the company's, or (None) those of every company."""
    return company_types(db(), company.id).ids if company else all_types(db()).ids


@blueprint.route("/users/<int:user_id>/rights", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def edit_rights(user_id: int) -> Any:
    """The matrix: document types by actions, for one company or for all of them."""
    user, company, form = found(user_id), chosen_company(), ActionForm()
    company_id = company.id if company else None
    if form.validate_on_submit():
        cells = read_cells(request.form.getlist("cell"), [ANY, *types_in(company)])
        try:
            service.set_company_grants(db(), signed_in_actor(), user, company_id, cells)
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            flash(_("The rights of %(name)s were saved.", name=user.name), "success")
            return redirect(url_for("users.edit_rights", user_id=user.id, company=company_id), 303)
    return page("rights", user, 422 if form.is_submitted() else 200, **matrix_values(user, company, form))


def matrix_values(user: User, company: Company | None, form: ActionForm) -> dict[str, Any]:
    """What the matrix page shows."""
    held, own = build_actor(db(), user).grants, signed_in_actor()
    company_id = company.id if company else None
    giver: Actor | None = None if own.is_admin else own
    return {
        "form": form,
        "company": company,
        "companies": companies(),
        "columns": [messages.action_label(action) for action in rights.ACTIONS.values()],
        "matrix": build_matrix([ANY, *types_in(company)], held, company_id, giver),
        "type_name": lambda name: _("Every document type") if name == ANY else type_name(name),
    }


@blueprint.post("/users/<int:user_id>/one-time-password")
@requires(Permission.USERS_MANAGE)
def give_one_time_password(user_id: int) -> Any:
    """Replace a forgotten password by a one-time one, which is shown once."""
    user = found(user_id)
    try:
        password = service.give_one_time_password(db(), signed_in_actor(), user, passwords())
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
        return redirect(url_for("users.edit_user", user_id=user_id), 303)
    tell_after_commit(user.id, Notice.PASSWORD_CHANGED)
    return page("one_time_password", user, password=password, is_new=False)


@blueprint.post("/users/<int:user_id>/activate")
@requires(Permission.USERS_MANAGE)
def activate_user(user_id: int) -> Any:
    """Let a user sign in again."""
    return _set_active(user_id, True)


@blueprint.post("/users/<int:user_id>/deactivate")
@requires(Permission.USERS_MANAGE)
def deactivate_user(user_id: int) -> Any:
    """Keep a user from signing in, at once."""
    return _set_active(user_id, False)


def _set_active(user_id: int, is_active: bool) -> Any:
    user = found(user_id)
    try:
        service.set_active(db(), signed_in_actor(), user, is_active)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
    else:
        text = (
            _("%(name)s can sign in again.") if is_active else _("%(name)s was deactivated and signed out.")
        )
        flash(text % {"name": user.name}, "success")
    return redirect(url_for("users.edit_user", user_id=user_id), 303)


def save_preference(name: str, value: str) -> None:
    """Keep the language or theme chosen in the top bar in the account of the signed-in person."""
    person = guard.signed_in()
    if person is not None and person.actor.user_id is not None and name in {"language", "theme"}:
        user = db().get(User, person.actor.user_id)
        setattr(user, name, value)


def init_app(app: Flask) -> None:
    """Register the room's pages and find out who is behind each request."""
    guard.init_app(app)
    language.save_with(app, save_preference)
    app.register_blueprint(blueprint)
