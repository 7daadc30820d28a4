"""Pages of the users room: the people of the office. See also `rights_views`, `group_views`, `login_views`."""

import io
from typing import Any

from flask import Flask, Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.models import Party
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.users import (
    account_difference,
    account_views,
    authority,
    group_views,
    groups,
    guard,
    limit_views,
    link_views,
    login_views,
    looking,
    messages,
    oidc,
    oidc_views,
    rights_export,
    rights_views,
    second_factor_views,
    seeing_views,
    service,
)
from crm_mail.users.actors import group_that_requires_second_factor
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import UserForm
from crm_mail.users.login_views import passwords, show_refusal, tell_after_commit
from crm_mail.users.models import User
from crm_mail.users.notices import Notice
from crm_mail.users.passwords import one_time_password
from crm_mail.users.problems import UserRefused
from crm_mail.users.service import UserDraft
from crm_mail.web import language
from crm_mail.web.door import db, installation
from crm_mail.web.table_files import CSV_MIME, XLSX_MIME, csv_chunks, write_xlsx

ROOM_PARTS = (
    login_views,
    account_views,
    second_factor_views,
    link_views,
    oidc_views,
    limit_views,
    rights_views,
    group_views,
    seeing_views,
)


def found(user_id: int) -> User:
    """The user, or 404."""
    return service.get_user(db(), signed_in_actor(), user_id) or abort(404)


def page(template: str, user: User | None = None, status: int = 200, **values: Any) -> tuple[str, int]:
    """A page about one user (or a new one), with what its reader may do there."""
    actor = signed_in_actor()
    may_change = user is None or authority.may_change(db(), actor, user)
    about: dict[str, Any] = {"user": user, "may_change": may_change, "actor": actor}
    if user is not None:
        about |= {"summary": account_difference.summary_of(user), "identity": oidc.identity_of(db(), user)}
        about["group"] = group_that_requires_second_factor(db(), user)
    return render_template(f"users/{template}.html", **about, **values), status


@blueprint.get("/users")
@requires(Permission.USERS_MANAGE)
def list_users() -> Any:
    """Everybody who may sign in."""
    text = request.args.get("q", "").strip()
    users = service.list_users(db(), signed_in_actor(), text)
    return render_template("users/list.html", users=users, words=account_difference.summary_of, q=text)


@blueprint.route("/users/new", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def create_user() -> Any:
    """Make a user: with a link by mail to choose the password, or a one-time password that is shown once."""
    form = UserForm(language=str(get_locale() or "en"))
    offer(form)
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
    """A user's name, clearance, groups, and whose customers the user sees."""
    user = found(user_id)
    form = UserForm(obj=user)
    offer(form, user)
    if not form.is_submitted():
        form.fill(user)
    elif form.validate():
        try:
            if shown := _difference(user, read_draft(form)):
                return shown
            service.update_user(db(), signed_in_actor(), user, read_draft(form), is_active=user.is_active)
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            flash(_("%(name)s was saved.", name=user.name), "success")
            return redirect(url_for("users.edit_user", user_id=user.id), 303)
    return page("edit", user, 422 if form.is_submitted() else 200, form=form)


def _difference(user: User, draft: UserDraft) -> Any:
    """The page to be confirmed, where the user would see or may do something else; else None."""
    if account_difference.is_confirmed():
        return None
    changes, before, after = account_difference.trial(
        user,
        lambda: service.update_user(db(), signed_in_actor(), user, draft, is_active=user.is_active),
    )
    return account_difference.difference_page(user, "account", changes, before, after) if changes else None


def offer(form: UserForm, user: User | None = None) -> None:
    """The groups that exist, and the agents and zones of the customers; what the user has stays on offer."""
    every = groups.list_groups(db(), signed_in_actor())
    form.group_ids.choices = [SelectChoice(str(one.id), one.name) for one in every]
    ids = list(db().scalars(select(Company.id)))
    for field, column, kept in (
        (form.agents, Party.agent, user.agents if user else ()),
        (form.zones, Party.zone, user.zones if user else ()),
    ):
        found = {name for id_ in ids for name in list_names(db(), signed_in_actor().sight, id_, column)}
        field.choices = [SelectChoice(name, name) for name in sorted(found | set(kept), key=str.casefold)]


def read_draft(form: UserForm) -> UserDraft:
    """What the form says."""
    return UserDraft(
        email=form.email.data or "",
        name=form.name.data or "",
        is_admin=bool(form.is_admin.data),
        clearance=form.clearance.data,
        language=form.language.data,
        agents=frozenset(form.agents.data or ()),
        zones=frozenset(form.zones.data or ()),
        group_ids=frozenset(form.group_ids.data or ()),
    )


@blueprint.get("/users/rights.<any(xlsx, csv):kind>")
@requires(Permission.USERS_MANAGE)
def export_rights(kind: str) -> Response:
    """All rights of all users as a file."""
    actor = signed_in_actor()
    rows = list(rights_export.export_rights(db(), actor, rights_views.names()))
    file = io.BytesIO()
    if kind == "csv":
        file.writelines(csv_chunks(rights_export.header(), rows, str(get_locale() or "en")))
    else:
        write_xlsx(rights_export.header(), rows, file, _("Rights"))
    file.seek(0)
    with installation().database.write() as session:  # a GET has a reading session
        rights_export.record_export(session, actor, kind, len(rows))
    mime = CSV_MIME if kind == "csv" else XLSX_MIME
    return send_file(file, mime, as_attachment=True, download_name=f"rights.{kind}")


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
    app.context_processor(looking.banner)
    app.register_blueprint(blueprint)
