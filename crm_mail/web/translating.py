"""Translating outside of a page: for mails and files that the worker and the command line make."""

from functools import lru_cache

from babel.support import NullTranslations, Translations

from crm_mail.web.catalogs import FOLDER, compile_catalogs
from crm_mail.words import Translate


@lru_cache(maxsize=8)
def catalog_of(language: str) -> NullTranslations:
    """The texts of a language, read once for each process."""
    compile_catalogs()
    return Translations.load(FOLDER, [language])


def translator(language: str) -> Translate:
    """A function that gives the text of an English message in a language; English when there is no other."""
    catalog = catalog_of(language[:2])

    def translate(message: str) -> str:
        return str(catalog.gettext(message))

    return translate
