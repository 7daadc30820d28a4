"""Reminders: which customer is proposed at which level, what is asked for, and why another one is not. Pure.

Levels (formats reference, section 4): 0 before the due date, 1 friendly, 2 firm with a deadline, 3 formal notice
(*messa in mora*, art. 1219 c.c.), 4 before the matter goes to a lawyer. Levels go up one step at a time.

Interest: on what is still open, from the day after the due date, for as many days as it is late, over years of 365
days; rounded to the cent item by item, halves up. Businesses: the rate of D.Lgs. 231/2002 (ECB + 8 points), plus the
lump sum of its art. 6, which is in euro and hence asked for in euro only; consumers: the legal rate alone (art. 1284
c.c.). Never reminded: disputed items, credit balances, blocked customers, less than the minimum, and nobody twice
within so many days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from crm_mail.receivables.ledger import CENT, ZERO, Entry, by_currency
from crm_mail.receivables.statements import described, money

LAST_LEVEL = 4
YEAR_DAYS = 365


class Reason(StrEnum):
    """Why a customer is not reminded."""

    BLOCKED = "blocked"
    NO_ADDRESS = "no_address"
    NOTHING_DUE = "nothing_due"
    DISPUTED = "disputed"
    CREDIT_BALANCE = "credit_balance"
    BELOW_MINIMUM = "below_minimum"
    RECENTLY = "recently"
    WAITING = "waiting"  # a letter is in a run that has not been sent
    NOT_YET = "not_yet"  # the next level has not been reached
    LAST_LEVEL = "last_level"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a company decides on reminders.

    Args:
        business_rate, consumer_rate: percent a year.
        lump_sum: EUR, for businesses; per letter, or for each late document.
        minimum: less than this is not worth a letter, in whatever currency.
        days_between: nobody twice within so many days.
        level_days: for levels 0 to 4; level 0: days before the due date, the others: days after it. None: off.
        charges_from_level: interest and lump sum are asked for from this level on.
        pay_within_days: the deadline of a letter.
    """

    business_rate: Decimal = Decimal("10.15")
    consumer_rate: Decimal = Decimal("1.60")
    lump_sum: Decimal = Decimal("40.00")
    lump_sum_per_document: bool = False
    minimum: Decimal = Decimal("10.00")
    days_between: int = 14
    level_days: tuple[int | None, ...] = (None, 7, 30, 60, 90)
    charges_from_level: int = 2
    pay_within_days: int = 10


@dataclass(frozen=True, slots=True)
class Debtor:
    """What the rules ask about a customer.

    Args:
        last_reminded_on: the latest reminder that left, of any currency.
        has_waiting: a reminder stands in a run that has not been sent.
    """

    is_blocked: bool = False
    has_address: bool = True
    is_business: bool = True
    last_reminded_on: date | None = None
    has_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a letter; `amount` what it was, `open_amount` what is still to be paid, `interest` in cents."""

    entry: Entry
    open_amount: Decimal
    days_late: int
    interest: Decimal
    previous_level: int | None
    level: int | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A proposal: one customer, one currency."""

    currency: str
    level: int
    items: tuple[Item, ...]
    due_total: Decimal
    interest: Decimal
    lump_sum: Decimal
    rate: Decimal
    pay_by: date

    @property
    def total(self) -> Decimal:
        """What is asked for."""
        return self.due_total + self.interest + self.lump_sum


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no letter; `currency` is empty when the reason holds for all of them."""

    reason: Reason
    currency: str = ""
    amount: Decimal = ZERO
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one customer: letters, reasons against, or both."""

    letters: tuple[Letter, ...] = ()
    refusals: tuple[Refusal, ...] = field(default=())


def interest_on(amount: Decimal, rate: Decimal, days: int) -> Decimal:
    """Simple interest in cents, halves up; nothing on credits and on what is not late.

    Args:
        rate: percent a year.
    """
    if amount <= 0 or days <= 0:
        return ZERO
    return (amount * rate * days / (100 * YEAR_DAYS)).quantize(CENT, ROUND_HALF_UP)


def level_by_days(entry: Entry, as_of: date, rules: Rules) -> int | None:
    """The highest level whose day has come for an item; None when none has."""
    if entry.falls_due >= as_of:
        before = rules.level_days[0]
        return 0 if before is not None and (entry.falls_due - as_of).days <= before else None
    late = entry.days_late(as_of)
    reached = [n for n in range(1, LAST_LEVEL + 1) if _reached(rules.level_days[n], late)]
    return max(reached, default=None)


def _reached(days: int | None, late: int) -> bool:
    return days is not None and late >= days


def propose(debtor: Debtor, entries: Sequence[Entry], as_of: date, rules: Rules) -> Proposal:
    """The letters to a customer, one for each currency, or why there are none.

    Args:
        entries: what is open at the day; disputed items are looked at and left out.
    """
    refused = _refuse_debtor(debtor, as_of, rules)
    proposed: list[Letter] = []
    refusals: list[Refusal] = []
    for currency, lines in by_currency(entries).items():
        found = _propose_in(currency, lines, debtor, as_of, rules)
        if isinstance(found, Letter) and refused is None:
            proposed.append(found)
        elif isinstance(found, Letter) and refused is not None:
            refusals.append(Refusal(refused.reason, currency, found.due_total, refused.day))
        elif isinstance(found, Refusal):
            refusals.append(found)
    return Proposal(tuple(proposed), tuple(refusals))


def _refuse_debtor(debtor: Debtor, as_of: date, rules: Rules) -> Refusal | None:
    """The reason that holds for every currency, if there is one."""
    if debtor.is_blocked:
        return Refusal(Reason.BLOCKED)
    if not debtor.has_address:
        return Refusal(Reason.NO_ADDRESS)
    if debtor.has_waiting:
        return Refusal(Reason.WAITING)
    last = debtor.last_reminded_on
    if last is not None and as_of < last + timedelta(days=rules.days_between):
        return Refusal(Reason.RECENTLY, day=last + timedelta(days=rules.days_between))
    return None


