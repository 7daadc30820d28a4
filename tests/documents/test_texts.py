"""Built-in texts, HTML cleaning and the plain alternative (IT-12, IT-19, PM-11, PM-12, CO-10)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crm_mail.document_types import NO_NAMES, TEXT_LANGUAGES, TYPE_FACTS, DocumentType, Localised, TypeNames
from crm_mail.documents.builtin_texts import (
    BUNDLE,
    RUN_REPORT,
    builtin_text,
    compile_message,
    text_from_single_body,
    text_name,
)
from crm_mail.documents.html_text import html_to_text, is_html_body, sanitise_html, text_to_html
from crm_mail.documents.message_context import build_context, build_run_report_context, share_context
from crm_mail.documents.templating import compile_text

PARTY = "Çelik & Figli <Ñandú>"


def context(types: list[str], language: str, named: TypeNames = NO_NAMES) -> dict[str, Any]:
    shared = share_context(
        {"name": "Rossi “Più” & C.", "country": "IT", "city": "Forlì"}, {"name": "Anna"}, "2026-11-21", named
    )
    documents: list[Any] = [
        {
            "type": kind,
            "number": f"{n}/A",
            "date": "2026-11-21",
            "total": "1234.5",
            "currency": "EUR",
            "due_date": "2026-12-31",
            "reference": "PO-7",
        }
        for n, kind in enumerate(types, 1)
    ]
    return build_context(shared, {"name": PARTY}, {"name": "José Müller"}, documents, language)


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize("name", [*DocumentType, BUNDLE, "of no type we know"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_built_in_text_reads_well_for_none_one_and_many(name: str, language: str, count: int) -> None:
    kinds = ["invoice", "quote", "generic"] if name == BUNDLE else [str(name)] * 3
    if name not in [*DocumentType, BUNDLE]:
        kinds = ["generic"] * 3
    message = compile_message(builtin_text(name, language))
    values = context(kinds[:count], language)
    subject, text = message.subject.render(values), message.text.render(values)
    assert message.html is not None
    html = message.html.render(values)
    assert "\n" not in subject
    assert subject.endswith("Rossi “Più” & C.")
    for part in (subject, text, html_to_text(html)):
        assert not re.search(r"None|\{|\}| ,|\(\)|\n\n\n| \.", part), part
    assert "  " not in subject + text
    assert "Rossi “Più” &amp; C." in html
    assert PARTY not in html
    if name not in ("cash_close", "sales_close"):
        assert "José Müller" in text
    if count == 3:
        assert text.count("\n- ") == 3
        assert "3 " in subject


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize("name", DocumentType)
def test_a_type_that_a_company_renamed_has_its_new_name_in_the_texts(
    name: DocumentType, language: str
) -> None:
    """One and several documents; a reminder's body speaks of the letter, which is no name of a type."""
    message = compile_message(builtin_text(name, language))
    named = {name: Localised(*["Zefiro"] * 3)}
    reference = "" if name == DocumentType.GENERIC else "PO-7"
    for count in (1, 2):
        values = context([name] * count, language, named)
        values["document"]["reference"] = reference
        subject, text = message.subject.render(values), message.text.render(values)
        assert "Zefiro" in subject
        assert TYPE_FACTS[name].label(language) not in subject
        assert "Zefiro" in text or name == DocumentType.DUNNING_LETTER
        assert "Zefiro" in message.html.render(values) or name == DocumentType.DUNNING_LETTER  # type: ignore[union-attr]


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize("name", [*DocumentType, BUNDLE, "of no type we know"])
def test_no_text_speaks_of_attachments_which_may_be_behind_a_link(name: str, language: str) -> None:
    text = builtin_text(name, language)
    assert not re.search(r"allegat|adjunt|attached", text.body_text + text.body_html, re.IGNORECASE)


def test_italian_invoices_say_that_the_pdf_is_a_courtesy_copy() -> None:
    """IT-19; also abroad when the sending company is Italian."""
    words = {"it": "copia di cortesia", "es": "copia de cortesía", "en": "courtesy copy"}
    for language, phrase in words.items():
        message = compile_message(builtin_text("invoice", language))
        assert phrase in message.text.render(context(["invoice"], language))


