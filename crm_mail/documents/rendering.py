"""The door to the PDF engine: `render_pdf` and what belongs to it (IT-19).

Callers name a layout and give data; that WeasyPrint does the work is known to this file only. It runs in the
processes of `pdf_pool`, never in threads (a shared font configuration corrupts GLib's lists) and never inside a
request. Measures that make it fast, each measured: one font configuration and one parsed stylesheet per
process, pictures kept, the garbage collector frozen after loading, system fonts, lean tables.
"""

from __future__ import annotations

import ctypes.util
import gc
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from importlib import metadata
from typing import Any

from crm_mail.documents.number_formats import parse_date
from crm_mail.documents.pdf_markup import build_html, layout_source_hash
from crm_mail.documents.pdf_style import stylesheet
from crm_mail.documents.pdf_theme import Theme, theme_inputs

__all__ = [
    "EmbeddedFile",
    "RenderFailed",
    "Theme",
    "pdf_available",
    "prepare_process",
    "print_html",
    "render_key",
    "render_pdf",
]

# Shared libraries that WeasyPrint loads with dlopen, and the Debian packages that bring them.
_LIBRARIES = ("gobject-2.0", "pango-1.0", "harfbuzz", "fontconfig", "pangoft2-1.0", "harfbuzz-subset")
APT_LINE = "apt-get install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
BREW_LINE = "brew install pango"


class RenderFailed(Exception):
    """A document could not be printed; the message says why. `code`: failed, timeout, died, unavailable, layout
    (a company's own layout has a mistake; `facts` says which, for the pages to translate)."""

    def __init__(
        self, reason: str, code: str = "failed", facts: Mapping[str, str | int] | None = None
    ) -> None:
        self.reason = reason
        self.code = code
        self.facts = dict(facts or {})
        super().__init__(reason)

    def __reduce__(self) -> tuple[object, ...]:
        return RenderFailed, (self.reason, self.code, self.facts)


@lru_cache(maxsize=1)
def pdf_available() -> tuple[bool, str]:
    """Whether PDFs can be made here; if not, the reason with the exact line to install. Loads nothing heavy."""
    if os.name == "nt":
        return True, ""  # the libraries come from MSYS2 folders that only WeasyPrint itself knows
    missing = [name for name in _LIBRARIES if ctypes.util.find_library(name) is None]
    if not missing:
        return True, ""
    line = BREW_LINE if sys.platform == "darwin" else APT_LINE
    return False, f"PDF generation needs the system libraries {', '.join(missing)}. Install them with: {line}"


@lru_cache(maxsize=1)
def engine_version() -> str:
    """Name and version of the engine, part of every render key."""
    return f"weasyprint-{metadata.version('weasyprint')}"


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file inside the PDF: the legal XML of the document that it shows (PDF/A-3, relationship `Source`)."""

    name: str
    content: bytes


def render_key(
    layout: str,
    data: Mapping[str, Any],
    language: str,
    theme: Theme,
    files: Sequence[EmbeddedFile] = (),
    source: str = "",
) -> str:
    """SHA-256 (hex) of everything that decides the PDF's content: equal key, equal document, no need to render."""
    embedded = [(file.name, hashlib.sha256(file.content).hexdigest()) for file in files]
    parts: list[Any] = [layout, language, theme_inputs(theme), embedded, data]
    if source:
        parts.append(hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest())
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"), ensure_ascii=False)
    versions = f"{engine_version()}\0{layout_source_hash()}\0"
    return hashlib.sha256((versions + text).encode("utf-8", "surrogatepass")).hexdigest()


class _Engine:
    """What one process keeps between documents."""

    def __init__(self) -> None:
        # Loaded on first use: importing WeasyPrint takes one to three seconds and needs system libraries.
        import weasyprint  # noqa: PLC0415
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415

        self.weasyprint = weasyprint
        self.fonts = FontConfiguration()
        # Only pictures inside the document: no network, no files.
        self.fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
        self.sheets: dict[str, Any] = {}
        self.pictures: dict[str, Any] = {}

    def sheet(self, css: str) -> Any:
        """The parsed stylesheet, kept for the few companies of an installation."""
        if css not in self.sheets:
            if len(self.sheets) >= 32:
                self.sheets.clear()
                self.pictures.clear()
            self.sheets[css] = self.weasyprint.CSS(
                string=css, url_fetcher=self.fetcher, font_config=self.fonts
            )
        return self.sheets[css]


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    return _Engine()


def prepare_process() -> None:
    """Load the engine and tune the garbage collector for it; called once in each process of the pool."""
    _engine()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def render_pdf(
    layout: str,
    data: Mapping[str, Any],
    language: str,
    theme: Theme,
    files: Sequence[EmbeddedFile] = (),
    source: str = "",
) -> bytes:
    """The PDF of one document (see `pdf_markup` for `data`). Call it in a process of the pool.

    The same input gives the same bytes. `files` are embedded; with `theme.archive` the PDF is PDF/A-3b.
    `source` is a company's own layout in place of the built-in one.
    Raises `UnknownLayout`, `LayoutFault`, or `RenderFailed` with the reason.
    """
    html = build_html(layout, data, language, theme, source)
    ready, reason = pdf_available()
    if not ready:
        raise RenderFailed(reason, "unavailable")
    engine = _engine()
    try:
        document = engine.weasyprint.HTML(string=html, url_fetcher=engine.fetcher)
        result: bytes = document.write_pdf(
            finisher=_list_files_once,
            stylesheets=[engine.sheet(stylesheet(theme))],
            font_config=engine.fonts,
            cache=engine.pictures,
            pdf_identifier=render_key(layout, data, language, theme, files, source)[:32].encode(),
            pdf_tags=theme.tagged,
            pdf_variant="pdf/a-3b" if theme.archive else None,
            attachments=[_attachment(engine, file, data) for file in files] or None,
        )
    except Exception as error:  # the engine has no exception base class of its own
        raise RenderFailed(f"The document could not be printed: {type(error).__name__}: {error}") from error
    return result


def print_html(html: str) -> bytes:
    """The PDF of a page that is complete in itself (`printed_pages`). Call it in a process of the pool.

    Raises `RenderFailed` with the reason.
    """
    ready, reason = pdf_available()
    if not ready:
        raise RenderFailed(reason, "unavailable")
    engine = _engine()
    try:
        document = engine.weasyprint.HTML(string=html, url_fetcher=engine.fetcher)
        digest = hashlib.sha256(html.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        result: bytes = document.write_pdf(
            font_config=engine.fonts, pdf_identifier=digest.encode(), pdf_tags=True
        )
    except Exception as error:  # the engine has no exception base class of its own
        raise RenderFailed(f"The page could not be printed: {type(error).__name__}: {error}") from error
    return result


def _attachment(engine: _Engine, file: EmbeddedFile, data: Mapping[str, Any]) -> Any:
    """The file as of the document's date: the same document gives the same bytes at any time."""
    day = parse_date(data.get("date"))
    made = datetime.combine(day, time(), UTC) if day else datetime(2000, 1, 1, tzinfo=UTC)
    return engine.weasyprint.Attachment(
        string=file.content, name=file.name, created=made, modified=made, relationship="Source"
    )


def _list_files_once(_document: Any, pdf: Any) -> None:
    """WeasyPrint 70 names each embedded file twice among the associated files (AF) of PDF/A-3."""
    if "AF" in pdf.catalog:
        files = pdf.catalog["AF"]
        files[:] = dict.fromkeys(files)
