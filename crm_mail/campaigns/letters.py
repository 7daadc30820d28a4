"""Letters: a Word template or an HTML template, filled in for one recipient (pure; bytes in, bytes out).

Word templates are docx files whose text holds the placeholders, conditions and loops of message texts
(`documents.templating`): the same closed language is checked in each part of the file, before it is used at all.
"""

import io
import re
import zipfile
from enum import StrEnum
from functools import lru_cache
from html import escape
from typing import Any

from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from lxml.etree import LxmlError

from crm_mail.documents.html_text import sanitise_html
from crm_mail.documents.message_context import MESSAGE_FIELDS
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.template_rules import TemplateChecker
from crm_mail.documents.templating import LOOP_FILTER, MAX_ROUNDS, ROUNDS, compile_text, html_environment
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.refusals import Refusal

MOST_UNPACKED = 60_000_000
MOST_PARTS = 2000
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LOADING = re.compile(
    r"\b(?:INCLUDE(?:TEXT|PICTURE)?|IMPORT|LINK|DDE(?:AUTO)?|DATABASE|RD)\b\s*[\"\\\w/]", re.IGNORECASE
)
"""Fields that fetch something when the document is opened."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class LetterKind(StrEnum):
    """What a letter is written as."""

    NONE = ""
    WORD = "docx"
    HTML = "html"


class LetterInvalid(Refusal):
    """A letter cannot be used; ``code`` says why, ``detail`` where."""

    def __init__(self, code: str, words: str, detail: str = "") -> None:
        super().__init__(words)
        self.code = code
        self.detail = detail


class _Checked(ImmutableSandboxedEnvironment):
    """Every template of the file is checked against the closed language before it becomes code."""

    def from_string(self, source: Any, *_args: Any, **_kwargs: Any) -> Template:
        tree = self.parse(source)
        TemplateChecker(MESSAGE_FIELDS, LOOP_FILTER).check(tree)
        return self.template_class.from_code(self, self.compile(tree), {})


@lru_cache(maxsize=1)
def _environment() -> _Checked:
    environment = _Checked(autoescape=True, undefined=StrictUndefined, cache_size=0)
    known = html_environment()
    environment.filters, environment.globals = known.filters, {}
    return environment


def check_docx(data: bytes) -> None:
    """That a file is a Word document of bounded size without macros.

    Raises:
        LetterInvalid
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise LetterInvalid(
            "not_word", "the file is not a Word document (.docx): save it as .docx and upload it again"
        ) from None
    names = {part.filename for part in parts}
    if "word/document.xml" not in names:
        raise LetterInvalid(
            "not_word", "the file is not a Word document (.docx): save it as .docx and upload it again"
        )
    if any(name.endswith("vbaProject.bin") for name in names):
        raise LetterInvalid("macros", "the Word document holds macros: save it as .docx without macros")
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise LetterInvalid("too_large", "the Word document is too large: take large pictures out of it")
    _check_links(data)


def _check_links(data: bytes) -> None:
    """That nothing of the letter lies elsewhere: LibreOffice would fetch it with the rights of this server.

    Links for the reader, and the name of the template that a letter was once written with, are nothing of it.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith(".rels"):
                found = _outside(_parsed(archive.read(name)))
            elif name.startswith("word/") and name.endswith(".xml"):
                found = _LOADING.search(_instructions(_parsed(archive.read(name)))) is not None
            else:
                continue
            if found:
                raise LetterInvalid(
                    "linked",
                    "the Word document loads something that lies elsewhere: put pictures and texts into the document "
                    "itself, instead of linking them",
                    name,
                )


def _parsed(part: bytes) -> "etree._Element":
    try:
        return parse_hardened(part, size_limit=MOST_UNPACKED)[0]
    except ImportRefused as wrong:
        raise LetterInvalid(
            "damaged", f"the Word letter cannot be read ({wrong}): save it again and upload it", str(wrong)
        ) from None


def _outside(relations: "etree._Element") -> bool:
    return any(
        one.get("TargetMode", "").lower() == "external"
        and not one.get("Type", "").lower().endswith(("/hyperlink", "/attachedtemplate"))
        for one in relations.iter()
    )


def _instructions(part: "etree._Element") -> str:
    """The instructions of all fields of a part: Word divides one among several elements as it likes."""
    said = []
    for one in part.iter(f"{_WORD}instrText", f"{_WORD}fldChar", f"{_WORD}fldSimple"):
        text = one.text or "" if one.tag == f"{_WORD}instrText" else f" {one.get(f'{_WORD}instr', '')} "
        said.append(text)
    return "".join(said)


def merge_docx(template: bytes, context: dict[str, Any]) -> bytes:
    """A Word letter for one recipient.

    Args:
        context: of `documents.message_context.build_context`.

    Raises:
        LetterInvalid: the file is damaged, or its text names something that does not exist.
    """
    try:
        letter = DocxTemplate(io.BytesIO(template))
        letter.render({**context, ROUNDS: [MAX_ROUNDS]}, _environment())
        done = io.BytesIO()
        letter.save(done)
    except TemplateInvalid as wrong:
        raise LetterInvalid("template", f"the Word letter has a fault: {wrong}", str(wrong)) from wrong
    except TemplateError as wrong:
        raise LetterInvalid("template", f"the Word letter has a fault: {wrong}", str(wrong)) from wrong
    except (PackageNotFoundError, KeyError, ValueError, TypeError, LxmlError, zipfile.BadZipFile) as wrong:
        raise LetterInvalid(
            "damaged", f"the Word letter cannot be read ({wrong}): save it again and upload it", str(wrong)
        ) from wrong
    return _steady(done.getvalue())


def _steady(data: bytes) -> bytes:
    """The same file with the same bytes each time: entries are dated alike."""
    done = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(done, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return done.getvalue()


def tidy_html(source: str) -> str:
    """An HTML letter as it is kept: cleaned, its placeholders checked.

    Raises:
        TemplateInvalid
    """
    clean = sanitise_html(source.replace("\r\n", "\n"))
    compile_text(clean, "html")
    return clean


def letter_page(source: str, context: dict[str, Any]) -> str:
    """The page that is printed for one recipient. Raises `TemplateInvalid`."""
    body = compile_text(source, "html").render(context)
    language = escape(str(context["language"]), quote=True)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(_title(context))}'
        f"</title><style>{_LOOK}</style></head><body>{body}</body></html>"
    )


def _title(context: dict[str, Any]) -> str:
    return str(context["company"].get("name", "")) or "–"


_LOOK = (
    "@page{size:A4;margin:22mm 20mm}body{font-family:'DejaVu Sans',Arial,sans-serif;font-size:10.5pt;line-height:1.45}"
    "table{border-collapse:collapse}td,th{padding:2pt 6pt;vertical-align:top}img{max-width:100%}"
)
