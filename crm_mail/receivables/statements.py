"""Account statements: entries and a cut-off date become the canonical data of `account_statement`. Pure.

Two layouts (formats reference, section 4): *movements* (opening balance, every line of the period, running
balance) and *open items* (partite aperte). One block for each currency; sums of different currencies are never
added. The sign of a balance: positive is owed by the customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm_mail.receivables.ledger import (
    CENT,
    ZERO,
    Bucket,
    Entry,
    age,
    by_currency,
    open_at,
    residuals,
)


class Layout(StrEnum):
    """How a statement is laid out."""

    OPEN_ITEMS = "open_items"
    MOVEMENTS = "movements"


class Status(StrEnum):
    """What is said of a line."""

    OPENING = "opening"
    NOT_DUE = "not_due"
    OVERDUE = "overdue"
    DISPUTED = "disputed"
    UNPAID = "unpaid"  # a collection order came back
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its running balance."""

    entry: Entry
    debit: Decimal
    credit: Decimal
    balance: Decimal
    days_late: int
    status: Status


@dataclass(frozen=True, slots=True)
class Block:
    """The account in one currency; amounts are Decimal, in that currency."""

    currency: str
    opening: Decimal
    lines: tuple[Line, ...]
    closing: Decimal
    aging: tuple[tuple[Bucket, Decimal], ...]

    @property
    def not_due_total(self) -> Decimal:
        """What is open and not due yet."""
        return dict(self.aging)[Bucket.NOT_DUE]

    @property
    def overdue_total(self) -> Decimal:
        """What is open and late."""
        return sum((amount for bucket, amount in self.aging if bucket is not Bucket.NOT_DUE), ZERO)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.lines and not self.opening and not self.closing


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of one customer: the open items, the movements, or both."""

    open_items: Sequence[Entry] = field(default=())
    movements: Sequence[Entry] = field(default=())

    def open_entries(self, as_of: date) -> list[Entry]:
        """What is open at a day: as the ERP says, else worked out from the movements."""
        if self.open_items:
            return open_at(self.open_items, as_of)
        return residuals(open_at(self.movements, as_of))


def make_blocks(account: Account, layout: Layout, as_of: date, from_on: date | None = None) -> list[Block]:
    """The blocks of a statement, one for each currency in which there is anything to tell.

    Args:
        as_of: the cut-off date (fecha de corte), included.
        from_on: first day of the period, for the layout *movements*; None: from the beginning.
    """
    opened = by_currency(account.open_entries(as_of))
    if layout is Layout.MOVEMENTS and account.movements:
        lines = by_currency(open_at(account.movements, as_of))
    else:
        layout, lines = Layout.OPEN_ITEMS, opened
    blocks = []
    for currency in sorted(lines.keys() | opened.keys()):
        entries, still_open = lines.get(currency, []), opened.get(currency, [])
        made = (
            _movements(currency, entries, still_open, as_of, from_on)
            if layout is Layout.MOVEMENTS
            else _open_items(currency, entries, as_of)
        )
        if not made.is_empty:
            blocks.append(made)
    return blocks


def _open_items(currency: str, entries: Sequence[Entry], as_of: date) -> Block:
    balance, lines = ZERO, []
    for entry in sorted(entries, key=lambda one: (one.falls_due, one.day, one.number)):
        amount = entry.still_open
        if not amount:
            continue
        balance += amount
        lines.append(_line(entry, max(amount, ZERO), max(-amount, ZERO), balance, as_of))
    return Block(currency, ZERO, tuple(lines), balance, tuple(age(entries, as_of).items()))


def _movements(
    currency: str, entries: Sequence[Entry], still_open: Sequence[Entry], as_of: date, from_on: date | None
) -> Block:
    first = from_on or min((one.day for one in entries if not one.is_opening), default=date.max)
    before = [one for one in entries if one.day < first or (one.is_opening and one.day <= first)]
    opening = balance = sum((one.net for one in before), ZERO)
    open_keys = {one.key for one in still_open if one.still_open > 0}
    lines, earlier = [], {id(one) for one in before}
    for entry in sorted((one for one in entries if id(one) not in earlier), key=lambda one: one.day):
        balance += entry.net
        lines.append(_line(entry, entry.debit, entry.credit, balance, as_of, entry.key in open_keys))
    return Block(currency, opening, tuple(lines), balance, tuple(age(still_open, as_of).items()))


def _line(
    entry: Entry, debit: Decimal, credit: Decimal, balance: Decimal, as_of: date, is_open: bool = True
) -> Line:
    owes = debit > credit
    late = entry.days_late(as_of) if owes and is_open else 0
    return Line(entry, debit, credit, balance, late, _status(entry, owes, late))


def _status(entry: Entry, owes: bool, late: int) -> Status:
    if entry.is_opening:
        return Status.OPENING
    if entry.is_disputed:
        return Status.DISPUTED
    if not owes:
        return Status.CREDIT
    if entry.is_unpaid:
        return Status.UNPAID
    return Status.OVERDUE if late else Status.NOT_DUE


def money(amount: Decimal) -> str:
    """An amount as canonical text: two decimals at least, all those it has."""
    shown = amount.quantize(CENT)
    return str(shown if shown == amount else amount.normalize())


def statement_data(
    blocks: Sequence[Block],
    layout: Layout,
    as_of: date,
    *,
    number: str,
    party: dict[str, Any],
    from_on: date | None = None,
    comment: str = "",
    payment: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The canonical `account_statement`: one currency stands at the top, several as ``blocks``.

    Args:
        blocks: at least one.
        comment: the company's statement comment (PD-6), printed below the figures.
        payment: where to pay: ``bank``, ``iban``, ``bic``.
    """
    made = [_block_data(block) for block in blocks]
    figures: dict[str, Any] = made[0] if len(made) == 1 else {"currency": made[0]["currency"], "blocks": made}
    data: dict[str, Any] = {
        "type": "account_statement",
        "number": number,
        "date": as_of.isoformat(),
        "as_of": as_of.isoformat(),
        "layout": layout.value,
        "party": party,
        **figures,
    }
    if comment:
        data["comment"] = comment
    if payment:
        data["payment"] = payment
    if from_on:
        data["period"] = {"from": from_on.isoformat(), "to": as_of.isoformat()}
    return data


def _block_data(block: Block) -> dict[str, Any]:
    return {
        "currency": block.currency,
        "opening": money(block.opening),
        "entries": [_entry_data(line) for line in block.lines],
        "closing": money(block.closing),
        "aging": [{"bucket": bucket.value, "amount": money(amount)} for bucket, amount in block.aging],
        **({"overdue_total": money(block.overdue_total)} if block.overdue_total else {}),
        "not_due_total": money(block.not_due_total),
    }


def described(entry: Entry) -> str:
    """What the ERP says of a line, and how it is to be paid."""
    return " · ".join(part for part in (entry.description, entry.method) if part)


def _entry_data(line: Line) -> dict[str, Any]:
    entry = line.entry
    known: dict[str, Any] = {
        "date": entry.day.isoformat() if entry.day != date.min else "",
        "doc_type": entry.doc_type,
        "number": entry.number,
        "doc_date": entry.doc_on.isoformat() if entry.doc_on else "",
        "due_date": entry.due_on.isoformat() if entry.due_on else "",
        "description": described(entry),
        "debit": money(line.debit) if line.debit else "",
        "credit": money(line.credit) if line.credit else "",
        "balance": money(line.balance),
        "overdue_days": line.days_late or "",
        "status": line.status.value,
    }
    return {name: value for name, value in known.items() if value != ""}
