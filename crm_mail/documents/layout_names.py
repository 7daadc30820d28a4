"""Names that a layout may print: those of the data and those that every layout is given (IT-19).

A misspelt name prints nothing and nobody sees why, so it is refused when the layout is saved. Only the first part of a
name is looked at: what stands below it (`extra.plate`) is open. Layouts that are in use are not judged again.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from jinja2 import Environment, nodes

from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER
from crm_mail.documents.pdf_sandbox_rules import LayoutFault, LayoutProblem
from crm_mail.documents.schemas import SCHEMAS

_GIVEN: Final = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none"})
_READERS: Final = frozenset(
    {"seller", "type_label", "sdi_type", "recipient_code", "legal", "cfdi", "direction", "extra", "layout"}
)
"""Fields that the readers of electronic documents keep beside those of the schemas."""


def check_names(source: str) -> None:
    """Refuse a name that no document has. The source was compiled before.

    Raises:
        LayoutFault: with its line and the name.
    """
    tree = Environment(autoescape=True).parse(source)
    own = set(_bound(tree)) | _asked_for(tree)
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in own and name.name not in known_names():
            raise LayoutFault(LayoutProblem.UNKNOWN_NAME, name.lineno, name.name[:60])


@lru_cache(maxsize=1)
def known_names() -> frozenset[str]:
    """Fields of all schemas, and what the built-in layouts name outside their loops and macros."""
    fields = (schema.model_fields.items() for schema in SCHEMAS.values())
    known = {field.alias or name for of_schema in fields for name, field in of_schema}
    for path in sorted(LAYOUT_FOLDER.glob("*.html")):
        tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        named = {name.name for name in tree.find_all(nodes.Name)} | set(_imported(tree))
        known |= named - set(_passing(tree))
        known |= {macro.name for macro in tree.find_all(nodes.Macro)}
    return frozenset(known | _GIVEN | _READERS)


def _bound(tree: nodes.Template) -> Iterator[str]:
    """Whatever the source itself gives a name to, anywhere in it."""
    yield from (name.name for name in tree.find_all(nodes.Name) if name.ctx != "load")
    yield from (macro.name for macro in tree.find_all(nodes.Macro))
    yield from _imported(tree)


def _imported(tree: nodes.Template) -> Iterator[str]:
    for part in tree.find_all(nodes.Import):
        yield part.target
    for names in tree.find_all(nodes.FromImport):
        yield from (one[1] if isinstance(one, tuple) else one for one in names.names)


def _passing(tree: nodes.Template) -> Iterator[str]:
    """Names of loops and macros of a built-in layout, which exist only inside."""
    for loop in tree.find_all(nodes.For):
        yield from (name.name for name in loop.target.find_all(nodes.Name))
        if isinstance(loop.target, nodes.Name):
            yield loop.target.name
    for macro in tree.find_all(nodes.Macro):
        yield from (name.name for name in macro.args)


def _asked_for(tree: nodes.Template) -> set[str]:
    """Names of which the source asks whether they exist: their author knows that they may not."""
    tests = (test for test in tree.find_all(nodes.Test) if test.name in ("defined", "undefined"))
    return {test.node.name for test in tests if isinstance(test.node, nodes.Name)}