def test_a_message_takes_the_text_of_its_type_or_the_bundle() -> None:
    assert [text_name(kinds) for kinds in ({"invoice"}, {"invoice", "quote"}, set())] == [
        "invoice",
        "bundle",
        "default",
    ]


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
def test_the_end_report_names_failures_and_totals(language: str) -> None:
    """RP-14: the user who ran it gets the outcome."""
    values = build_run_report_context(
        {"name": "Rossi"},
        {"name": "R-7", "total": 10, "sent": 7, "failed": 2, "uncertain": 1, "left_out": 4},
        [{"party": "Ñandú", "to": "a@example.com", "reason": "550 no such user", "count": 2}],
        {"name": "Anna"},
        "2026-11-21",
        language,
    )
    message = compile_message(builtin_text(RUN_REPORT, language), "run_report")
    assert "7" in message.subject.render(values)
    assert "- Ñandú <a@example.com>: 550 no such user (2)\n" in message.text.render(values)
    assert message.html is not None
    assert "550 no such user" in message.html.render(values)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("HTML<p>x", True),
        ("HTML\n<b>x", True),
        ("  <p>x", True),
        ("HTMLish", False),
        ("Una mail HTML", False),
    ],
)
def test_a_body_that_begins_with_html_is_html(body: str, expected: bool) -> None:
    """PM-11."""
    assert is_html_body(body) is expected


def test_a_single_body_becomes_clean_html_with_a_plain_alternative() -> None:
    text = text_from_single_body(
        "S", 'HTML\n<p onclick="x">Ciao <b>{{ party.name }}</b></p><script>1</script>'
    )
    assert text.body_html == "<p>Ciao <b>{{ party.name }}</b></p>"
    assert text.body_text == "Ciao {{ party.name }}\n"
    assert text_from_single_body("S", "Ciao <b>").body_html == ""


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<script>alert(1)</script>a", "a"),
        ("<p onclick='x'>a</p>", "<p>a</p>"),
        ('<a href="javascript:x">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<img src="data:image/png;base64,AA">', "<img>"),
        ('<img src="cid:logo">', '<img src="cid:logo">'),
        ('<img src="http://x/y.png">', "<img>"),
        ('<p style="color:red;position:fixed">a</p>', '<p style="color:red">a</p>'),
        ('<p style="background:url(http://x)">a</p>', "<p>a</p>"),
        ("<iframe src=x></iframe><form><input></form>a", "a"),
        ("<!--[if mso]><b>x</b><![endif]-->a", "a"),
    ],
)
def test_dangerous_html_is_removed_on_saving(dirty: str, clean: str) -> None:
    assert sanitise_html(dirty) == clean


def test_cleaning_keeps_placeholders_where_they_are() -> None:
    source = (
        "<p>{% if documents_count > 1 %}<b>è</b>{% endif %} {{ party.name | default('<') }}</p>"
        '<table><tbody>{% for d in documents %}<tr><td title="{{ d.number }}">{{ d.number }}</td></tr>'
        "{% endfor %}</tbody></table>"
    )
    assert sanitise_html(source) == source
    assert sanitise_html(sanitise_html(source)) == source


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize("name", ["invoice", "dunning_letter", BUNDLE])
def test_saving_a_built_in_html_text_unchanged_keeps_its_meaning(name: str, language: str) -> None:
    source = builtin_text(name, language).body_html
    values = context(["invoice", "invoice"], language)
    before = html_to_text(compile_text(source, "html").render(values))
    assert html_to_text(compile_text(sanitise_html(source), "html").render(values)) == before


def test_the_plain_alternative_keeps_link_targets_lists_and_cells() -> None:
    html = (
        '<style>x</style><p>Apra <a href="https://e.com/?a=1&amp;b=2">qui</a> o '
        '<a href="mailto:a@e.com">a@e.com</a></p><ul><li>uno</li><li>due</li></ul>'
        "<table><tr><td>1</td><td>2</td></tr></table>"
    )
    assert html_to_text(html) == "Apra qui <https://e.com/?a=1&b=2> o a@e.com\n\n- uno\n- due\n\n1  2\n"


def test_html_of_a_plain_text_is_escaped_and_its_addresses_are_links() -> None:
    html = text_to_html("A & B <c>\nriga\n\nhttps://e.com/?a=1&b=2.")
    assert "A &amp; B &lt;c&gt;<br>riga</p>" in html
    assert '<a href="https://e.com/?a=1&amp;b=2">https://e.com/?a=1&amp;b=2</a>.' in html
