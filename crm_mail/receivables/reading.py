"""What statements and reminders read: customers, their lines and their reminders, some hundred customers at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.party_filter import PartyFilter, PartyKind
from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message, MessageDocument, Run
from crm_mail.outbox.states import QUEUED, MessageState, RunState
from crm_mail.permissions import Sight
from crm_mail.receivables.ledger import Entry, Kind
from crm_mail.receivables.models import LedgerLine, Reminder
from crm_mail.receivables.statements import Account

PARTIES_AT_ONCE = 500
GONE = (MessageState.SENT, MessageState.DELIVERED, MessageState.UNCERTAIN)
"""States in which a reminder counts as given: it left, or may have left. One that bounced told nobody anything."""


@dataclass(slots=True)
class Customer:
    """A customer with its account. `last_reminded_on` and `has_waiting` are read for reminders only."""

    party: Party
    account: Account
    has_address: bool = True
    last_reminded_on: date | None = None
    has_waiting: bool = False


@dataclass(slots=True)
class _Lines:
    open_items: list[Entry] = field(default_factory=list)
    movements: list[Entry] = field(default_factory=list)


def customers(chosen: PartyFilter) -> PartyFilter:
    """The same filter, customers only: what suppliers are owed is another matter."""
    return replace(chosen, kind=PartyKind.CUSTOMER)


def with_lines(chosen: PartyFilter, sight: Sight) -> Select[int]:
    """Ids of the customers meant that have any line that is not settled."""
    has_lines = exists().where(LedgerLine.party_id == Party.id, LedgerLine.settled_on.is_(None))
    return party_query(customers(chosen), sight).where(has_lines)


def reachable(chosen: PartyFilter, sight: Sight) -> Select[int]:
    """Of these, the customers with an address that this actor may see (PD-12)."""
    return with_lines(replace(chosen, has_address=True), sight)


def count_customers(session: Session, chosen: PartyFilter, sight: Sight) -> tuple[int, int]:
    """How many customers have lines and an address, and how many have lines but no address (PD-12)."""
    total = _count(session, with_lines(chosen, sight))
    if chosen.has_address is not None:
        return (total, 0) if chosen.has_address else (0, total)
    able = _count(session, reachable(chosen, sight))
    return able, total - able


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def read_customers(session: Session, party_ids: Select[int]) -> Iterator[Customer]:
    """The customers with their lines, by code; two statements for some hundred of them."""
    ids = list(
        session.scalars(select(Party.id).where(Party.id.in_(party_ids)).order_by(Party.code, Party.id))
    )
    for part in chunks(ids, PARTIES_AT_ONCE):
        yield from _read_batch(session, part)


def _read_batch(session: Session, ids: Sequence[int]) -> Iterator[Customer]:
    parties = {party.id: party for party in session.scalars(select(Party).where(Party.id.in_(ids)))}
    lines: dict[int, _Lines] = defaultdict(_Lines)
    query = (
        select(LedgerLine)
        .where(LedgerLine.party_id.in_(ids), LedgerLine.settled_on.is_(None))
        .order_by(LedgerLine.party_id, LedgerLine.id)
    )
    for line in session.scalars(query):
        kept = lines[line.party_id]
        (kept.open_items if line.kind is Kind.OPEN_ITEMS else kept.movements).append(as_entry(line))
        session.expunge(line)
    for id_ in ids:
        yield Customer(parties[id_], Account(lines[id_].open_items, lines[id_].movements))


def as_entry(line: LedgerLine) -> Entry:
    """A stored line as a value."""
    return Entry(
        key=line.source_key,
        currency=line.currency,
        doc_type=line.doc_type,
        number=line.number,
        posted_on=line.posted_on,
        doc_on=line.doc_on,
        due_on=line.due_on,
        description=line.description,
        debit=line.debit,
        credit=line.credit,
        open_amount=line.open_amount,
        method=line.method,
        is_disputed=line.is_disputed,
        is_unpaid=line.is_unpaid,
        is_opening=line.is_opening,
        level=line.level,
        reminded_on=line.reminded_on,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """A reminder that left: its level and its day."""

    level: int
    day: date


def read_reminders(session: Session, company_id: int) -> dict[int, dict[str, Given]]:
    """By customer and line: the highest level that left, and the latest day.

    Read from the messages, so that a reminder counts when it was sent, and not before.
    """
    left = func.max(func.coalesce(Message.sent_at, Message.claimed_at))
    query = (
        select(Reminder.party_id, Reminder.source_key, func.max(Reminder.level), left)
        .join(MessageDocument, MessageDocument.document_id == Reminder.document_id)
        .join(Message, Message.id == MessageDocument.message_id)
        .where(Reminder.company_id == company_id, Message.state.in_(GONE))
        .group_by(Reminder.party_id, Reminder.source_key)
    )
    found: dict[int, dict[str, Given]] = defaultdict(dict)
    for party_id, key, level, moment in session.execute(query):
        if moment is not None:
            found[party_id][key] = Given(level, moment.date())
    return found


def read_waiting(session: Session, company_id: int) -> set[int]:
    """Customers with a reminder in a run that has not been sent, or is being prepared."""
    on_way = or_(
        Message.state.in_(list(QUEUED)),
        (Message.state == MessageState.PENDING) & Run.state.not_in((RunState.CANCELLED, RunState.FINISHED)),
    )
    query: Select[Any] = (
        select(Document.party_id)
        .join(MessageDocument, MessageDocument.document_id == Document.id)
        .join(Message, Message.id == MessageDocument.message_id)
        .join(Run, Run.id == Message.run_id)
        .join(Reminder, Reminder.document_id == Document.id)
        .where(Reminder.company_id == company_id, on_way)
        .distinct()
    )
    return set(session.scalars(query))
