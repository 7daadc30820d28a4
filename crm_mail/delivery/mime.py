"""Building a message: Envelope in, bytes out; fast, and the same bytes every time.

`build` gives segments: literal bytes, and references to attachments in the content-addressed store, standing
for the base64 of those files. `blobs.flatten` joins them into what goes on the wire; `packing.pack` keeps
them small, so that the exact bytes sent can be shown years later whatever this builder does by then. Nothing
here is random: boundaries come from the Message-ID. Pure.

Rules: RFC 5322 (headers), 2045 to 2047 (MIME), 2231 (file names), 3282 (Content-Language). Leading dots are
doubled by the transport, not here. The result is always 7-bit unless an address needs SMTPUTF8.
"""

import binascii
import hashlib
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import chain

from crm_mail.delivery.envelope import Attachment, Envelope
from crm_mail.delivery.headers import (
    HeaderInjection,
    address_list_field,
    attachment_fields,
    inline_fields,
    mailbox_field,
    structured_field,
    text_field,
)

__all__ = [
    "BlobRef",
    "HeaderInjection",
    "Segments",
    "build",
    "encode_blob",
    "encoded_length",
    "join",
    "message_size",
]


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Stands for the base64 of the stored file with this SHA-256 (64 hex digits)."""

    sha256: str


Segments = tuple[bytes | BlobRef, ...]

_MESSAGE_ID = re.compile(r"<[^<>@\s]{1,200}@[^<>@\s]{1,255}>", re.ASCII)
_SAFE_7BIT = re.compile(rb"[\t\r\n\x20-\x7e]*")
_LONG_LINE = re.compile(rb"[^\r\n]{991}")
_KNOWN_LENGTH = 500  # bytes of a line that is remembered in its encoded form
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_OWN_FIELDS = frozenset(
    {"date", "from", "sender", "to", "cc", "bcc", "reply-to", "subject", "message-id", "mime-version"}
    | {"content-type", "content-language", "content-transfer-encoding", "content-disposition"}
    | {"return-path", "received"}
)
_BLOCK = struct.Struct("76s" * 128)  # cuts 128 lines at a time, a quarter faster than slicing
_LINE_BYTES = 57  # of the file, giving 76 characters of base64 (RFC 2045 6.8)


def build(envelope: Envelope) -> Segments:
    """The message as segments. Raises HeaderInjection, AddressInvalid, ValueError (Message-ID, date)."""
    boundary = _boundary(envelope.message_id)
    has_html = bool(envelope.body_html and envelope.body_html.strip())
    pictures = [one for one in envelope.attachments if one.content_id and has_html]
    body, closing = _body(envelope, boundary, pictures)
    head = _head(envelope)
    attached = [one for one in envelope.attachments if one not in pictures]
    segments: list[bytes | BlobRef] = []
    pending = head + body
    if attached:
        pending = head + _multipart("mixed", boundary) + b"\r\n--" + boundary + b"\r\n" + body
    for picture in pictures:
        fields = inline_fields(picture.name, picture.mime, picture.content_id)
        segments.append(pending + b"\r\n--" + boundary + b"r\r\n" + fields + b"\r\n")
        segments.append(BlobRef(picture.sha256))
        pending = b""
    pending += closing
    if not attached:
        return (*segments, pending)
    for attachment in attached:
        fields = attachment_fields(attachment.name, attachment.mime)
        segments.append(pending + b"\r\n--" + boundary + b"\r\n" + fields + b"\r\n")
        segments.append(BlobRef(attachment.sha256))
        pending = b""
    segments.append(b"\r\n--" + boundary + b"--\r\n")
    return tuple(segments)


def _boundary(message_id: str) -> bytes:
    """Derived from the Message-ID; `=_` occurs neither in base64 nor in quoted-printable (RFC 2045 6.7)."""
    return b"=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32].encode()


def _multipart(subtype: str, boundary: bytes) -> bytes:
    return b'Content-Type: multipart/%s;\r\n boundary="%s"\r\n' % (subtype.encode(), boundary)


def _head(envelope: Envelope) -> bytes:
    if not _MESSAGE_ID.fullmatch(envelope.message_id):
        raise ValueError(f"Not a Message-ID: {envelope.message_id!r}")
    if envelope.date.tzinfo is None:
        raise ValueError("The date of a message needs a time zone.")
    fields = [
        _date_field(envelope.date),
        mailbox_field("From", envelope.from_name, envelope.from_address),
        address_list_field("To", (envelope.to,)),
    ]
    if envelope.cc:
        fields.append(address_list_field("Cc", envelope.cc))
    if envelope.reply_to:
        fields.append(mailbox_field("Reply-To", "", envelope.reply_to))
    fields.append(text_field("Subject", envelope.subject))
    fields.append(f"Message-ID: {envelope.message_id}\r\nMIME-Version: 1.0\r\n".encode("ascii"))
    if _LANGUAGE.fullmatch(envelope.language):
        fields.append(f"Content-Language: {envelope.language}\r\n".encode("ascii"))
    for name, value in envelope.extra_headers:
        if name.lower() in _OWN_FIELDS:
            raise ValueError(f"The header {name} is written by the product and cannot be added.")
        is_for_programs = name.lower().startswith("list-")
        fields.append(structured_field(name, value) if is_for_programs else text_field(name, value))
    return b"".join(fields)


@lru_cache(maxsize=64)
def _date_field(date: datetime) -> bytes:
    """Messages claimed together have the same second."""
    return b"Date: " + format_datetime(date).encode("ascii") + b"\r\n"


def _body(envelope: Envelope, boundary: bytes, pictures: Sequence[Attachment]) -> tuple[bytes, bytes]:
    """The text, or text and HTML as alternatives, with the fields that describe it; and what ends it.

    The pictures of the HTML follow between the two, in a part of their own with it (RFC 2387).
    """
    plain = _text_part("plain", envelope.body_text)
    if not envelope.body_html or not envelope.body_html.strip():
        return plain, b""
    inner = boundary + b"a"
    html = _text_part("html", envelope.body_html)
    start, closing = b"\r\n--" + inner + b"\r\n", b"\r\n--" + inner + b"--\r\n"
    if pictures:
        related = boundary + b"r"
        fields = _multipart("related", related).replace(b";", b'; type="text/html";', 1)
        html = fields + b"\r\n--" + related + b"\r\n" + html
        closing = b"\r\n--" + related + b"--\r\n" + closing
    return b"".join((_multipart("alternative", inner), start, plain, start, html)), closing


def _text_part(subtype: str, text: str) -> bytes:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    raw = text.replace("\n", "\r\n").encode("utf-8", "replace")
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    encoding, body = _encode_text(raw)
    return b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: %s\r\n\r\n%s' % (
        subtype.encode(),
        encoding,
        body,
    )


def _encode_text(raw: bytes) -> tuple[bytes, bytes]:
    if _SAFE_7BIT.fullmatch(raw) and not _LONG_LINE.search(raw) and b"=_" not in raw:
        return b"7bit", raw
    quoted = b"\r\n".join(
        _known_line(line) if len(line) <= _KNOWN_LENGTH else _quoted_line(line) for line in raw.split(b"\r\n")
    )
    if len(quoted) * 3 <= len(raw) * 5:
        return b"quoted-printable", quoted
    return b"base64", encode_blob(raw) + b"\r\n"


def _quoted_line(line: bytes) -> bytes:
    """One line in quoted-printable (RFC 2045 6.7)."""
    return binascii.b2a_qp(line, istext=True).replace(b"=\n", b"=\r\n")


_known_line = lru_cache(maxsize=4096)(_quoted_line)
"""Nearly all lines of a run's messages are the same; long ones, a whole HTML body perhaps, are not kept."""


