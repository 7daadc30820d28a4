"""HTML and plain bodies: which is which, cleaning, and making the one from the other (PM-11, PM-12).

A body that begins with `HTML` is HTML, any other is text (PM-11). HTML is cleaned when it is saved; the
placeholders of a template survive the cleaning untouched, even where HTML itself would allow no text (between
the rows of a table). The plain alternative of an HTML body keeps the targets of its links.
"""

from __future__ import annotations

import hashlib
import html
import re
from html.parser import HTMLParser

import nh3


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


_MARKER = re.compile(r"\s*HTML\b[ \t]*\r?\n?")
_DOCUMENT = re.compile(r"\s*<(!doctype|html|body|p|div|table)\b", re.IGNORECASE)
_TEMPLATE_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")

TAGS = _names(
    "a abbr b blockquote br caption center code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6",
    "hr i img ins li ol p pre s small span strong sub sup table tbody td tfoot th thead tr u ul",
)
_CELL = {"align", "valign", "bgcolor", "width", "height", "colspan", "rowspan"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"style", "title", "dir", "lang", "align"},
    "a": {"href", "name", "target"},
    "img": {"src", "alt", "width", "height", "border"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor", "role"},
    "td": _CELL,
    "th": _CELL | {"scope"},
    "tr": {"bgcolor", "valign"},
    "col": {"width", "span"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
}
STYLES = _names(
    "background-color border border-bottom border-collapse border-color border-left border-radius",
    "border-right border-spacing border-style border-top border-width color direction display font",
    "font-family font-size font-style font-weight height letter-spacing line-height list-style-type",
    "margin margin-bottom margin-left margin-right margin-top max-width min-width padding padding-",
    "bottom padding-left padding-right padding-top table-layout text-align text-decoration text-indent",
    "text-transform vertical-align white-space width word-break",
)


def is_html_body(body: str) -> bool:
    """True when a body is HTML: it begins with the word `HTML` (PM-11), or plainly with a document's tag."""
    return bool(_MARKER.match(body) or _DOCUMENT.match(body))


def without_html_marker(body: str) -> str:
    """The HTML itself, without the word `HTML` it began with."""
    return _MARKER.sub("", body, count=1) if _MARKER.match(body) else body


def sanitise_html(source: str) -> str:
    """Clean HTML for saving: no scripts, forms, frames, comments or remote styles; `{{ }}` and `{% %}` stay.

    Links may go to http, https, mailto and tel; pictures come from `cid:` or https, never `data:` (mail
    programs block them). Returns a fragment: `<html>`, `<head>` and `<body>` are dropped (our layout has
    them).
    """
    nonce = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:16]
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(match[0])
        mark = f"tmpl{nonce}x{len(kept) - 1}x"
        return mark if match[0].startswith("{{") else f"<!--{mark}-->"

    hidden = _TEMPLATE_TAG.sub(hide, _COMMENT.sub("", source))
    cleaned = nh3.clean(
        hidden,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        strip_comments=False,
        link_rel="noopener noreferrer",
        filter_style_properties=set(STYLES),
        attribute_filter=_keep_attribute,
        clean_content_tags={"script", "style", "title", "iframe", "object", "noscript", "svg", "math"},
    )
    return re.sub(
        rf"<!--tmpl{nonce}x(\d+)x-->|tmpl{nonce}x(\d+)x", lambda m: kept[int(m[1] or m[2])], cleaned
    )


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    lowered = value.strip().lower()
    if tag == "img" and name == "src":
        return value if lowered.startswith(("cid:", "https:")) else None
    if tag == "a" and name == "href" and lowered.startswith("cid:"):
        return None
    if name == "style" and ("url(" in lowered or "expression" in lowered):
        return None
    return value


_PARAGRAPH = _names(
    "p div h1 h2 h3 h4 h5 h6 ul ol table blockquote pre hr dl",
)
_LINE = _names(
    "br tr li dt dd",
)
_SILENT = _names(
    "head style script title",
)


class _TextCollector(HTMLParser):
    """Collects readable text: paragraphs, list dashes, cells apart by two blanks, links with their target."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _SILENT:
            self._silent += 1
        elif tag == "a":
            self._links.append((values.get("href") or "", len(self.parts)))
        elif tag == "img" and values.get("alt"):
            self.parts.append(str(values["alt"]))
        elif tag in _PARAGRAPH:
            self.parts.append("\n\n")
        elif tag in _LINE:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            target, start = self._links.pop()
            shown = "".join(self.parts[start:]).strip()
            if target.startswith(("http", "mailto:", "tel:")) and target.removeprefix("mailto:") != shown:
                self.parts.append(f" <{target}>")
        elif tag in ("td", "th"):
            self.parts.append("\t")
        elif tag in _PARAGRAPH:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def html_to_text(source: str) -> str:
    """The plain alternative of an HTML body; link targets stand in angle brackets after their words."""
    collector = _TextCollector()
    collector.feed(source)
    collector.close()
    lines = "".join(collector.parts).split("\n")
    rows = ["  ".join(cell.strip() for cell in line.split("\t")).strip() for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip() + "\n"


def text_to_html(text: str) -> str:
    """HTML of a plain text: escaped, paragraphs at empty lines, line breaks kept, web addresses clickable."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip("\n"))
    return "\n".join(
        f'<p style="margin:0 0 16px 0">{_linked(part).replace(chr(10), "<br>")}</p>'
        for part in paragraphs
        if part
    )


def _linked(text: str) -> str:
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        pieces.append(html.escape(text[end : found.start()]) + f'<a href="{address}">{address}</a>')
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])
