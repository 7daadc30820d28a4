"""A company's look on all its printed documents: colour, logo, typeface, paper, texts, columns (IT-19, PD-6).

A company keeps its choices as JSON; `theme_from` checks them and says for each field what is wrong. Every field
of `Theme` is part of the render key (`theme_inputs`), so a changed look never serves an old PDF. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from crm_mail.document_types import TEXT_LANGUAGES, DocumentType
from crm_mail.documents.pdf_columns import OPTIONAL_COLUMNS

DEFAULT_ACCENT = "#1f4e79"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
PAPERS = ("A4", "Letter")
MAX_NOTICE = 4000
MAX_FOOTER = 400
# Families that machines have: each name stands for itself and the fonts of the same widths. DejaVu, at the end
# of all, has Greek, Cyrillic, Arabic and Hebrew letters for names that the family cannot write.
TYPEFACES: dict[str, str] = {
    "sans": '"Liberation Sans", Arial, Helvetica, "DejaVu Sans", sans-serif',
    "serif": '"Liberation Serif", "Times New Roman", Times, "DejaVu Serif", "DejaVu Sans", serif',
    "narrow": '"Liberation Sans Narrow", "Arial Narrow", "Liberation Sans", Arial, "DejaVu Sans", sans-serif',
    "humanist": 'Carlito, Calibri, "Noto Sans", "Open Sans", "Liberation Sans", "DejaVu Sans", sans-serif',
    "wide": '"DejaVu Sans", Verdana, "Bitstream Vera Sans", sans-serif',
}


@dataclass(frozen=True, slots=True)
class Theme:
    """What a company decides for all its layouts; the defaults are those of a new company.

    Attributes:
        accent: `#rrggbb`; titles are darkened and text on it turned black where contrast asks for it.
        logo: PNG, JPEG or GIF bytes.
        typeface: a key of `TYPEFACES`.
        paper: `A4` or `Letter`.
        address_left: the envelope's window is at the left (Germany, United States), not at the right (Italy).
        footer: the line at the foot of every page; empty builds it from the company's data.
        legal_notice: the notice of courtesy copies; None is the built-in one, empty none.
        legal_texts: (type id, text printed after the content), such as conditions of sale on quotes.
        columns: (type id, ids of the optional columns shown); a type that is not named shows those that have data.
        statement_comment: the company's comment on statements of account (PD-6).
        fallback_language: of documents for people whose language is none of it, es, en.
        tagged: accessible PDF: structure tags, alternative texts, reading order (ISO 14289).
        mask_iban: transfer advices show the beneficiary's IBAN by its country and last four characters only.
        archive: PDF/A-3 with the legal XML embedded (ISO 19005-3).
    """

    accent: str = DEFAULT_ACCENT
    logo: bytes | None = None
    legal_notice: str | None = None
    address_left: bool = False
    typeface: str = "sans"
    paper: str = "A4"
    footer: str = ""
    legal_texts: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    statement_comment: str = ""
    fallback_language: str = "en"
    tagged: bool = True
    archive: bool = False
    mask_iban: bool = False

    def legal_text(self, document_type: str) -> str:
        """The text printed after the content of this type, or empty."""
        return dict(self.legal_texts).get(document_type, "")

    def columns_of(self, document_type: str) -> tuple[str, ...] | None:
        """Ids of the optional columns shown for this type; None when the company did not choose."""
        return dict(self.columns).get(document_type)


@dataclass(frozen=True, slots=True)
class ThemeProblem:
    """One wrong value: the field, a code (`unknown`, `colour`, `choice`, `text`, `length`, `flag`, `mapping`,
    `type`, `column`) and what the message needs."""

    field: str
    code: str
    value: str = ""
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        reason = {
            "unknown": "is not a setting of the PDF look",
            "colour": "must be a colour such as #1f4e79",
            "choice": f"must be one of {', '.join(self.allowed)}",
            "text": "must be a text",
            "length": f"may have at most {', '.join(self.allowed)} characters",
            "flag": "must be true or false",
            "mapping": "must map document types to values",
            "type": "names a document type that does not exist",
            "column": f"names a column that this type does not have; it has {', '.join(self.allowed) or 'none'}",
        }[self.code]
        return f"{self.field}: “{self.value}” {reason}." if self.value else f"{self.field} {reason}."


class InvalidTheme(ValueError):
    """The choices cannot be used; the message has one sentence for each wrong field."""

    def __init__(self, problems: list[ThemeProblem]) -> None:
        self.problems = problems
        super().__init__(" ".join(str(problem) for problem in problems))


Check = Callable[[str, Any], tuple[Any, list[ThemeProblem]]]


def theme_from(values: Mapping[str, Any], logo: bytes | None = None) -> Theme:
    """The theme of a company's JSON choices; what is missing keeps its default. Raises `InvalidTheme`."""
    chosen: dict[str, Any] = {}
    problems: list[ThemeProblem] = []
    for name, value in values.items():
        check = _CHECKS.get(name)
        if check is None:
            problems.append(ThemeProblem(str(name), "unknown"))
            continue
        chosen[name], wrong = check(name, value)
        problems += wrong
    if problems:
        raise InvalidTheme(problems)
    return Theme(logo=logo, **chosen)


