"""Pages of the second factor: asked at sign-in, set up and switched off in the own account, reset for a user."""

import json
import time
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext as _

from crm_mail.permissions import Permission, public, requires, signed_in_actor
from crm_mail.users import guard, halfway, messages, second_factor, service, totp
from crm_mail.users.account_views import own
from crm_mail.users.actors import must_have_second_factor
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import CodeForm, PasswordAgainForm, PasswordAndCodeForm
from crm_mail.users.login import finish_sign_in, take_warning
from crm_mail.users.login_views import passwords, tell_after_commit
from crm_mail.users.models import User, UserGroup
from crm_mail.users.notices import Notice, tell
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.web.door import commit_now, db, installation
from crm_mail.web.urls import local_path

SETUP_KEY = "second_factor"
SETUP_SECONDS = 900


@blueprint.route("/login/code", methods=("GET", "POST"))
@public
def login_code() -> Any:
    """The second half of signing in, for whoever has just shown the password."""
    target, form, status = local_path(request.args.get("next")), CodeForm(), 200
    user = halfway.waiting_user(db())
    if user is None:
        flash(_("Sign in again: the code was not given in time."), "info")
        return redirect(url_for("users.login", next=request.args.get("next")), 303)
    if form.validate_on_submit():
        status = judge(form, user, "code")
        if status == 200:
            return sign_in_halfway(user, form.code.data or "", target)
    elif form.is_submitted():
        status = 422
    return render_template("users/login_code.html", form=form, user=user, target=target), status


def sign_in_halfway(user: User, code: str, target: str) -> Any:
    """Begin the session; a recovery code is told of, here and by mail."""
    agent = request.user_agent.string
    result = finish_sign_in(db(), user, ip=request.remote_addr or "", user_agent=agent, way=halfway.way())
    left = second_factor.codes_left(db(), user)
    answer = guard.begin(redirect(target, 303), result.token, user.language, user.theme)
    if totp.is_recovery_code(code):
        tell_after_commit(user.id, Notice.RECOVERY_CODE_USED)
        flash(_("A recovery code was used. Codes left: %(count)s.", count=left), "warning")
    return answer


def judge(form: Any, user: User, field: str) -> int:
    """Check the code or the present password of a form and put what is wrong into it; 200, 422 or 429.

    Args:
        field: ``code`` or ``present``. An account without a password has a session that began a moment ago instead.
    """
    if field not in form:
        return _judge_freshness(form)
    given, ip = form[field].data or "", request.remote_addr or ""
    if field == "code":
        name, wrong = second_factor.attempts_name(user.id), Problem.WRONG_CODE
        result = second_factor.check_code(installation(), db(), user, given, ip)
    else:
        name, wrong = second_factor.password_name(user.id), Problem.WRONG_PASSWORD
        result = second_factor.check_password_again(db(), passwords(), user, given, ip)
    warned = take_warning(db(), user, name) if result is False else 0
    commit_now()
    if result is True:
        return 200
    if isinstance(result, timedelta):
        form.form_errors.append(messages.wait_sentence(result))
        return 429
    if warned:
        tell(installation(), warned, Notice.FAILED_SIGN_INS)
    form[field].errors = [*form[field].errors, messages.explain(UserRefused(wrong))]
    return 422


def _judge_freshness(form: Any) -> int:
    person = guard.signed_in()
    if person is not None and person.is_fresh:
        return 200
    form.form_errors.append(
        _("This account has no password. Sign out, sign in again, and do this within ten minutes.")
    )
    return 422


def for_user(form: Any, user: User) -> Any:
    """The form without the question for a password that the user does not have."""
    if not user.password_hash:
        del form.present
    return form


def show_state(user: User, form: Any, status: int = 200) -> Any:
    """The page of the second factor: what it is, and what can be done with it."""
    is_on, is_required = second_factor.is_on(user), must_have_second_factor(db(), user)
    return render_template(
        "users/second_factor.html",
        user=user,
        form=form,
        is_on=is_on,
        is_forced=is_required and not is_on,
        is_required=is_required,
        codes_left=second_factor.codes_left(db(), user) if is_on else 0,
    ), status


