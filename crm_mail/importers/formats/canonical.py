"""Canonical JSON: one document, or a list of them, with its files in Base64 or lying beside the JSON.

The schemas are those of `documents.schemas` (published under docs/schemas/); here the text becomes objects, their
files are fetched, and what passed becomes a `ParsedDocument` like that of any other format. A path never leads out
of the JSON's own folder: it is relative, without `..`, and resolved by whoever opened the JSON. Pure.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, Final

from crm_mail.document_types import TYPE_FACTS, OwnSchema
from crm_mail.documents.schemas import Canonical, Envelope, Problem, validate_canonical
from crm_mail.documents.schemas.envelope import FileEntry
from crm_mail.documents.schemas.envelope import Party as StatedParty
from crm_mail.importers.base import (
    Direction,
    DocumentParty,
    DueDate,
    ImportRefused,
    Notice,
    ParsedDocument,
    ParsedFile,
    Totals,
)
from crm_mail.importers.file_kinds import mime_of
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.messages import ProblemList
from crm_mail.permissions import HIGHEST_CLEARANCE

CONFIDENTIAL: Final = "confidential"
SOURCE: Final = "canonical"
MOST_PROBLEMS: Final = 20
_SHOWN: Final = 60

Beside = Callable[[PurePosixPath], bytes | None]
"""Gives the bytes of a file beside the JSON, None when there is none; raises ImportRefused for one too large."""


def nothing_beside(_path: PurePosixPath) -> bytes | None:
    """For a JSON that stands alone."""
    return None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a canonical document needs to know of where it came from.

    Args:
        company: code of the company that imports; a document of another one is refused.
        currency: of documents that state none.
        own: schemas of the company's own types.
        directions: the side each type goes to, own types included.
        beside: fetches the files that a document names by path.
        has_main_pdf: its printed form came with it, under the same name.
        file_limit: bytes of one file.
    """

    company: str = ""
    currency: str = "EUR"
    own: Mapping[str, OwnSchema] = field(default_factory=dict)
    directions: Mapping[str, str] = field(
        default_factory=lambda: {str(one): facts.direction.value for one, facts in TYPE_FACTS.items()}
    )
    beside: Beside = nothing_beside
    has_main_pdf: bool = False
    file_limit: int = 50 * 1024 * 1024


NO_SURROUNDINGS: Final = Surroundings()


def read_canonical(data: bytes, around: Surroundings = NO_SURROUNDINGS) -> list[ParsedDocument]:
    """Read one canonical document.

    Raises ImportRefused("broken_json" | "not_canonical" | "canonical_problems" | "other_company_document").
    """
    value = _load(decode_json(data))
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise ImportRefused("not_canonical")
    found = validate_canonical(value, around.has_main_pdf, around.own)
    if not isinstance(found, Canonical):
        raise _refusal(found)
    stated = found.document.company
    if stated and stated.code and around.company and stated.code.casefold() != around.company.casefold():
        raise ImportRefused("other_company_document", value=stated.code, company=around.company)
    return [_parsed(found, around)]


def split_list(data: bytes) -> list[bytes]:
    """The documents of a JSON list, each as its own text; a single object, or broken JSON, comes back as it is.

    So a document that is refused takes no other with it.
    """
    try:
        text = decode_json(data).strip()
        value = _load(text) if text.startswith("[") else None
    except ImportRefused:
        return [data]
    if not isinstance(value, list) or not value:
        return [data]
    decoder, items, place = json.JSONDecoder(), [], 1
    while (place := _skip(text, place)) < len(text) and text[place] != "]":
        _value, end = decoder.raw_decode(text, place)
        items.append(text[place:end].encode())
        place = end
    return items


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n,":
        place += 1
    return place


