"""The proof dossier (BX-4): exact bytes sent, every receipt as received, verification, manifest, printable summary.

It is written message by message into a file, so that the dossier of a run of thousands fits into memory.
"""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from typing import IO, Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.db import now
from crm_mail.delivery.pec.trust_anchors import Anchors
from crm_mail.delivery.pec.verdict import Verification
from crm_mail.documents.service import find_document
from crm_mail.evidence.dossiers import layout
from crm_mail.evidence.dossiers.checking import content_of, judge
from crm_mail.evidence.dossiers.layout import Listing, Scope
from crm_mail.evidence.dossiers.message_facts import json_bytes, message_facts, time_text
from crm_mail.evidence.message_evidence import MessageEvidence, read_evidence
from crm_mail.evidence.models import MailItem
from crm_mail.many_rows import among, chunks
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.reviewing.review import can_see_run, find_message, find_run
from crm_mail.outbox.sending.envelopes import raw_bytes
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal
from crm_mail.storage import BlobStore, StoredFileDamaged, StoredFileMissing

MESSAGES_AT_ONCE = 200
READ_ME = """PROOF DOSSIER

What it holds: the exact bytes that were sent (message.eml), every receipt as it was received (evidence/*.eml), the
certification data signed by the operators (*.daticert.xml), the certificates that signed them, and a summary.

To check it with CRM Mail, offline, on any machine:   crm-mail dossier verify FILE
To check it without CRM Mail:
  sha256sum -c SHA256SUMS                                    nothing changed since it was made
  openssl cms -verify -in evidence/01-accettazione.eml \\
    -CAfile AUTHORITY.pem -attime SECONDS -out /dev/null     the operator signed this receipt at that time
"""


