"""What a notification says: which message or run, and where it stands; no names, addresses or texts.

Who is told and wants more reads it under its own key, with the rights of that moment.
"""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import Base
from crm_mail.webhooks.models import Topic, WebhookDelivery


def delivery_id(row: WebhookDelivery) -> str:
    """The id by which a receiver knows a repetition."""
    return f"msg_{row.endpoint_id}_{row.id}"


def write_payload(session: Session, row: WebhookDelivery) -> str:
    """The text of a notification, as it is kept for every further try."""
    data: dict[str, Any] = {"run_id": row.run_id}
    if row.message_id is not None:
        data |= _message(session, row.message_id)
    elif row.topic is Topic.RUN_FINISHED:
        data |= _run(session, row.run_id or 0)
    body = {"type": row.topic.value, "timestamp": row.at.isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _message(session: Session, message_id: int) -> dict[str, Any]:
    tables = Base.metadata.tables
    messages, companies, carried = tables["messages"], tables["companies"], tables["message_documents"]
    row = session.execute(
        select(
            companies.c.code,
            messages.c.party_code,
            messages.c.contact_id,
            messages.c.channel,
            messages.c.message_id,
            messages.c.last_cause,
            messages.c.last_code,
        )
        .join(companies, companies.c.id == messages.c.company_id)
        .where(messages.c.id == message_id)
    ).one_or_none()
    if row is None:
        return {"message_id": message_id}
    documents = (
        select(carried.c.document_id).where(carried.c.message_id == message_id).order_by(carried.c.position)
    )
    return {
        "company": row.code,
        "message_id": message_id,
        "party_code": row.party_code,
        "contact_id": row.contact_id,
        "document_ids": list(session.scalars(documents)),
        "channel": str(row.channel),
        "internet_message_id": row.message_id,
        "cause": row.last_cause,
        "code": row.last_code,
    }


def _run(session: Session, run_id: int) -> dict[str, Any]:
    runs, companies = Base.metadata.tables["runs"], Base.metadata.tables["companies"]
    code = session.scalar(
        select(companies.c.code).join(runs, runs.c.company_id == companies.c.id).where(runs.c.id == run_id)
    )
    return {"company": code}
