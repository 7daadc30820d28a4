"""Freezing: each row that leaves gets its Message-ID and the hash of all that was reviewed (law 3, BX-2)."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.envelope import new_message_id
from crm_mail.delivery.models import SenderAccount
from crm_mail.many_rows import update_many
from crm_mail.outbox.models import Message, MessageContent, MessageFile, Run
from crm_mail.outbox.states import MessageState

FREEZE_AT_ONCE = 2000
NO_DOMAIN = "sms.invalid"
"""In the Message-ID of texts, which leave from a number or a name."""


_FROZEN = (
    Message.id,
    Message.to_address,
    Message.cc,
    Message.bcc,
    Message.subject,
    Message.account_id,
    MessageContent.body_text,
    MessageContent.body_html,
)


def freeze_messages(session: Session, run: Run, starts_at: datetime) -> int:
    """Give each pending row of a run its Message-ID and the hash of all that was reviewed; how many there are."""
    domains = {
        id_: domain_of(address) or NO_DOMAIN
        for id_, address in session.execute(select(SenderAccount.id, SenderAccount.from_address))
    }
    last, total = 0, 0
    while rows := _next_to_freeze(session, run.id, last):
        last = rows[-1][0]
        files = _hashes(session, [row[0] for row in rows])
        values = []
        for row in rows:
            message_id = new_message_id(domains.get(row.account_id, "localhost"), secrets.token_hex(12))
            values.append(
                {
                    "id": row.id,
                    "message_id": message_id,
                    "frozen_sha256": frozen_hash(row, message_id, files.get(row.id, [])),
                    "state": MessageState.COMMITTED,
                    "next_attempt_at": starts_at,
                }
            )
        update_many(session, Message, values)
        total += len(values)
    return total


def _next_to_freeze(session: Session, run_id: int, after: int) -> Sequence[Any]:
    return session.execute(
        select(*_FROZEN)
        .join(MessageContent, MessageContent.message_id == Message.id)
        .where(Message.run_id == run_id, Message.state == MessageState.PENDING, Message.id > after)
        .order_by(Message.id)
        .limit(FREEZE_AT_ONCE)
    ).all()


def _hashes(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(MessageFile.message_id, MessageFile.name, MessageFile.sha256, MessageFile.content_id)
        .where(MessageFile.message_id.in_(ids))
        .order_by(MessageFile.message_id, MessageFile.position)
    )
    found: dict[int, list[str]] = {}
    for message_id, *parts in session.execute(query):
        found.setdefault(message_id, []).append(file_mark(*parts))
    return found


def file_mark(name: str, sha256: str, content_id: str) -> str:
    """What of a file is frozen: its name, its bytes, and where a picture stands in the text."""
    return f"{name}\0{sha256}\0{content_id}" if content_id else f"{name}\0{sha256}"


def frozen_hash(row: Any, message_id: str, files: Sequence[str]) -> str:
    """SHA-256 over everything that was reviewed: recipients, subject, bodies, files and Message-ID (BX-2)."""
    parts = [
        message_id,
        row.to_address,
        *row.cc,
        "",
        *row.bcc,
        "",
        row.subject,
        row.body_text,
        row.body_html,
        *files,
    ]
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()
