"""The shapes of VAT numbers and tax codes: their country, and the same number with and without it (pure).

Shapes: Italian partita IVA (11 digits, art. 35 DPR 633/72), Mexican RFC (3 or 4 letters, date, 3 signs; CFF art. 27),
Spanish NIF (RD 1065/2007), EU VAT numbers with the country before them (Directive 2006/112/EC, art. 215).
"""

import re
from typing import Final

_NOISE = re.compile(r"[\s.\-/]")
_RFC = re.compile(r"[A-ZÑ&]{3,4}[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[A-Z0-9]{3}")
_IVA = re.compile(r"[0-9]{11}")
_NIF = re.compile(r"[A-Z][0-9]{7}[A-Z0-9]|[0-9]{8}[A-Z]")
_WITH_COUNTRY = re.compile(r"([A-Z]{2})([0-9]+|[A-Z]?[0-9]{7,12}[A-Z]{0,2}|[0-9]{9}B[0-9]{2})")
_GENERIC: Final = ("XAXX010101000", "XEXX010101000")  # the public at home and abroad (RMF 2.7.1.23): nobody
_GREECE: Final = {"EL": "GR"}
"""The one VAT prefix that is not the country's code."""
_BARE: Final = (("MX", _RFC), ("IT", _IVA), ("ES", _NIF))


def clean_number(text: str) -> str:
    """A VAT number or tax code without blanks and dots, in capitals, as it is kept and compared."""
    return _NOISE.sub("", text).upper()


def split_country(text: str) -> tuple[str, str]:
    """The country of two letters that stands before the number, empty when none does, and the bare number."""
    clean = clean_number(text)
    if _RFC.fullmatch(clean):
        return "", clean  # its own letters are no country
    if clean[:2] == "MX" and _RFC.fullmatch(clean[2:]):
        return "MX", clean[2:]
    stated = _WITH_COUNTRY.fullmatch(clean)
    return (stated[1], stated[2]) if stated else ("", clean)


def country_of(text: str) -> str:
    """The country a number tells by its prefix or, as an RFC does, by its shape; empty: it tells none."""
    country, bare = split_country(text)
    if country:
        return _GREECE.get(country, country)
    return "MX" if _RFC.fullmatch(bare) else ""


def number_forms(text: str) -> set[str]:
    """The number with and without its country: `IT01234567890` and `01234567890`, `MXEKU9003173C9` and the RFC."""
    country, bare = split_country(text)
    if country:
        return {country + bare, bare}
    return {bare, *(f"{one}{bare}" for one, shape in _BARE if shape.fullmatch(bare))} - {""}


def number_in_code(code: str) -> str:
    """The tax number that somebody uses as a customer code; empty when the code is not one beyond doubt."""
    country, bare = split_country(code)
    if bare in _GENERIC:
        return ""
    is_number = _RFC.fullmatch(bare) or (country == "IT" and _IVA.fullmatch(bare))
    return clean_number(code) if is_number else ""
