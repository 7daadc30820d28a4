"""The message texts the product brings, per document type and language (IT-12, PD-5, CO-10).

They lie in `templates/email/<type>/<language>/{subject.txt,body.txt,body.html}` and are ordinary texts
in the language of `templating`: a company starts from them. `bundle` is for a message with
documents of several types, `default` for a type without texts, `run_report` for the staff notice (RP-14).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from crm_mail.document_types import text_language
from crm_mail.documents.html_text import html_to_text, is_html_body, sanitise_html, without_html_marker
from crm_mail.documents.templating import CompiledText, TextSchema, compile_text

BUNDLE = "bundle"
DEFAULT = "default"
RUN_REPORT = "run_report"
_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "email"


@dataclass(frozen=True, slots=True)
class MessageText:
    """The sources of one text; `body_html` may be empty (a message with plain text only)."""

    subject: str
    body_text: str
    body_html: str


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """The three parts ready to render; `html` is None for a message with plain text only."""

    subject: CompiledText
    text: CompiledText
    html: CompiledText | None


@lru_cache(maxsize=128)
def builtin_text(name: str, language: str) -> MessageText:
    """The built-in text for a document type id, `bundle` or `run_report`, in the nearest kept language."""
    folder = _FOLDER / name / text_language(language)
    if "/" in name or "\\" in name or not folder.is_dir():
        folder = _FOLDER / DEFAULT / text_language(language)
    subject, text, html = (
        (folder / part).read_text(encoding="utf-8") for part in ("subject.txt", "body.txt", "body.html")
    )
    return MessageText(subject.strip(), text, html)


@lru_cache(maxsize=1)
def email_layout() -> str:
    """Our outer HTML (inline styles, Outlook, dark mode) with the mark where a body goes."""
    return (_FOLDER / "layout.html").read_text(encoding="utf-8")


def text_name(document_types: set[str]) -> str:
    """Which text a message needs: its type's when all documents are of one type, else `bundle`."""
    return next(iter(document_types)) if len(document_types) == 1 else BUNDLE if document_types else DEFAULT


def compile_message(text: MessageText, schema: TextSchema = "message") -> CompiledMessage:
    """Check and compile the three parts (kept by `compile_text`); raises `TemplateInvalid`."""
    html = compile_text(text.body_html, "html", schema, email_layout()) if text.body_html.strip() else None
    return CompiledMessage(
        compile_text(text.subject, "subject", schema), compile_text(text.body_text, "text", schema), html
    )


def text_from_single_body(subject: str, body: str) -> MessageText:
    """A text from the one-field form of older systems: a body beginning with `HTML` is HTML (PM-11).

    The plain alternative is made from the HTML; the HTML is cleaned. A plain body stays plain.
    """
    if not is_html_body(body):
        return MessageText(subject, body, "")
    clean = sanitise_html(without_html_marker(body))
    return MessageText(subject, html_to_text(clean), clean)
