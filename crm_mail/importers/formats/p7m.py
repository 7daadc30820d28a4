"""Open a signed FatturaPA (CAdES, .p7m): take the enclosed XML without verifying the signature.

A CMS SignedData (RFC 5652, section 5) encloses the XML as an octet string, in DER or in BER with indefinite
lengths and split strings; some senders add base64 or PEM around it, or sign twice.
Only the few fields on the way to the content are walked; nothing else of the signature is read.
"""

import base64
import binascii
import re
from typing import Final, NamedTuple

from crm_mail.importers.base import ImportRefused
from crm_mail.words import N_

MAX_LAYERS: Final = 6
_MAX_DEPTH: Final = 8
_MAX_ELEMENTS: Final = 500_000
"""Of one envelope: honest ones have a few thousand; a crafted one could have one for every two bytes."""
_BLANKS: Final = b" \t\r\n\x00\xef\xbb\xbf"
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_PEM: Final = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_OCTET_STRING: Final = 0x04
_CONSTRUCTED_OCTET_STRING: Final = 0x24
_OBJECT_ID: Final = 0x06
_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_END_OF_CONTENTS: Final = 0x00


class _Element(NamedTuple):
    tag: int
    start: int
    end: int | None  # None: indefinite length, up to the end-of-contents octets


class _BrokenDer(Exception):
    """The bytes are not the ASN.1 structure that was expected."""


class _Budget:
    """How many elements of an envelope may still be walked."""

    def __init__(self) -> None:
        self.left = _MAX_ELEMENTS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _BrokenDer


def extract_signed_xml(data: bytes) -> bytes:
    """Give the XML inside `data`; XML itself comes back as it is.

    Raises ImportRefused("p7m_unreadable") when no XML is found within six layers.
    """
    for _ in range(MAX_LAYERS):
        data = data.lstrip(_BLANKS)
        if data.startswith(b"<"):
            return data
        data = _open_cms(data) if data[0:1] == b"\x30" else _decode_base64(data)
    raise ImportRefused("p7m_unreadable", detail=N_("it holds no XML"))


def _decode_base64(data: bytes) -> bytes:
    compact = b"".join(_PEM.sub(b"", data).split())
    try:
        return base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        raise ImportRefused("p7m_unreadable", detail=N_("it is neither a CMS signature nor base64")) from None


def _open_cms(data: bytes) -> bytes:
    try:
        return _find_content(data)
    except (_BrokenDer, IndexError):
        detail = N_("the signature envelope is damaged or cut off")
        raise ImportRefused("p7m_unreadable", detail=detail) from None


def _find_content(data: bytes) -> bytes:
    outer = _expect(data, 0, _SEQUENCE)
    object_id = _expect(data, outer.start, _OBJECT_ID)
    if object_id.end is None or data[object_id.start : object_id.end] != _SIGNED_DATA:
        raise _BrokenDer
    wrapper = _expect(data, object_id.end, _CONTEXT_0)
    signed = _expect(data, wrapper.start, _SEQUENCE)
    budget = _Budget()
    at = _skip(data, signed.start, budget)  # version
    at = _skip(data, at, budget)  # digest algorithms
    content_info = _expect(data, at, _SEQUENCE)
    at = _skip(data, content_info.start, budget)  # content type
    if content_info.end is not None and at >= content_info.end:
        detail = N_("the signature is detached: the invoice is not inside")
        raise ImportRefused("p7m_unreadable", detail=detail)
    explicit = _expect(data, at, _CONTEXT_0)
    pieces: list[bytes] = []
    _collect(data, explicit.start, pieces, budget, 0)
    return b"".join(pieces)


def _read(data: bytes, at: int) -> _Element:
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise _BrokenDer
    if first < 0x80:
        start, length = at + 2, first
    elif first == 0x80:
        return _Element(tag, at + 2, None)
    else:
        count = first & 0x7F
        start = at + 2 + count
        length = int.from_bytes(data[at + 2 : start], "big")
    if start + length > len(data):
        raise _BrokenDer
    return _Element(tag, start, start + length)


def _expect(data: bytes, at: int, tag: int) -> _Element:
    element = _read(data, at)
    if element.tag != tag:
        raise _BrokenDer
    return element


def _skip(data: bytes, at: int, budget: _Budget, depth: int = 0) -> int:
    """Give the offset just after the element at `at`."""
    budget.spend()
    element = _read(data, at)
    if element.end is not None:
        return element.end
    if depth > _MAX_DEPTH:
        raise _BrokenDer
    at = element.start
    while data[at] != _END_OF_CONTENTS or data[at + 1] != 0:
        at = _skip(data, at, budget, depth + 1)
    return at + 2


def _collect(data: bytes, at: int, pieces: list[bytes], budget: _Budget, depth: int) -> int:
    """Append the primitive octet strings of the element at `at`; give the offset after it."""
    budget.spend()
    element = _read(data, at)
    if element.tag == _OCTET_STRING and element.end is not None:
        pieces.append(data[element.start : element.end])
        return element.end
    if element.tag != _CONSTRUCTED_OCTET_STRING or depth > _MAX_DEPTH:
        raise _BrokenDer
    at = element.start
    if element.end is not None:
        while at < element.end:
            at = _collect(data, at, pieces, budget, depth + 1)
        return element.end
    while data[at] != _END_OF_CONTENTS or data[at + 1] != 0:
        at = _collect(data, at, pieces, budget, depth + 1)
    return at + 2
