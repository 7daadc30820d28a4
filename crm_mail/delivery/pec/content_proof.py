"""Does a delivery receipt prove that *these* files were delivered (RFC 6109 section 2.2.2.1: completa, breve)?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ContentMatch(StrEnum):
    """What a receipt proves of one attachment."""

    EQUAL = "equal"  # completa: the same bytes, by SHA-256
    HASH_EQUAL = "hash_equal"  # breve: the SHA-1 of the encoded part
    DIFFERENT = "different"  # one of this name is there, with other bytes
    MISSING = "missing"  # not there
    NOT_CONTAINED = "not_contained"  # sintetica, or no delivery receipt: says nothing of contents
    NO_SENT_BYTES = "no_sent_bytes"  # breve, and the message as it was sent is not at hand


@dataclass(frozen=True, slots=True)
class AttachmentProof:
    """One sent file. `sha256` of what was sent; `found` what the receipt holds: SHA-256, or SHA-1 in *breve*."""

    filename: str
    sha256: str
    match: ContentMatch
    found: str = ""


@dataclass(frozen=True, slots=True)
class ContentProof:
    """What one receipt proves of a message's contents."""

    form: str  # completa, breve, sintetica; empty when it is no delivery receipt
    is_message_id_equal: bool | None  # None: the receipt does not hold the message
    attachments: tuple[AttachmentProof, ...]

    @property
    def is_proven(self) -> bool:
        """Whether every attachment is proven, and the message is ours."""
        proven = (ContentMatch.EQUAL, ContentMatch.HASH_EQUAL)
        return bool(self.is_message_id_equal) and all(a.match in proven for a in self.attachments)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that was sent, known by its hash only."""

    filename: str
    sha256: str


def prove_content(
    receipt: bytes, sent: bytes | None, files: Sequence[SentFile] = (), message_id: str = ""
) -> ContentProof:
    """Compare a delivery receipt's bytes with the exact bytes sent.

    Without ``sent``, ``files`` and ``message_id`` stand for it: *completa* can be compared, *breve* cannot.
    """
    raise NotImplementedError
