"""The exact bytes of a sent message, kept small: literals compressed, attachments by their hash.

Format 1: `CM1` then zlib of records, each a letter and a body: `L` + 4-byte big-endian length + bytes, or
`B` + 32 bytes of SHA-256. It holds what was sent, not how it was built, so no later builder changes it.
"""

import struct
import zlib

from crm_mail.delivery.mime import BlobRef, Segments

_MAGIC = b"CM1"
_LENGTH = struct.Struct(">I")
_LEVEL = 1  # a text shrinks to a third at any level; the higher ones cost as much as sending it


class PackedUnreadable(ValueError):
    """The stored record of a sent message is damaged or of a format this version does not know."""


def pack(segments: Segments) -> bytes:
    """Segments as a compact record; `unpack` gives exactly them back."""
    records: list[bytes] = []
    for part in segments:
        if isinstance(part, BlobRef):
            records += (b"B", bytes.fromhex(part.sha256))
        else:
            records += (b"L", _LENGTH.pack(len(part)), part)
    return _MAGIC + zlib.compress(b"".join(records), _LEVEL)


def unpack(packed: bytes) -> Segments:
    """The segments of a record. Raises PackedUnreadable."""
    if packed[:3] != _MAGIC:
        raise PackedUnreadable("The stored message is of a format that this version does not know.")
    try:
        raw = zlib.decompress(packed[3:])
        return tuple(_records(raw))
    except (zlib.error, struct.error, IndexError) as damage:
        raise PackedUnreadable(f"The stored message is damaged ({damage}).") from None


def _records(raw: bytes) -> list[bytes | BlobRef]:
    parts: list[bytes | BlobRef] = []
    at = 0
    while at < len(raw):
        kind, at = raw[at : at + 1], at + 1
        if kind == b"B":
            end = at + 32
            parts.append(BlobRef(raw[at:end].hex()))
        elif kind == b"L":
            (length,) = _LENGTH.unpack_from(raw, at)
            at += 4
            end = at + length
            parts.append(raw[at:end])
        else:
            raise IndexError(f"unknown record {kind!r}")
        if end > len(raw):
            raise IndexError("cut short")
        at = end
    return parts
