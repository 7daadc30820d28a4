"""Open items and movements as values: what both statements and reminders are worked out from. Pure.

An `Entry` is a line of a customer's account. Debits raise what the customer owes, credits lower it; both are kept
as positive amounts. ``open_amount`` is what is still open of it: positive when owed, negative for a credit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

ZERO = Decimal("0.00")
CENT = Decimal("0.01")


class Kind(StrEnum):
    """What a list of the ERP holds."""

    OPEN_ITEMS = "open_items"  # what is still to be paid (partite aperte, documentos pendientes)
    MOVEMENTS = "movements"  # every line of the account, with an opening balance


class Bucket(StrEnum):
    """Age of what is open, by days after the due date."""

    NOT_DUE = "not_due"
    TO_30 = "0-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = ">90"


_LIMITS = ((30, Bucket.TO_30), (60, Bucket.TO_60), (90, Bucket.TO_90))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a customer's account.

    Args:
        key: which line it is, within its party.
        posted_on: the day on which it counts; None: the document's.
        due_on: None: due at once, on the day of the document.
        open_amount: what is still open; None for a movement that says nothing of it.
        is_unpaid: a collection order (RiBa, SDD, cheque) that came back.
        is_opening: a balance brought forward, not a document.
        level: the last reminder's level that the ERP knows of, None when there was none.
    """

    key: str
    currency: str
    doc_type: str = ""
    number: str = ""
    posted_on: date | None = None
    doc_on: date | None = None
    due_on: date | None = None
    description: str = ""
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    open_amount: Decimal | None = None
    method: str = ""
    is_disputed: bool = False
    is_unpaid: bool = False
    is_opening: bool = False
    level: int | None = None
    reminded_on: date | None = None

    @property
    def day(self) -> date:
        """The day on which it counts."""
        return self.posted_on or self.doc_on or self.due_on or date.min

    @property
    def falls_due(self) -> date:
        """The day until which it may be paid."""
        return self.due_on or self.doc_on or self.day

    @property
    def net(self) -> Decimal:
        """Debit less credit."""
        return self.debit - self.credit

    @property
    def still_open(self) -> Decimal:
        """What is still open: as stated, else the whole amount."""
        return self.net if self.open_amount is None else self.open_amount

    def days_late(self, as_of: date) -> int:
        """Days after the due date; 0 on the due date and before it."""
        return max(0, (as_of - self.falls_due).days)


def bucket_of(days_late: int) -> Bucket:
    """The age of something that is so many days late; what is due today is not late yet."""
    if days_late <= 0:
        return Bucket.NOT_DUE
    return next((bucket for limit, bucket in _LIMITS if days_late <= limit), Bucket.OVER_90)


def age(entries: Iterable[Entry], as_of: date) -> Mapping[Bucket, Decimal]:
    """What is open, by age; the buckets add up to the whole, credits lower the bucket of their own date."""
    sums = dict.fromkeys(Bucket, ZERO)
    for entry in entries:
        sums[bucket_of(entry.days_late(as_of))] += entry.still_open
    return MappingProxyType(sums)


def by_currency(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries of each currency, currencies in the order of their names."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.currency].append(entry)
    return dict(sorted(found.items()))


def open_at(entries: Iterable[Entry], as_of: date) -> list[Entry]:
    """The entries of the day and before it."""
    return [entry for entry in entries if entry.day <= as_of]


def residuals(movements: Sequence[Entry]) -> list[Entry]:
    """What movements leave open: credits pay the debits of the same document first, then the oldest due ones.

    Used where the ERP gives the account's movements only. One currency at a time.
    """
    left: list[Entry] = []
    for lines in by_currency(movements).values():
        left += _settle(lines)
    return left


def _settle(lines: Sequence[Entry]) -> list[Entry]:
    debits = sorted((line for line in lines if line.net > 0), key=lambda line: (line.falls_due, line.day))
    credits = sorted((line for line in lines if line.net < 0), key=lambda line: line.day)
    owed = {id(line): line.net for line in debits}
    unspent: list[tuple[Entry, Decimal]] = []
    for credit in credits:
        same = [line for line in debits if credit.number and line.number == credit.number]
        unspent.append((credit, _pay(owed, same, -credit.net)))
    open_credits = [
        replace(credit, open_amount=-rest)
        for credit, amount in unspent
        if (rest := _pay(owed, debits, amount))
    ]
    open_debits = [replace(line, open_amount=owed[id(line)]) for line in debits if owed[id(line)]]
    return open_debits + open_credits


def _pay(owed: dict[int, Decimal], debits: Sequence[Entry], amount: Decimal) -> Decimal:
    """Take an amount from the debits in their order; what is left of it."""
    for line in debits:
        paid = min(amount, owed[id(line)])
        owed[id(line)] -= paid
        amount -= paid
    return amount
