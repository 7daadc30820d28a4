"""A company's own layout can change what is printed and nothing else (IT-19): attacks on the sandbox."""

from __future__ import annotations

import http.server
import threading
import time
from typing import Any

import pytest

from crm_mail.documents import pdf_sandbox
from crm_mail.documents.layout_names import check_names
from crm_mail.documents.layout_samples import SIZES, sample_data
from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER, layout_for, layouts
from crm_mail.documents.pdf_markup import build_html
from crm_mail.documents.pdf_sandbox import LayoutFault, LayoutProblem, compile_layout
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.rendering import pdf_available, render_key, render_pdf

P = LayoutProblem


def printed(source: str, data: dict[str, Any] | None = None) -> str:
    return build_html("quote", data or sample_data("quote"), "it", Theme(), source)


@pytest.mark.parametrize("name", layouts())
def test_every_built_in_layout_gives_the_same_inside_the_sandbox(name: str) -> None:
    """So whoever begins with a built-in layout begins with one that works."""
    source = (LAYOUT_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    sample = {"courtesy_copy": "invoice", "letter": "declaration_of_intent"}.get(name, name)
    for size in SIZES:
        data = sample_data(sample, size)
        layout = layout_for(data["type"], data) if name == "cfdi" else name
        assert build_html(layout, data, "es", Theme(), source) == build_html(layout, data, "es", Theme())


@pytest.mark.parametrize("name", layouts())
def test_the_names_of_every_built_in_layout_and_sample_are_known(name: str) -> None:
    check_names((LAYOUT_FOLDER / f"{name}.html").read_text(encoding="utf-8"))
    sample = {"courtesy_copy": "invoice", "letter": "declaration_of_intent"}.get(name, name)
    check_names("".join(f"{{{{ {field} }}}}" for field in sample_data(sample)))


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("\n{{ nonexist.foo }}", (2, "nonexist")),
        ("{{ numbr }}", (1, "numbr")),
        ("\n\n{% for l in liness %}{{ l.code }}{% endfor %}", (3, "liness")),
        ("{% if numbr %}x{% endif %}", (1, "numbr")),
        ("{{ fields | default(numbr) }}", (1, "fields")),
        ("{% for l in lines %}{{ loop.index }}{{ l.anything }}{% endfor %}{{ extra.plate }}", None),
        ("{% set mine = number %}{{ mine }}{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }}", None),
        ("{% if nonexist is defined %}{{ nonexist.foo }}{% endif %}", None),
        ('{% extends "quote.html" %}{% block heading %}{{ title }}{{ super() }}{% endblock %}', None),
    ],
)
def test_a_name_that_no_document_has_is_told_with_its_line(
    source: str, unknown: tuple[int, str] | None
) -> None:
    """It would print nothing, and nobody would see why."""
    if unknown is None:
        return check_names(source)
    with pytest.raises(LayoutFault) as refused:
        check_names(source)
    assert (refused.value.problem, refused.value.line, refused.value.detail) == (P.UNKNOWN_NAME, *unknown)
    assert unknown[1] in str(refused.value)


def test_an_own_layout_stands_on_a_built_in_one_and_changes_a_block() -> None:
    html = printed('{% extends "quote.html" %}{% block heading %}<h1>Our {{ number }}</h1>{% endblock %}')
    assert "<h1>Our OFF-2026-317</h1>" in html
    assert "Totale documento" in html


def test_data_are_escaped_in_an_own_layout() -> None:
    data = sample_data("quote") | {"number": "<img src=x>"}
    assert printed("{{ number }}{{ '<b>' ~ number }}", data) == "&lt;img src=x&gt;&lt;b&gt;&lt;img src=x&gt;"