def _propose_in(
    currency: str, lines: Sequence[Entry], debtor: Debtor, as_of: date, rules: Rules
) -> Letter | Refusal:
    """A letter in one currency, or why not."""
    counted = [line for line in lines if not line.is_disputed and line.still_open]
    ripe = {line.key: level for line in counted if (level := _next_level(line, as_of, rules)) is not None}
    late = [line for line in counted if line.still_open > 0 and line.days_late(as_of) > 0]
    if not ripe:
        return _nothing_ripe(currency, lines, late, as_of, rules)
    level = max(ripe.values())
    asked = late if level > 0 else [line for line in counted if line.key in ripe]
    credits = [line for line in counted if line.still_open < 0]
    due_total = sum((line.still_open for line in [*asked, *credits]), ZERO)
    if due_total <= 0:
        return Refusal(Reason.CREDIT_BALANCE, currency, due_total)
    if due_total < rules.minimum:
        return Refusal(Reason.BELOW_MINIMUM, currency, due_total)
    rate = rules.business_rate if debtor.is_business else rules.consumer_rate
    charged = level >= max(1, rules.charges_from_level)
    items = tuple(
        Item(
            line,
            line.still_open,
            line.days_late(as_of) if line.still_open > 0 else 0,
            interest_on(line.still_open, rate, line.days_late(as_of)) if charged else ZERO,
            line.level,
            ripe.get(line.key),
        )
        for line in sorted([*asked, *credits], key=lambda one: (one.falls_due, one.number))
    )
    return Letter(
        currency,
        level,
        items,
        due_total,
        sum((item.interest for item in items), ZERO),
        _lump_sum(currency, debtor, rules, len(asked)) if charged else ZERO,
        rate if charged else ZERO,
        as_of + timedelta(days=rules.pay_within_days),
    )


def _next_level(line: Entry, as_of: date, rules: Rules) -> int | None:
    """The level of an item that is above its last one; levels that are off are stepped over."""
    reached = level_by_days(line, as_of, rules)
    if line.still_open <= 0 or reached is None:
        return None
    last = -1 if line.level is None else line.level
    if reached == 0:
        return 0 if last < 0 else None
    steps = [n for n in range(max(last, 0) + 1, reached + 1) if rules.level_days[n] is not None]
    return steps[0] if steps else None


def _nothing_ripe(
    currency: str, lines: Sequence[Entry], late: Sequence[Entry], as_of: date, rules: Rules
) -> Refusal:
    disputed = [line for line in lines if line.is_disputed and line.still_open > 0 and line.days_late(as_of)]
    if not late:
        amount = sum((line.still_open for line in disputed), ZERO)
        return Refusal(Reason.DISPUTED if disputed else Reason.NOTHING_DUE, currency, amount)
    amount = sum((line.still_open for line in late), ZERO)
    last_on = max((n for n, days in enumerate(rules.level_days) if days is not None), default=0)
    if all((line.level or 0) >= last_on for line in late):
        return Refusal(Reason.LAST_LEVEL, currency, amount)
    return Refusal(Reason.NOT_YET, currency, amount, _next_day(late, rules))


def _next_day(late: Sequence[Entry], rules: Rules) -> date | None:
    days = [
        line.falls_due + timedelta(days=wait)
        for line in late
        for n, wait in enumerate(rules.level_days)
        if wait is not None and n > max(line.level or 0, 0)
    ]
    return min(days, default=None)


def _lump_sum(currency: str, debtor: Debtor, rules: Rules, documents: int) -> Decimal:
    if not debtor.is_business or currency != "EUR":
        return ZERO
    return rules.lump_sum * (documents if rules.lump_sum_per_document else 1)


def letter_data(letter: Letter, as_of: date, *, number: str, party: dict[str, Any]) -> dict[str, Any]:
    """The canonical `dunning_letter`."""
    known: dict[str, Any] = {
        "type": "dunning_letter",
        "number": number,
        "date": as_of.isoformat(),
        "currency": letter.currency,
        "party": party,
        "level": letter.level,
        "items": [_item_data(item) for item in letter.items],
        "interest_rate": money(letter.rate) if letter.rate else "",
        "interest": money(letter.interest) if letter.interest else "",
        "lump_sum": money(letter.lump_sum) if letter.lump_sum else "",
        "total": money(letter.total),
        "pay_by": letter.pay_by.isoformat(),
        "previous": _previous(letter),
    }
    return {name: value for name, value in known.items() if value != "" and value != []}


def _item_data(item: Item) -> dict[str, Any]:
    entry = item.entry
    known: dict[str, Any] = {
        "number": " ".join(part for part in (entry.doc_type, entry.number) if part),
        "date": entry.doc_on.isoformat() if entry.doc_on else "",
        "due": entry.falls_due.isoformat() if entry.falls_due != date.min else "",
        "description": described(entry),
        "amount": money(entry.net or item.open_amount),
        "open": money(item.open_amount),
        "days": item.days_late or "",
        "interest": money(item.interest) if item.interest else "",
    }
    return {name: value for name, value in known.items() if value != ""}


def _previous(letter: Letter) -> list[dict[str, Any]]:
    """The reminders that came before: each day with its highest level."""
    days: dict[date, int] = {}
    for item in letter.items:
        day = item.entry.reminded_on
        if day is not None and item.previous_level is not None:
            days[day] = max(days.get(day, 0), item.previous_level)
    return [{"date": day.isoformat(), "level": level} for day, level in sorted(days.items())]
