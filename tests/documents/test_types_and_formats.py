"""Facts per document type, and numbers and dates in the reader's language."""

from __future__ import annotations

import pytest

from crm_mail.document_types import TEXT_LANGUAGES, TYPE_FACTS, DocumentType, text_language, type_label
from crm_mail.documents.number_formats import format_date, format_money, format_number


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
