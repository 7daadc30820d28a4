"""Pages of the own account: preferences, password, sessions."""

from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from crm_mail import audit
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.users import guard, messages, second_factor, service, sessions
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import AccountForm, ChangePasswordForm
from crm_mail.users.login_views import passwords, show_refusal, tell_after_commit
from crm_mail.users.models import User
from crm_mail.users.notices import Notice
from crm_mail.users.passwords import MINIMUM_LENGTH
from crm_mail.users.problems import UserRefused
from crm_mail.users.service import Preferences
from crm_mail.users.sessions import SignedIn
from crm_mail.web.door import commit_now, db


def own() -> tuple[User, SignedIn]:
    """The signed-in person's row and session."""
    person = guard.signed_in()
    user = db().get(User, signed_in_actor().user_id or 0)
    if person is None or user is None:
        abort(401)
    return user, person


@blueprint.route("/my-account", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def my_account() -> Any:
    """Name, language, theme, time zone, shortcuts; and where this account is signed in."""
    user, person = own()
    form = AccountForm(obj=user)
    if form.validate_on_submit():
        chosen = Preferences(
            form.name.data or "",
            form.language.data,
            form.theme.data,
            form.timezone.data,
            bool(form.keyboard_shortcuts.data),
        )
        service.set_preferences(db(), user, chosen)
        with force_locale(chosen.language):
            flash(_("Your account was saved."), "success")
        return guard.remember(redirect(url_for("users.my_account"), 303), chosen.language, chosen.theme)
    return render_template(
        "users/my_account.html",
        form=form,
        user=user,
        sessions=sessions.list_sessions(db(), user.id, guard.lifetime()),
        session_id=person.session_id,
        device_name=sessions.device_name,
    ), (422 if form.is_submitted() else 200)


@blueprint.route("/change-password", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def change_password() -> Any:
    """Choose a new password; with a one-time password this is the only page there is."""
    user, person = own()
    form = ChangePasswordForm()
    is_forced = user.must_change_password
    if is_forced:
        del form.present
    if form.validate_on_submit():
        present = None if is_forced else form.present.data
        wait = None if is_forced else guessing_pause(user, present or "")
        if wait:
            form.form_errors.append(messages.wait_sentence(wait))
            return render_template("users/change_password.html", **_page(form, is_forced, user)), 429
        try:
            service.change_own_password(
                db(), user, present, form.password.data or "", passwords(), person.session_id
            )
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            tell_after_commit(user.id, Notice.PASSWORD_CHANGED)
            flash(_("The password was changed. Other browsers have been signed out."), "success")
            return redirect("/" if is_forced else url_for("users.my_account"), 303)
    status = 422 if form.is_submitted() else 200
    return render_template("users/change_password.html", **_page(form, is_forced, user)), status


def _page(form: ChangePasswordForm, is_forced: bool, user: User) -> dict[str, Any]:
    return {"form": form, "is_forced": is_forced, "user": user, "minimum": MINIMUM_LENGTH}


def guessing_pause(user: User, present: str) -> timedelta | None:
    """How long to wait after too many wrong passwords: whoever found an open browser must not guess on."""
    ip = request.remote_addr or ""
    result = second_factor.check_password_again(db(), passwords(), user, present, ip)
    commit_now()
    return result if isinstance(result, timedelta) else None


@blueprint.post("/my-account/sessions/<int:session_id>/end")
@requires(Permission.SIGNED_IN)
def end_session(session_id: int) -> Any:
    """Sign one of the own browsers out."""
    user, _person = own()
    if not sessions.revoke_session(db(), user.id, session_id):
        abort(404)
    audit.record(db(), signed_in_actor(), "users.session.revoked", subject=user, label=user.email)
    flash(_("The browser was signed out."), "success")
    return redirect(url_for("users.my_account"), 303)


@blueprint.post("/my-account/sessions/end-others")
@requires(Permission.SIGNED_IN)
def end_other_sessions() -> Any:
    """Sign out everywhere but here."""
    user, person = own()
    count = sessions.revoke_all(db(), user.id, except_id=person.session_id)
    audit.record(
        db(), signed_in_actor(), "users.session.revoked", subject=user, label=user.email, count=count
    )
    flash(_("All other browsers were signed out."), "success")
    return redirect(url_for("users.my_account"), 303)


@blueprint.post("/stay-signed-in")
@requires(Permission.SIGNED_IN)
def stay_signed_in() -> Any:
    """Somebody is still there: the request itself keeps the session alive."""
    return "", 204
