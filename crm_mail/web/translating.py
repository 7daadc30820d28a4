"""Translating outside of a page: for mails and files that the worker and the command line make."""

from collections.abc import Callable
from functools import lru_cache

from babel.support import NullTranslations, Translations

from crm_mail.web.catalogs import FOLDER, compile_catalogs

Translate = Callable[[str], str]


@lru_cache(maxsize=8)
def _catalog(language: str) -> NullTranslations:
    compile_catalogs()
    return Translations.load(FOLDER, [language])


def translator(language: str) -> Translate:
    """A function that gives the text of an English message in a language; English when there is no other."""
    catalog = _catalog(language[:2])

    def translate(message: str) -> str:
        return str(catalog.gettext(message))

    return translate
