"""Subject access (art. 15 and 20 GDPR): everything about a person as a ZIP, written file by file.

``data.json`` holds the rows, ``summary.pdf`` what they say for reading, ``messages/`` the messages (the exact bytes
that were sent, or as they would be), ``evidence/`` what came back, and for a party as a whole ``documents/``.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.audit_redactions import AuditRedaction
from crm_mail.companies.models import Company
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.delivery.routing import Channel
from crm_mail.evidence.models import MailItem
from crm_mail.outbox.models import Message
from crm_mail.outbox.sending.envelopes import raw_bytes
from crm_mail.permissions import Actor, Permission
from crm_mail.privacy.footprint import Footprint, footprint_of_contact, footprint_of_party, read_rows
from crm_mail.privacy.models import ActKind, PrivacyAct
from crm_mail.storage import BlobStore, StoredFileDamaged, StoredFileMissing

FORMAT = "crm-mail-personal-data/1"
_HIDDEN = {"mime", "search_key", "name_key", "lease_owner", "lease_until", "token"}
"""Columns that hold nothing more: packed bytes (the message itself is exported), copies made for searching, secrets."""
_SAFE = re.compile(r"[^\w.()+-]+")


@dataclass(slots=True)
class Export:
    """What was written. ``missing``: files that are no longer in the store."""

    label: str
    tables: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    evidence: int = 0
    documents: int = 0
    missing: list[str] = field(default_factory=list)


Rows = dict[str, list[dict[str, Any]]]


def export_contact(
    session: Session, store: BlobStore, actor: Actor, contact: Contact, target: IO[bytes], summary: Any
) -> Export:
    """Everything about a contact, as far as it exists for the actor.

    Args:
        target: takes the ZIP; must be seekable.
        summary: gives the printed summary of (footprint, company, rows), ``b""`` when nothing can be printed.

    Raises:
        PermissionDenied: the right to manage privacy is missing.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    footprint = footprint_of_contact(session, contact, actor.sight)
    return _export(session, store, actor, footprint, contact.privacy_level, target, summary)


def export_party(
    session: Session, store: BlobStore, actor: Actor, party: Party, target: IO[bytes], summary: Any
) -> Export:
    """Everything about a party, for one that is a person (a sole trader). See `export_contact`."""
    actor.require(Permission.PRIVACY_MANAGE)
    footprint = footprint_of_party(session, party, actor.sight)
    return _export(session, store, actor, footprint, 0, target, summary)


def _export(
    session: Session,
    store: BlobStore,
    actor: Actor,
    footprint: Footprint,
    level: int,
    target: IO[bytes],
    summary: Any,
) -> Export:
    company = session.get_one(Company, footprint.company_id)
    done = Export(footprint.label)
    rows: Rows = {
        declared.name: [_plain(row) for row in found] for declared, found in read_rows(session, footprint)
    }
    _overlay(session, rows.get("audit_events", []))
    done.tables = {name: len(found) for name, found in rows.items()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        _write_messages(session, store, archive, footprint, done)
        for name, sha256 in _stored(session, rows):
            try:
                archive.writestr(name, store.read(sha256))
            except (StoredFileMissing, StoredFileDamaged):
                done.missing.append(name)
                continue
            done.documents += name.startswith("documents/")
            done.evidence += name.startswith("evidence/")
        about = {
            "format": FORMAT,
            "created_at": now().isoformat(timespec="seconds"),
            "controller": {
                "name": company.name,
                "vat_number": company.vat_number,
                "address": company.address,
            },
            "about": footprint.label,
            "missing_files": done.missing,
            "data": rows,
        }
        archive.writestr("data.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
        if printed := summary(session, footprint, company, rows, done):
            archive.writestr("summary.pdf", printed)
    note_many_read(session, actor, footprint.contact_ids, Way.SUBJECT_ACCESS)
    act = PrivacyAct(
        company_id=footprint.company_id,
        contact_id=None if footprint.is_party else footprint.contact_ids[0],
        party_id=footprint.party_id,
        privacy_level=level,
        kind=ActKind.EXPORTED,
        user_name=actor.name,
        report={"messages": done.messages, "evidence": done.evidence, "documents": done.documents},
    )
    session.add(act)
    session.flush()
    audit.record(
        session,
        actor,
        "privacy.party.exported" if footprint.is_party else "privacy.contact.exported",
        company_id=footprint.company_id,
        subject=act,
        label=f"party {footprint.party_id}" if footprint.is_party else f"contact {act.contact_id}",
        privacy_level=level,
        messages=done.messages,
        evidence=done.evidence,
    )
    return done


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items() if name not in _HIDDEN}


def _value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return None if isinstance(value, bytes | memoryview) else value


def _overlay(session: Session, events: list[dict[str, Any]]) -> None:
    """Lines of the audit without what an earlier erasure took out of them."""
    by_id = {event["id"]: event for event in events}
    for one in session.scalars(select(AuditRedaction).where(AuditRedaction.event_id.in_(by_id))):
        by_id[one.event_id] |= {"object_label": one.object_label, "detail": one.detail}


def _write_messages(
    session: Session, store: BlobStore, archive: zipfile.ZipFile, footprint: Footprint, done: Export
) -> None:
    """The messages written to the person; of those to somebody else that carried a copy, too."""
    for id_ in footprint.messages:
        message = session.get_one(Message, id_)
        try:
            data, is_sent = raw_bytes(session, store, message)
        except (StoredFileMissing, StoredFileDamaged, ValueError):
            done.missing.append(f"messages/{id_}.eml")
            continue
        has_left = is_sent or (message.channel is Channel.SMS and message.sent_at is not None)
        archive.writestr(f"messages/{id_}{'' if has_left else '-not-sent'}.eml", data)
        done.messages += 1
        session.expunge(message)


def _stored(session: Session, rows: Rows) -> Iterator[tuple[str, str]]:
    """Name in the ZIP and hash of each stored file: evidence, proofs of consent, documents."""
    for item in rows.get(MailItem.__tablename__, []):
        yield f"evidence/{item['id']}-{item['receipt_type'] or item['kind']}.eml", item["sha256"]
    for event in rows.get("consent_events", []):
        if event.get("proof_sha256"):
            yield f"consents/{event['id']}-{_SAFE.sub('_', event['proof_name'])}", event["proof_sha256"]
    for file in rows.get("document_files", []):
        yield f"documents/{file['document_id']}/{file['id']}-{_SAFE.sub('_', file['name'])}", file["sha256"]