def theme_values(theme: Theme) -> dict[str, Any]:
    """The JSON that `theme_from` reads back, without the logo."""
    values = {field.name: getattr(theme, field.name) for field in fields(theme) if field.name != "logo"}
    values["legal_texts"] = dict(theme.legal_texts)
    values["columns"] = {kind: list(shown) for kind, shown in theme.columns}
    return values


def theme_inputs(theme: Theme) -> dict[str, Any]:
    """All that shows of a theme, for the render key: every field, the logo as its hash."""
    logo = hashlib.sha256(theme.logo).hexdigest() if theme.logo else ""
    return theme_values(theme) | {"logo": logo}


def _colour(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
    good = isinstance(value, str) and COLOUR.fullmatch(value) is not None
    return value, [] if good else [ThemeProblem(name, "colour", str(value)[:40])]


def _choice(*allowed: str) -> Check:
    def check(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
        return value, [] if value in allowed else [ThemeProblem(name, "choice", str(value)[:40], allowed)]

    return check


def _text(limit: int, may_be_none: bool = False) -> Check:
    def check(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
        if value is None and may_be_none:
            return None, []
        if not isinstance(value, str):
            return "", [ThemeProblem(name, "text")]
        return value.strip(), [ThemeProblem(name, "length", "", (str(limit),))] if len(value) > limit else []

    return check


def _flag(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
    return value, [] if isinstance(value, bool) else [ThemeProblem(name, "flag", str(value)[:40])]


def _legal_texts(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
    if not isinstance(value, Mapping):
        return (), [ThemeProblem(name, "mapping")]
    chosen, problems = [], _unknown_types(name, value)
    for kind, text in sorted(value.items()):
        checked, wrong = _text(MAX_NOTICE)(f"{name}.{kind}", text)
        chosen.append((str(kind), checked))
        problems += wrong
    return tuple(chosen), problems


def _columns(name: str, value: Any) -> tuple[Any, list[ThemeProblem]]:
    if not isinstance(value, Mapping):
        return (), [ThemeProblem(name, "mapping")]
    chosen, problems = [], _unknown_types(name, value)
    for kind, shown in sorted(value.items()):
        allowed = OPTIONAL_COLUMNS.get(str(kind), ())
        ids = tuple(str(column) for column in shown) if isinstance(shown, list | tuple) else (str(shown),)
        wrong = [column for column in ids if column not in allowed]
        problems += [ThemeProblem(f"{name}.{kind}", "column", column, allowed) for column in wrong]
        chosen.append((str(kind), ids))
    return tuple(chosen), problems


def _unknown_types(name: str, value: Mapping[Any, Any]) -> list[ThemeProblem]:
    known = {kind.value for kind in DocumentType}
    return [ThemeProblem(name, "type", str(kind)[:40]) for kind in value if kind not in known]


_CHECKS: dict[str, Check] = {
    "accent": _colour,
    "legal_notice": _text(MAX_NOTICE, may_be_none=True),
    "address_left": _flag,
    "typeface": _choice(*TYPEFACES),
    "paper": _choice(*PAPERS),
    "footer": _text(MAX_FOOTER),
    "legal_texts": _legal_texts,
    "columns": _columns,
    "statement_comment": _text(MAX_NOTICE),
    "fallback_language": _choice(*TEXT_LANGUAGES),
    "tagged": _flag,
    "archive": _flag,
    "mask_iban": _flag,
}
