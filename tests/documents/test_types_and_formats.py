"""Facts per document type, and numbers and dates in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest

from crm_mail.document_types import TEXT_LANGUAGES, TYPE_FACTS, DocumentType, text_language, type_label
from crm_mail.documents.number_formats import format_date, format_money, format_number
from crm_mail.documents.pdf_markup import build_html
from crm_mail.documents.pdf_theme import Theme


def test_every_document_type_has_its_facts_in_three_languages() -> None:
    assert set(TYPE_FACTS) == set(DocumentType)
    for facts in TYPE_FACTS.values():
        for language in TEXT_LANGUAGES:
            assert facts.label(language)
            assert facts.plural(language)
            assert facts.role(language)


def test_what_needs_its_own_proof_is_never_bundled() -> None:
    assert not TYPE_FACTS[DocumentType.DUNNING_LETTER].bundled
    assert not TYPE_FACTS[DocumentType.DECLARATION_OF_INTENT].bundled
    assert TYPE_FACTS[DocumentType.INVOICE].bundled


def test_a_label_follows_the_recipients_language_and_falls_back_to_english() -> None:
    assert [type_label("invoice", tag) for tag in ("it", "es-MX", "de")] == ["Fattura", "Factura", "Invoice"]
    assert [text_language(tag) for tag in ("IT", "es_MX", "pt", "", None)] == ["it", "es", "en", "en", "en"]


@pytest.mark.parametrize(
    ("value", "currency", "language", "expected"),
    [
        ("1234.5", "EUR", "it", "1.234,50\xa0€"),
        ("1234.5", "EUR", "es", "1.234,50\xa0€"),
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("-1234567.895", "EUR", "it", "-1.234.567,90\xa0€"),
        ("-0.001", "EUR", "it", "0,00\xa0€"),
        ("1234.5", "PYG", "it", "1.235\xa0PYG"),
        ("1e19", "EUR", "it", "10.000.000.000.000.000.000,00\xa0€"),
        ("1e40", "EUR", "it", "1e40"),
        ("to be agreed", "EUR", "it", "to be agreed"),
        (None, "EUR", "it", ""),
        ("5", "", "it", "5,00"),
        ("5", "nonsense", "it", "5,00\xa0nonsense"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(
    value: object, currency: str, language: str, expected: str
) -> None:
    assert format_money(value, currency, language) == expected


def test_quantities_keep_their_own_decimals() -> None:
    assert [format_number(value, "it") for value in ("12.500", "1000", 3, "x")] == ["12,5", "1.000", "3", "x"]


def test_dates_are_numeric_or_in_words_and_texts_are_kept() -> None:
    assert format_date("2026-11-21T10:00:00Z", "it") == "21/11/2026"
    assert format_date("2026-11-21", "es", "long") == "21 de noviembre de 2026"
    assert format_date("soon", "en") == "soon"


@pytest.mark.parametrize(
    ("data", "printed"),
    [
        ({"number": "101", "series": "F", "company": {"country": "MX"}}, "Factura n.º F 101"),
        ({"number": "101", "series": "F", "company": {"country": "ES"}}, "Factura n.º 101/F"),
        ({"number": "12", "title": "Carta de garantía"}, "Carta de garantía n.º 12"),
        ({"number": "12/2026", "title": "Circular 12/2026"}, "Circular 12/2026"),
    ],
)
def test_a_printed_document_is_headed_with_its_number(data: dict[str, Any], printed: str) -> None:
    """A series comes first in Mexico; a title of its own does not hide the number."""
    html = build_html("generic", {"type": "invoice", "date": "2026-11-02"} | data, "es", Theme())
    assert f"<h1>{printed}</h1>" in html
