"""Every document type in every language, as paper: what must stand there, totals, pages (IT-19, PD-1, PD-6).

The sample documents of the product are printed once each, in one process, and read back.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
from pypdf import PdfReader

from crm_mail.demo.document_samples import sample_document, sample_names, variant_names
from crm_mail.document_types import DocumentType, type_label
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import LAYOUTS, layout_for, layouts
from crm_mail.documents.pdf_markup import build_html
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.rendering import EmbeddedFile, pdf_available
from crm_mail.documents.schemas import Canonical, validate_canonical

pytestmark = pytest.mark.skipif(not pdf_available()[0], reason=pdf_available()[1] or "engine present")
LANGUAGES = ("it", "es", "en")
# What stands in the text of a type: amounts as it and es write them, then words of it, es and en.
EXPECTED: dict[str, tuple[tuple[str, ...], tuple[str, str, str]]] = {
    "delivery_note": (
        ("Autotrasporti Padani", "GK 482 RT", "186,5 kg", "CM50-2611-0081", "Carpi (MO)", "09:30"),
        ("Firma vettore", "Firma del transportista", "Carrier's signature"),
    ),
    "invoice": (
        ("3.260,46 €", "1.630,23 €", "IT60 X054 2811 1010 0000 0123 456", "884 03/11/2026", "1204/A"),
        ("Copia di cortesia", "Copia de cortesía", "Courtesy copy"),
    ),
    "credit_note": (("69,30 €", "Reso merce"), ("Copia di cortesia", "Copia de cortesía", "Courtesy copy")),
    "quote": (("3.260,46 €", "Foro competente"), ("Timbro e firma", "Sello y firma", "Stamp and signature")),
    "sales_order": (("3.260,46 €", "ORD 2026/88", "IF-501"), ("Vs. ordine", "Su pedido", "Your order")),
    "purchase_order": (
        ("5.721,07 €", "FV-2207", "Marco Setti"),
        ("Consegnare a", "Entregar en", "Deliver to"),
    ),
    "goods_receipt": (("2291 – 03/12/2026", "B26-114"), ("Respinto", "Rechazado", "Rejected")),
    "price_list": (
        ("Listino rivenditori 2027", "18,375", "Pompe centrifughe", "30/06/2027"),
        ("IVA esclusa", "IVA no incluido", "VAT not included"),
    ),
    "payment_order": (
        ("6.920,00 €", "CRO 06055512309", "400,00"),
        (
            "seimilanovecentoventi/00 euro",
            "seis mil novecientos veinte euros 00/100",
            "six thousand, nine hundred",
        ),
    ),
    "receipt": (
        ("1.500,00 €", "696,00 €"),
        ("millecinquecento/00 euro", "mil quinientos euros", "one thousand"),
    ),
    "cfdi": (
        (
            "6F2A1C0E-9B47-4D2E-8A33-51C7E09D4B12",
            "00001000000505619233",
            "G01 Adquisición",
            "PPD Pago",
            "Este documento es una representación impresa de un CFDI",
        ),
        ("62.257,20 MXN", "$62,257.20", "MX$62,257.20"),  # Spanish as Mexico writes it
    ),
    "account_statement": (
        ("450,00", "7.182,35", "6.732,35 €", "3.050,00 €", "4.132,35 €", "IT60 X054 2811 1010 0000 0123 456"),
        ("scaduto 52 gg", "vencido 52 d.", "overdue 52 d."),
    ),
    "transfer_advice": (
        (
            "6.920,00 €",
            "7.320,00",
            "400,00",
            "IT40 S030 6901 7831 0000 0004 321",
            "06055512309101123480600006500IT",
        ),
        ("Valuta beneficiario", "Fecha valor", "Value date"),
    ),
    "dunning_letter": (
        (
            "3.050,00 €",
            "33,57 €",
            "40,00 €",
            "3.123,57 €",
            "26,45",
            "05/12/2026",
            "SOL-61",
            "000101 / SOL-77",
        ),
        ("Sollecito urgente di pagamento", "Requerimiento de pago", "Urgent request for payment"),
    ),
    "declaration_of_intent": (
        ("08060120341234567-000001", "2027", "02/12/2026", "50.000,00 €", "N3.5", "INTENTO", "2026-12-02"),
        ("lettera c), del D.P.R. 26 ottobre 1972", "letra c), del D.P.R.", "Presidential Decree 633/1972"),
    ),
    "cash_close": (
        ("Elena Righi", "08:30", "412,40 €", "410,40 €", "2.506,50", "-400,00"),
        ("ammanco", "faltante", "short"),
    ),
    "sales_close": (
        ("11.442,00 €", "63,22 €", "10.980,00", "2.022,00", "-118,00"),
        ("Vendite per aliquota", "Ventas por tipo de IVA", "Sales by VAT rate"),
    ),
    "generic": (("Comunicazione di chiusura natalizia", "16 dicembre"), ("Data", "Fecha", "Date")),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1, timeout=60) as pool:
        yield pool


def job(name: str, language: str = "it", theme: Theme | None = None, **changes: Any) -> RenderJob:
    data = sample_document(name) | changes
    return RenderJob(f"{name} {language}", layout_for(data["type"], data), data, language, theme or Theme())


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [re.sub(r"\s+", " ", page.get_textpage().get_text_range()) for page in document]
    finally:
        document.close()


def in_english(text: str) -> str:
    """The same amount as English writes it: `1.630,23 €` → `€1,630.23`."""
    swapped = text.translate({44: ".", 46: ","}) if re.fullmatch(r"-?[\d.,]+( €| kg)?", text) else text
    return f"€{swapped[:-2]}" if swapped.endswith(" €") else swapped


def test_every_type_prints_its_facts_totals_and_pages_in_every_language(pool: PdfPool) -> None:
    """IT-19: the text of each of the 17 types and of the CFDI in it, es, en; each sample fits on one page."""
    plain = Theme(tagged=False)  # tags have a test of their own, and cost
    jobs = (job(name, language, plain) for name in sample_names() for language in LANGUAGES)
    wrong: list[str] = []
    for result in pool.render_many(jobs):
        name, language = result.key.split()
        assert result.content is not None, f"{result.key}: {result.error}"
        text = pages(result.content)
        if len(text) != 1:
            wrong.append(f"{result.key}: {len(text)} pages")
        everywhere, words = EXPECTED.get(name, ((), ("", "", "")))
        wanted = [in_english(part) if language == "en" else part for part in everywhere]
        wanted.append(words[LANGUAGES.index(language)])
        if name not in ("cfdi", "generic", "price_list", "dunning_letter"):
            wanted.append(type_label(name, language))
        wrong += [f"{result.key}: no “{part}”" for part in wanted if part.replace("\xa0", " ") not in text[0]]
    assert not wrong, "\n".join(wrong)


# What the other samples of a type show, each in one language, and on how many pages.
VARIANTS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "account_statement_open_items": (
        "it",
        2,
        (
            *(
                "Insoluti restituiti dalla banca: 740,00 €",
                "insoluto 82 gg",
                "scaduto 52 gg",
                "contestato 129 gg",
            ),
            *("7.853,05 €", "2.570,00 USD", "a Vostro debito", "RiBa in circolazione", "1.728,40"),
            *("oltre 90 gg", "Salvo errori e omissioni", "amministrazione@officine-bassi.example"),
        ),
    ),
    "dunning_letter_1": (
        "es",
        1,
        ("Recordatorio de pago n.º SOL-61", "30/10/2026", "1.830,00 €", "no tener en cuenta"),
    ),
    "dunning_letter_3": (
        "it",
        1,
        (
            *(
                "Costituzione in mora",
                "art. 1219 del codice civile",
                "PEC o raccomandata",
                "entro il 05/01/2027",
            ),
            *(
                "Mancanza di fondi",
                "6,50 €",
                "3.170,04 €",
                "21/11/2026 – SOL-77",
                "Pietro Bassi",
                "art. 2943",
            ),
        ),
    ),
}


def test_statements_of_open_items_and_reminders_of_other_levels_print_their_facts(pool: PdfPool) -> None:
    """Formats reference, section 4: ageing, what the bank sent back, a block per currency; wording by level."""
    plain = Theme(tagged=False)
    assert sorted(VARIANTS) == variant_names()
    for result in pool.render_many(job(name, VARIANTS[name][0], plain) for name in VARIANTS):
        name = result.key.split()[0]
        assert result.content is not None, f"{result.key}: {result.error}"
        found = pages(result.content)
        assert len(found) == VARIANTS[name][1], name
        text = " ".join(found)
        assert [part for part in VARIANTS[name][2] if part.replace("\xa0", " ") not in text] == [], name


def test_every_type_has_a_layout_and_every_sample_passes_its_schema() -> None:
    assert set(LAYOUTS) == set(DocumentType)
    assert set(LAYOUTS.values()) <= set(layouts())
    assert {kind.value for kind in DocumentType} <= set(sample_names())
    for name in [*sample_names(), *variant_names()]:
        checked = validate_canonical(sample_document(name), has_main_pdf=False)
        assert isinstance(checked, Canonical), f"{name}: {checked}"


def test_a_cfdi_is_called_so_only_with_its_stamp() -> None:
    """Formats reference, section 4: without UUID, certificates and seals a PDF must not be titled as CFDI."""
    stamped = sample_document("cfdi")
    assert layout_for("invoice", stamped) == "cfdi"
    for missing in ("uuid", "issuer_seal", "sat_seal", "issuer_certificate", "sat_certificate"):
        stamp = {key: value for key, value in stamped["stamp"].items() if key != missing}
        unstamped = stamped | {"stamp": stamp}
        assert layout_for("invoice", unstamped) == "courtesy_copy"
        assert "CFDI" not in build_html("cfdi", unstamped, "es", Theme())
    assert layout_for("quote", stamped) == "quote"
    assert layout_for("a_type_of_their_own", {}) == "generic"


def test_a_theme_changes_paper_words_and_columns_of_a_quote(pool: PdfPool) -> None:
    theme = Theme(
        paper="Letter",
        footer="Bassi dal 1962",
        legal_texts=(("quote", "Vendita soggetta a riserva di proprietà."),),
        columns=(("quote", ("discounts",)),),
        fallback_language="es",
    )
    pdf = pool.render(job("quote", "de", theme))
    (text,) = pages(pdf)
    assert "Cotización" in text  # German is not kept: the company's fallback language
    assert "Bassi dal 1962" in text
    assert "riserva di proprietà" in text
    assert "10+5" in text
    assert "L2026-318" not in text
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    assert [round(float(side)) for side in page.mediabox[2:]] == [612, 792]


def test_a_pdf_says_its_language_and_title_and_has_a_structure(pool: PdfPool) -> None:
    """ISO 14289: what a screen reader needs; without tags when the company wants small files."""
    catalogue = PdfReader(io.BytesIO(pool.render(job("receipt", "es")))).trailer["/Root"]
    assert catalogue["/Lang"] == "es"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalogue
    plain = PdfReader(io.BytesIO(pool.render(job("receipt", "es", Theme(tagged=False)))))
    assert "/StructTreeRoot" not in plain.trailer["/Root"]
    assert plain.metadata is not None
    assert plain.metadata.title == "Recibo n.º R-559"


def test_the_archive_form_is_pdf_a_3_and_carries_the_legal_xml_byte_for_byte(pool: PdfPool) -> None:
    """ISO 19005-3: the embedded file is the original, related as its source; twice the same bytes."""
    xml = b"\xef\xbb\xbf<?xml version='1.0'?><p:FatturaElettronica/>\r\n"
    one = job("invoice", theme=Theme(archive=True))
    wanted = RenderJob("a", one.layout, one.data, "it", one.theme, (EmbeddedFile("IT034_00001.xml", xml),))
    pdf = pool.render(wanted)
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.attachments == {"IT034_00001.xml": [xml]}
    (file,) = reader.trailer["/Root"]["/AF"]
    assert file.get_object()["/AFRelationship"] == "/Source"
    metadata = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert re.search(r"pdfaid:part\W+3\b", metadata)
    assert re.search(r"pdfaid:conformance\W+B\b", metadata)
    assert pool.render(wanted) == pdf


def test_columns_that_do_not_fit_are_folded_under_the_description(pool: PdfPool) -> None:
    """Nothing is lost when a line has everything: code of the customer, lot, expiry, two dates, discounts."""
    line = sample_document("sales_order")["lines"][0] | {
        "lot": "L-77",
        "expires_on": "2028-02-29",
        "requested_on": "2026-11-30",
    }
    (text,) = pages(pool.render(job("sales_order", lines=[line])))
    for part in ("Vs. codice: IF-501", "Richiesto per: 30/11/2026", "01/12/2026", "1.284,00", "2.054,40"):
        assert part in text, part
