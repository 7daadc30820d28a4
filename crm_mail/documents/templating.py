"""Subjects and bodies written by users: compiled once, rendered for every message (IT-12, PM-12, PD-5).

`compile_text` checks a text completely (see `template_rules`) and keeps the result; `CompiledText.render` is
a few microseconds and safe to call from any thread. Output longer than 100 KB and loops of more than 100,000
rounds stop with an error instead of filling the memory.

Pure: no Flask, no database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import do_join
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from crm_mail.documents.message_context import EVENT_FIELDS, MESSAGE_FIELDS, RUN_REPORT_FIELDS, FieldTree
from crm_mail.documents.number_formats import format_date, format_money, format_number
from crm_mail.documents.placeholder_positions import check_positions
from crm_mail.documents.template_errors import TemplateInvalid, TemplateProblem
from crm_mail.documents.template_rules import TemplateChecker

__all__ = ["CompiledText", "TemplateInvalid", "TemplateProblem", "TextKind", "TextSchema", "compile_text"]

TextKind = Literal["subject", "text", "html"]
TextSchema = Literal["message", "run_report", "event"]
MAX_SOURCE = 100_000
MAX_OUTPUT = 100_000
MAX_ROUNDS = 100_000
_PARTS_AT_ONCE = 200  # of a text with loops, between two looks at its length
LOOP_FILTER = "counted_rounds"
ROUNDS = "_rounds_left"
_SCHEMAS: Mapping[TextSchema, FieldTree] = {
    "message": MESSAGE_FIELDS,
    "run_report": RUN_REPORT_FIELDS,
    "event": EVENT_FIELDS,
}
# A tag alone on its line vanishes with the line; a line that merely ends with one keeps its line break.
_TAGS_ONLY = re.compile(r"(?:[ \t]*\{%(?:[^%]|%(?!\}))*%\})+[ \t]*")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class RoundsExceeded(Exception):
    """A text's loops went round more often than allowed."""


@pass_context
def _counted_rounds(context: Context, items: object) -> list[Any]:
    """Loops go over real lists only, and their lengths add up against one budget per rendering."""
    if not isinstance(items, list | tuple):
        raise TypeError("a loop can only go over a list")
    budget = context.parent[ROUNDS]
    budget[0] -= len(items)
    if budget[0] < 0:
        raise RoundsExceeded
    return list(items)


@pass_context
def _money(context: Context, value: object, currency: str = "") -> str:
    values = context.parent
    if not currency:
        currency = str(values.get("document", {}).get("currency") or "")
    return format_money(value, currency, values["language"])


@pass_context
def _date(context: Context, value: object, style: str = "numeric") -> str:
    return format_date(value, context.parent["language"], style)


@pass_context
def _number(context: Context, value: object, decimals: int | None = None) -> str:
    return format_number(value, context.parent["language"], decimals)


def _default(value: object, other: object = "", _also_empty: bool = True) -> object:
    return value or other


def _plain_escape(value: object) -> object:
    return value


class _FieldCode(CodeGenerator):
    """Looks the fields of our own mappings up at once: every one is there, and the checker lets no other through.

    The sandbox's look-ups cost a quarter of the time that a text takes.
    """

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802  (Jinja calls it by this name)
        if isinstance(node.node, nodes.Name) and node.node.name in _COMPLETE:
            self.visit(node.node, frame)
            self.write("[")
            self.visit(node.arg, frame)
            self.write("]")
        else:
            super().visit_Getitem(node, frame)


_COMPLETE = frozenset({"company", "party", "contact", "sender", "document"})


def _environment(autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        cache_size=0,
    )
    environment.code_generator_class = _FieldCode
    kept = ("upper", "lower", "capitalize", "title", "trim", "length", "count")
    filters: dict[str, Callable[..., Any]] = {name: environment.filters[name] for name in kept}
    quote = escape if autoescape else _plain_escape
    filters |= {"money": _money, "date": _date, "number": _number, "default": _default, "join": do_join}
    filters |= {"escape": quote, "e": quote, LOOP_FILTER: _counted_rounds}
    environment.filters = filters
    environment.globals = {}
    return environment


def html_environment() -> ImmutableSandboxedEnvironment:
    """The environment of HTML and XML: values are escaped, nothing but our filters exists."""
    return _HTML


_PLAIN = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


