"""Which documents are due: the conditions, their counts, and their ids in the order of their parties."""

from collections.abc import Generator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.sight import documents_in_sight
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import LEFT, QUEUED, MessageState
from crm_mail.permissions import Sight

PARTIES_AT_ONCE = 500
DOCUMENTS_AT_ONCE = 1000


def in_period(criteria: Criteria) -> list[Any]:
    """The conditions on documents that do not depend on whether they can be sent."""
    conditions: list[Any] = [
        Document.company_id == criteria.company_id,
        Document.is_current.is_(True),
        Document.type.in_(criteria.document_types),
    ]
    if criteria.from_on:
        conditions.append(Document.dated_on >= criteria.from_on)
    if criteria.to_on:
        conditions.append(Document.dated_on <= criteria.to_on)
    if criteria.document_ids:
        conditions.append(Document.id.in_(criteria.document_ids))
    return conditions


def of_parties(criteria: Criteria, sight: Sight) -> list[Any]:
    """The condition on the documents' party; nothing when the whole company is meant."""
    if criteria.parties.is_empty and sight.is_whole:
        return []
    return [Document.party_id.in_(party_query(criteria.parties, sight))]


def sendable(sight: Sight) -> list[Any]:
    """The conditions under which a document may be sent at all; a confidential one exists for few."""
    return [
        Document.is_mailable.is_(True),
        Document.voided_at.is_(None),
        documents_in_sight(sight),
        Party.is_blocked.is_(False),
    ]


def due_documents(criteria: Criteria, sight: Sight) -> Select[int]:
    """Ids of the documents that a run would consider."""
    conditions = in_period(criteria) + of_parties(criteria, sight) + sendable(sight)
    return select(Document.id).join(Party, Party.id == Document.party_id).where(*conditions)


def due_batches(session: Session, criteria: Criteria, sight: Sight) -> Generator[list[int]]:
    """The ids of the due documents, some parties at a time, parties in the order of their ids and never divided.

    One streaming query.
    """
    query = (
        select(Document.id, Document.party_id)
        .join(Party, Party.id == Document.party_id)
        .where(*in_period(criteria), *of_parties(criteria, sight), *sendable(sight))
        .order_by(Document.party_id)
        .execution_options(yield_per=DOCUMENTS_AT_ONCE)
    )
    batch: list[int] = []
    parties = 0
    with session.connection().execute(query) as rows:
        for _party_id, documents in groupby(rows, key=itemgetter(1)):
            batch += [id_ for id_, _party_id in documents]
            parties += 1
            if parties >= PARTIES_AT_ONCE or len(batch) >= DOCUMENTS_AT_ONCE:
                yield batch
                batch, parties = [], 0
    if batch:
        yield batch


def count_due(session: Session, criteria: Criteria, sight: Sight) -> tuple[int, int]:
    """How many documents, and of how many parties, before anything is written."""
    due = due_documents(criteria, sight).subquery()
    query = select(func.count(), func.count(Document.party_id.distinct())).where(
        Document.id.in_(select(due.c.id))
    )
    documents, parties = session.execute(query).one()
    return documents, parties


def count_sent_before(session: Session, criteria: Criteria, sight: Sight) -> int:
    """How many of the due documents left before, or are on their way, to somebody: as far as the actor may know."""
    sent = exists().where(
        MessageDocument.document_id == Document.id,
        Message.id == MessageDocument.message_id,
        Message.state.in_(sorted(LEFT | QUEUED)),
        messages_in_sight(sight),
    )
    query = due_documents(criteria, sight).where(sent).with_only_columns(func.count())
    return session.scalar(query) or 0


def count_outside(session: Session, criteria: Criteria, sight: Sight) -> int:
    """Customers that a run of this sight leaves for a colleague: with documents that are due and were not sent."""
    if sight.is_whole:
        return 0
    settled = [
        state for state in LEFT | QUEUED | {MessageState.PENDING} if criteria.only_unsent or state not in LEFT
    ]
    on_their_way = exists().where(
        MessageDocument.document_id == Document.id,
        Message.id == MessageDocument.message_id,
        Message.state.in_(sorted(settled)),
    )
    everybody = Sight(sight.clearance)
    query = (
        select(func.count(Document.party_id.distinct()))
        .join(Party, Party.id == Document.party_id)
        .where(*in_period(criteria), *of_parties(criteria, everybody), *sendable(everybody))
        .where(~documents_in_sight(sight), ~on_their_way)
    )
    return session.scalar(query) or 0
