"""How the files of a message are chosen and named (PM-7): patterns in safe tokens, and what a packaging does. Pure.

A pattern such as ``{customer}{date:%Y%m%d}``, ``{SERIE}{FOLIO}`` or ``{RFC_EMISOR}_{RFC_RECEPTOR}_{UUID}`` gives one
base name per document: its PDF and its XML differ by their ending alone. Two documents of a message with the same base
name are numbered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.delivery.headers import safe_file_name
from crm_mail.refusals import Refusal

TOKENS: Mapping[str, str] = {
    "customer": "customer",
    "customer_name": "customer_name",
    "company": "company",
    "type": "type",
    "number": "number",
    "series": "series",
    "date": "date",
    "name": "name",
    "serie": "series",
    "folio": "number",
    "rfc_emisor": "seller_tax_id",
    "rfc_receptor": "buyer_tax_id",
    "uuid": "uuid",
}
"""Token, as written in any capitals → the fact it stands for. ``name`` is the name the file came with."""
DATE_FORMAT = "%Y%m%d"
STEM_BYTES = 120
_PART = re.compile(r"\{([A-Za-z_]+)(?::([^{}]*))?\}|([{}])")
_DATE_FORMAT = re.compile(r"(?:%[YymdjHMS]|[A-Za-z0-9 ._\-])+")
_SEPARATORS = re.compile(r"[\\/:]+")
_ENDING = re.compile(r"(?:\.xml)?\.[A-Za-z0-9]{1,8}\Z", re.IGNORECASE)


class PatternInvalid(Refusal, ValueError):
    """A file-name pattern cannot be used.

    Args:
        code: ``unknown_token``, ``stray_brace``, ``bad_date`` or ``no_token``.
        value: the piece that is wrong.
    """

    def __init__(self, code: str, value: str) -> None:
        words = {
            "unknown_token": f"{{{value}}} is not known in a file name: use one of {', '.join(TOKENS)}",
            "stray_brace": f"a {value} stands alone in the file name: write tokens as {{customer}}",
            "bad_date": f"{value} is not a way to write a date: use %Y, %y, %m, %d and %j, as in {{date:%Y%m%d}}",
            "no_token": "the file name has no token: every document would have the same name",
        }
        super().__init__(words[code])
        self.code, self.value = code, value


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern that was read: texts, and tokens as (fact, format)."""

    parts: tuple[str | tuple[str, str], ...]

    @property
    def facts(self) -> frozenset[str]:
        """What must be known of a document."""
        return frozenset(part[0] for part in self.parts if not isinstance(part, str))


@lru_cache(maxsize=256)
def parse_pattern(text: str) -> NamePattern:
    """Read a pattern.

    Raises:
        PatternInvalid: with the piece that is wrong.
    """
    parts: list[str | tuple[str, str]] = []
    position = 0
    for match in _PART.finditer(text):
        if match[3]:
            raise PatternInvalid("stray_brace", match[3])
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(_token(match[1], match[2]))
        position = match.end()
    if position < len(text):
        parts.append(text[position:])
    if not any(isinstance(part, tuple) for part in parts):
        raise PatternInvalid("no_token", text)
    return NamePattern(tuple(parts))


def _token(name: str, form: str | None) -> tuple[str, str]:
    fact = TOKENS.get(name.lower())
    if fact is None or (form is not None and fact != "date"):
        raise PatternInvalid("unknown_token", name if form is None else f"{name}:{form}")
    if fact != "date":
        return fact, ""
    if form is not None and not _DATE_FORMAT.fullmatch(form):
        raise PatternInvalid("bad_date", form)
    return fact, form or DATE_FORMAT


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """What names are made of; ``texts``: fact → text; ``files``: the names the files came with."""

    texts: Mapping[str, str]
    dated_on: date
    files: Sequence[str]


def base_name(pattern: NamePattern, document: NamedDocument) -> str:
    """The base name of one document, without ending; empty when nothing of it is known."""
    pieces = []
    for part in pattern.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif part[0] == "date":
            pieces.append(document.dated_on.strftime(part[1]))
        elif part[0] == "name":
            pieces.append(split_ending(document.files[0])[0] if document.files else "")
        else:
            pieces.append(document.texts.get(part[0], "").strip())
    joined = _SEPARATORS.sub("-", "".join(pieces)).strip(" ._-")
    if not joined:
        return ""
    short = safe_file_name(joined).encode()[:STEM_BYTES].decode("utf-8", "ignore")
    return short.rstrip(" ._-")


def split_ending(name: str) -> tuple[str, str]:
    """A file's name and its ending: ``IT01_x.xml.p7m`` has the ending ``.xml.p7m``."""
    found = _ENDING.search(name)
    return (name[: found.start()], found[0]) if found and found.start() else (name, "")


def name_files(pattern: NamePattern | None, documents: Sequence[NamedDocument]) -> list[list[str]]:
    """The names of all files of a message, document by document; no two are the same, whatever their capitals.

    Args:
        pattern: None keeps the names the files came with.
    """
    taken: set[str] = set()
    bases: set[str] = set()
    named = []
    for document in documents:
        base = base_name(pattern, document) if pattern else ""
        if base:
            base = _free(base, "", bases)
        named.append([_free(*_proposed(base, name), taken) for name in document.files])
    return named


def _proposed(base: str, name: str) -> tuple[str, str]:
    stem, ending = split_ending(safe_file_name(name))
    return (base or stem, ending.lower() if base else ending)


def _free(stem: str, ending: str, taken: set[str]) -> str:
    name, number = f"{stem}{ending}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}{ending}"
    taken.add(name.casefold())
    return name


MAIN, LEGAL_XML = "main", "legal_xml"


@dataclass(frozen=True, slots=True)
class PackagingFacts:
    """A packaging as a preparation reads it, once per run.

    ``types`` empty: every type; ``zip_above`` and ``link_above``: bytes, None never.
    """

    code: str
    party_code: str = ""
    types: frozenset[str] = frozenset()
    has_main: bool = True
    has_legal_xml: bool = True
    has_bom: bool = False
    has_attachments: bool = True
    pattern: NamePattern | None = None
    zip_above: int | None = None
    link_above: int | None = None
    link_days: int = 30
    copy_folder: str = ""
    after_sending: AfterSending = AfterSending.KEEP
    logs_success: bool = False
    smtp_account_id: int | None = None
    timeout_seconds: int = 0  # 0: the account's
    text_name: str = ""
    addenda: str = field(default="", repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether messages are the same as without any packaging: the fast path of a preparation."""
        return self == PackagingFacts(self.code, link_days=self.link_days, after_sending=self.after_sending)

    @property
    def makes_files(self) -> bool:
        """Whether files are renamed or made anew."""
        sizes = (self.zip_above, self.link_above)
        return bool(self.pattern or self.has_bom or self.addenda) or any(size is not None for size in sizes)

    def covers(self, document_type: str) -> bool:
        """Whether documents of this type are packed."""
        return not self.types or document_type in self.types

    def takes(self, role: str) -> bool:
        """Whether files of this role go (documents.models.DocumentFile)."""
        return {MAIN: self.has_main, LEGAL_XML: self.has_legal_xml}.get(role, self.has_attachments)
