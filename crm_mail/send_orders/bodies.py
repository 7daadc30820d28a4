"""The body of an order: text, or HTML when it begins with `HTML` (PM-11, PM-12). Pure."""

import html as html_module
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from crm_mail.documents.html_text import html_to_text, is_html_body, sanitise_html, without_html_marker

_TEMPLATE_MARKS: Final = (("{{", "&#123;&#123;"), ("{%", "&#123;%"), ("{#", "&#123;#"))
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PICTURE: Final = re.compile(
    r"""(?P<before><img\b[^<>]{0,2000}?\bsrc\s*=\s*)(?P<path>"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)""", re.IGNORECASE
)
_REMOTE: Final = re.compile(r"(?:https?|cid|data|ftp|javascript|about|blob):|//", re.IGNORECASE)
MOST_PICTURES: Final = 50
_LONE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Body:
    """A body; ``html`` is empty when it is plain text. ``pictures``: content id and path of those from this disk."""

    text: str
    html: str = ""
    pictures: tuple[tuple[str, str], ...] = ()


def read_body(body: str) -> Body:
    """The body as it may be sent.

    HTML is cleaned like every HTML of the product: no scripts, forms or frames; pictures by https stay, and those
    named by a path travel inside the message. Braces are what they look like: an order is no template of ours.
    """
    body = clean_text(body).strip("\n")
    if not is_html_body(body):
        return Body(body)
    source = without_html_marker(body)
    for mark, escaped in _TEMPLATE_MARKS:
        source = source.replace(mark, escaped)
    ids: dict[str, str] = {}

    def take_inside(match: re.Match[str]) -> str:
        path = html_module.unescape(match["path"].strip("\"'")).strip()
        if not path or _REMOTE.match(path) or len(ids) >= MOST_PICTURES:
            return match[0]
        path = unquote(path.removeprefix("file:///").removeprefix("file://")) if path[:5] == "file:" else path
        return f'{match["before"]}"cid:{ids.setdefault(path, f"picture-{len(ids) + 1}")}"'

    html = sanitise_html(_PICTURE.sub(take_inside, source))
    used = tuple((id_, path) for path, id_ in ids.items() if f"cid:{id_}" in html)
    return Body(html_to_text(html), html, used)


def clean_text(text: str) -> str:
    """Text without the characters that no message may hold; line ends are ours."""
    return _LONE.sub("�", _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def clean_line(text: str) -> str:
    """Text on one line: a title never ends a header."""
    return " ".join(clean_text(text).split())
