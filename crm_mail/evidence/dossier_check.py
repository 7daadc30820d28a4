"""Checking a dossier again, offline, years later, on any machine: nothing but the file and the trusted authorities.

Hashes prove that nothing changed since it was made; the receipts' own signatures prove what the operators said,
whoever made the dossier. Both are judged, and told apart. Pure: no database, no web, no network.
"""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from crm_mail.delivery.pec.content_proof import ContentProof, prove_content
from crm_mail.delivery.pec.reading import ReceiptUnreadable, read_receipt
from crm_mail.delivery.pec.receipt import ParsedReceipt, ReceiptType
from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors
from crm_mail.delivery.pec.verdict import Trust, Verification
from crm_mail.delivery.pec.verification import verify
from crm_mail.evidence import dossier_format as layout

LARGEST_FILE = 400_000_000
_CHUNK = 1 << 20


class NotADossier(ValueError):
    """The file cannot be checked at all; `code`: no_zip, no_manifest, other_format, no_sums, too_large."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file that is not as it was. `code`: changed, missing, unlisted, unreadable."""

    path: str
    code: str


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """One receipt judged anew. `kept_trust` is what was found when the dossier was made."""

    path: str
    type: str
    recipient: str
    occurred_at: str
    trust: Trust
    kept_trust: str
    is_of_message: bool
    is_daticert_same: bool
    steps: list[dict[str, Any]] = field(default_factory=list)
    content: list[dict[str, str]] = field(default_factory=list)
    is_content_proven: bool | None = None

    @property
    def is_good(self) -> bool:
        """Whether it proves today what it proved then."""
        was_trusted = self.kept_trust in (Trust.VALID, Trust.WEAK)
        return self.is_daticert_same and (not was_trusted or (self.trust.is_trusted and self.is_of_message))


@dataclass(frozen=True, slots=True)
class MessageCheck:
    """One message of a dossier."""

    folder: str
    message_id: str
    to: str
    subject: str
    state: str
    is_source_same: bool
    receipts: list[ReceiptCheck]

    @property
    def is_good(self) -> bool:
        return self.is_source_same and all(receipt.is_good for receipt in self.receipts)


@dataclass(slots=True)
class DossierCheck:
    """Everything that was found."""

    created_at: str
    scope: dict[str, Any]
    company: dict[str, Any]
    sha256: str
    files: int = 0
    problems: list[FileProblem] = field(default_factory=list)
    messages: list[MessageCheck] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing changed since it was made, and every receipt still proves what it did."""
        return not self.problems and all(message.is_good for message in self.messages)

    def as_json(self) -> dict[str, Any]:
        """For `crm-mail dossier verify --json`."""
        return {"is_intact": self.is_intact} | asdict(self)


def check_dossier(file: Path | BinaryIO, anchors: Anchors = BUILT_IN) -> DossierCheck:
    """Check a dossier. Memory: one message with its receipts at a time.

    Raises:
        NotADossier: it is no dossier, or one of another format.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _check(archive, anchors)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as problem:
        raise NotADossier("no_zip", str(problem)) from None


def _check(archive: zipfile.ZipFile, anchors: Anchors) -> DossierCheck:
    manifest = _manifest(archive)
    try:
        sums_data = archive.read(layout.SUMS)
        sums = layout.read_sums(sums_data)
    except (KeyError, ValueError) as problem:
        raise NotADossier("no_sums", str(problem)) from None
    check = DossierCheck(
        str(manifest.get("created_at", "")),
        dict(manifest.get("scope") or {}),
        dict(manifest.get("company") or {}),
        hashlib.sha256(sums_data).hexdigest(),
        len(sums),
    )
    check.problems = list(_file_problems(archive, sums))
    damaged = {problem.path for problem in check.problems}
    for path in sorted(sums):
        if path.startswith("messages/") and path.endswith("/" + layout.MESSAGE_FACTS) and path not in damaged:
            try:
                check.messages.append(_check_message(archive, path.rpartition("/")[0], sums, anchors))
            except (ValueError, KeyError, TypeError, AttributeError):  # not written by us
                check.problems.append(FileProblem(path, "unreadable"))
    return check


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        manifest = json.loads(archive.read(layout.MANIFEST))
    except KeyError:
        raise NotADossier("no_manifest") from None
    except (ValueError, zipfile.BadZipFile):
        raise NotADossier("no_manifest", "unreadable") from None
    if not layout.is_dossier(manifest):
        raise NotADossier(
            "other_format", str(manifest.get("format", "")) if isinstance(manifest, dict) else ""
        )
    return dict(manifest)


