"""Translating outside of a page: `crm_mail.web.translating`, under the name by which this room knows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo

from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _of_the_page

from crm_mail.web.translating import translator
from crm_mail.words import Translate

__all__ = ["Translate", "gettext", "language_of_words", "moment_words", "translator", "words_in"]

_language: ContextVar[str] = ContextVar("language", default="")
_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


@contextmanager
def words_in(language: str, zone: tzinfo = UTC) -> Iterator[None]:
    """Inside, `gettext` speaks this language, and times are of this zone: for the worker, which has no page."""
    language_before, zone_before = _language.set(language), _zone.set(zone)
    try:
        yield
    finally:
        _language.reset(language_before)
        _zone.reset(zone_before)


def language_of_words() -> str:
    """The language that `gettext` speaks."""
    return _language.get() or str(get_locale() or "en")


def gettext(message: str, **values: object) -> str:
    """The text in the language of `words_in`, else of the page."""
    language = _language.get()
    if not language:
        return str(_of_the_page(message, **values))
    text = translator(language)(message)
    return text % values if values else text


def moment_words(at: datetime) -> str:
    """A time on the reader's clock, or on that of `words_in`: ``21/11/2026 18:05``."""
    zone = _zone.get() if _language.get() else get_timezone() or UTC
    return f"{at.astimezone(zone):%d/%m/%Y %H:%M}"
