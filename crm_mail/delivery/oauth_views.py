"""Pages on which an account signs in at its provider: the registration, consent, the way back, and forgetting it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from crm_mail.db import now
from crm_mail.delivery import oauth_consent, service
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth import tokens_of
from crm_mail.delivery.oauth_client import ProviderRefused, ProviderUnreachable
from crm_mail.delivery.oauth_consent import StateInvalid
from crm_mail.delivery.oauth_forms import SignInForm
from crm_mail.delivery.oauth_providers import ProviderKind, is_safe_url
from crm_mail.delivery.oauth_tokens import Tokens, ends_at, sign_in_state
from crm_mail.installation import Installation, SecretUnreadable
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm

CALLBACK = "/accounts/sign-in/callback"
PROVIDER_NAMES: dict[str, str] = {ProviderKind.MICROSOFT: "Microsoft 365", ProviderKind.GOOGLE: "Google"}


def redirect_address(home: Installation) -> str:
    """Where the provider sends the person back: here, if providers allow it; else the address is pasted."""
    here = home.settings.resolved_public_url
    return (here if is_safe_url(here) else "http://localhost") + CALLBACK


def needs_pasting(home: Installation) -> bool:
    """Whether the browser cannot come back by itself: no provider leads to plain HTTP on another machine."""
    return not is_safe_url(home.settings.resolved_public_url)


def sign_in_card(account: SenderAccount) -> dict[str, Any]:
    """What an account's own page shows of it."""
    if account.auth is not AuthMethod.OAUTH2:
        return {"sign_in": None}
    return {"sign_in": sign_in_state(account, now()), "sign_in_ends": ends_at(account)}


def _found(account_id: int) -> SenderAccount:
    account = service.find_account(db(), signed_in_actor(), account_id) or abort(404)
    service.require_change(signed_in_actor(), account)
    return account


def _back(account_id: int) -> Response:
    return redirect(url_for("delivery.sign_in_account", account_id=account_id), 303)


@requires(Permission.SIGNED_IN)
def sign_in_account(account_id: int) -> Any:
    """The registration at the provider, and the way to consent."""
    account = _found(account_id)
    form = SignInForm.of(account)
    if form.validate_on_submit():
        oauth_consent.register(db(), signed_in_actor(), account, form.registration(), installation().encrypt)
        flash(_("Saved. Sign in next."), "success")
        return _back(account_id)
    return _page(account, form), 422 if form.errors else 200


def _page(account: SenderAccount, form: SignInForm) -> str:
    home = installation()
    url, tokens = "", Tokens()
    try:
        tokens = tokens_of(home, account)
        if account.auth is AuthMethod.OAUTH2 and account.oauth_client_id:
            address = redirect_address(home)
            url = oauth_consent.begin_sign_in(home, signed_in_actor(), account, address).url
    except (SecretUnreadable, ProviderRefused):
        flash(
            _("The kept sign-in cannot be read with the present key. Enter the client secret again."),
            "danger",
        )
    return render_template(
        "delivery/sign_in.html",
        account=account,
        form=form,
        tokens=tokens,
        consent_url=url,
        provider=PROVIDER_NAMES.get(account.oauth_provider, _("the provider")),
        redirect_address=redirect_address(home),
        needs_pasting=needs_pasting(home),
        state=sign_in_state(account, now()),
        ends=ends_at(account),
    )


@requires(Permission.SIGNED_IN)
def finish_sign_in() -> Any:
    """Back from the provider, with a code or with its refusal."""
    return _finish(request.args.get("state", ""), request.args.get("code", ""), request.args.get("error", ""))


@requires(Permission.SIGNED_IN)
def paste_sign_in(account_id: int) -> Any:
    """The same for browsers that cannot come back: the address that they ended at, pasted."""
    if not ActionForm().validate_on_submit():
        abort(400)
    _check_change(account_id)
    query = parse_qs(urlsplit(request.form.get("address", "").strip()).query)
    state, code, error = (query.get(name, [""])[0] for name in ("state", "code", "error"))
    if not code and not error:
        flash(_("This is not the address that the browser ended at: it holds no code."), "danger")
        return _back(account_id)
    return _finish(state, code, error)


def _check_change(account_id: int) -> None:
    """Refuse whoever may not change the account, in a transaction of its own: keeping the tokens opens another."""
    with installation().database.read() as session:
        account = service.find_account(session, signed_in_actor(), account_id) or abort(404)
        service.require_change(signed_in_actor(), account)


def _finish(state: str, code: str, error: str) -> Response:
    """Exchange the code and say what came of it. No transaction of the request is open meanwhile."""
    home, actor = installation(), signed_in_actor()
    try:
        account_id = oauth_consent.account_of_state(home, actor, state)
    except StateInvalid:
        flash(_("This sign-in was begun by somebody else, or too long ago. Begin again."), "danger")
        return redirect(url_for("delivery.list_own_accounts"), 303)
    _check_change(account_id)
    try:
        if error:
            raise ProviderRefused(error)
        oauth_consent.finish_sign_in(home, actor, state, code)
        flash(_("Signed in. Test the connection next."), "success")
    except ProviderRefused as refusal:
        flash(refusal_words(refusal.code, refusal.detail), "danger")
    except ProviderUnreachable as trouble:
        flash(_("The provider's server cannot be reached: %(detail)s", detail=trouble.detail), "danger")
    return _back(account_id)


def refusal_words(code: str, detail: str) -> str:
    """What to do about a provider's refusal."""
    words = {
        "access_denied": _("Consent was not given. Sign in again, and agree."),
        "invalid_client": _(
            "The provider does not accept the client ID or its secret; a secret may have ended."
        ),
        "unauthorized_client": _(
            "The application at the provider may not do this: check its kind and its rights."
        ),
        "invalid_grant": _("The code was used already, or is too old. Begin again."),
        "invalid_scope": _("The provider does not know this scope: correct it, or leave it empty."),
        "no_refresh_token": _("The provider gave no lasting consent: allow offline access in the scope."),
    }
    known = words.get(code, _("The provider refused (%(code)s).", code=code))
    return f"{known} {detail}".strip()


@requires(Permission.SIGNED_IN)
def forget_sign_in(account_id: int) -> Any:
    """Forget the tokens."""
    if not ActionForm().validate_on_submit():
        abort(400)
    oauth_consent.forget_sign_in(db(), signed_in_actor(), _found(account_id))
    flash(_("The sign-in was forgotten. Withdraw the consent at the provider too."), "success")
    return _back(account_id)


@requires(Permission.SIGNED_IN)
def use_password(account_id: int) -> Any:
    """Log in with a password again."""
    if not ActionForm().validate_on_submit():
        abort(400)
    account = _found(account_id)
    oauth_consent.use_password(db(), signed_in_actor(), account)
    flash(_("%(name)s logs in with its password again.", name=account.name), "success")
    return redirect(url_for("delivery.edit_account", account_id=account_id), 303)


def add_oauth_routes(blueprint: Blueprint) -> None:
    """Routes of this file, under the accounts' own address."""
    blueprint.route("/<int:account_id>/sign-in", methods=("GET", "POST"))(sign_in_account)
    blueprint.get("/sign-in/callback")(finish_sign_in)
    blueprint.post("/<int:account_id>/sign-in/paste")(paste_sign_in)
    blueprint.post("/<int:account_id>/sign-in/forget")(forget_sign_in)
    blueprint.post("/<int:account_id>/sign-in/password")(use_password)