@blueprint.route("/my-account/second-factor", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def second_factor_state() -> Any:
    """The state of the own second factor; the password begins its set-up."""
    user, _person = own()
    if second_factor.is_on(user):
        return show_state(user, for_user(PasswordAndCodeForm(), user))
    form, status = for_user(PasswordAgainForm(), user), 200
    if form.validate_on_submit():
        status = judge(form, user, "present")
        if status == 200:
            kept = json.dumps({"user": user.id, "at": int(time.time()), "secret": totp.new_secret()})
            cookie[SETUP_KEY] = installation().encrypt(kept).decode("ascii")
            return redirect(url_for("users.confirm_second_factor"), 303)
    elif form.is_submitted():
        status = 422
    return show_state(user, form, status)


def begun_secret(user: User) -> str:
    """The secret whose set-up this browser began a moment ago; empty when there is none."""
    if SETUP_KEY not in cookie:
        return ""
    kept = json.loads(installation().decrypt(cookie[SETUP_KEY].encode("ascii")))
    is_fresh = kept["user"] == user.id and 0 <= time.time() - kept["at"] <= SETUP_SECONDS
    return str(kept["secret"]) if is_fresh else ""


@blueprint.route("/my-account/second-factor/app", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def confirm_second_factor() -> Any:
    """The QR code, and the first code of the app; then the recovery codes, shown once."""
    user, person = own()
    secret, form = begun_secret(user), CodeForm()
    if not secret or second_factor.is_on(user):
        return redirect(url_for("users.second_factor_state"), 303)
    if form.validate_on_submit():
        code = form.code.data or ""
        try:
            codes = second_factor.turn_on(installation(), db(), user, secret, code, person.session_id)
        except UserRefused as refused:
            form.code.errors = [*form.code.errors, messages.explain(refused)]
        else:
            cookie.pop(SETUP_KEY)
            return show_codes(user, codes, Notice.SECOND_FACTOR_ON)
    return render_template(
        "users/second_factor_app.html",
        form=form,
        is_forced=must_have_second_factor(db(), user),
        secret=totp.in_groups(secret),
        qr=totp.qr_svg(totp.provisioning_uri(secret, user.email)),
    ), (422 if form.is_submitted() else 200)


def show_codes(user: User, codes: list[str], notice: Notice | None = None) -> Any:
    """The recovery codes: the only time that anybody sees them."""
    if notice is not None:
        tell_after_commit(user.id, notice)
    return render_template("users/recovery_codes.html", user=user, codes=codes)


def confirmed(user: User) -> tuple[Any, int]:
    """The form with password and code, and whether both are right: 200, 422 or 429."""
    form = for_user(PasswordAndCodeForm(), user)
    if not form.validate_on_submit():
        return form, 422
    status = judge(form, user, "present")
    return form, judge(form, user, "code") if status == 200 else status


@blueprint.post("/my-account/second-factor/codes")
@requires(Permission.SIGNED_IN)
def renew_recovery_codes() -> Any:
    """Ten new recovery codes instead of the old ones."""
    user, _person = own()
    if not second_factor.is_on(user):
        abort(404)
    form, status = confirmed(user)
    if status != 200:
        return show_state(user, form, status)
    return show_codes(user, second_factor.renew_codes(db(), user))


@blueprint.post("/my-account/second-factor/off")
@requires(Permission.SIGNED_IN)
def turn_off_second_factor() -> Any:
    """Sign in with the password alone again."""
    user, _person = own()
    if not second_factor.is_on(user):
        abort(404)
    form, status = confirmed(user)
    if status != 200:
        return show_state(user, form, status)
    try:
        second_factor.turn_off(db(), user)
    except UserRefused as refused:
        form.form_errors.append(messages.explain(refused))
        return show_state(user, form, 422)
    tell_after_commit(user.id, Notice.SECOND_FACTOR_OFF)
    flash(_("Two-factor sign-in is off."), "success")
    return redirect(url_for("users.my_account"), 303)


@blueprint.post("/users/<int:user_id>/second-factor/reset")
@requires(Permission.USERS_MANAGE)
def reset_second_factor(user_id: int) -> Any:
    """Take a user's lost second factor away."""
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    try:
        second_factor.reset(db(), signed_in_actor(), user)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
    else:
        tell_after_commit(user_id, Notice.SECOND_FACTOR_OFF)
        flash(_("The two-factor sign-in of %(name)s was reset.", name=user.name), "success")
    return redirect(url_for("users.edit_user", user_id=user_id), 303)


@blueprint.post("/users/<int:user_id>/second-factor/required")
@requires(Permission.USERS_MANAGE)
def require_second_factor(user_id: int) -> Any:
    """Decide whether a user must have a second factor (``required`` = yes or no)."""
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    is_required = request.form.get("required") == "yes"
    try:
        second_factor.require(db(), signed_in_actor(), user, is_required)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
    else:
        text = (
            _("%(name)s must use two-factor sign-in from now on.", name=user.name)
            if is_required
            else _("%(name)s may sign in with the password alone.", name=user.name)
        )
        flash(text, "success")
    return redirect(url_for("users.edit_user", user_id=user_id), 303)


@blueprint.post("/users/groups/<int:group_id>/second-factor")
@requires(Permission.USERS_MANAGE)
def require_group_second_factor(group_id: int) -> Any:
    """Decide whether everybody in a group must have a second factor (``required`` = yes or no)."""
    group = db().get(UserGroup, group_id) or abort(404)
    is_required = request.form.get("required") == "yes"
    try:
        second_factor.require_of_group(db(), signed_in_actor(), group, is_required)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
    else:
        text = (
            _("Everybody in %(name)s must use two-factor sign-in from now on.", name=group.name)
            if is_required
            else _("Two-factor sign-in is no longer required of everybody in %(name)s.", name=group.name)
        )
        flash(text, "success")
    return redirect(local_path(request.form.get("back"), url_for("users.list_users")), 303)
