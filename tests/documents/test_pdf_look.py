"""What a company chooses for its PDFs, and what needs no engine: colours, amounts in words, the QR's text."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from crm_mail.documents.pdf_pictures import with_pictures
from crm_mail.documents.pdf_stamp import original_string, qr_text
from crm_mail.documents.pdf_style import contrast, readable, stylesheet
from crm_mail.documents.pdf_theme import InvalidTheme, Theme, theme_from, theme_values
from crm_mail.documents.pdf_words import amount_in_words
from tests.documents.pdf_samples import EVERY_CHOICE


def test_a_theme_comes_from_json_and_goes_back() -> None:
    assert theme_values(theme_from(EVERY_CHOICE)) == EVERY_CHOICE
    assert theme_from({}) == Theme()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("accent", "red", "accent: “red” must be a colour"),
        ("typeface", "Comic Sans", "must be one of sans, serif"),
        ("paper", "A3", "must be one of A4, Letter"),
        ("footer", 7, "footer must be a text"),
        ("footer", "x" * 401, "at most 400 characters"),
        ("tagged", "yes", "must be true or false"),
        ("columns", {"quote": ["lot", "price"]}, "“price” names a column that this type does not have"),
        ("columns", ["lot"], "must map document types"),
        ("legal_texts", {"poem": "x"}, "“poem” names a document type that does not exist"),
        ("css", "*{}", "css is not a setting"),
    ],
)
def test_a_wrong_choice_is_named_with_what_is_allowed(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidTheme) as refused:
        theme_from({field: value})
    assert message in str(refused.value)


def test_a_pale_colour_is_darkened_where_it_is_text_and_carries_black_where_it_is_ground() -> None:
    """WCAG 1.4.3: 4.5 to 1."""
    css = stylesheet(Theme(accent="#ffd400"))
    assert contrast(readable("#ffd400"), "#ffffff") >= 4.5
    assert "background: #ffd400; color: #111111" in css
    assert "var(--" not in css


@pytest.mark.parametrize(
    ("amount", "currency", "language", "words"),
    [
        ("1234.56", "EUR", "it", "milleduecentotrentaquattro/56 euro"),
        ("1000021.005", "MXN", "es", "un millón veintiún pesos 01/100 M.N."),
        ("2000000", "PYG", "es", "dos millones de guaraníes paraguayos"),
        ("1", "MXN", "es", "un peso 00/100 M.N."),
        ("-0.10", "USD", "en", "minus zero US dollars and 10/100"),
        ("no number", "EUR", "it", ""),
        ("1e15", "EUR", "it", ""),
    ],
)
def test_amounts_in_words_as_payment_papers_write_them(
    amount: str, currency: str, language: str, words: str
) -> None:
    assert amount_in_words(amount, currency, language) == words


def test_the_qr_code_of_a_cfdi_is_the_sats_address_in_the_sats_order() -> None:
    """Anexo 20: id, re, rr, tt and the last eight characters of the issuer's seal."""
    stamp = {"uuid": "U-1", "issuer_seal": "x" * 40 + "AbCd+/==", "sat_certificate": "9", "stamped_at": "T"}
    text = qr_text(stamp, {"vat_number": "AAA010101AAA"}, {"vat_number": "Ñ&B010101AB1"}, {"gross": "10.50"})
    assert text.endswith("?id=U-1&re=AAA010101AAA&rr=%C3%91%26B010101AB1&tt=10.50&fe=AbCd+/==")
    assert qr_text({"qr": "as given"}, {}, {}, {}) == "as given"
    assert original_string(stamp) == f"||1.1|U-1|T|{stamp['issuer_seal']}|9||"


def test_a_price_list_gets_the_pictures_that_came_with_it_and_no_others() -> None:
    """A layout reads no files: small PNG, JPEG and GIF files of the document come as `data:` addresses."""
    png = b"\x89PNG tiny"
    contents = {"a": png, "b": b"<svg/>", "c": b"\x89PNG huge"}
    store: Any = SimpleNamespace(read=contents.__getitem__)
    files: Any = [
        SimpleNamespace(name="pump.png", sha256="a", size=9),
        SimpleNamespace(name="pump.svg", sha256="b", size=6),
        SimpleNamespace(name="big.png", sha256="c", size=300_000),
    ]
    names = ("pump.png", "pump.svg", "big.png", "../../etc/passwd", "data:image/png;base64,AAAA")
    data = {"items": [{"code": name, "image": name} for name in names] + [{"code": "none"}]}
    shown = [item.get("image") for item in with_pictures(data, files, store)["items"]]
    assert shown == [f"data:image/png;base64,{base64.b64encode(png).decode()}", "", "", "", "", None]
    assert data["items"][0]["image"] == "pump.png"