def _file_problems(archive: zipfile.ZipFile, sums: dict[str, str]) -> Iterator[FileProblem]:
    present = Counter(info.filename for info in archive.infolist() if not info.is_dir())
    for name, times in sorted(present.items()):
        if (name not in sums and name != layout.SUMS) or times > 1:
            yield FileProblem(name, "unlisted")  # also a second file of the same name, which one reader takes
    for path, wanted in sums.items():
        if path not in present:
            yield FileProblem(path, "missing")
            continue
        try:
            found = _hash(archive, path)
        except (zipfile.BadZipFile, OSError, EOFError):
            yield FileProblem(path, "unreadable")
            continue
        if found != wanted:
            yield FileProblem(path, "changed")


def _hash(archive: zipfile.ZipFile, path: str) -> str:
    if archive.getinfo(path).file_size > LARGEST_FILE:
        raise NotADossier("too_large", path)
    digest = hashlib.sha256()
    with archive.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read(archive: zipfile.ZipFile, path: str) -> bytes:
    """A file's bytes; empty when it is gone or cannot be read, which `_file_problems` has told already."""
    try:
        return archive.read(path)
    except (KeyError, zipfile.BadZipFile, EOFError):
        return b""


def _check_message(
    archive: zipfile.ZipFile, folder: str, sums: dict[str, str], anchors: Anchors
) -> MessageCheck:
    facts = json.loads(archive.read(f"{folder}/{layout.MESSAGE_FACTS}"))
    source_path = f"{folder}/{layout.MESSAGE_SOURCE}"
    source = _read(archive, source_path) if source_path in sums else None
    kept_source = (facts.get("source") or {}).get("sha256", "")
    return MessageCheck(
        folder,
        facts.get("message_id", ""),
        facts.get("to", ""),
        facts.get("subject", ""),
        facts.get("state", ""),
        source is None or sums[source_path] == kept_source,
        [
            _check_receipt(archive, folder, kept, facts.get("message_id", ""), source, anchors)
            for kept in facts.get("evidence", [])
            if kept.get("receipt_type")
        ],
    )


def _check_receipt(
    archive: zipfile.ZipFile,
    folder: str,
    kept: dict[str, Any],
    message_id: str,
    source: bytes | None,
    anchors: Anchors,
) -> ReceiptCheck:
    path = f"{folder}/{kept['path']}"
    data = _read(archive, path)
    receipt, verification = judge(data, anchors, message_id)
    daticert_path = f"{folder}/{kept['daticert']}" if kept.get("daticert") else ""
    extracted = _read(archive, daticert_path) if daticert_path else b""
    content = content_of(receipt, data, source)
    return ReceiptCheck(
        path=path,
        type=receipt.raw_type if receipt else "",
        recipient=receipt.recipient if receipt else "",
        occurred_at=receipt.occurred_at.isoformat() if receipt and receipt.occurred_at else "",
        trust=verification.trust,
        kept_trust=str(kept.get("trust", "")),
        is_of_message=receipt is not None and _concerns(receipt, message_id),
        is_daticert_same=extracted == (receipt.daticert if receipt else b""),
        steps=verification.as_json(),
        content=[
            {"name": a.filename, "match": a.match.value, "sha256": a.sha256} for a in content.attachments
        ]
        if content
        else [],
        is_content_proven=content.is_proven if content else None,
    )


def judge(data: bytes, anchors: Anchors, message_id: str) -> tuple[ParsedReceipt | None, Verification]:
    """A received mail read and verified; a receipt (but not somebody's reply) must be about the message."""
    try:
        receipt = read_receipt(data)
    except ReceiptUnreadable:
        receipt = None
    is_reply = receipt is not None and receipt.type is ReceiptType.ENVELOPE
    return receipt, verify(data, anchors, message_id="" if is_reply else message_id)


def _concerns(receipt: ParsedReceipt, message_id: str) -> bool:
    return receipt.type is ReceiptType.ENVELOPE or receipt.reference_id == message_id


def content_of(receipt: ParsedReceipt | None, data: bytes, source: bytes | None) -> ContentProof | None:
    """What a delivery receipt proves of the contents of the message that was sent; None: it says nothing of them."""
    if receipt is None or receipt.type is not ReceiptType.DELIVERY or source is None:
        return None
    proof = prove_content(data, source)
    return proof if proof.form in ("completa", "breve") else None
