"""Canonical document data → the HTML of its printed form (IT-19, PD-1).

`data` is the canonical document of the importers: amounts as decimal strings, dates ISO, everything optional::

    type, title?, number, series, date, currency, company{name, address, postcode, city, province, country,
    vat_number, tax_code, phone, email, pec, website, registration}, party{code, name, address…, vat_number,
    tax_code}, contact{name}, lines[{code, description, qty, uom, price, discounts, net, tax_code}],
    tax_summary[{rate, nature, law, base, tax}], totals{net, tax, stamp, rounding, gross, withholding, payable},
    due_dates[{date, method, amount}], payment{terms, bank, iban, bic}, references[{type, number, date}], notes[]

and the fields of each type, which docs/pdf-layouts.md lists. A missing field prints nothing. A layout gets the
data's fields by name, `t` (words), `table(name, rows)`, `in_words(amount)` and what `_frame` gives. Pure: makes
text only, loads no rendering engine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from babel import localedata
from babel.numbers import get_currency_precision
from markupsafe import Markup

from crm_mail.document_types import TEXT_LANGUAGES, TYPE_FACTS, Direction, DocumentType, type_label
from crm_mail.documents.number_formats import parse_date
from crm_mail.documents.pdf_columns import COLUMNS
from crm_mail.documents.pdf_filters import layout_environment
from crm_mail.documents.pdf_labels import labels
from crm_mail.documents.pdf_layouts import CFDI, LAYOUT_FOLDER, is_stamped, layout_for, layouts
from crm_mail.documents.pdf_sandbox import render_own_layout
from crm_mail.documents.pdf_stamp import original_string, qr_picture
from crm_mail.documents.pdf_statement import statement_blocks
from crm_mail.documents.pdf_style import logo_uri, stylesheet
from crm_mail.documents.pdf_sums import (
    average_of,
    difference_of,
    reminder,
    with_gross,
    with_shares,
    with_sums,
)
from crm_mail.documents.pdf_tables import build_table
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.pdf_words import amount_in_words

__all__ = [
    "Theme",
    "UnknownLayout",
    "build_html",
    "layout_source_hash",
    "layouts",
    "print_language",
    "stylesheet",
]

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_GROUPS = (
    "company",
    "party",
    "contact",
    "totals",
    "payment",
    "period",
    "ship_to",
    "carrier",
    "stamp",
    "cfdi",
)
_TAX_LABELS = {
    "MX": "RFC",
    "PY": "RUC",
    "IT": "P. IVA",
    "ES": "NIF",
    "FR": "TVA",
    "DE": "USt-IdNr.",
    "GB": "VAT",
}
_SHORT_NOTICE = 300


class UnknownLayout(LookupError):
    """There is no such layout; the message names those that exist."""

    def __init__(self, layout: str) -> None:
        super().__init__(f"There is no layout “{layout}”. Layouts: {', '.join(layouts())}.")


@lru_cache(maxsize=1)
def layout_source_hash() -> str:
    """SHA-256 over all layout sources and words: a changed layout gives every document a new render key."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in [
        *sorted(LAYOUT_FOLDER.iterdir()),
        *sorted(here.glob("pdf_*.py")),
        here / "number_formats.py",
    ]:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def print_language(language: str, theme: Theme) -> str:
    """The language of a document for somebody: theirs if it is kept (`es-MX` stays), else the company's choice."""
    return language if language[:2].lower() in TEXT_LANGUAGES else theme.fallback_language


def build_html(layout: str, data: Mapping[str, Any], language: str, theme: Theme, source: str = "") -> str:
    """The HTML of one document; `source` is a company's own layout. Raises `UnknownLayout`, `LayoutFault`."""
    if layout not in layouts():
        raise UnknownLayout(layout)
    if layout == CFDI and not is_stamped(data):
        layout = layout_for(str(data.get("type")), data)  # nothing may call itself a CFDI without its stamp
        source = ""
    language = print_language(language, theme)
    values = _clean(dict(data))
    for group in _GROUPS:
        given = values.get(group)
        values[group] = given if isinstance(given, Mapping) else {}
    language = _regional(language, values["party"].get("country") or values["company"].get("country"))
    extra = values.get("extra")
    if not values["cfdi"] and isinstance(extra, Mapping) and isinstance(extra.get("cfdi"), Mapping):
        values["cfdi"] = extra["cfdi"]  # a checked document keeps what its schema does not know there
    values |= _frame(layout, values, language, theme)
    values |= {"statement_blocks": partial(statement_blocks, values), "reminder": partial(reminder, values)}
    if source:
        return render_own_layout(source, values)
    return layout_environment().get_template(f"{layout}.html").render(values)


def _regional(language: str, country: object) -> str:
    """Spanish as the recipient's country writes numbers: Mexico `1,234.50`, Spain and Paraguay `1.234,50`."""
    regional = f"es_{str(country).upper()}"
    return regional.replace("_", "-") if language == "es" and localedata.exists(regional) else language


