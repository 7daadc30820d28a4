"""Parts of a mail as the bytes that came. The standard library's parser writes parts anew, which breaks signatures.

Grammar: RFC 5322 2.2 (headers), RFC 2046 5.1.1 (parts). Linear in the size of the mail; bounded in depth and number.
"""

import binascii
import quopri
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from functools import cached_property, lru_cache

_MOST_PARTS = 2_000  # of one multipart
_DEEPEST = 20
_MOST_HEADER = 1_000_000  # bytes of one header block that are looked at
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_LINE_BREAK = re.compile(r"\r?\n")
_IN_BRACKETS = re.compile(r"<([^<>\s]{1,320}@[^<>\s]{1,320})>")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True)
class Part:
    """A mail or one part of it: a stretch of the bytes as received, which are not copied."""

    data: bytes = field(repr=False)
    start: int = 0
    end: int = sys.maxsize

    @property
    def raw(self) -> bytes:
        """Header and body, exactly as received."""
        return self.data[self.start : self.end]

    @cached_property
    def _body_at(self) -> int:
        head = self.data[self.start : min(self.end, self.start + _MOST_HEADER)]
        blank = _BLANK_LINE.search(head)
        return min(self.end, len(self.data)) if blank is None else self.start + blank.end()

    @property
    def body(self) -> bytes:
        """What follows the empty line, still encoded."""
        return self.data[self._body_at : self.end]

    @property
    def head(self) -> bytes:
        """The header block."""
        return self.data[self.start : min(self._body_at, self.start + _MOST_HEADER)]

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case with unfolded values, in order."""
        found: list[tuple[str, str]] = []
        for line in _LINE_BREAK.split(_text(self.head)):
            if line[:1] in (" ", "\t"):
                if found:
                    found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
                continue
            name, colon, value = line.partition(":")
            if colon:
                found.append((name.strip().lower(), value.strip()))
        return tuple(found)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        return found

    def every(self, name: str) -> list[str]:
        """All values of a header; ``name`` in lower case."""
        return self._by_name.get(name, [])

    def header(self, name: str) -> str:
        """The first value of a header, empty when there is none."""
        values = self._by_name.get(name)
        return values[0] if values else ""

    def text(self, name: str) -> str:
        """The first value of a header with its encoded words read."""
        return decoded_words(self.header(name))

    def addresses(self, name: str) -> list[str]:
        """The mail addresses in a header, in lower case; also where a name before `<…>` is badly quoted."""
        return [address for value in self.every(name) for address in _addresses_in(value)]

    @cached_property
    def _content(self) -> tuple[str, str, str, str]:
        return _content_facts(self.header("content-type"), self.header("content-disposition"))

    @property
    def content_type(self) -> str:
        """In lower case, such as `multipart/signed`."""
        return self._content[0]

    @property
    def filename(self) -> str:
        """Of Content-Disposition, else the name in Content-Type; decoded; empty when it has none."""
        return self._content[2]

    @property
    def micalg(self) -> str:
        """What a signed part says of its digest; never relied upon."""
        return self._content[3]

    @cached_property
    def children(self) -> tuple["Part", ...]:
        """The parts of a multipart; empty for anything else."""
        boundary = self._content[1]
        if not self.content_type.startswith("multipart/") or not boundary or not boundary.isascii():
            return ()
        end = min(self.end, len(self.data))
        stretches = _between(self.data, self._body_at, end, b"--" + boundary.encode())
        return tuple(Part(self.data, first, last) for first, last in stretches)

    def leaves(self, depth: int = 0) -> Iterator["Part"]:
        """The parts that hold something, in order; never looks into an enclosed mail."""
        if depth > _DEEPEST or not self.content_type.startswith("multipart/"):
            yield self
            return
        for child in self.children:
            yield from child.leaves(depth + 1)

    def decoded(self) -> bytes:
        """The body without its transfer encoding (RFC 2045 6); lenient, never raises."""
        encoding = self.header("content-transfer-encoding").lower()
        if encoding == "base64":
            return _from_base64(self.body)
        return quopri.decodestring(self.body) if encoding == "quoted-printable" else self.body


def _between(data: bytes, start: int, end: int, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts begin and end: after a delimiter line, before the line break that precedes the next one."""
    begun: int | None = None
    count = 0
    at = data.find(delimiter, start, end)
    while at >= 0 and count < _MOST_PARTS:
        line_end = data.find(b"\n", at, end)
        line_end = end if line_end < 0 else line_end + 1
        rest = data[at + len(delimiter) : line_end].strip()
        if rest in (b"", b"--") and (at == start or data[at - 1 : at] == b"\n"):
            if begun is not None:
                yield begun, max(begun, at - (2 if data[at - 2 : at] == b"\r\n" else 1))
                count += 1
            if rest:
                return
            begun = line_end
        at = data.find(delimiter, max(line_end - 1, at + 1), end)
    if begun is not None and count < _MOST_PARTS:
        yield begun, end  # cut off: the last part runs to the end


def _text(head: bytes) -> str:
    """UTF-8, else as Latin-1: what old programs send without saying so."""
    try:
        return cleaned(head.decode())
    except UnicodeDecodeError:
        return cleaned(head.decode("latin-1"))


def cleaned(text: str) -> str:
    """Without what databases refuse: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _from_base64(body: bytes) -> bytes:
    letters = _NOT_BASE64.sub(b"", body.partition(b"=")[0]) if b"=" in body else _NOT_BASE64.sub(b"", body)
    letters += b"=" * (-len(letters) % 4)
    try:
        return binascii.a2b_base64(letters)
    except binascii.Error:
        return b""


@lru_cache(maxsize=256)
def _addresses_in(value: str) -> tuple[str, ...]:
    own = [address for _, address in getaddresses([value]) if "@" in address]
    return tuple(address.lower() for address in own or _IN_BRACKETS.findall(value))


@lru_cache(maxsize=256)
def _content_facts(content_type: str, disposition: str) -> tuple[str, str, str, str]:
    message = Message()
    message["content-type"] = content_type or "text/plain"
    if disposition:
        message["content-disposition"] = disposition
    try:
        filename = decoded_words(message.get_filename() or "")
        micalg = str(message.get_param("micalg") or "")
        return message.get_content_type(), message.get_boundary() or "", filename, micalg.lower()
    except (ValueError, LookupError, AttributeError, TypeError):  # the library stumbles over odd parameters
        return "application/octet-stream", "", "", ""


def decoded_words(text: str) -> str:
    """A header's text with its encoded words read (RFC 2047); as it is when they are broken."""
    if "=?" not in text:
        return text
    try:
        return cleaned(str(make_header(decode_header(text))))
    except (ValueError, LookupError):
        return text


def with_crlf(content: bytes) -> bytes:
    """CRLF at the end of each line (RFC 8551 3.1.1), whatever was there."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
