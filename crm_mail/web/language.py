"""Language, time zone and theme of the page.

Language: the signed-in user's own choice, else the cookie, else what the browser asks for, else English. The
language of a *message* is the contact's and has nothing to do with this. Theme: a cookie read on the server,
so that no page flashes in the wrong colours; `auto` follows the system.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.support import NullTranslations
from flask import Blueprint, Flask, abort, current_app, g, redirect, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.wrappers import Response

from crm_mail.permissions import public
from crm_mail.web.catalogs import FOLDER, compile_catalogs
from crm_mail.web.translating import catalog_of
from crm_mail.web.urls import local_path

LANGUAGES = {"it": "Italiano", "es": "Español", "en": "English"}
THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "crm_language"
THEME_COOKIE = "crm_theme"
ONE_YEAR_SECONDS = 365 * 24 * 3600

blueprint = Blueprint("preferences", __name__, url_prefix="/preferences")
SavePreference = Callable[[str, str], None]


def user_attribute(name: str) -> str | None:
    """Return an attribute of the signed-in user (`language`, `time_zone`), None for guests."""
    value: Any = getattr(g.get("signed_in"), name, None)
    return str(value) if value else None


def choose_language() -> str:
    """Return `it`, `es` or `en` for the current request."""
    for choice in (user_attribute("language"), request.cookies.get(LANGUAGE_COOKIE)):
        if choice in LANGUAGES:
            return str(choice)
    return request.accept_languages.best_match(LANGUAGES) or "en"


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def choose_time_zone() -> str:
    """Return the IANA zone in which times are shown: the user's, else the installation's, else Rome."""
    zone = user_attribute("time_zone") or str(current_app.config.get("TIME_ZONE") or "Europe/Rome")
    return zone if zone in _known_zones() else "Europe/Rome"


def zone_of_user() -> ZoneInfo:
    """Return the time zone of the current user, for times that come in through forms."""
    return ZoneInfo(choose_time_zone())


def choose_theme() -> str:
    """Return `auto`, `light` or `dark`."""
    theme = user_attribute("theme") or request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def save_with(app: Flask, save: SavePreference) -> None:
    """Have `save(name, value)` called when a signed-in user changes `language` or `theme`."""
    app.extensions["crm_mail_save_preference"] = save


def _remember(cookie: str, name: str, value: str) -> Response:
    response = redirect(local_path(request.form.get("next")), code=303)
    response.set_cookie(
        cookie, value, max_age=ONE_YEAR_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
    )
    save: SavePreference | None = current_app.extensions.get("crm_mail_save_preference")
    if save is not None:
        save(name, value)
    return response


@blueprint.post("/language")
@public
def set_language() -> Response:
    """Change the language of the pages and go back to where the user was."""
    value = request.form.get("language", "")
    if value not in LANGUAGES:
        abort(422)
    return _remember(LANGUAGE_COOKIE, "language", value)


@blueprint.post("/theme")
@public
def set_theme() -> Response:
    """Change the theme and go back to where the user was."""
    value = request.form.get("theme", "")
    if value not in THEMES:
        abort(422)
    return _remember(THEME_COOKIE, "theme", value)


def _page_context() -> dict[str, object]:
    theme = choose_theme()
    return {
        "language": str(get_locale() or "en"),
        "languages": LANGUAGES,
        "theme": theme,
        "themes": THEMES,
        "bs_theme": "dark" if theme == "dark" else "light",
    }


class _Texts(Domain):
    """Flask-Babel's texts without its search for their catalog: a page has hundreds of them."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return catalog_of(locale.language if locale else "en")


def init_app(app: Flask) -> None:
    """Set up Flask-Babel, the two switch routes and the variables base.html reads."""
    compile_catalogs()
    babel = Babel(
        app,
        default_locale="en",
        default_translation_directories=str(FOLDER),
        default_timezone="Europe/Rome",
        locale_selector=choose_language,
        timezone_selector=choose_time_zone,
    )
    babel.domain_instance = _Texts(str(FOLDER))
    app.register_blueprint(blueprint)
    app.context_processor(_page_context)