def encode_blob(data: bytes) -> bytes:
    """Base64 in lines of 76 characters joined by CRLF, no line end after the last (RFC 2045 6.8)."""
    text = binascii.b2a_base64(data, newline=False)
    whole = len(text) // _BLOCK.size * _BLOCK.size
    lines = list(chain.from_iterable(_BLOCK.iter_unpack(text[:whole])))
    lines += [text[at : at + 76] for at in range(whole, len(text), 76)]
    return b"\r\n".join(lines)


def encoded_length(size: int) -> int:
    """Bytes that a file of `size` bytes takes up inside a message, line ends included."""
    if size == 0:
        return 0
    return (size + 2) // 3 * 4 + 2 * ((size - 1) // _LINE_BYTES)


def message_size(envelope: Envelope) -> int:
    """Bytes of the whole message without reading a file: for size limits and for splitting a bundle."""
    literal = sum(len(part) for part in build(envelope) if isinstance(part, bytes))
    return literal + sum(encoded_length(attachment.size) for attachment in envelope.attachments)


def join(segments: Segments, read_encoded: Callable[[str], bytes]) -> bytes:
    """The whole message. `read_encoded(sha256)` gives the base64 of a file."""
    return b"".join([part if isinstance(part, bytes) else read_encoded(part.sha256) for part in segments])
