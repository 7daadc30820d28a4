"""Who is behind a request: set before every view, and where guests are sent.

Rights are read from the database at each request, so what is taken away is gone at the next one.
"""

from datetime import timedelta
from typing import cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.wrappers import Response

from crm_mail.users.sessions import COOKIE_KEY, Lifetime, SignedIn, load_actor
from crm_mail.web.door import installation
from crm_mail.web.errors import show_http_error
from crm_mail.web.language import LANGUAGE_COOKIE, ONE_YEAR_SECONDS, THEME_COOKIE
from crm_mail.web.urls import current_path

WITH_ONE_TIME_PASSWORD = frozenset({"users.change_password", "users.logout"})


def signed_in() -> SignedIn | None:
    """The session of this request, None for guests."""
    return cast("SignedIn | None", g.get("signed_in"))


def lifetime() -> Lifetime:
    """How long sessions of this installation live."""
    return Lifetime.of(installation().settings)


def identify() -> Response | None:
    """Find out who asks; a person with a one-time password goes to choose a new one before anything else."""
    token = session.get(COOKIE_KEY)
    if not isinstance(token, str):
        return None
    person = load_actor(installation().database, token, lifetime())
    if person is None:
        session.pop(COOKIE_KEY)
        return None
    g.signed_in = person
    g.actor = person.actor
    if person.must_change_password and _needs_a_right() and request.endpoint not in WITH_ONE_TIME_PASSWORD:
        if _is_part_of_a_page():
            raise Unauthorized  # the page reloads itself, and is then sent there
        return redirect(url_for("users.change_password"), code=303)
    return None


def _needs_a_right() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return view is not None and getattr(view, "permission", None) is not None


def _is_part_of_a_page() -> bool:
    wants_json = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    return "HX-Request" in request.headers or request.path.startswith("/api/") or wants_json


def ask_to_sign_in(error: Unauthorized) -> Response | HTTPException:
    """Answer a guest: the login page, which leads back here; 401 for parts of pages and programs."""
    if _is_part_of_a_page():
        return show_http_error(error)
    back = current_path() if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("users.login", next=back), code=303)


def begin(response: Response, token: str, language: str, theme: str) -> Response:
    """Sign the browser in: everything a guest's cookie held is dropped, so no session can be planted beforehand."""
    session.clear()
    session[COOKIE_KEY] = token
    session.permanent = True
    return remember(response, language, theme)


def remember(response: Response, language: str, theme: str) -> Response:
    """Keep language and theme in cookies too: the login page shows them next time."""
    for cookie, value in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        response.set_cookie(
            cookie,
            value,
            max_age=timedelta(seconds=ONE_YEAR_SECONDS),
            samesite="Lax",
            httponly=True,
            secure=request.is_secure,
        )
    return response


def init_app(app: Flask) -> None:
    """Identify every request; send guests to the login page."""
    app.before_request(identify)
    app.register_error_handler(Unauthorized, ask_to_sign_in)
