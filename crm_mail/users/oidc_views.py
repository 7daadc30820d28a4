"""Pages of the sign-in at the OpenID Connect provider: the way there, the way back, and undoing a user's binding.

Both ways are links: a form that leads to another site is stopped by the content security policy. What the answer must
fit lies encrypted in the browser's own cookie, so another browser can neither begin nor finish somebody's sign-in.
"""

import hmac
import json
import secrets
import time
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.delivery.replies import printable
from crm_mail.installation import SecretUnreadable
from crm_mail.permissions import Permission, current_actor, public, requires, signed_in_actor
from crm_mail.users import guard, halfway, messages, oidc, oidc_client, oidc_words, service
from crm_mail.users.blueprint import blueprint
from crm_mail.users.notices import Notice, tell
from crm_mail.users.oidc_client import Pending, Registration
from crm_mail.users.oidc_problems import OidcProblem, OidcRefused
from crm_mail.users.problems import UserRefused
from crm_mail.web.door import db, installation
from crm_mail.web.urls import local_path

KEY, REFUSED_KEY = "oidc", "oidc_refused"
SECONDS = 900
MOST_AT_ONCE = 3
CALLBACK = "/login/provider/callback"


def registration() -> Registration:
    """What this installation is at its provider; 404 when it has none."""
    return Registration.of(installation().settings) or abort(404)


def redirect_uri() -> str:
    """Where the provider sends the person back to: made of the settings, never of the request."""
    return installation().settings.resolved_public_url + CALLBACK


def _begun() -> dict[str, Any]:
    """The sign-ins that this browser has begun, by their states; the youngest last."""
    try:
        found = json.loads(installation().decrypt(str(cookie.get(KEY, "")).encode("ascii")))
    except (SecretUnreadable, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(begun: dict[str, Any]) -> None:
    youngest = dict(list(begun.items())[-MOST_AT_ONCE:])
    cookie[KEY] = installation().encrypt(json.dumps(youngest)).decode("ascii")


@blueprint.get("/login/provider")
@public
def begin_oidc() -> Any:
    """Go to the provider."""
    office, target = registration(), local_path(request.args.get("next"))
    if current_actor() is not None:
        return redirect(target)
    state, pending = secrets.token_urlsafe(24), oidc_client.new_pending()
    try:
        url = oidc_client.sign_in_url(office, redirect_uri(), state, pending)
    except OidcRefused as refused:
        return _refuse(refused, target)
    _keep(_begun() | {state: [pending.nonce, pending.verifier, target, int(time.time())]})
    return redirect(url)


@blueprint.get(CALLBACK)
@public
def finish_oidc() -> Any:
    """Back from the provider: a session, the question for the own code, or why not."""
    office, target = registration(), "/"
    try:
        pending, target = _take_pending()
        _require_consent(office)
        claims = oidc_client.finish(office, redirect_uri(), request.args.get("code", ""), pending)
        result, is_new = oidc.sign_in(
            installation(),
            claims,
            ip=request.remote_addr or "",
            user_agent=request.user_agent.string,
            language=str(get_locale() or "en"),
        )
    except OidcRefused as refused:
        return _refuse(refused, target)
    user = result.user or abort(500)
    if is_new:
        tell(installation(), user.id, Notice.PROVIDER_BOUND)
    if result.needs_code:
        halfway.begin(user, by_provider=True)
        return redirect(url_for("users.login_code", next=target if target != "/" else None), 303)
    return guard.begin(redirect(target, 303), result.token, user.language, user.theme)


def _take_pending() -> tuple[Pending, str]:
    """The sign-in whose answer this is, which is over with it; a state works once. Raises OidcRefused."""
    begun, given = _begun(), request.args.get("state", "")
    state = next((one for one in begun if hmac.compare_digest(one.encode(), given.encode())), None)
    if state is None:
        raise OidcRefused(OidcProblem.STATE)
    nonce, verifier, target, at = begun.pop(state)
    _keep(begun)
    if not 0 <= time.time() - at <= SECONDS:
        raise OidcRefused(OidcProblem.STATE)
    return Pending(nonce, verifier), local_path(target)


def _require_consent(office: Registration) -> None:
    """The provider's own refusal; and that it is this provider who answers (RFC 9207)."""
    if "error" in request.args:
        detail = request.args.get("error_description") or request.args["error"]
        raise OidcRefused(OidcProblem.REFUSED, detail=printable(detail))
    if request.args.get("iss", office.issuer) != office.issuer:
        raise OidcRefused(OidcProblem.TOKEN, detail="iss")


def _refuse(refused: OidcRefused, target: str) -> Any:
    """Lead to the page that says why, at an address of its own: that of the answer is over."""
    cookie[REFUSED_KEY] = [refused.problem.value, refused.params, target]
    return redirect(url_for("users.oidc_refused"), 303)


@blueprint.get("/login/provider/refused")
@public
def oidc_refused() -> Any:
    """Say plainly why nobody was signed in."""
    office, kept = registration(), cookie.get(REFUSED_KEY)
    if current_actor() is not None or not kept:
        return redirect(url_for("users.login"))
    problem, params, target = kept
    refused = OidcRefused(OidcProblem(problem), **params)
    return render_template(
        "users/oidc_refused.html",
        sentence=oidc_words.explain(refused, office.label),
        label=office.label,
        target=target if target != "/" else None,
        may_retry=refused.problem is not OidcProblem.EMPTY,
    ), oidc_words.STATUS.get(refused.problem, 403)


@blueprint.get("/login/provider/sign-out")
@public
def sign_out_at_provider() -> Any:
    """Sign out at the provider too, after signing out here."""
    back = installation().settings.resolved_public_url + url_for("users.login")
    return redirect(oidc_client.sign_out_url(registration(), back) or url_for("users.login"))


@blueprint.post("/users/<int:user_id>/provider/forget")
@requires(Permission.USERS_MANAGE)
def forget_provider(user_id: int) -> Any:
    """Undo whom a user is bound to at the provider."""
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    try:
        oidc.unbind(db(), signed_in_actor(), user)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
    else:
        flash(_("The next sign-in from the provider links %(name)s anew.", name=user.name), "success")
    return redirect(url_for("users.edit_user", user_id=user_id), 303)
