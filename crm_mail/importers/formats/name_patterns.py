"""What a PDF's name says of it: `{doctype}_{customer}_{number}_{date}.pdf`, or as a company writes it. Pure.

Placeholders: doctype, customer, supplier, vat, number, series, date, and `*` for anything. A doctype is a type id, a
name of the type in Italian, Spanish or English, or an office's abbreviation (`DDT`, `FT`, `NC`…). A date is written
2026-11-21, 20261121, 21-11-2026 or 21112026: eight digits can be read in one way only.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crm_mail.document_types import TYPE_FACTS

DEFAULT_PATTERN: Final = "{doctype}_{customer}_{number}_{date}.pdf"
FIELDS: Final = ("doctype", "customer", "supplier", "vat", "number", "series", "date", "*")
MAX_PATTERN: Final = 200
_DATE: Final = r"\d{4}-\d{2}-\d{2}|\d{8}|\d{2}[-.]\d{2}[-.]\d{4}"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_ABBREVIATIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("ddt", "bolla", "albaran", "remision", "dn"), "delivery_note"),
    **dict.fromkeys(("ft", "fatt", "fac", "fact", "inv"), "invoice"),
    **dict.fromkeys(("nc", "notacredito", "cn"), "credit_note"),
    **dict.fromkeys(("off", "preventivo", "prev", "cot"), "quote"),
    **dict.fromkeys(("oc", "conferma", "ordcli", "pedido"), "sales_order"),
    **dict.fromkeys(("of", "oda", "po", "ordfor"), "purchase_order"),
    **dict.fromkeys(("ec", "estrattoconto", "edocta"), "account_statement"),
    **dict.fromkeys(("sollecito",), "dunning_letter"),
    **dict.fromkeys(("listino",), "price_list"),
}


class PatternInvalid(ValueError):
    """A pattern cannot be used; `problem` is too_long, unknown, twice, needs or touching, `detail` what it is about."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem, self.detail = problem, detail


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """What a file's name says."""

    type: str
    number: str
    date: dt.date
    party_code: str = ""
    vat_number: str = ""
    series: str = ""
    is_supplier: bool = False


def type_words(names: Mapping[str, Iterable[str]] | None = None) -> dict[str, str]:
    """Each word that may stand for a type, folded → type id. `names`: a company's own, by type id."""
    words = dict(_ABBREVIATIONS)
    for type_id, facts in TYPE_FACTS.items():
        for word in (type_id.value, facts.label.it, facts.label.es, facts.label.en):
            words[_fold(word)] = type_id.value
    for own_id, own_names in (names or {}).items():
        for word in (own_id, *own_names):
            words[_fold(word)] = own_id
    return words


def _fold(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


def check_pattern(pattern: str) -> str:
    """The pattern as it is kept; empty means the default. Raises PatternInvalid."""
    pattern = pattern.strip()
    if len(pattern) > MAX_PATTERN:
        raise PatternInvalid("too_long", str(MAX_PATTERN))
    names = _PLACEHOLDER.findall(pattern)
    for name in names:
        if name not in FIELDS:
            raise PatternInvalid("unknown", name[:40])
        if name != "*" and names.count(name) > 1:
            raise PatternInvalid("twice", name)
    if pattern:
        needed = [name for name in ("doctype", "number", "date") if name not in names]
        if not {"customer", "supplier", "vat"} & set(names):
            needed.append("customer")
        if needed:
            raise PatternInvalid("needs", ", ".join(f"{{{name}}}" for name in needed))
        if "}{" in pattern:
            raise PatternInvalid("touching")
    return pattern


def read_name(name: str, pattern: str = "", words: Mapping[str, str] | None = None) -> NamedDocument | None:
    """What a file's name says by the pattern (empty: the default one); None when it does not follow it.

    Arguments: `words`, those of `type_words`.
    """
    words = words if words is not None else type_words()
    match = _compile(pattern or DEFAULT_PATTERN, frozenset(words)).fullmatch(name)
    if match is None:
        return None
    said = match.groupdict()
    type_id, date = words.get(_fold(said["doctype"])), _read_date(said["date"])
    number = said["number"].strip()
    if type_id is None or date is None or not number or len(number) > 60:
        return None
    return NamedDocument(
        type_id,
        number,
        date,
        party_code=(said.get("customer") or said.get("supplier") or "").strip(),
        vat_number=said.get("vat") or "",
        series=(said.get("series") or "").strip(),
        is_supplier="supplier" in said,
    )


@lru_cache(maxsize=64)
def _compile(pattern: str, words: frozenset[str]) -> re.Pattern[str]:
    """Each placeholder takes as little as it can; the words between them are those of the pattern, in any case."""
    letters = (
        r"[\W_]*".join(map(re.escape, word)) for word in sorted(words, key=lambda word: (-len(word), word))
    )
    inner = {"doctype": "|".join(letters), "date": _DATE}
    pieces = _PLACEHOLDER.split(pattern)
    parts = []
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            parts.append(re.escape(piece))
        elif piece == "*":
            parts.append(".{0,100}?")
        else:
            parts.append(f"(?P<{piece}>{inner.get(piece, '.{1,60}?')})")
    return re.compile("".join(parts), re.IGNORECASE)


def _read_date(text: str) -> dt.date | None:
    digits = re.sub(r"\D", "", text)
    starts_with_year = "19" <= digits[:2] <= "20" and "01" <= digits[4:6] <= "12"
    year_first = text[4:5] == "-" or (text.isdigit() and starts_with_year)
    parts = (digits[:4], digits[4:6], digits[6:]) if year_first else (digits[4:], digits[2:4], digits[:2])
    try:
        date = dt.date(*map(int, parts))
    except ValueError:
        return None
    return date if 1990 <= date.year <= 2100 else None
