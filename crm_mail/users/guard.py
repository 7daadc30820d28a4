"""Who is behind a request: set before every view, and where guests are sent.

Rights are read from the database at each request, so what is taken away is gone at the next one.
"""

from datetime import timedelta
from typing import cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.wrappers import Response

from crm_mail.users.looking import look_through
from crm_mail.users.sessions import COOKIE_KEY, Lifetime, SignedIn, hash_token, load_actor
from crm_mail.web.door import installation
from crm_mail.web.errors import show_http_error
from crm_mail.web.language import LANGUAGE_COOKIE, ONE_YEAR_SECONDS, THEME_COOKIE
from crm_mail.web.urls import current_path

WITH_ONE_TIME_PASSWORD = frozenset({"users.change_password", "users.logout"})
SETTING_UP = frozenset({"users.second_factor_state", "users.confirm_second_factor", "users.logout"})


def signed_in() -> SignedIn | None:
    """The session of this request, None for guests."""
    return cast("SignedIn | None", g.get("signed_in"))


def lifetime() -> Lifetime:
    """How long sessions of this installation live."""
    return Lifetime.of(installation().settings)


def identify() -> Response | None:
    """Find out who asks; a person with a one-time password goes to choose a new one before anything else, and one who
    must have a second factor to set it up."""
    if request.path.startswith("/api/"):
        return None  # keys only: no page of another site can act there in a person's name
    token = session.get(COOKIE_KEY)
    if not isinstance(token, str):
        return None
    person = load_actor(installation().database, token, lifetime())
    if person is None:
        session.pop(COOKIE_KEY)
        return None
    g.signed_in = person
    g.actor = person.actor
    look_through(person.actor)
    first = _comes_first(person)
    if first and _needs_a_right():
        if _is_part_of_a_page():
            raise Unauthorized  # the page reloads itself, and is then sent there
        return redirect(url_for(first), code=303)
    return None


def _comes_first(person: SignedIn) -> str:
    """The page that this person must see before the one that was asked for; empty when there is none."""
    if person.must_change_password:
        return "" if request.endpoint in WITH_ONE_TIME_PASSWORD else "users.change_password"
    if person.must_set_up_second_factor:
        return "" if request.endpoint in SETTING_UP else "users.second_factor_state"
    return ""


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


def session_watch() -> dict[str, object]:
    """What the pages need to warn before the session ends: after how many seconds, and a mark of whose it is."""
    person = signed_in()
    if person is None:
        return {"session_watch": None}
    return {
        "session_watch": {
            "seconds": int(lifetime().idle.total_seconds()),
            "user": hash_token(f"kept by {person.actor.user_id}")[:16],
        }
    }


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
    app.context_processor(session_watch)
    app.register_error_handler(Unauthorized, ask_to_sign_in)
