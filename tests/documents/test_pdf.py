"""Printing: the layouts, the process pool and its failures, thumbnails (IT-19, PD-1, PD-6)."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from crm_mail.documents import rendering
from crm_mail.documents.pdf_jobs import RenderJob, ThumbnailJob
from crm_mail.documents.pdf_markup import UnknownLayout, build_html
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.pdf_style import stylesheet
from crm_mail.documents.pdf_theme import Theme, theme_from
from crm_mail.documents.rendering import EmbeddedFile, RenderFailed, pdf_available, render_key
from tests.documents.pdf_samples import EVERY_CHOICE, PARTY, extreme_invoice, invoice, statement

needs_engine = pytest.mark.skipif(not pdf_available()[0], reason=pdf_available()[1] or "engine present")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1, timeout=60) as pool:
        yield pool


def job(layout: str, data: dict[str, Any], language: str = "it", theme: Theme | None = None) -> RenderJob:
    return RenderJob("k", layout, data, language, theme or Theme())


def pages(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


@needs_engine
@pytest.mark.parametrize(
    ("language", "title", "amount", "page"),
    [
        ("it", "Copia di cortesia", "1.220,00 €", "Pagina 1 di 1"),
        ("es", "Copia de cortesía", "1.220,00 €", "Página 1 de 1"),
        ("en", "Courtesy copy", "€1,220.00", "Page 1 of 1"),
    ],
)
def test_a_courtesy_copy_is_titled_so_in_the_recipients_language(
    pool: PdfPool, language: str, title: str, amount: str, page: str
) -> None:
    """IT-19: never presented as the original; accents and amounts come out right."""
    (text,) = pages(pool.render(job("courtesy_copy", invoice(), language)))
    for expected in (
        title,
        amount,
        page,
        "Çelik & Figli",
        "Località Sant’Andrea",
        "Vite nº 1 è",
        "1.234,5678",
    ):
        if expected != "1.234,5678" or language != "en":
            assert expected in text, expected
    assert "IT60 X054 2811 1010 0000 0123 456" in text
    assert "art. 21" in text


@needs_engine
def test_a_long_invoice_repeats_the_table_head_and_counts_its_pages(pool: PdfPool) -> None:
    texts = pages(pool.render(job("courtesy_copy", invoice(200))))
    assert 4 <= len(texts) <= 8
    for number, text in enumerate(texts, 1):
        assert f"Pagina {number} di {len(texts)}" in text
        assert "Copia di cortesia" in text
    for text in texts[1:-1]:
        assert "Descrizione" in text
        assert "Fattura n. 12/A" in text
    assert sum(text.count("Vite nº") for text in texts) == 200


@needs_engine
def test_extreme_and_empty_data_still_print(pool: PdfPool) -> None:
    extreme = " ".join(pages(pool.render(job("courtesy_copy", extreme_invoice()))))
    assert "<script>alert(1)</script>" in extreme.replace(" ", "") or "script" in extreme
    assert "not a number" in extreme
    assert extreme.count("nota nota") > 500
    assert "Copia di cortesia" in pages(pool.render(job("courtesy_copy", {})))[0]


@needs_engine
def test_a_statement_shows_balances_whose_favour_and_overdue_entries(pool: PdfPool) -> None:
    text = " ".join(pages(pool.render(job("account_statement", statement(80)))))
    for expected in (
        "Saldo iniziale",
        "Saldo finale",
        "a Vostro credito",
        "-150,00 €",
        "scaduto 2 gg",
        "79/A",
    ):
        assert expected in text, expected


@needs_engine
def test_the_company_decides_the_legal_notice_and_the_colour(pool: PdfPool) -> None:
    text = pages(pool.render(job("courtesy_copy", invoice(), theme=Theme(legal_notice="Nostra dicitura."))))[
        0
    ]
    assert "Copia di cortesia. Nostra dicitura." in text
    assert "art. 21" not in text
    assert (
        "art. 21" not in pages(pool.render(job("courtesy_copy", invoice(), theme=Theme(legal_notice=""))))[0]
    )
    assert "#abcdef" in stylesheet(Theme(accent="#abcdef"))
    assert "url(" not in stylesheet(Theme(accent="red;} * {background:url(http://x)}"))


@needs_engine
def test_the_same_data_gives_the_same_bytes(pool: PdfPool) -> None:
    first, second = (pool.render(job("courtesy_copy", invoice())) for _ in range(2))
    assert first == second


def test_the_render_key_changes_with_everything_that_shows() -> None:
    keys = {
        render_key("courtesy_copy", invoice(), "it", Theme()),
        render_key("generic", invoice(), "it", Theme()),
        render_key("courtesy_copy", invoice(number="13"), "it", Theme()),
        render_key("courtesy_copy", invoice(), "es", Theme()),
        render_key("courtesy_copy", invoice(), "it", Theme(accent="#000000")),
        render_key("courtesy_copy", invoice(), "it", Theme(logo=PIXEL)),
        render_key("courtesy_copy", invoice(), "it", Theme(legal_notice="")),
        render_key("courtesy_copy", invoice(), "it", Theme(), (EmbeddedFile("a.xml", b"<a/>"),)),
        *(
            render_key("courtesy_copy", invoice(), "it", theme_from({name: value}))
            for name, value in EVERY_CHOICE.items()
        ),
    }
    assert len(keys) == 8 + len(EVERY_CHOICE)
    assert EVERY_CHOICE.keys() | {"logo"} == {field.name for field in fields(Theme)}
    assert render_key("courtesy_copy", dict(reversed(invoice().items())), "it", Theme()) in keys


def test_markup_in_the_data_stays_text_and_an_svg_logo_is_not_used() -> None:
    data = invoice(notes=['<img src="file:///etc/passwd">'], party=PARTY | {"name": "<b>x"})
    html = build_html(
        "courtesy_copy", data, "it", Theme(logo=b"<svg><image href='file:///etc/passwd'/></svg>")
    )
    assert "<b>x" not in html
    assert "<img" not in html


@needs_engine
def test_the_engine_fetches_neither_files_nor_the_network(tmp_path: Path) -> None:
    fetcher = rendering._engine().fetcher
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    for url in (secret.as_uri(), "http://127.0.0.1:9/x.png", "https://example.com/", "ftp://example.com/"):
        with pytest.raises(ValueError, match="disallowed protocol"):
            fetcher.fetch(url)


def test_an_unknown_layout_names_the_known_ones() -> None:
    with pytest.raises(UnknownLayout, match="courtesy_copy"):
        build_html("../email/layout", {}, "it", Theme())


@needs_engine
def test_one_bad_document_does_not_spoil_the_others(pool: PdfPool) -> None:
    jobs = [RenderJob(str(n), "nonsense" if n == 1 else "letter", {}, "it", Theme()) for n in range(3)]
    results = {result.key: result for result in pool.render_many(jobs)}
    assert [results[str(n)].error is None for n in range(3)] == [True, False, True]
    assert "There is no layout" in str(results["1"].error)


def test_a_document_that_takes_too_long_is_stopped_and_the_next_one_works() -> None:
    with PdfPool(size=1, timeout=0.05) as pool:
        bad = ThumbnailJob("x", b"no pdf")
        assert next(iter(pool.render_many([bad]))).error is not None  # the first also starts the process
        if pdf_available()[0]:
            started = time.monotonic()
            result = next(iter(pool.render_many([job("courtesy_copy", invoice(400))])))
            assert result.error is not None
            assert result.error.code == "timeout"
            assert time.monotonic() - started < 20
        again = next(iter(pool.render_many([bad])))
        assert again.error is not None
        assert again.error.code == "failed"


def test_a_process_that_dies_is_replaced() -> None:
    with PdfPool(size=1) as pool:
        list(pool.render_many([ThumbnailJob("x", b"no pdf")]))
        process = pool._all[0].process
        assert process is not None
        process.kill()
        process.join()
        assert "No picture" in str(next(iter(pool.render_many([ThumbnailJob("x", b"no pdf")]))).error)


@needs_engine
def test_a_thumbnail_is_a_picture_of_the_asked_width(pool: PdfPool) -> None:
    png = pool.thumbnail(pool.render(job("letter", {})), width=200)
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") in (199, 200, 201)


def test_something_that_is_no_pdf_gives_a_reason_instead_of_a_thumbnail(pool: PdfPool) -> None:
    with pytest.raises(RenderFailed, match="No picture can be made"):
        pool.thumbnail(b"%PDF-1.7 broken")


def test_missing_system_libraries_are_named_with_the_line_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("sys.platform", "linux")
    ready, reason = pdf_available.__wrapped__()
    assert not ready
    assert "pango" in reason
    assert "apt-get install -y libpango-1.0-0" in reason
