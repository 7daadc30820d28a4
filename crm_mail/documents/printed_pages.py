"""Pages that the product prints of itself (a dossier's summary, a register): our own templates, no document's layout.

Templates lie in ``templates/pdf/pages``; they may use ``_()`` and the filters ``day``, ``moment`` and ``size``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from crm_mail.documents.pdf_jobs import PageJob
from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER
from crm_mail.documents.pdf_pool import PdfPool

SECONDS = 120.0


@pass_context
def _moment(context: Context, value: datetime | None) -> str:
    if value is None:
        return ""
    zone = ZoneInfo(context["timezone"])
    return format_datetime(value.astimezone(zone), "d MMM yyyy, HH:mm:ss ZZZZ", locale=context["language"])


@pass_context
def _day(context: Context, value: date | None) -> str:
    return format_date(value, "d MMM yyyy", locale=context["language"]) if value else ""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(LAYOUT_FOLDER / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "day": _day}
    return environment


def build_page(
    template: str, values: Mapping[str, Any], translate: Callable[[str], str], language: str, timezone: str
) -> str:
    """The HTML of a page, in a language and a time zone."""
    given = {**values, "language": language, "timezone": timezone}

    def translated(message: str, **params: Any) -> str:
        return translate(message) % params if params else translate(message)

    return _environment().get_template(template).render(given, _=translated)


def print_page(html: str) -> bytes:
    """The PDF of a page, drawn in a process of its own. Raises `RenderFailed`."""
    with PdfPool(1, timeout=SECONDS) as pool:
        return pool.render(PageJob("page", html))
