"""The text language: what it can do, and everything that it must refuse (IT-12, PM-12)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crm_mail.documents.message_context import build_context, share_context
from crm_mail.documents.templating import TemplateInvalid, TextKind, compile_text


def context(documents: int = 1, **party: Any) -> dict[str, Any]:
    shared = share_context({"name": "Rossi & C."}, {"name": "Anna"}, "2026-11-21")
    rows: list[Any] = [
        {"type": "invoice", "number": f"{n}/A", "date": "2026-11-21", "total": "1234.5", "currency": "EUR"}
        for n in range(1, documents + 1)
    ]
    return build_context(shared, {"name": "Çelik <Ñ>", **party}, None, rows, "it")


def render(source: str, kind: TextKind = "text", documents: int = 1, **party: Any) -> str:
    return compile_text(source, kind).render(context(documents, **party))


def refusal(source: str, kind: TextKind = "text") -> TemplateInvalid:
    with pytest.raises(TemplateInvalid) as caught:
        compile_text(source, kind).render(context())
    return caught.value


def test_a_text_is_filled_in_with_amounts_and_dates_of_its_language() -> None:
    source = "{{ party.name }}: {{ document.total | money }}, {{ document.date | date('long') }}"
    assert render(source) == "Çelik <Ñ>: 1.234,50\xa0€, 21 novembre 2026\n"


def test_html_escapes_values_and_plain_text_does_not() -> None:
    """PM-12: & < > " ' come out right in both."""
    name = "A & B <c> \"d\" 'e' ñ"
    assert render("{{ party.name }}", "html", name=name) == "A &amp; B &lt;c&gt; &#34;d&#34; &#39;e&#39; ñ"
    assert render("{{ party.name | escape }}", "text", name=name) == name + "\n"


def test_a_subject_is_one_line_whatever_the_values_hold() -> None:
    name = "a\r\nBcc: x@example.com\x00\u2028b"
    assert render("Per {{ party.name }}\n n. 1", "subject", name=name) == "Per a Bcc: x@example.com b n. 1"


def test_a_line_with_only_a_tag_vanishes_and_a_line_ending_with_a_tag_stays() -> None:
    source = "a\n{% for d in documents %}\n- {% if d.number %}{{ d.number }}{% endif %}\n{% endfor %}\nb"
    assert render(source, documents=2) == "a\n- 1/A\n- 2/A\nb\n"


def test_the_numbers_of_a_list_can_be_joined() -> None:
    assert (
        render("{{ documents | join(', ', 'number') }} {{ documents | length }}", documents=2)
        == "1/A, 2/A 2\n"
    )


def test_an_unknown_placeholder_is_named_with_its_line_and_the_known_ones() -> None:
    error = refusal("Gentile cliente,\n{{ document.nubmer }}")
    assert (error.code, error.line) == ("unknown_placeholder", 2)
    assert "document.nubmer" in str(error)
    assert "document.number" in error.hint
    assert "company.name" in refusal("{{ cliente }}").hint


def test_an_empty_field_is_empty_and_default_fills_it() -> None:
    assert render("[{{ party.city }}|{{ contact.name | default('Cliente') }}]") == "[|Cliente]\n"


