"""Does a delivery receipt prove that *these* files were delivered (RFC 6109 section 3.3: completa, breve)?

*completa* encloses the message: its attachments are compared by SHA-256. *breve* has a file `<name>.hash` in the place
of each named part, with the SHA-1 of the part as it was encoded: only the exact bytes that were sent can answer it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha1, sha256

from crm_mail.delivery.pec.daticert import bracketed
from crm_mail.delivery.pec.mime_parts import Part, with_crlf
from crm_mail.delivery.pec.reading import read_receipt
from crm_mail.delivery.pec.receipt import ParsedReceipt, ReceiptType

_HASH = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")
_SUFFIX = ".hash"


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
    """What one receipt proves of a message's contents; believe it only of a receipt that was verified."""

    form: str  # completa, breve, sintetica; empty when it is no delivery receipt
    is_message_id_equal: bool | None  # None: there is nothing to compare
    attachments: tuple[AttachmentProof, ...]

    @property
    def is_proven(self) -> bool:
        """Whether the message is ours and every attachment is proven; a message without any is proven by its ID."""
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
    Raises `ReceiptUnreadable` as `read_receipt` does.
    """
    parsed = read_receipt(receipt)
    parts = _attachments(Part(sent)) if sent is not None else []
    given = [SentFile(part.filename, sha256(part.decoded()).hexdigest()) for part in parts] or list(files)
    expected_id = bracketed(Part(sent).header("message-id") if sent is not None else message_id)
    if parsed is None or parsed.type is not ReceiptType.DELIVERY or parsed.postacert is None:
        form = parsed.form if parsed is not None and parsed.type is ReceiptType.DELIVERY else ""
        nothing = tuple(AttachmentProof(f.filename, f.sha256, ContentMatch.NOT_CONTAINED) for f in given)
        return ContentProof(form, _same_id(parsed, expected_id), nothing)
    enclosed = _attachments(Part(parsed.postacert))
    hashes = {part.filename: _hash_in(part) for part in enclosed if part.filename.lower().endswith(_SUFFIX)}
    if parsed.form == "breve":
        found = [_by_hash(given[i], parts[i] if parts else None, hashes) for i in range(len(given))]
    else:
        found = _by_content(given, enclosed)
    return ContentProof(parsed.form, _same_id(parsed, expected_id), tuple(found))


def _attachments(mail: Part) -> list[Part]:
    """The named parts; an enclosed mail with a name is one of them."""
    return [part for part in mail.leaves() if part.filename]


def _same_id(receipt: ParsedReceipt | None, expected: str) -> bool | None:
    """Whether daticert.xml and, where it is enclosed, the message itself quote our Message-ID."""
    if receipt is None or not expected:
        return None
    quoted = {receipt.reference_id}
    if receipt.postacert is not None:
        quoted |= {bracketed(v) for v in Part(receipt.postacert).every("x-riferimento-message-id")}
    return quoted - {""} == {expected}


def _by_content(given: Sequence[SentFile], enclosed: Sequence[Part]) -> list[AttachmentProof]:
    """Each enclosed part answers for one file only: first those with equal bytes, then those of the same name."""
    left = [(part.filename, sha256(part.decoded()).hexdigest()) for part in enclosed]
    proofs: dict[int, AttachmentProof] = {}
    for index, file in enumerate(given):
        same = [one for one in left if one[1] == file.sha256]
        if same:
            chosen = next((one for one in same if one[0] == file.filename), same[0])
            left.remove(chosen)
            proofs[index] = AttachmentProof(file.filename, file.sha256, ContentMatch.EQUAL, chosen[1])
    for index, file in enumerate(given):
        if index not in proofs:
            other = next((one for one in left if one[0] == file.filename), None)
            match = ContentMatch.MISSING if other is None else ContentMatch.DIFFERENT
            proofs[index] = AttachmentProof(file.filename, file.sha256, match, other[1] if other else "")
    return [proofs[index] for index in range(len(given))]


def _by_hash(file: SentFile, sent: Part | None, hashes: dict[str, str]) -> AttachmentProof:
    found = hashes.get(file.filename + _SUFFIX, "")
    if sent is None:
        match = ContentMatch.NO_SENT_BYTES if found else ContentMatch.MISSING
        return AttachmentProof(file.filename, file.sha256, match, found)
    own = sorted(_encoded_hashes(sent))
    if found in own:
        return AttachmentProof(file.filename, file.sha256, ContentMatch.HASH_EQUAL, found)
    moved = next(
        (one for one in hashes.values() if one in own), ""
    )  # the operator wrote the name in another way
    if moved:
        return AttachmentProof(file.filename, file.sha256, ContentMatch.HASH_EQUAL, moved)
    return AttachmentProof(
        file.filename, file.sha256, ContentMatch.DIFFERENT if found else ContentMatch.MISSING, found
    )


def _hash_in(part: Part) -> str:
    found = _HASH.search(part.decoded()[:10_000])
    return found.group().decode().lower() if found else ""


def _encoded_hashes(part: Part) -> set[str]:
    """SHA-1 of the encoded part: operators differ in line ends, and in whether the last one counts."""
    crlf = with_crlf(part.body)
    bare = crlf.removesuffix(b"\r\n")
    lines = (bare, bare + b"\r\n", bare.replace(b"\r\n", b"\n"), bare.replace(b"\r\n", b"\n") + b"\n")
    bodies = {part.body, crlf, *lines, part.decoded()}
    return {sha1(body, usedforsecurity=False).hexdigest() for body in bodies}
