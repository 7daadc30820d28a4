"""The whitelist of the template language: what a user's text may contain, checked on the syntax tree.

Jinja's sandbox alone does not stop ``{{ 'a' * 10**9 }}``; here everything that is not listed is refused:
no calls, no arithmetic, no assignments, no macros, no imports; filters from a fixed list with bounded
arguments; loops only over a known list and at most two deep; names only from the closed list of placeholders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from jinja2 import nodes

from crm_mail.documents.message_context import FieldTree, placeholder_names
from crm_mail.documents.template_errors import TemplateInvalid, TemplateProblem

MAX_LOOP_DEPTH = 2
MAX_NODES = 4000
MAX_DEPTH = 40
MAX_CONSTANT = 500
LOOP_FIELDS: FieldTree = dict.fromkeys(("index", "index0", "first", "last", "length"))
# filter → greatest number of arguments
FILTERS: Mapping[str, int] = {
    "date": 1,
    "money": 1,
    "number": 1,
    "upper": 0,
    "lower": 0,
    "capitalize": 0,
    "title": 0,
    "trim": 0,
    "default": 2,
    "join": 2,
    "length": 0,
    "count": 0,
    "escape": 0,
    "e": 0,
}
_TAKES_LISTS = frozenset({"length", "count", "join"})
TESTS = frozenset({"defined", "none", "odd", "even"})
_PLAIN_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
)
Scope = Mapping[str, "FieldTree | None"]


class TemplateChecker:
    """One walk over one template.

    Rewrites `a.b` into `a["b"]` (a field named like a dict method stays a field) and passes each loop's list
    through `loop_filter`, which counts the rounds while rendering.
    """

    def __init__(self, fields: FieldTree, loop_filter: str) -> None:
        self.fields = fields
        self.loop_filter = loop_filter
        self.placeholders: list[str] = []
        self._count = 0

    def check(self, template: nodes.Template) -> None:
        """Check and rewrite in place; raises `TemplateInvalid` at the first thing that is not allowed."""
        for node in template.body:
            self._statement(node, self.fields, 0, 0)

    def _statement(self, node: nodes.Node, scope: Scope, loops: int, depth: int) -> None:
        self._weigh(node, depth)
        if isinstance(node, nodes.For):
            self._loop(node, scope, loops, depth)
        elif isinstance(node, nodes.If):
            node.test = self._expression(_as_expression(node.test), scope, depth + 1, whole=True)
            for child in [*node.body, *node.elif_, *node.else_]:
                self._statement(child, scope, loops, depth + 1)
        elif isinstance(node, nodes.Output):
            node.nodes = [
                part if isinstance(part, nodes.TemplateData) else self._expression(part, scope, depth + 1)
                for part in node.nodes
            ]
        else:
            _refuse(node)

    def _loop(self, node: nodes.For, scope: Scope, loops: int, depth: int) -> None:
        if loops >= MAX_LOOP_DEPTH:
            raise TemplateInvalid(
                TemplateProblem.TOO_DEEP,
                node.lineno,
                f"loops may be at most {MAX_LOOP_DEPTH} deep.",
                "Move the inner loop out of the others.",
                limit=MAX_LOOP_DEPTH,
            )
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        if node.recursive or not target or target in self.fields or target == "loop":
            raise TemplateInvalid(
                TemplateProblem.BAD_LOOP,
                node.lineno,
                "a loop needs one new name.",
                "Write {% for d in documents %}…{% endfor %}.",
            )
        item = self._list_item(node.iter, scope)
        items = self._expression(_as_expression(node.iter), scope, depth + 1, whole=True)
        node.iter = nodes.Filter(items, self.loop_filter, [], [], None, None, lineno=node.lineno)
        inner = {**scope, target: item, "loop": LOOP_FIELDS}
        if node.test is not None:
            node.test = self._expression(_as_expression(node.test), inner, depth + 1)
        for child in node.body:
            self._statement(child, inner, loops + 1, depth + 1)
        for child in node.else_:
            self._statement(child, scope, loops + 1, depth + 1)

    def _list_item(self, node: nodes.Node, scope: Scope) -> FieldTree | None:
        if isinstance(node, nodes.Name | nodes.Getattr):
            _, fields = self._resolve(node, scope)
            if fields is not None and "[]" in fields:
                return fields["[]"]
        lists = ", ".join(name for name, inner in self.fields.items() if inner is not None and "[]" in inner)
        raise TemplateInvalid(
            TemplateProblem.BAD_LOOP,
            node.lineno,
            "a loop can only go over a list.",
            f"Lists: {lists}.",
            known=lists,
        )

    def _expression(self, node: nodes.Expr, scope: Scope, depth: int, whole: bool = False) -> nodes.Expr:
        """Check one expression. `whole`: a list or group may stand here by itself (a condition, a length)."""
        self._weigh(node, depth)
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            dotted, fields = self._resolve(node, scope)
            if fields is not None and not whole:
                self._unknown(dotted, node.lineno, scope, dotted, fields)
            self.placeholders.append(dotted)
            return _as_items(node)
        if isinstance(node, nodes.Const):
            _check_constant(node)
            return node
        if isinstance(node, nodes.Filter):
            return self._filter(node, scope, depth)
        if isinstance(node, nodes.Test):
            if node.name not in TESTS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                _refuse(node, f"“is {node.name}”")
            node.node = self._expression(node.node, scope, depth + 1)
            return node
        if not isinstance(node, _PLAIN_NODES):
            _refuse(node)
        self._operands(node, scope, depth)
        return node

    def _operands(self, node: nodes.Expr, scope: Scope, depth: int) -> None:
        for name, value in list(node.iter_fields()):
            if isinstance(value, nodes.Expr):
                setattr(node, name, self._expression(value, scope, depth + 1))
            elif isinstance(value, list):
                for child in value:
                    if isinstance(child, nodes.Operand):
                        child.expr = self._expression(child.expr, scope, depth + 1)

    def _filter(self, node: nodes.Filter, scope: Scope, depth: int) -> nodes.Expr:
        if node.name not in FILTERS or node.node is None:
            known = ", ".join(sorted(FILTERS))
            raise TemplateInvalid(
                TemplateProblem.UNKNOWN_FILTER,
                node.lineno,
                f"there is no filter “{node.name}”.",
                f"Filters: {known}.",
                name=node.name,
                known=known,
            )
        if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > FILTERS[node.name]:
            raise TemplateInvalid(
                TemplateProblem.BAD_FILTER_USE,
                node.lineno,
                f"the filter “{node.name}” takes at most {FILTERS[node.name]} values, without names.",
                name=node.name,
            )
        if node.name == "join":
            self._check_join(node, scope)
        node.args = [self._expression(argument, scope, depth + 1) for argument in node.args]
        node.node = self._expression(node.node, scope, depth + 1, whole=node.name in _TAKES_LISTS)
        return node

    def _check_join(self, node: nodes.Filter, scope: Scope) -> None:
        assert node.node is not None
        item = self._list_item(node.node, scope)
        if item is None:
            return
        field = node.args[1] if len(node.args) > 1 else None
        if not isinstance(field, nodes.Const) or field.value not in item:
            known = ", ".join(item)
            raise TemplateInvalid(
                TemplateProblem.BAD_FILTER_USE,
                node.lineno,
                "“join” needs a separator and the name of the field.",
                f"Write {{{{ documents | join(', ', 'number') }}}}. Fields: {known}.",
                name="join",
                known=known,
            )

    def _resolve(self, node: nodes.Expr, scope: Scope) -> tuple[str, FieldTree | None]:
        """Dotted name and inner fields of a name chain; raises when it is not a known placeholder."""
        if isinstance(node, nodes.Name):
            if node.name not in scope:
                self._unknown(node.name, node.lineno, scope)
            return node.name, scope[node.name]
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            base, fields = self._resolve(node.node, scope)
            index = node.arg.value
            if fields is not None and "[]" in fields and type(index) is int and 0 <= index < 10_000:
                return f"{base}[{index}]", fields["[]"]
            if fields is None or "[]" in fields or not isinstance(index, str) or index not in fields:
                self._unknown(f"{base}[{str(index)[:60]}]", node.lineno, scope, base, fields)
            return f"{base}.{index}", fields[index]
        if isinstance(node, nodes.Getattr):
            base, fields = self._resolve(node.node, scope)
            if fields is None or "[]" in fields or node.attr not in fields:
                self._unknown(f"{base}.{node.attr}", node.lineno, scope, base, fields)
            return f"{base}.{node.attr}", fields[node.attr]
        _refuse(node)

    def _unknown(
        self, name: str, line: int, scope: Scope, base: str = "", fields: FieldTree | None = None
    ) -> NoReturn:
        if fields is None:
            known = ", ".join(placeholder_names({k: v for k, v in scope.items() if k != "loop"}))
        else:
            known = ", ".join(f"{base}.{field}" for field in fields if field != "[]")
            known = known or f"{base} is a list: {{% for d in {base} %}}…{{% endfor %}}"
        raise TemplateInvalid(
            TemplateProblem.UNKNOWN_PLACEHOLDER,
            line,
            f"unknown placeholder “{name}”.",
            f"Known: {known}.",
            name=name,
            known=known,
        )

    def _weigh(self, node: nodes.Node, depth: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise TemplateInvalid(
                TemplateProblem.TOO_LONG, node.lineno, "the text has too many placeholders."
            )
        if depth > MAX_DEPTH:
            raise TemplateInvalid(TemplateProblem.TOO_DEEP, node.lineno, "the text is nested too deeply.")


def _check_constant(node: nodes.Const) -> None:
    value = node.value
    fits = value is None or isinstance(value, bool | float)
    fits = fits or (isinstance(value, str) and len(value) <= MAX_CONSTANT)
    fits = fits or (type(value) is int and abs(value) < 10**15)
    if not fits:
        _refuse(node, "a value this long")


def _as_expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        _refuse(node)
    return node


def _as_items(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Getattr):
        key = nodes.Const(node.attr, lineno=node.lineno)
        return nodes.Getitem(_as_items(node.node), key, "load", lineno=node.lineno)
    if isinstance(node, nodes.Getitem):
        node.node = _as_items(node.node)
    return node


_WORDS = {
    "Call": "calling a function",
    "Assign": "“set”",
    "Include": "“include”",
    "Import": "“import”",
    "FromImport": "“import”",
    "Macro": "“macro”",
    "Extends": "“extends”",
    "Block": "“block”",
    "Pow": "arithmetic",
    "Mul": "arithmetic",
    "Add": "arithmetic",
    "Sub": "arithmetic",
    "Div": "arithmetic",
    "FloorDiv": "arithmetic",
    "Mod": "arithmetic",
    "Concat": "joining with “~”",
    "Getitem": "“[…]”",
    "Const": "a fixed value",
    "List": "a list",
    "Dict": "a dictionary",
    "Tuple": "a list",
    "CallBlock": "“call”",
    "FilterBlock": "“filter”",
    "With": "“with”",
}


def _refuse(node: nodes.Node, what: str = "") -> NoReturn:
    what = what or _WORDS.get(type(node).__name__, f"“{type(node).__name__}”")
    raise TemplateInvalid(
        TemplateProblem.FORBIDDEN,
        node.lineno,
        f"{what} is not allowed in a text.",
        "Only placeholders, filters, {% if %} and {% for %} are.",
        what=what,
    )
