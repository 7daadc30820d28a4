"""Checking a dossier again, offline, years later, on any machine: nothing but the file and the trusted authorities.

Hashes prove that nothing changed since it was made; the receipts' own signatures prove what the operators said,
whoever made the dossier. Both are judged, and told apart. Pure: no database, no web, no network.
"""

import hashlib
import json
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from crm_mail.delivery.pec.content_proof import ContentProof, prove_content
from crm_mail.delivery.pec.reading import ReceiptUnreadable, read_receipt
from crm_mail.delivery.pec.receipt import ParsedReceipt, ReceiptType
from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors
from crm_mail.delivery.pec.verdict import Verification
from crm_mail.delivery.pec.verification import verify
from crm_mail.evidence.dossiers import layout
from crm_mail.evidence.dossiers.findings import (
    DossierCheck,
    FileProblem,
    MessageCheck,
    NotADossier,
    ReceiptCheck,
)

LARGEST_FILE = 400_000_000
LARGEST_TEXT = 50_000_000  # manifest.json, SHA256SUMS, a message.json
UNPACKED = 100  # times its own size, besides 100 MB: no honest dossier shrinks so much
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError)


def check_dossier(file: Path | BinaryIO, anchors: Anchors = BUILT_IN) -> DossierCheck:
    """Check a dossier. Memory: one message with its receipts at a time.

    Raises:
        NotADossier: it is no dossier, or one of another format.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse_bomb(archive)
            return _check(archive, anchors)
    except (*_BROKEN, NotImplementedError, RuntimeError) as problem:
        raise NotADossier("no_zip", str(problem)) from None


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    size = sum(info.compress_size for info in archive.infolist())
    if sum(info.file_size for info in archive.infolist()) > UNPACKED * (size + 1_000_000):
        raise NotADossier("too_large")


def _check(archive: zipfile.ZipFile, anchors: Anchors) -> DossierCheck:
    manifest = _manifest(archive)
    try:
        sums_data = _text(archive, layout.SUMS)
        sums = layout.read_sums(sums_data)
    except (KeyError, ValueError, *_BROKEN) as problem:
        if isinstance(problem, NotADossier):
            raise
        raise NotADossier("no_sums", str(problem)) from None
    check = DossierCheck(
        str(manifest.get("created_at", "")),
        _table(manifest.get("scope")),
        _table(manifest.get("company")),
        hashlib.sha256(sums_data).hexdigest(),
        len(sums),
    )
    check.problems = list(_file_problems(archive, sums))
    damaged = {problem.path for problem in check.problems}
    for path in sorted(sums):
        if path.startswith("messages/") and path.endswith("/" + layout.MESSAGE_FACTS) and path not in damaged:
            try:
                check.messages.append(_check_message(archive, path.rpartition("/")[0], sums, anchors))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
                if isinstance(problem, NotADossier):
                    raise
                check.problems.append(FileProblem(path, "unreadable"))
    return check


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        manifest = json.loads(_text(archive, layout.MANIFEST))
    except NotADossier:
        raise
    except KeyError:
        raise NotADossier("no_manifest") from None
    except (ValueError, RecursionError, *_BROKEN):
        raise NotADossier("no_manifest", "unreadable") from None
    if not layout.is_dossier(manifest):
        raise NotADossier(
            "other_format", str(manifest.get("format", "")) if isinstance(manifest, dict) else ""
        )
    return dict(manifest)


def _text(archive: zipfile.ZipFile, path: str) -> bytes:
    if archive.getinfo(path).file_size > LARGEST_TEXT:
        raise NotADossier("too_large", path)
    return archive.read(path)


def _table(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


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
        except _BROKEN:
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
    except (KeyError, *_BROKEN):
        return b""


def _check_message(
    archive: zipfile.ZipFile, folder: str, sums: dict[str, str], anchors: Anchors
) -> MessageCheck:
    facts = json.loads(_text(archive, f"{folder}/{layout.MESSAGE_FACTS}"))
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
        was_content_proven=(kept.get("content") or {}).get("is_proven") is not False,
        recipients=[one.address for one in receipt.recipients] if receipt else [],
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
