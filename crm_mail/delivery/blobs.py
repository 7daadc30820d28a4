"""Attachments on their way into a message: read, checked against their hash, encoded, the last ones kept.

A run often sends one file (a price list, a catalogue) to thousands: its base64 is then made once. Pure but
for the reading function that the caller gives. One instance per thread: nothing here is locked.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from crm_mail.delivery.mime import BlobRef, Segments, encode_blob, join


class AttachmentCorrupt(ValueError):
    """The stored file is not the one that was reviewed: its SHA-256 differs. Nothing may be sent with it."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The stored file {sha256[:12]} no longer has the content that was reviewed.")
        self.sha256 = sha256


class EncodedBlobs:
    """Gives the base64 of stored files. `read(sha256)` gives the bytes; what it raises passes through.

    ``is_verified``: `read` has compared the bytes with their hash already, as the product's store does.
    """

    def __init__(
        self, read: Callable[[str], bytes], *, keep_bytes: int = 16_000_000, is_verified: bool = False
    ) -> None:
        self._read = read
        self._is_verified = is_verified
        self._keep_bytes = keep_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def __call__(self, sha256: str) -> bytes:
        """The encoded file; AttachmentCorrupt when its content is not what the hash says."""
        kept = self._kept.get(sha256)
        if kept is not None:
            self._kept.move_to_end(sha256)
            return kept
        data = self._read(sha256)
        if not self._is_verified and hashlib.sha256(data).hexdigest() != sha256:
            raise AttachmentCorrupt(sha256)
        encoded = encode_blob(data)
        self._keep(sha256, encoded)
        return encoded

    def flatten(self, segments: Segments) -> bytes:
        """The whole message."""
        return join(segments, self)

    def payload(self, segments: Segments) -> bytes:
        """See `payload`."""
        return payload(segments, self)

    def held(self, segments: Segments) -> Callable[[str], bytes]:
        """The files of one message, each read and encoded once however large: for hashing, signing and sending it."""
        return {part.sha256: self(part.sha256) for part in segments if isinstance(part, BlobRef)}.__getitem__

    def _keep(self, sha256: str, encoded: bytes) -> None:
        if len(encoded) * 4 > self._keep_bytes:
            return  # one giant must not drive out everything else
        self._kept[sha256] = encoded
        self._size += len(encoded)
        while self._size > self._keep_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def payload(segments: Segments, read_encoded: Callable[[str], bytes]) -> bytes:
    """The whole message as DATA wants it, for `SmtpSession.hand_over`: dots doubled, final dot added.

    The same as `dot_stuffed(join(segments, …))`, but only the literal parts are looked through: base64 has neither
    dots nor loose line ends, and built literals have none of the latter.
    """
    stuffed = [
        read_encoded(part.sha256) if isinstance(part, BlobRef) else part.replace(b"\n.", b"\n..")
        for part in segments
    ]
    return b"".join([*stuffed, b".\r\n"])


def flatten(segments: Segments, read_blob: Callable[[str], bytes]) -> bytes:
    """The whole message; files are read by `read_blob(sha256)` and checked against their hash.

    For one message, or for showing a sent one. A sender keeps an EncodedBlobs and uses its `flatten`.
    """
    return EncodedBlobs(read_blob, keep_bytes=0).flatten(segments)
