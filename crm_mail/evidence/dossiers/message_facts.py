"""The facts of one message, as a dossier tells them in message.json."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.models import SenderAccount
from crm_mail.documents.models import Document
from crm_mail.outbox.models import Attempt, Message, MessageDocument, MessageEvent, MessageFile


def message_facts(session: Session, message: Message) -> dict[str, Any]:
    """What message.json says: who, what, when, attempts and history; the evidence is added while it is written."""
    account = session.get(SenderAccount, message.account_id) if message.account_id else None
    documents = session.scalars(
        select(Document)
        .join(MessageDocument, MessageDocument.document_id == Document.id)
        .where(MessageDocument.message_id == message.id)
        .order_by(MessageDocument.position)
    )
    files = session.scalars(
        select(MessageFile).where(MessageFile.message_id == message.id).order_by(MessageFile.position)
    )
    attempts = session.scalars(select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.id))
    events = session.scalars(
        select(MessageEvent).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    )
    return {
        "message_id": message.message_id,
        "frozen_sha256": message.frozen_sha256,
        "state": message.state.value,
        "channel": message.channel.value,
        "from": account.from_address if account else "",
        "to": message.to_address,
        "cc": list(message.cc),
        "subject": message.subject,
        "party": {"code": message.party_code, "name": message.party_name},
        "recipient": message.recipient_name,
        "sent_at": time_text(message.sent_at),
        "documents": [
            {"type": d.type, "number": d.number, "date": d.dated_on.isoformat()} for d in documents
        ],
        "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in files],
        "attempts": [
            {
                "started_at": time_text(one.started_at),
                "finished_at": time_text(one.finished_at),
                "outcome": one.outcome,
                "code": one.code,
                "answer": one.detail,
                "source_sha256": one.mime_sha256,
            }
            for one in attempts
        ],
        "history": [{"at": time_text(e.at), "what": e.kind, "who": e.actor_name} for e in events],
        "evidence": [],
    }


def time_text(moment: datetime | None) -> str:
    """ISO 8601 to the second; empty for none."""
    return moment.isoformat(timespec="seconds") if moment else ""


def json_bytes(value: Any) -> bytes:
    """JSON that people can read too."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