def decode_json(data: bytes) -> str:
    """The text of a JSON file: UTF-8 with or without a mark, else UTF-16, else Windows' own alphabet."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _load(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ImportRefused("json_constant", value=name)

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ImportRefused("broken_json", line=error.lineno, column=error.colno, detail=error.msg) from None
    except (RecursionError, ValueError) as error:  # nested a thousand times, a number of five thousand digits
        raise ImportRefused("json_beyond_reading") from error


def _refusal(problems: Sequence[Problem]) -> ImportRefused:
    return ImportRefused("canonical_problems", problems=ProblemList(problems[:MOST_PROBLEMS]))


def _parsed(found: Canonical, around: Surroundings) -> ParsedDocument:
    document = found.document
    files = _fetch_files(document, around)
    own_side = around.directions.get(document.type, Direction.CUSTOMER.value)
    direction = Direction(document.direction or own_side)
    is_received = direction is Direction.SUPPLIER and own_side != Direction.SUPPLIER.value
    reason = "received" if is_received else CONFIDENTIAL if document.confidential else None
    other, us = _party(document.party), _company(document)
    is_customer = direction is Direction.CUSTOMER
    totals = document.totals
    names = ("net", "tax", "gross", "withholding", "stamp", "payable")
    return ParsedDocument(
        type=document.type,
        number=document.number,
        series=document.series,
        date=document.date,
        currency=(document.currency or around.currency).upper(),
        seller=us if is_customer else other,
        buyer=other if is_customer else us,
        totals=Totals(**{name: getattr(totals, name) for name in names}) if totals else Totals(),
        direction=direction,
        due_dates=tuple(DueDate(due.date, due.amount, due.method) for due in document.due_dates),
        mailable=reason is None,
        not_mailable_reason=reason,
        source=SOURCE,
        party_code=document.party.code,
        identity=document.external_id,
        privacy_level=HIGHEST_CLEARANCE if document.confidential else 0,
        warnings=tuple(Notice("canonical_unknown_field", {"path": one.path}) for one in found.warnings),
        files=files,
        canonical=found.data,
        replaces=document.replaces,
    )


def _party(party: StatedParty) -> DocumentParty:
    names = ("name", "vat_number", "tax_code", "address", "postcode", "city", "province", "country")
    return DocumentParty(**{name: getattr(party, name) for name in names})


def _company(document: Envelope) -> DocumentParty:
    company = document.company
    if company is None:
        return DocumentParty()
    return DocumentParty(name=company.name, vat_number=company.vat_number, tax_code=company.tax_code)


def _fetch_files(document: Envelope, around: Surroundings) -> tuple[ParsedFile, ...]:
    """The files with their bytes. Raises ImportRefused naming every one that cannot be had."""
    problems: list[Problem] = []
    files: list[ParsedFile] = []
    has_main = False
    for place, entry in enumerate(document.files, start=1):
        where = f"files[{place}]"
        content = _content(entry, where, around, problems)
        if entry.role == "main" and (has_main or around.has_main_pdf):
            problems.append(Problem("two_mains", where))
        has_main = has_main or entry.role == "main"
        if content is None:
            continue
        problems.extend(_wrong_with(entry, content, where, around))
        files.append(ParsedFile(entry.role, entry.name, entry.mime or mime_of(entry.name, content), content))
    if problems:
        raise _refusal(problems)
    return tuple(files)


def _wrong_with(entry: FileEntry, content: bytes, where: str, around: Surroundings) -> Iterator[Problem]:
    if len(content) > around.file_limit:
        yield Problem("file_too_big", where, {"limit": around.file_limit >> 20})
    if entry.sha256 and entry.sha256.strip().lower() != sha256(content).hexdigest():
        yield Problem("sha_differs", f"{where}.sha256")
    if entry.role == "main" and sniff_document_format(content) is not FileFormat.PDF:
        yield Problem("main_not_pdf", where)


def _content(entry: FileEntry, where: str, around: Surroundings, problems: list[Problem]) -> bytes | None:
    if entry.content is not None:
        try:
            return base64.b64decode("".join(entry.content.split()), validate=True)
        except (binascii.Error, ValueError):
            problems.append(Problem("bad_base64", f"{where}.content"))
            return None
    if entry.path is None:
        problems.append(Problem("file_nowhere", where))
        return None
    shown = {"found": entry.path[:_SHOWN]}
    path = inner_path(entry.path)
    if path is None:
        problems.append(Problem("path_outside", f"{where}.path", shown))
        return None
    content = around.beside(path)
    if content is None:
        problems.append(Problem("file_absent", f"{where}.path", shown))
    return content


def inner_path(text: str) -> PurePosixPath | None:
    """A path that stays inside the folder it is relative to; None for any other."""
    plain = text.replace("\\", "/")
    path = PurePosixPath(plain)
    is_odd = not path.parts or plain.startswith("/") or ":" in plain or "\0" in plain or ".." in path.parts
    return None if is_odd else path


def named_paths(data: bytes) -> list[PurePosixPath]:
    """The files beside it that a JSON names; none when it cannot be read."""
    try:
        value = _load(decode_json(data))
    except ImportRefused:
        return []
    found = []
    for document in value if isinstance(value, list) else [value]:
        entries = document.get("files") if isinstance(document, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            text = entry.get("path") if isinstance(entry, dict) and not entry.get("content") else None
            path = inner_path(text) if isinstance(text, str) else None
            if path is not None:
                found.append(path)
    return found
