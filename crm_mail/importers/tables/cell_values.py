"""What single cells mean: kinds, yes and no, languages, countries, codes and lists, in it/es/en."""

import re
from functools import cache, lru_cache
from typing import Final

from babel import Locale
from babel.core import get_global

from crm_mail.importers.base import PartyKind, RecipientKind
from crm_mail.importers.tables.column_names import fold_header

_KINDS: Final = {
    PartyKind.CUSTOMER: "c|cl|cli|cliente|clienti|clientes|customer|client|clients|customers",
    PartyKind.SUPPLIER: "f|for|forn|fornitore|fornitori|p|prov|proveedor|proveedores|supplier|suppliers|vendor",
    PartyKind.BOTH: "entrambi|entrambe|cf|c f|cliente fornitore|cliente e fornitore|ambos|cliente y proveedor"
    "|cliente proveedor|both|customer supplier|customer and supplier|c p",
}
_KIND_WORDS: Final = {word: kind for kind, words in _KINDS.items() for word in words.split("|")}
_YES: Final = frozenset("s|si|y|yes|1|true|vero|verdadero|x|on|ok|to|marketing contact".split("|"))  # noqa: SIM905
_NO: Final = frozenset("n|no|0|false|falso|off|non marketing contact".split("|"))  # noqa: SIM905
_GENERIC_TAX_CODES: Final = frozenset({"XAXX010101000", "XEXX010101000"})
_DAYS: Final = re.compile(r"([0-9]{1,3})\s*(?:gg|giorni|d|dias|días|days)?\.?")
_TAG_SEPARATORS: Final = re.compile(r"\s*:::\s*|[|;,\n]")
_PRIVACY_LEVELS: Final = {"0": 0, "1": 1, "2": 2, "3": 3}
_MAX_NAMES: Final = 4096


def read_kind(cell: str) -> PartyKind | None:
    """customer, supplier or both; None when the cell is none of them."""
    return _KIND_WORDS.get(fold_header(cell))


def read_yes_no(cell: str) -> bool | None:
    """S, sì, yes, 1, x… or N, no, 0…; None when the cell is neither."""
    word = fold_header(cell)
    if word in _YES or cell in ("✓", "✔", "☑"):
        return True
    return False if word in _NO or not word else None


def read_credit_days(cell: str) -> int | None:
    """A number of days from 0 to 999, alone or with its unit ("30", "30 días", "60 gg"); None for all else."""
    match = _DAYS.fullmatch(cell.strip().casefold())
    return int(match[1]) if match else None


def read_privacy_level(cell: str) -> int | None:
    """A privacy level from 0 to 3 (IT-17); None when the cell is another value."""
    return _PRIVACY_LEVELS.get(cell)


def read_recipient_kind(word: str) -> RecipientKind | None:
    """to or cc."""
    return {"to": RecipientKind.TO, "a": RecipientKind.TO, "cc": RecipientKind.CC}.get(word.strip().lower())


@lru_cache(maxsize=_MAX_NAMES)
def read_language(cell: str) -> str | None:
    """The two-letter code of a language given as code, locale (it_IT) or name; None when unknown."""
    code = re.split(r"[-_]", cell.strip(), maxsplit=1)[0].lower()
    if len(code) == 2 and code in Locale("en").languages:
        return code
    return _language_names().get(fold_header(cell))


@lru_cache(maxsize=_MAX_NAMES)
def read_country(cell: str) -> str | None:
    """The two-letter code of a country given as code or name; None when unknown."""
    text = cell.strip()
    if len(text) == 2 and text.isalpha():
        return text.upper() if text.upper() in Locale("en").territories else None
    if len(text) == 3 and text.isalpha():
        alpha3: str | None = _alpha3().get(text.upper())
        return alpha3
    return _country_names().get(fold_header(text))


@cache
def _language_names() -> dict[str, str]:
    return {
        fold_header(name): code
        for locale in ("it", "es", "en", "fr", "de")
        for code, name in Locale(locale).languages.items()
        if len(code) == 2
    } | {fold_header(Locale(code).languages[code]): code for code in ("it", "es", "en", "fr", "de", "pt")}


@cache
def _country_names() -> dict[str, str]:
    return {
        fold_header(name): code
        for locale in ("it", "es", "en", "fr", "de")
        for code, name in Locale(locale).territories.items()
        if len(code) == 2 and code.isalpha()
    } | {"usa": "US", "uk": "GB", "inghilterra": "GB", "inglaterra": "GB", "italy": "IT", "olanda": "NL"}


@cache
def _alpha3() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    return {
        code: new[0] for code, new in aliases.items() if len(code) == 3 and code.isalpha() and len(new) == 1
    }


def read_tax_id(cell: str) -> str | None:
    """A VAT number or tax code without blanks and dots; None for the generic codes that identify nobody."""
    compact = re.sub(r"[\s.]", "", cell).upper()
    return None if compact in _GENERIC_TAX_CODES else compact or None


def split_list(cell: str) -> list[str]:
    """The items of a cell separated by | (or line breaks)."""
    return [item.strip() for item in re.split(r"[|\n]", cell) if item.strip()]


def split_tags(cell: str) -> list[str]:
    """The labels of an address book; its own system labels, marked with *, are left out."""
    return [
        tag.strip() for tag in _TAG_SEPARATORS.split(cell) if tag.strip() and not tag.strip().startswith("*")
    ]


def split_phones(cell: str) -> list[str]:
    """The telephone numbers of a cell, as written."""
    return [" ".join(part.split()) for part in re.split(r"\s*:::\s*|[|;\n]", cell) if part.strip()]