@pytest.mark.parametrize(
    ("source", "problem", "line"),
    [
        ("\n{% include '/etc/passwd' %}", P.UNKNOWN_PART, 2),
        ("{% include '../../config.py' %}", P.UNKNOWN_PART, 1),
        ("{% include 'base.css' %}", P.UNKNOWN_PART, 1),
        ("{% set name = '/etc/passwd' %}\n{% include name %}", P.UNKNOWN_PART, 2),
        ("{% import name as x %}", P.UNKNOWN_PART, 1),
        ("{{ ''.__class__.__mro__ }}", P.FORBIDDEN, 1),
        ("\n\n{{ table.func.__globals__ }}", P.FORBIDDEN, 3),
        ("{{ self.__init__ }}", P.FORBIDDEN, 1),
        ("{{ lines|attr('append') }}", P.UNKNOWN_FILTER, 1),
        ("{{ 'x'|safe }}", P.UNKNOWN_FILTER, 1),
        ("{{ 'x'|center(999999999) }}", P.UNKNOWN_FILTER, 1),
        ("{% autoescape false %}{{ number }}{% endautoescape %}", P.FORBIDDEN, 1),
        ("a\n{{ lines.append(1) }}", P.FILL_FAILED, 2),
        ("{{ table.func(1) }}", P.FILL_FAILED, 1),
        ("{{ '{0.__class__}'.format(1) }}", P.FILL_FAILED, 1),
        ("{{ ''['__class__'].mro() }}", P.FILL_FAILED, 1),
        ("{{ range(9) }}", P.FILL_FAILED, 1),
        ("{{ lipsum() }}", P.FILL_FAILED, 1),
        ("{{ 10 ** 99999999 }}", P.FORBIDDEN, 1),
        ("{{ 'a' * 999999999 }}", P.FILL_FAILED, 1),
        ("{{ '%0999999999d' % 1 }}", P.FILL_FAILED, 1),
        ("{{ 1 / 0 }}", P.FILL_FAILED, 1),
        ("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", P.FILL_FAILED, 1),
        ("{% set a = 'x' %}" + "{% set a = a ~ a %}" * 40, P.FILL_FAILED, 1),
        ("{% for l in lines %}\n{{ l.code }}", P.SYNTAX, 2),
        ("{{ number | nope }}", P.UNKNOWN_FILTER, 1),
        ("x" * 200_001, P.TOO_LONG, 0),
    ],
)
def test_what_a_layout_may_not_do_is_refused_with_its_line(
    source: str, problem: LayoutProblem, line: int
) -> None:
    with pytest.raises(LayoutFault) as refused:
        printed(source)
    assert (refused.value.problem, refused.value.line) == (problem, line)


def test_names_lead_to_nothing_but_the_data() -> None:
    assert printed("{{ lines|map(attribute='__class__')|list }}").count("Undefined") == 4
    assert printed("{{ table.func }}{{ in_words.keywords }}{{ t.copy }}{{ number.join }}") == ""


def test_loops_within_loops_end_at_their_budget() -> None:
    source = "".join(f"{{% for a{n} in lines %}}" for n in range(9)) + "x" + "{% endfor %}" * 9
    began = time.monotonic()
    with pytest.raises(LayoutFault) as refused:
        printed(source, sample_data("quote", "long"))
    assert refused.value.problem is P.LOOP_TOO_LONG
    assert time.monotonic() - began < 8


def test_a_layout_that_runs_for_ever_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Macros that call each other twice at each of 25 levels: 33 million calls."""
    monkeypatch.setattr(pdf_sandbox, "SECONDS", 0.3)
    calls = "".join(
        f"{{% macro m{n}() %}}{{{{ m{n + 1}() }}}}{{{{ m{n + 1}() }}}}{{% endmacro %}}" for n in range(25)
    )
    with pytest.raises(LayoutFault) as refused:
        printed(calls + "{% macro m25() %}{% endmacro %}\n{{ m0() }}")
    assert refused.value.problem is P.TOO_SLOW


def test_a_huge_output_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_sandbox, "MAX_OUTPUT", 100_000)
    loops = "{% for a in lines %}{% for b in lines %}" + "x" * 1000 + "{% endfor %}{% endfor %}"
    with pytest.raises(LayoutFault) as refused:
        printed(loops, sample_data("quote", "long"))
    assert refused.value.problem is P.OUTPUT_TOO_LONG


def test_a_layout_is_part_of_the_render_key() -> None:
    data = sample_data("quote")
    keys = {render_key("quote", data, "it", Theme(), (), source) for source in ("", "a", "b")}
    assert len(keys) == 3


def test_a_layout_without_a_stamp_cannot_call_a_document_a_cfdi() -> None:
    """The own layout named `cfdi` is for stamped data only."""
    html = build_html("cfdi", sample_data("invoice"), "es", Theme(), "<p>CFDI</p>")
    assert "<p>CFDI</p>" not in html


@pytest.mark.skipif(not pdf_available()[0], reason="the PDF engine's libraries are not installed")
def test_what_the_html_names_is_neither_read_nor_called() -> None:
    """Pictures, imports, fonts and attachments: no file goes into the PDF, nobody is called."""
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there, file = f"http://127.0.0.1:{server.server_port}", "file:///etc/passwd"
    source = (
        f"<html><head><link rel=attachment href={file}><link rel=stylesheet href={there}/a.css><style>"
        f"@import url({there}/b.css);@font-face {{font-family:x;src:url({there}/c.ttf)}}"
        f"body {{background:url({there}/d.png);font-family:x}} p::before {{content:url({file})}}</style></head>"
        f"<body><img src={there}/e.png><img src={file}><object data={there}/f.svg></object>"
        f"<a rel=attachment href={file}>x</a><p>text</p></body></html>"
    )
    try:
        pdf = render_pdf("quote", sample_data("quote"), "it", Theme(), (), source)
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []
    assert b"EmbeddedFile" not in pdf


def test_a_checked_layout_is_compiled_once() -> None:
    assert compile_layout("{{ number }}") is compile_layout("{{ number }}")
