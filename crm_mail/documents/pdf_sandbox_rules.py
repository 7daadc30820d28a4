"""What a company's own layout may contain: the closed lists, and the check of its syntax tree. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from jinja2 import nodes
from markupsafe import Markup

from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER

MAX_NODES = 20_000
PARTS = frozenset(path.name for path in LAYOUT_FOLDER.glob("*.html"))
FILTERS = (
    *(
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "e",
        "escape",
        "first",
        "float",
        "groupby",
        "int",
        "join",
    ),
    *("last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse"),
    *(
        "round",
        "select",
        "selectattr",
        "sort",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
    ),
)
_TEXT = frozenset({"endswith", "startswith", "lower", "upper", "strip", "split", "splitlines", "title"})
# (kind, the methods and fields that may be named); Markup is a str, a group's fields are read as items.
METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (Markup, _TEXT),
    (str, _TEXT),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset()),
    (tuple, frozenset()),
    (int, frozenset()),
    (float, frozenset()),
)
# Where the functions live that `pdf_markup` gives to layouts. Data are plain JSON, and no attribute leads to any other
# function, so the home is enough.
OUR_FUNCTIONS = "crm_mail.documents.pdf_"


class LayoutProblem(StrEnum):
    """Closed set of reasons; `layout_words` has their sentences."""

    SYNTAX = "syntax"
    FORBIDDEN = "forbidden"
    UNKNOWN_FILTER = "unknown_filter"
    UNKNOWN_PART = "unknown_part"
    UNKNOWN_NAME = "unknown_name"
    TOO_LONG = "too_long"
    OUTPUT_TOO_LONG = "output_too_long"
    LOOP_TOO_LONG = "loop_too_long"
    TOO_SLOW = "too_slow"
    TOO_BIG = "too_big"
    FILL_FAILED = "fill_failed"


_REASONS = {
    LayoutProblem.SYNTAX: "this is not written as a layout is",
    LayoutProblem.FORBIDDEN: "this is not possible in a layout",
    LayoutProblem.UNKNOWN_FILTER: "there is no such filter",
    LayoutProblem.UNKNOWN_PART: "there is no such built-in part",
    LayoutProblem.UNKNOWN_NAME: "no document has such a field",
    LayoutProblem.TOO_LONG: "it is too long",
    LayoutProblem.OUTPUT_TOO_LONG: "what it prints is too long",
    LayoutProblem.LOOP_TOO_LONG: "its loops go round too often",
    LayoutProblem.TOO_SLOW: "filling it in takes too many seconds",
    LayoutProblem.TOO_BIG: "filling it in needs too much memory",
    LayoutProblem.FILL_FAILED: "it cannot be filled in",
}


class LayoutFault(Exception):
    """A layout cannot be used: what is wrong, in which line (0: not known)."""

    def __init__(self, problem: LayoutProblem, line: int = 0, detail: str = "") -> None:
        self.problem = problem
        self.line = line
        self.detail = detail
        where = f", line {line}" if line else ""
        said = f" ({detail})" if detail else ""
        super().__init__(f"The company's own layout{where}: {_REASONS[problem]}{said}.")

    @property
    def facts(self) -> dict[str, str | int]:
        """What `layout_words` needs."""
        return {"problem": self.problem.value, "line": self.line, "detail": self.detail}

    def __reduce__(self) -> tuple[object, ...]:
        return LayoutFault, (self.problem, self.line, self.detail)


class LoopsTooLong(Exception):
    """The loops of one document went round more often than allowed."""


_REFUSED: dict[type[nodes.Node], str] = {
    nodes.ScopedEvalContextModifier: "autoescape",
    nodes.EvalContextModifier: "autoescape",
    nodes.Pow: "**",
    nodes.ContextReference: "context",
    nodes.DerivedContextReference: "context",
    nodes.InternalName: "_",
    nodes.ImportedName: "_",
    nodes.EnvironmentAttribute: "_",
    nodes.ExtensionAttribute: "_",
}
_NAMING = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


def check_layout(tree: nodes.Template, filters: Collection[str]) -> None:
    """Refuse what is not possible in a layout; loops and `~` are made countable in place. Raises `LayoutFault`."""
    for count, node in enumerate(tree.find_all(nodes.Node)):
        if count > MAX_NODES:
            raise LayoutFault(LayoutProblem.TOO_LONG, node.lineno, f"more than {MAX_NODES} elements")
        _check(node, filters)
    _count_loops(tree)
    _bound_joins(tree)


def _check(node: nodes.Node, filters: Collection[str]) -> None:
    if type(node) in _REFUSED:
        raise LayoutFault(LayoutProblem.FORBIDDEN, node.lineno, _REFUSED[type(node)])
    if isinstance(node, nodes.Filter | nodes.FilterBlock):
        inner = node.filter if isinstance(node, nodes.FilterBlock) else node
        if inner.name not in filters or inner.name.startswith("_"):
            raise LayoutFault(LayoutProblem.UNKNOWN_FILTER, node.lineno, inner.name)
    if isinstance(node, _NAMING):
        named = node.template
        if not isinstance(named, nodes.Const) or named.value not in PARTS:
            raise LayoutFault(LayoutProblem.UNKNOWN_PART, node.lineno, _written(named))
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        raise LayoutFault(LayoutProblem.FORBIDDEN, node.lineno, node.name)
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise LayoutFault(LayoutProblem.FORBIDDEN, node.lineno, node.attr)


def _written(named: nodes.Node) -> str:
    return str(named.value)[:60] if isinstance(named, nodes.Const) else ""


def _count_loops(tree: nodes.Template) -> None:
    for loop in tree.find_all(nodes.For):
        assert isinstance(loop.iter, nodes.Expr)
        loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)


def _bound_joins(node: nodes.Node) -> None:
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            setattr(node, name, _bounded(value))
        elif isinstance(value, list):
            setattr(node, name, [_bounded(one) if isinstance(one, nodes.Node) else one for one in value])


def _bounded(node: Any) -> Any:
    _bound_joins(node)
    if isinstance(node, nodes.Concat):
        texts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(texts, "_joined", [], [], None, None, lineno=node.lineno)
    return node