class NothingToProve(Refusal):
    """No message of this scope has left yet, or none exists for the person who asks."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            f"there is no sent message of {scope.kind} {scope.id} to prove: send it first, or check the number"
        )


@dataclass(slots=True)
class MessageFacts:
    """One message as the summary shows it."""

    message: Message
    folder: str
    timezone: str
    evidence: MessageEvidence
    facts: dict[str, Any]
    items: list[tuple[MailItem, Verification | None]]


@dataclass(slots=True)
class Built:
    """What was written. ``sha256`` is that of SHA256SUMS: write it down, and nobody can exchange the dossier."""

    scope: Scope
    messages: int = 0
    receipts: int = 0
    untrusted: int = 0
    sha256: str = ""
    without_source: list[str] = field(default_factory=list)


class Summary(Protocol):
    """Gathers what the printable summary says, message by message (`summary.PrintedSummary`)."""

    def add(self, facts: MessageFacts) -> None:
        """Take in one message."""

    def finish(self, company: Company, built: Built, moment: datetime) -> bytes:
        """The PDF; b"" when nothing can be printed on this machine."""


def messages_of(session: Session, actor: Actor, scope: Scope) -> tuple[Company, Scope, list[int]]:
    """The sent messages that a dossier is about, as far as they exist for the actor.

    Raises:
        NothingToProve: there are none.
    """
    wanted = [Message.message_id.is_not(None), messages_in_sight(actor.sight)]
    company_id: int | None = None
    if scope.kind == "message" and (message := find_message(session, actor, scope.id)) is not None:
        company_id, label = message.company_id, message.subject
        wanted.append(Message.id == message.id)
    elif scope.kind == "run" and (run := find_run(session, actor, scope.id)) is not None:
        company_id, label = run.company_id, run.title
        wanted.append(Message.run_id == run.id)
    elif scope.kind == "document" and (document := find_document(session, actor, scope.id)) is not None:
        company_id, label = document.company_id, document.number
        carrying = select(MessageDocument.message_id).where(MessageDocument.document_id == document.id)
        wanted.append(Message.id.in_(carrying))
    if company_id is None:
        raise NothingToProve(scope)
    ids = list(session.scalars(select(Message.id).where(*wanted).order_by(Message.id)))
    if scope.kind == "document":
        ids = [id_ for id_ in ids if can_see_run(actor, session.get_one(Message, id_).run)]
    if not ids:
        raise NothingToProve(scope)
    return session.get_one(Company, company_id), Scope(scope.kind, scope.id, label), ids


def build_dossier(
    session: Session,
    store: BlobStore,
    actor: Actor,
    scope: Scope,
    target: IO[bytes],
    anchors: Anchors,
    summary: Summary,
) -> Built:
    """Write the dossier of a message, a document or a run.

    Args:
        target: takes the ZIP; must be seekable.
        anchors: the authorities that receipts are judged by; they are part of the dossier.
        summary: what is printed.

    Raises:
        NothingToProve: see `messages_of`.
    """
    company, scope, ids = messages_of(session, actor, scope)
    moment = now()
    built = Built(scope)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        writer = _Writer(archive, moment)
        for facts in _write_messages(session, store, writer, ids, anchors, built, company.timezone):
            summary.add(facts)
        for der in anchors.certificates:
            writer.certificate(der)
        writer.put(layout.READ_ME, READ_ME.encode())
        if printed := summary.finish(company, built, moment):
            writer.put(layout.SUMMARY, printed)
        writer.put(layout.MANIFEST, json_bytes(_manifest(company, scope, moment, built)))
        sums = writer.listing.text()
        built.sha256 = hashlib.sha256(sums).hexdigest()
        archive.writestr(writer.info(layout.SUMS), sums)
    shown = session.scalars(select(Message.contact_id).where(among(session, Message.id, ids)))
    note_many_read(session, actor, shown, Way.DOSSIER)
    audit.record(
        session,
        actor,
        "evidence.dossier.built",
        company_id=company.id,
        label=f"{scope.kind} {scope.id}",
        messages=built.messages,
        sha256=built.sha256,
    )
    return built


class _Writer:
    """Puts files into the ZIP and lists their hashes."""

    def __init__(self, archive: zipfile.ZipFile, moment: datetime) -> None:
        self.archive = archive
        self.moment = moment
        self.listing = Listing()
        self._certificates: set[str] = set()

    def info(self, path: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path, self.moment.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    def put(self, path: str, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.archive.writestr(self.info(path), data)
        self.listing.add(path, sha256)
        return sha256

    def certificate(self, der: bytes) -> str:
        fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint not in self._certificates:
            self._certificates.add(fingerprint)
            pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
            self.put(f"{layout.CERTIFICATES}/{fingerprint}.pem", pem)
        return fingerprint


def _write_messages(
    session: Session,
    store: BlobStore,
    writer: _Writer,
    ids: Sequence[int],
    anchors: Anchors,
    built: Built,
    timezone: str,
) -> Iterator[MessageFacts]:
    place = 0
    for part in chunks(ids, MESSAGES_AT_ONCE):
        for message in session.scalars(select(Message).where(Message.id.in_(part)).order_by(Message.id)):
            place += 1
            yield _write_message(session, store, writer, message, place, anchors, built, timezone)


def _write_message(
    session: Session,
    store: BlobStore,
    writer: _Writer,
    message: Message,
    place: int,
    anchors: Anchors,
    built: Built,
    timezone: str,
) -> MessageFacts:
    folder = layout.folder_of(place, message.party_code)
    facts = message_facts(session, message)
    source = _source(session, store, message)
    if source is None:
        built.without_source.append(message.message_id or "")
    else:
        sha256 = writer.put(f"{folder}/{layout.MESSAGE_SOURCE}", source)
        facts["source"] = {"path": layout.MESSAGE_SOURCE, "sha256": sha256, "size": len(source)}
    items: list[tuple[MailItem, Verification | None]] = []
    query = (
        select(MailItem).where(MailItem.message_id == message.id).order_by(MailItem.occurred_at, MailItem.id)
    )
    for number, item in enumerate(session.scalars(query), 1):
        kept, verification = _write_item(
            store, writer, folder, number, item, message.message_id or "", source, anchors
        )
        facts["evidence"].append(kept)
        items.append((item, verification))
        built.receipts += bool(item.receipt_type)
        built.untrusted += verification is not None and not verification.trust.is_trusted
    writer.put(f"{folder}/{layout.MESSAGE_FACTS}", json_bytes(facts))
    built.messages += 1
    return MessageFacts(message, folder, timezone, read_evidence(session, message), facts, items)


def _source(session: Session, store: BlobStore, message: Message) -> bytes | None:
    """The bytes that left; None when none are kept, or a file of theirs is gone."""
    try:
        data, is_sent = raw_bytes(session, store, message)
    except (StoredFileMissing, StoredFileDamaged, ValueError):
        return None
    return data if is_sent else None


def _write_item(
    store: BlobStore,
    writer: _Writer,
    folder: str,
    number: int,
    item: MailItem,
    message_id: str,
    source: bytes | None,
    anchors: Anchors,
) -> tuple[dict[str, Any], Verification | None]:
    name = layout.evidence_name(number, item.receipt_type or item.kind.value)
    kept: dict[str, Any] = {
        "path": name,
        "kind": item.kind.value,
        "sha256": item.sha256,
        "received_at": time_text(item.taken_at),
        "occurred_at": time_text(item.occurred_at),
        "recipient": item.recipient,
        "receipt_type": item.receipt_type,
        "status": item.status,
        "reason": item.reason,
        "detail": item.detail,
    }
    try:
        data = store.read(item.sha256)
    except (StoredFileMissing, StoredFileDamaged):
        return kept | {"path": "", "receipt_type": "", "missing": True}, None
    writer.put(f"{folder}/{name}", data)
    if not item.receipt_type:
        return kept, None
    receipt, verification = judge(data, anchors, message_id)
    kept |= {
        "trust": verification.trust.value,
        "signed_at": time_text(verification.signed_at),
        "steps": verification.as_json(),
        "certificates": [writer.certificate(der) for der in verification.certificates],
    }
    if receipt is not None and receipt.daticert:
        kept["daticert"] = name.removesuffix(".eml") + ".daticert.xml"
        writer.put(f"{folder}/{kept['daticert']}", receipt.daticert)
    content = content_of(receipt, data, source)
    if content is not None:
        kept["content"] = {
            "form": content.form,
            "is_proven": content.is_proven,
            "attachments": [{"name": a.filename, "match": a.match.value} for a in content.attachments],
        }
    return kept, verification


def _manifest(company: Company, scope: Scope, moment: datetime, built: Built) -> dict[str, Any]:
    return {
        "format": layout.FORMAT,
        "created_at": time_text(moment),
        "product": f"CRM Mail {metadata.version('crm-mail')}",
        "company": {"code": company.code, "name": company.name, "vat_number": company.vat_number},
        "scope": {"kind": scope.kind, "id": scope.id, "label": scope.label},
        "messages": built.messages,
        "receipts": built.receipts,
        "untrusted_receipts": built.untrusted,
        "without_source": built.without_source,
    }
