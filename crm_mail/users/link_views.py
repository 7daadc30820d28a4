"""Pages of links to choose a password: asked for by whoever forgot it, sent by an administrator, used."""

from functools import partial
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.installation import Installation
from crm_mail.permissions import Permission, public, requires, signed_in_actor
from crm_mail.users import links, messages, service
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import AskLinkForm, ChoosePasswordForm
from crm_mail.users.login_views import passwords, show_refusal, tell_after_commit
from crm_mail.users.models import User
from crm_mail.users.notices import Notice, in_background, send_letter, write_letter
from crm_mail.users.passwords import MINIMUM_LENGTH
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.web.door import after_commit, commit_now, db, installation


@blueprint.route("/forgotten-password", methods=("GET", "POST"))
@public
def forgotten_password() -> Any:
    """Ask for a link by mail. The answer is the same, and as quick, whether or not the address is known."""
    form = AskLinkForm()
    if form.validate_on_submit():
        home, email = installation(), form.email.data or ""
        is_open, is_due = links.may_ask(db(), email, request.remote_addr or "")
        if not is_open:
            abort(429)
        if is_due:
            after_commit(partial(in_background, partial(mail_reset_link, home, email)))
        return render_template("users/link_asked.html", email=email)
    return render_template("users/forgotten_password.html", form=form), 422 if form.is_submitted() else 200


def mail_reset_link(home: Installation, email: str) -> bool:
    """Make a link for whoever forgot the password and mail it; whether one left."""
    with home.database.write() as session:
        made = links.make_reset_link(session, email)
        if made is None:
            return False
        user, token = made
        letter = write_letter(home, session, user, Notice.RESET_LINK, links.path_of(token))
    return send_letter(home, letter)


@blueprint.route("/choose-password/<token>", methods=("GET", "POST"))
@public
def choose_password(token: str) -> Any:
    """Choose the password with a link that works once; signing in comes afterwards, with the second factor."""
    form, user = ChoosePasswordForm(), links.find_link(db(), token)
    if user is None:
        return render_template("users/link_over.html"), 410
    if form.validate_on_submit():
        try:
            links.choose_password(db(), passwords(), token, form.password.data or "")
        except UserRefused as refused:
            if refused.problem is Problem.LINK_OVER:
                return render_template("users/link_over.html"), 410
            show_refusal(form, refused)
        else:
            tell_after_commit(user.id, Notice.PASSWORD_CHANGED)
            flash(_("The password was saved. Sign in with it."), "success")
            return redirect(url_for("users.login"), 303)
    return render_template(
        "users/choose_password.html", form=form, user=user, minimum=MINIMUM_LENGTH
    ), 422 if form.is_submitted() else 200


@blueprint.post("/users/<int:user_id>/link")
@requires(Permission.USERS_MANAGE)
def send_link(user_id: int) -> Any:
    """Mail a user a link to choose the password; where no account can send, show it to be handed on."""
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    try:
        return hand_out_link(user)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
        return redirect(url_for("users.edit_user", user_id=user_id), 303)


def hand_out_link(user: User) -> Any:
    """Make a link and mail it, or show it."""
    home = installation()
    token, is_invitation = links.give_link(db(), signed_in_actor(), user)
    notice = Notice.INVITATION if is_invitation else Notice.RESET_LINK
    letter = write_letter(home, db(), user, notice, links.path_of(token))
    commit_now()
    if letter.posts and send_letter(home, letter):
        flash(_("A mail with a link was sent to %(email)s.", email=user.email), "success")
        return redirect(url_for("users.edit_user", user_id=user.id), 303)
    return render_template(
        "users/link.html",
        user=user,
        link=home.settings.resolved_public_url + links.path_of(token),
        is_invitation=is_invitation,
        was_tried=bool(letter.posts),
    )
