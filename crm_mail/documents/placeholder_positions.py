"""Where a placeholder may stand in HTML so that escaping alone keeps it harmless.

Between tags escaping is enough. Inside a tag a value could become an attribute, a script or a `javascript:`
link, so there it is allowed only within quotes: in `title` and `alt`, and in `href` after a literal
`https://`, `http://`, `mailto:` or `tel:`. This is checked once, when the text is saved, so that rendering a
message needs no second sanitising (which would cost more than the whole message).
"""

from __future__ import annotations

import re
from typing import NoReturn

from jinja2 import nodes

from crm_mail.documents.template_errors import TemplateInvalid, TemplateProblem

_OPEN_QUOTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(["'])([^"']*)$""")
_SAFE_LINK = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
_COMPLETE_TAG = re.compile(r"""<[a-zA-Z/!](?:[^"'<>]|"[^"]*"|'[^']*')*>""")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG_START = re.compile(r"<(?:[a-zA-Z/!]|$)")


def check_positions(template: nodes.Template) -> None:
    """Raise `TemplateInvalid(UNSAFE_POSITION)` for a placeholder or block in a dangerous place."""
    _walk(template.body, "")


def _walk(body: list[nodes.Node], open_part: str) -> str:
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if isinstance(part, nodes.TemplateData):
                    open_part = _unfinished(open_part + part.data)
                elif open_part:
                    _check_inside_tag(open_part, part.lineno)
                    open_part += "x"
        elif open_part:
            _refuse(node.lineno)
        else:
            branches = [getattr(node, name, []) for name in ("body", "elif_", "else_")]
            for branch in branches:
                if _walk(branch, ""):
                    _refuse(node.lineno)
    return open_part


def _unfinished(text: str) -> str:
    """The part of `text` that is inside a tag or comment not yet closed; empty when all are."""
    text = _COMPLETE_TAG.sub("", _COMMENT.sub("", text))
    start = _TAG_START.search(text)
    return text[start.start() :] if start else ""


def _check_inside_tag(open_part: str, line: int) -> None:
    found = None if open_part.startswith("<!") else _OPEN_QUOTE.search(open_part)
    if found is None:
        _refuse(line)
    name, value = found[1].lower(), found[3]
    if name not in ("title", "alt") and not (name == "href" and _SAFE_LINK.match(value)):
        _refuse(line)


def _refuse(line: int) -> NoReturn:
    raise TemplateInvalid(
        TemplateProblem.UNSAFE_POSITION,
        line,
        "a placeholder cannot stand here inside an HTML tag.",
        'Put it between the tags, or in a link that begins with https:// or mailto: (<a href="https://…">).',
    )