def _frame(layout: str, values: Mapping[str, Any], language: str, theme: Theme) -> dict[str, Any]:
    """What every layout gets beside the data."""
    words = labels(language)
    kind = str(values.get("type") or layout)
    created = parse_date(values.get("date"))
    currency = values.get("currency") or "EUR"
    settled = next((values[name] for name in ("amount", "total") if values.get(name) is not None), "")
    return {
        "t": words,
        "language": language,
        "currency": currency,
        "title": _title(values, language),
        "kind_label": _kind_label(values, language),
        "created": created.isoformat() if created else "",
        "logo": logo_uri(theme.logo),
        "address_left": theme.address_left,
        "imprint": theme.footer or _imprint(values["company"], words),
        "legal_text": theme.legal_text(kind),
        "statement_comment": theme.statement_comment,
        "party_code_label": words["our_supplier_code" if _is_supplier(kind, values) else "customer_code"],
        "party_tax_label": _tax_label(values["party"], words),
        "company_tax_label": _tax_label(values["company"], words),
        "settled": settled or values["totals"].get("payable", ""),
        "in_words": partial(amount_in_words, currency=currency, language=language),
        "qr": qr_picture,
        "original_string": original_string,
        "table_name": next((name for name in (kind, layout) if name in COLUMNS), "generic"),
        "table": partial(_table, words, language, theme, kind, currency),
        "with_sums": with_sums,
        "with_shares": with_shares,
        "with_gross": with_gross,
        "difference_of": difference_of,
        "average_of": average_of,
        "mask_iban": theme.mask_iban,
        **_notices(layout, words, theme),
    }


def _notices(layout: str, words: Mapping[str, str], theme: Theme) -> dict[str, str]:
    """A short notice of a courtesy copy stands in the foot of every page; a long one once, after the content."""
    notice = theme.legal_notice
    if notice is None:
        notice = words["courtesy_notice"] if layout == "courtesy_copy" else ""
    is_short = layout == "courtesy_copy" and 0 < len(notice) <= _SHORT_NOTICE
    return {
        "legal_notice": "" if is_short else notice,
        "foot_notice": f"{words['courtesy_copy']}. {notice}" if is_short else "",
    }


def _table(
    words: Mapping[str, str],
    language: str,
    theme: Theme,
    kind: str,
    document_currency: str,
    name: str,
    rows: object,
    group: str = "",
    late: str = "",
    currency: str = "",
) -> Markup:
    """The table `name` of `pdf_columns.COLUMNS`, with the optional columns the company shows for this type."""
    given = rows if isinstance(rows, list | tuple) else []
    has_cents = get_currency_precision(currency or document_currency) > 0
    chosen = theme.columns_of(kind)
    return build_table(
        COLUMNS[name], given, words, language, chosen, group=group, late=late, has_cents=has_cents
    )


def _is_supplier(kind: str, values: Mapping[str, Any]) -> bool:
    if values.get("direction"):
        return bool(values["direction"] == Direction.SUPPLIER)
    known = kind in TYPE_FACTS
    return known and TYPE_FACTS[DocumentType(kind)].direction is Direction.SUPPLIER


def _tax_label(who: Mapping[str, Any], words: Mapping[str, str]) -> str:
    return _TAX_LABELS.get(str(who.get("country") or "").upper(), words["vat_number"])


def _kind_label(values: Mapping[str, Any], language: str) -> str:
    if values.get("type_label"):
        return str(values["type_label"])  # the company's own name of the type
    known = values.get("type") in TYPE_FACTS
    return type_label(str(values["type"]) if known else DocumentType.GENERIC, language)


def _title(values: Mapping[str, Any], language: str) -> str:
    stated = str(values.get("title") or "")
    number = _full_number(values)
    mark = {"it": "n.", "es": "n.º"}.get(language[:2], "no.")
    if not number or number in stated:
        return stated or _kind_label(values, language)
    return f"{stated or _kind_label(values, language)} {mark} {number}"


def _full_number(values: Mapping[str, Any]) -> str:
    """Number and series as the country writes them: `101/F`, but `F 101` where a series comes first (CFDI)."""
    parts = [str(values[key]) for key in ("number", "series") if values.get(key)]
    is_mexican = is_stamped(values) or str(values["company"].get("country") or "").upper() == "MX"
    return " ".join(reversed(parts)) if is_mexican else "/".join(parts)


def _imprint(company: Mapping[str, Any], words: Mapping[str, str]) -> str:
    place = " ".join(str(company[key]) for key in ("postcode", "city") if company.get(key))
    vat = f"{_tax_label(company, words)} {company['vat_number']}" if company.get("vat_number") else ""
    parts = [company.get("name"), company.get("address"), place, vat, company.get("registration")]
    return " · ".join(str(part) for part in parts if part)[:240]


def _clean(value: Any) -> Any:
    """Without the characters that neither XML nor a PDF's text can hold."""
    if isinstance(value, str):
        return _CONTROLS.sub("", value)
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
