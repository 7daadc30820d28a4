"""A stranger's mail taken apart, in bounded time and memory, whatever it is. Pure.

Mails that come back are often not what MIME asks for: cut off, closed with another boundary, declared `text/plain`
with a boundary, or an attachment of themselves. The standard library's parser is lenient too, but its work grows
with the depth of what it is given; this one looks at so many bytes, parts and levels and no more.
"""

import base64
import binascii
import codecs
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header

MAX_BYTES = 1_000_000
"""Bytes of a mail that are looked at: what a report says comes before what it returns."""
MAX_PARTS = 60
MAX_DEPTH = 6
_MAX_HEADERS = 500
_MAX_TEXT = 200_000

_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*(?:"([^"]{0,200})"|([^\s;"]{1,200}))')
_FIELD = re.compile(r"([!-9;-~]{1,80}):[ \t]*(.*)")
_TAG = re.compile(
    r"<(?:style|script)\b.*?(?:</(?:style|script)>|\Z)|<[^<>]{0,2000}>", re.DOTALL | re.IGNORECASE
)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/h\d|/li)\b[^<>]{0,200}>", re.IGNORECASE)
_PARSED = ("message/rfc822", "message/global")


@dataclass(slots=True)
class Part:
    """One part of a mail: its headers (names in lower case, in order), and its body undecoded."""

    headers: list[tuple[str, str]]
    body: bytes
    depth: int
    children: list["Part"] = field(default_factory=list)

    def header(self, name: str) -> str:
        """The first header of that name, unfolded; empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def type(self) -> str:
        """`text/plain` where nothing (or nonsense) is declared (RFC 2045 5.2)."""
        value = self.header("content-type").partition(";")[0].strip().lower()
        return value if "/" in value else "text/plain"

    def parameter(self, name: str) -> str:
        found = _PARAMETER.finditer(";" + self.header("content-type").partition(";")[2])
        return next((m[2] if m[2] is not None else m[3] for m in found if m[1].lower() == name), "")

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the mail."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def text(self) -> str:
        """The body as text with plain line ends: decoded, tags taken out of HTML; never fails."""
        body = _undone(self.body[: 2 * _MAX_TEXT], self.header("content-transfer-encoding").strip().lower())
        text = _decoded(body, self.parameter("charset"))[:_MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n")
        return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))) if self.type == "text/html" else text


def read_parts(data: bytes) -> Part:
    """The mail as a tree of parts. Cut after MAX_BYTES; at most MAX_PARTS parts on MAX_DEPTH levels."""
    data = data[:MAX_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.startswith((b"From ", b">From ")):  # kept in a mailbox file once
        data = data.partition(b"\n")[2]
    left = [MAX_PARTS]
    return _read(data.lstrip(b"\n"), 0, left)


def headers_of(text: str) -> list[tuple[str, str]]:
    """Header fields from text, names in lower case, folded lines joined; lines that are none are passed over."""
    found: list[tuple[str, str]] = []
    for line in text.split("\n", 5 * _MAX_HEADERS)[: 5 * _MAX_HEADERS]:
        if line[:1] in (" ", "\t") and found:
            name, value = found[-1]
            if len(value) < 10_000:
                found[-1] = (name, f"{value} {line.strip()}")
        elif match := _FIELD.match(line):
            found.append((match[1].lower(), match[2].strip()))
            if len(found) >= _MAX_HEADERS:
                break
    return found


def words(value: str) -> str:
    """A header's value with its encoded words read (RFC 2047); as it stands when they make no sense."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value[:2000])
    except (HeaderParseError, ValueError):
        return value
    return "".join(p if isinstance(p, str) else _decoded(p, charset or "") for p, charset in pieces)


def _read(data: bytes, depth: int, left: list[int]) -> Part:
    left[0] -= 1
    head, _, body = data.partition(b"\n\n") if not data.startswith(b"\n") else (b"", b"", data[1:])
    part = Part(headers_of(_decoded(head, "utf-8")), body, depth)
    if depth >= MAX_DEPTH:
        return part
    boundary = part.parameter("boundary")
    if part.type.startswith("multipart/") and boundary:
        for piece in _pieces(body, boundary.encode("utf-8", "replace")):
            if left[0] <= 0:
                break
            part.children.append(_read(piece, depth + 1, left))
    elif part.type in _PARSED and left[0] > 0:
        undone = _undone(body, part.header("content-transfer-encoding").strip().lower())
        part.children.append(_read(undone.lstrip(b"\n"), depth + 1, left))
    return part


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the boundary's lines; the last piece may be open-ended, as in a mail that was cut off."""
    chunks = (b"\n" + body).split(b"\n--" + boundary, MAX_PARTS + 1)[1:]
    pieces = []
    for chunk in chunks:
        if chunk.startswith(b"--"):
            break
        pieces.append(chunk.partition(b"\n")[2])
    return pieces


def _undone(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        try:
            return base64.b64decode(letters[: len(letters) // 4 * 4] + b"", validate=False)
        except binascii.Error:
            return body
    return body


def _decoded(body: bytes, charset: str) -> str:
    name = charset.strip().lower()
    if name in ("unicode-1-1-utf-7", "utf-7"):
        name = "utf-7"
    for candidate in (name, "utf-8"):
        try:
            if candidate and codecs.lookup(candidate)._is_text_encoding:
                return body.decode(candidate)
        except (LookupError, ValueError):
            continue
    return body.decode("cp1252", "replace")
