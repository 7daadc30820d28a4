"""Pages for guests: sign in, the first administrator; and signing out."""

from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail import audit
from crm_mail.permissions import Permission, current_actor, public, requires, signed_in_actor
from crm_mail.users import guard, halfway, messages, service, sessions
from crm_mail.users.blueprint import blueprint
from crm_mail.users.forms import FirstAdministratorForm, LoginForm
from crm_mail.users.login import SignIn, sign_in
from crm_mail.users.notices import Notice, tell
from crm_mail.users.oidc_client import Registration
from crm_mail.users.passwords import MINIMUM_LENGTH, Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.service import UserDraft
from crm_mail.users.ways import SignInWay
from crm_mail.web.door import after_commit, db, installation
from crm_mail.web.language import choose_theme
from crm_mail.web.urls import local_path

PASSWORD_PROBLEMS = frozenset(problem for problem in Problem if problem.value.startswith("password_"))


def passwords() -> Passwords:
    """Hashing with this installation's cost."""
    return Passwords(installation().settings.argon2_memory_kib)


def tell_after_commit(user_id: int, notice: Notice) -> None:
    """Tell a user by mail once this request's changes are durable."""
    home = installation()

    def work() -> None:
        tell(home, user_id, notice)

    after_commit(work)


def show_refusal(form: Any, refused: UserRefused) -> None:
    """Put a refusal where it belongs: at its field, else at the top of the form."""
    field = {
        Problem.EMAIL_TAKEN: "email",
        Problem.EMAIL_INVALID: "email",
        Problem.NAME_MISSING: "name",
        Problem.CLEARANCE_INVALID: "clearance",
        Problem.MORE_THAN_OWN_CLEARANCE: "clearance",
        Problem.WRONG_PASSWORD: "present",
        Problem.SAME_PASSWORD: "password",
    }.get(refused.problem, "password" if refused.problem in PASSWORD_PROBLEMS else "")
    text = messages.explain(refused)
    if field in form:
        form[field].errors = [*form[field].errors, text]
    else:
        form.form_errors.append(text)


@blueprint.route("/login", methods=("GET", "POST"))
@public
def login() -> Any:
    """Sign in; leads back to the page that was asked for."""
    target = local_path(request.args.get("next"))
    if current_actor() is not None:
        return redirect(target)
    form, status, headers = LoginForm(), 200, {}
    if form.validate_on_submit():
        result = _try(form)
        if result.needs_code and result.user is not None:
            halfway.begin(result.user)
            return redirect(url_for("users.login_code", next=request.args.get("next")), 303)
        if result.user is not None:
            return guard.begin(redirect(target, 303), result.token, result.user.language, result.user.theme)
        status = 429 if result.wait else 422
        headers = {"Retry-After": str(int(result.wait.total_seconds()) + 1)} if result.wait else {}
    elif form.is_submitted():
        status = 422
    elif service.is_empty(db()):
        return redirect(url_for("users.first_administrator"))
    return (
        render_template(
            "users/login.html",
            form=form,
            target=target,
            provider=Registration.of(installation().settings),
            left_provider=request.args.get("left") == "provider",
        ),
        status,
        headers,
    )


def _try(form: LoginForm) -> SignIn:
    result = sign_in(
        installation().database,
        passwords(),
        email=form.email.data or "",
        password=form.password.data or "",
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string,
    )
    if result.warns:
        tell(installation(), result.warns, Notice.FAILED_SIGN_INS)
    if result.wait:
        form.form_errors.append(messages.wait_sentence(result.wait))
    elif result.user is None:
        form.form_errors.append(_("The address or the password is not right. Check both and try again."))
    return result


@blueprint.post("/logout")
@requires(Permission.SIGNED_IN)
def logout() -> Any:
    """End this session."""
    person = guard.signed_in()
    actor = signed_in_actor()
    if person is not None and actor.user_id is not None:
        sessions.revoke_session(db(), actor.user_id, person.session_id)
        audit.record(db(), actor, "users.logout.succeeded", label=actor.email)
    session.clear()
    by_provider = person is not None and person.way is not SignInWay.PASSWORD
    return redirect(url_for("users.login", left="provider" if by_provider else None), 303)


@blueprint.route("/first-administrator", methods=("GET", "POST"))
@public
def first_administrator() -> Any:
    """Make the first user; there is no such page once somebody exists."""
    if not service.is_empty(db()):
        return redirect(url_for("users.login"), 303)
    form = FirstAdministratorForm()
    if form.validate_on_submit():
        draft = UserDraft(form.email.data or "", form.name.data or "", language=str(get_locale() or "en"))
        try:
            user = service.create_first_administrator(db(), draft, form.password.data or "", passwords())
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            token = sessions.open_session(
                db(), user.id, ip=request.remote_addr or "", user_agent=request.user_agent.string
            )
            return guard.begin(redirect("/", 303), token, user.language, choose_theme())
    status = 422 if form.is_submitted() else 200
    return render_template("users/first_administrator.html", form=form, minimum=MINIMUM_LENGTH), status
