"""The body of an order: text, or HTML when it begins with `HTML` (PM-11, PM-12). Pure."""

import re
from typing import Final

from crm_mail.documents.html_text import html_to_text, is_html_body, sanitise_html, without_html_marker

_TEMPLATE_MARKS: Final = (("{{", "&#123;&#123;"), ("{%", "&#123;%"), ("{#", "&#123;#"))
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONE: Final = re.compile(r"[\ud800-\udfff]")


def read_body(body: str) -> tuple[str, str]:
    """(text, html) of a body; html is empty when the body is plain text.

    HTML is cleaned like every HTML of the product: no scripts, forms or frames; pictures by https stay. Braces are
    what they look like: an order is no template of ours.
    """
    body = clean_text(body).strip("\n")
    if not is_html_body(body):
        return body, ""
    source = without_html_marker(body)
    for mark, escaped in _TEMPLATE_MARKS:
        source = source.replace(mark, escaped)
    html = sanitise_html(source)
    return html_to_text(html), html


def clean_text(text: str) -> str:
    """Text without the characters that no message may hold; line ends are ours."""
    return _LONE.sub("�", _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def clean_line(text: str) -> str:
    """Text on one line: a title never ends a header."""
    return " ".join(clean_text(text).split())
