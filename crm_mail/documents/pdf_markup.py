"""Canonical document data → the HTML and CSS of its printed form (IT-19, PD-1).

`data` is the canonical document of the importers: amounts as decimal strings, dates ISO, everything optional::

    type, title?, number, series, date, currency, company{name, address, postcode, city, province, country,
    vat_number, tax_code, phone, email, pec, website, registration}, party{code, name, address…, vat_number,
    tax_code}, contact{name}, lines[{code, description, qty, uom, price, discounts, net, tax_code}],
    tax_summary[{rate, nature, law, base, tax}], totals{net, tax, stamp, rounding, gross, withholding, payable},
    due_dates[{date, method, amount}], payment{terms, bank, iban, bic}, references[{type, number, date}], notes[]

account_statement adds `as_of, period{from, to}, opening, entries[{date, doc_type, number, description,
due_date, debit, credit, balance, overdue_days}], closing, overdue_total, aging[{bucket, amount}]`; letter adds
`paragraphs[], items[{number, date, due, description, amount}], total, closing_paragraphs[], signatory`; summary
adds `facts[{label, value}]`. A missing field prints nothing. Pure: makes text only, loads no rendering engine.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from crm_mail.document_types import DocumentType, type_label
from crm_mail.documents.number_formats import format_date, format_money, format_number, parse_number
from crm_mail.documents.pdf_labels import labels

LAYOUT_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "pdf"
DEFAULT_ACCENT = "#1f4e79"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LOGO_KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True, slots=True)
class Theme:
    """A company's look.

    `accent` is `#rrggbb`; `logo` PNG, JPEG or GIF bytes; `legal_notice` None is the built-in one, empty none;
    `address_left` for envelopes with the window at the left.
    """

    accent: str = DEFAULT_ACCENT
    logo: bytes | None = None
    legal_notice: str | None = None
    address_left: bool = False


class UnknownLayout(LookupError):
    """There is no such layout; the message names those that exist."""

    def __init__(self, layout: str) -> None:
        super().__init__(f"There is no layout “{layout}”. Layouts: {', '.join(layouts())}.")


@lru_cache(maxsize=1)
def layouts() -> tuple[str, ...]:
    """Names of the layouts that can be rendered, sorted."""
    names = {path.stem for path in LAYOUT_FOLDER.glob("*.html")} - {"base", "parts"}
    return tuple(sorted(names))


@lru_cache(maxsize=1)
def layout_source_hash() -> str:
    """SHA-256 over all layout sources and words: a changed layout gives every document a new render key."""
    digest = hashlib.sha256()
    for path in [*sorted(LAYOUT_FOLDER.iterdir()), Path(__file__), Path(__file__).with_name("pdf_labels.py")]:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def stylesheet(theme: Theme) -> str:
    """The CSS of all layouts with the company's colour; anything but `#rrggbb` gives the default colour."""
    accent = theme.accent if _COLOUR.fullmatch(theme.accent) else DEFAULT_ACCENT
    return (LAYOUT_FOLDER / "base.css").read_text(encoding="utf-8").replace("ACCENT", accent)


def _empty(value: object) -> bool:
    return value is None or isinstance(value, Undefined) or value == ""


@pass_context
def _money(context: Context, value: object, currency: str = "") -> str:
    return "" if _empty(value) else format_money(value, currency, context.parent["language"])


@pass_context
def _price(context: Context, value: object) -> str:
    """A unit price: at least two decimals, all those it has."""
    number = None if _empty(value) else parse_number(value)
    if number is None:
        return "" if _empty(value) else str(value)
    own = -int(number.normalize().as_tuple().exponent)
    return format_number(number, context.parent["language"], max(2, own))


@pass_context
def _number(context: Context, value: object) -> str:
    return "" if _empty(value) else format_number(value, context.parent["language"])


@pass_context
def _date(context: Context, value: object) -> str:
    return "" if _empty(value) else format_date(value, context.parent["language"])


def _negative(value: object) -> bool:
    number = None if _empty(value) else parse_number(value)
    return number is not None and number < 0


def _present(value: object) -> bool:
    return not _empty(value)


def _filled(values: Iterable[object]) -> list[object]:
    return [value for value in values if not _empty(value)]


def _iban(value: object) -> str:
    text = "" if _empty(value) else re.sub(r"\s", "", str(value))
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _lines(value: object) -> Markup:
    return Markup("<br>").join(escape(line) for line in str(value).splitlines())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(LAYOUT_FOLDER),
        autoescape=True,
        undefined=ChainableUndefined,
        auto_reload=False,
    )
    environment.filters |= {
        "money": _money,
        "price": _price,
        "number": _number,
        "date": _date,
        "negative": _negative,
        "filled": _filled,
        "present": _present,
        "iban": _iban,
        "lines": _lines,
    }
    return environment


def build_html(layout: str, data: Mapping[str, Any], language: str, theme: Theme) -> str:
    """The HTML of one document. Raises `UnknownLayout`."""
    if layout not in layouts():
        raise UnknownLayout(layout)
    words = labels(language)
    values = _clean(dict(data))
    for group in ("company", "party", "contact", "totals", "payment", "period"):
        values[group] = values.get(group) or {}
    notice = theme.legal_notice
    if notice is None:
        notice = words["courtesy_notice"] if layout == "courtesy_copy" else ""
    # A short notice stands in the foot of every page; a long one once, after the content.
    short = layout == "courtesy_copy" and 0 < len(notice) <= 300
    values |= {
        "t": words,
        "language": language,
        "currency": values.get("currency") or "EUR",
        "title": values.get("title") or _title(values, language),
        "logo": _logo_uri(theme.logo),
        "address_left": theme.address_left,
        "legal_notice": "" if short else notice,
        "foot_notice": f"{words['courtesy_copy']}. {notice}" if short else "",
        "imprint": _imprint(values["company"], words),
    }
    return _environment().get_template(f"{layout}.html").render(values)


def _title(values: Mapping[str, Any], language: str) -> str:
    kind = type_label(str(values.get("type") or DocumentType.GENERIC), language)
    number = "/".join(str(values[key]) for key in ("number", "series") if values.get(key))
    mark = {"it": "n.", "es": "n.º"}.get(language[:2], "no.")
    return f"{kind} {mark} {number}" if number else kind


def _imprint(company: Mapping[str, Any], words: Mapping[str, str]) -> str:
    place = " ".join(str(company[key]) for key in ("postcode", "city") if company.get(key))
    vat = f"{words['vat_number']} {company['vat_number']}" if company.get("vat_number") else ""
    parts = [company.get("name"), company.get("address"), place, vat, company.get("registration")]
    return " · ".join(str(part) for part in parts if part)[:320]


def _clean(value: Any) -> Any:
    """Without the characters that neither XML nor a PDF's text can hold."""
    if isinstance(value, str):
        return _CONTROLS.sub("", value)
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


@lru_cache(maxsize=32)
def _logo_uri(logo: bytes | None) -> str:
    """The logo as a data address; an unknown kind of picture (SVG could name files) prints nothing."""
    kind = next((kind for magic, kind in _LOGO_KINDS.items() if logo and logo.startswith(magic)), None)
    return f"data:{kind};base64,{base64.b64encode(logo).decode()}" if logo and kind else ""