class CompiledText:
    """A checked text. `placeholders` lists what it names (`document.number`), in order, without repeats.

    `frame` is what stands before and after it: our own outer HTML, the same for all messages of a company and a
    language, and therefore filled in once for them.
    """

    __slots__ = ("_code", "_environment", "_frame", "_framed", "_has_loop", "kind", "placeholders")

    def __init__(
        self,
        environment: ImmutableSandboxedEnvironment,
        tree: nodes.Template,
        kind: TextKind,
        names: list[str],
        frame: tuple[CompiledText, CompiledText] | None = None,
    ) -> None:
        template = environment.template_class.from_code(environment, environment.compile(tree), {})
        self._code: Callable[[Context], Iterator[str]] = template.root_render_func
        self._environment = environment
        self._has_loop = tree.find(nodes.For) is not None
        self._frame = frame
        self._framed: tuple[object, object, str, str] = (None, None, "", "")
        self.kind = kind
        self.placeholders = tuple(dict.fromkeys(names))

    def render(self, context: Mapping[str, Any]) -> str:
        """The text for one message. `context` comes from `build_context` (or has all fields of the schema).

        Raises `TemplateInvalid`: output over 100 KB, too many loop rounds, or a value that cannot be used so.
        """
        values = {**context, ROUNDS: [MAX_ROUNDS]}
        try:
            parts = self._code(Context(self._environment, values, None, {}))
            output = _limited(parts) if self._has_loop else "".join(parts)
            if self._frame is not None:
                output = self._put_into_frame(self._frame, output, context)
        except TemplateInvalid:
            raise
        except RoundsExceeded as error:
            raise TemplateInvalid(
                TemplateProblem.LOOP_TOO_LONG,
                0,
                f"the loops of this text go round more than {MAX_ROUNDS} times.",
                "Use one loop instead of loops within loops.",
                limit=MAX_ROUNDS,
            ) from error
        except (UndefinedError, SecurityError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise TemplateInvalid(
                TemplateProblem.RENDER_FAILED, 0, f"the text cannot be filled in: {error}.", detail=str(error)
            ) from error
        if len(output) > MAX_OUTPUT:
            raise _too_long()
        return self._finish(output)

    def _put_into_frame(
        self, frame: tuple[CompiledText, CompiledText], output: str, context: Mapping[str, Any]
    ) -> str:
        company, language, before, after = self._framed
        if company is not context["company"] or language != context["language"]:
            before, after = frame[0].render(context), frame[1].render(context)
            self._framed = (context["company"], context["language"], before, after)
        return before + output + after

    def _finish(self, output: str) -> str:
        if self.kind == "subject":
            return " ".join(_CONTROLS.sub(" ", output).split())
        if self.kind == "text":
            return _BLANK_LINES.sub("\n\n", output).strip("\n") + "\n"
        return output


def _limited(parts: Iterator[str]) -> str:
    """Join what a text with loops gives, and stop it as soon as it is too long."""
    output = ""
    while taken := list(islice(parts, _PARTS_AT_ONCE)):
        output += "".join(taken)
        if len(output) > MAX_OUTPUT:
            raise _too_long()
    return output


def _too_long() -> TemplateInvalid:
    return TemplateInvalid(
        TemplateProblem.OUTPUT_TOO_LONG,
        0,
        f"the finished text is longer than {MAX_OUTPUT // 1000} KB.",
        "Shorten the text or its loops.",
        limit=MAX_OUTPUT,
    )


@lru_cache(maxsize=2048)
def compile_text(
    source: str, kind: TextKind, schema: TextSchema = "message", layout: str | None = None
) -> CompiledText:
    """Check and compile a text; the result is kept, so calling this per message costs a dictionary look-up.

    `kind`: `subject` (line breaks become blanks), `text` (no escaping) or `html` (values are escaped).
    `layout` is our own outer HTML with the mark ``<!--content-->`` where the text goes; it is checked too.
    Raises `TemplateInvalid` with line, reason and hint.
    """
    environment = _HTML if kind == "html" else _PLAIN
    checker = TemplateChecker(_SCHEMAS[schema], LOOP_FILTER)
    tree = _parse(environment, source, kind)
    try:
        checker.check(tree)
        frame = _compile_frame(layout, schema) if layout is not None and kind == "html" else None
        return CompiledText(environment, tree, kind, list(checker.placeholders), frame)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise TemplateInvalid(TemplateProblem.TOO_DEEP, 0, "the text is nested too deeply.") from error


def _compile_frame(layout: str, schema: TextSchema) -> tuple[CompiledText, CompiledText]:
    """The two halves of an outer HTML, which may name only what is the same for a whole run."""
    parts = []
    for source in layout.split("<!--content-->"):
        checker = TemplateChecker(_SCHEMAS[schema], LOOP_FILTER)
        tree = _parse(_HTML, source, "text")
        checker.check(tree)
        foreign = [name for name in checker.placeholders if not name.startswith(("company.", "language"))]
        if foreign:
            raise ValueError(f"the outer HTML may name only the company and the language, not {foreign}")
        parts.append(CompiledText(_HTML, tree, "html", list(checker.placeholders)))
    before, after = parts
    return before, after


def _keep_line_ends(source: str) -> str:
    lines = source.replace("\r\n", "\n").split("\n")
    for index, line in enumerate(lines):
        bare = line.rstrip()
        if bare.endswith("%}") and bare[-3:-2] not in ("-", "+") and not _TAGS_ONLY.fullmatch(line):
            lines[index] = f"{bare[:-2]}+%}}"
    return "\n".join(lines)


def _parse(environment: ImmutableSandboxedEnvironment, source: str, kind: TextKind) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(
            TemplateProblem.TOO_LONG,
            0,
            f"the text is longer than {MAX_SOURCE // 1000} KB.",
            "Put long content in an attached document.",
            limit=MAX_SOURCE,
        )
    try:
        tree = environment.parse(_keep_line_ends(source))
        if kind == "html":
            check_positions(tree)
        return tree
    except TemplateSyntaxError as error:
        raise TemplateInvalid(
            TemplateProblem.SYNTAX,
            error.lineno,
            f"{(error.message or 'syntax error').rstrip('.')}.",
            "Placeholders look like {{ document.number }}, conditions like {% if … %}…{% endif %}.",
            detail=(error.message or "").rstrip("."),
        ) from error
    except RecursionError as error:
        raise TemplateInvalid(TemplateProblem.TOO_DEEP, 0, "the text is nested too deeply.") from error


def safe_html(html: str) -> Markup:
    """Mark finished HTML (already rendered or sanitised) as such, for the page that previews it."""
    return Markup(html)  # noqa: S704 - the callers pass only rendered or sanitised HTML
