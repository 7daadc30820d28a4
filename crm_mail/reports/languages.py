"""Translating outside of a page: `crm_mail.web.translating`, under the name by which this room knows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask_babel import get_locale
from flask_babel import gettext as _of_the_page

from crm_mail.web.translating import translator
from crm_mail.words import Translate

__all__ = ["Translate", "gettext", "language_of_words", "translator", "words_in"]

_language: ContextVar[str] = ContextVar("language", default="")


@contextmanager
def words_in(language: str) -> Iterator[None]:
    """Inside, `gettext` speaks this language: for the worker, which has no page."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


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