ATTACKS = [
    ("{{ 'a' * 10**9 }}", "forbidden"),
    ("{{ party.name * 1000000000 }}", "forbidden"),
    ("{{ party.name ~ party.name }}", "forbidden"),
    ("{{ party.name + 'x' }}", "forbidden"),
    ("{{ party.name % 1 }}", "forbidden"),
    ("{{ [1] }}", "forbidden"),
    ("{{ {'a': 1} }}", "forbidden"),
    ("{{ party.name[0:5] }}", "forbidden"),
    ("{{ ''.__class__ }}", "forbidden"),
    ("{{ party.__class__ }}", "unknown_placeholder"),
    ("{{ party['__class__'] }}", "unknown_placeholder"),
    ("{{ party.name.__class__.__mro__ }}", "unknown_placeholder"),
    ("{{ documents.append }}", "unknown_placeholder"),
    ("{{ party.items() }}", "forbidden"),
    ("{{ range(9) }}", "forbidden"),
    ("{{ self }}", "unknown_placeholder"),
    ("{{ cycler }}", "unknown_placeholder"),
    ("{{ _rounds_left }}", "unknown_placeholder"),
    ("{{ documents }}", "unknown_placeholder"),
    ("{% set a = 1 %}", "forbidden"),
    ("{% include 'x' %}", "forbidden"),
    ("{% import 'x' as y %}", "forbidden"),
    ("{% extends 'x' %}", "forbidden"),
    ("{% block a %}{% endblock %}", "forbidden"),
    ("{% macro a() %}{% endmacro %}", "forbidden"),
    ("{% filter upper %}x{% endfilter %}", "forbidden"),
    ("{% call x() %}{% endcall %}", "forbidden"),
    ("{% with %}{% endwith %}", "forbidden"),
    ("{{ party.name | attr('x') }}", "unknown_filter"),
    ("{{ party.name | replace('a', 'aaaa') }}", "unknown_filter"),
    ("{{ party.name | center(1000000000) }}", "unknown_filter"),
    ("{{ documents | map('x') }}", "unknown_filter"),
    ("{{ party.name | counted_rounds }}", "unknown_filter"),
    ("{{ party.name | money(currency='x') }}", "bad_filter_use"),
    ("{{ party.name | join('xxxx') }}", "bad_loop"),
    ("{{ documents | join(', ') }}", "bad_filter_use"),
    ("{{ documents | join(', ', '__class__') }}", "bad_filter_use"),
    ("{% for c in party.name %}x{% endfor %}", "bad_loop"),
    ("{% for c in 'abc' %}x{% endfor %}", "bad_loop"),
    ("{% for c in document %}x{% endfor %}", "bad_loop"),
    ("{% for a, b in documents %}x{% endfor %}", "bad_loop"),
    ("{% for party in documents %}x{% endfor %}", "bad_loop"),
    ("{% for d in documents recursive %}{{ loop(d) }}{% endfor %}", "bad_loop"),
    ("{% for a in documents %}" * 3 + "{% endfor %}" * 3, "too_deep"),
    (
        "{% for a in documents %}{% for b in documents %}{% for c in documents %}" + "{% endfor %}" * 3,
        "too_deep",
    ),
    ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "too_deep"),
    ("{% if " + "not " * 5000 + "1 %}{% endif %}", "too_deep"),
    ("{% if 1 %}" * 300 + "{% endif %}" * 300, "too_deep"),
    ("{{ document.number }}" * 4001, "too_long"),
    ("x" * 100_001, "too_long"),
    ("{{ 9999999999999999 }}", "forbidden"),
    ("{{ document.number", "syntax"),
    ("{% if 1 %}", "syntax"),
    ("{% party.name < 3 %}", "syntax"),
    ("{% if party.name < 3 %}{% endif %}", "render_failed"),
    ("{{ document.total | date(1, 2) }}", "bad_filter_use"),
]


@pytest.mark.parametrize(("source", "code"), ATTACKS)
def test_what_could_harm_is_refused_at_once_with_a_reason(source: str, code: str) -> None:
    started = time.perf_counter()
    error = refusal(source)
    assert error.code == code, str(error)
    assert error.reason
    assert time.perf_counter() - started < 5


def test_a_number_filter_cannot_be_asked_for_a_billion_decimals() -> None:
    assert len(render("{{ 1 | number(1000000000) }}")) < 20


def test_a_loop_that_writes_too_much_stops() -> None:
    source = "{% for d in documents %}" + "x" * 1000 + "{% endfor %}"
    with pytest.raises(TemplateInvalid) as caught:
        compile_text(source, "text").render(context(500))
    assert caught.value.code == "output_too_long"


def test_a_loop_that_writes_nothing_stops_too() -> None:
    source = "{% for a in documents %}{% for b in documents %}{% if 0 %}x{% endif %}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateInvalid) as caught:
        compile_text(source, "text").render(context(2000))
    assert caught.value.code == "loop_too_long"


@pytest.mark.parametrize(
    "source",
    [
        '<a href="{{ document.reference }}">x</a>',
        "<a href={{ document.reference }}>x</a>",
        "<img src='{{ document.reference }}'>",
        '<p onclick="{{ party.name }}">x</p>',
        '<p style="{{ party.name }}">x</p>',
        "<p {{ party.name }}>x</p>",
        "<{{ party.name }}>x",
        "<!-- {{ party.name }} -->",
        "<p {% if documents_count %}title=x{% endif %}>x</p>",
        "{% if documents_count %}<p {% endif %}>",
    ],
)
def test_a_value_cannot_become_an_attribute_a_script_or_a_link(source: str) -> None:
    assert refusal(source, "html").code == "unsafe_position"


@pytest.mark.parametrize(
    "source",
    [
        '<a href="https://example.com/?n={{ document.number }}">{{ document.number }}</a>',
        '<a href="mailto:{{ sender.email }}">x</a>',
        '<p title="{{ party.name }}">1 < 2 {{ party.name }}</p>',
    ],
)
def test_a_value_may_stand_in_a_title_or_after_a_literal_scheme(source: str) -> None:
    assert "<Ñ>" not in render(source, "html")


def test_one_compiled_text_serves_many_threads() -> None:
    text = compile_text("{% for d in documents %}{{ d.number }} {{ party.name }};{% endfor %}", "text")
    with ThreadPoolExecutor(4) as threads:
        outputs = list(threads.map(lambda n: text.render(context(3, name=str(n))), range(200)))
    assert outputs[7] == "1/A 7;2/A 7;3/A 7;\n"
    assert len(set(outputs)) == 200
    assert text.placeholders == ("documents", "d.number", "party.name")
