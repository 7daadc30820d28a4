"""What a filter asks of purchases, and the text that it is kept as: one *word* for each question. Pure.

A word is written like the query of an address: ``act=bought&group=Tyres&quantity=4&recent=12m``. It stands in filters,
addresses and JSON alike; the fields of the pages (`FIELDS`) become such a word.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlencode

MOST_BEST: Final = 100_000
RECENT: Final = ("30d", "90d", "6m", "12m", "24m", "36m")
"""Periods that pages offer, counted back from today."""

FIELDS: Final = ("act", "product", "group", "quantity", "amount", "currency", "count", "recent", "from", "to")
PREFIX: Final = "buy_"
_RECENT: Final = re.compile(r"([1-9]\d{0,3})([dm])\Z")
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_USUAL: Final = "12m"


class Act(StrEnum):
    """What is asked."""

    BOUGHT = "bought"
    NOT_BOUGHT = "not_bought"  # nothing of it in the period; also who never bought anything
    STOPPED = "stopped"  # bought before the period began, and nothing since
    BEST = "best"  # the first so many by amount


class PurchaseInvalid(ValueError):
    """A word asks for something that does not exist."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Args:
        products, groups: codes and names; alternatives; both empty: anything.
        quantity, amount: at least so much, credit notes deducted; without both one sale is enough.
        currency: of amounts.
        count: how many, for `Act.BEST`.
        recent: ``90d``, ``12m``: the period that ends today; else ``first`` to ``last``, both included.
    """

    act: Act
    products: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quantity: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""
    count: int = 0
    recent: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def is_anything(self) -> bool:
        """Whether any product counts."""
        return not self.products and not self.groups

    def period(self, today: date) -> tuple[date | None, date | None]:
        """First and last day; None: without end on that side."""
        if self.recent:
            return days_back(self.recent, today), None
        return self.first, self.last

    def to_word(self) -> str:
        """The text that `read_word` reads."""
        pairs: list[tuple[str, str]] = [("act", self.act.value)]
        pairs += [("product", one) for one in self.products] + [("group", one) for one in self.groups]
        single = {
            "quantity": self.quantity,
            "amount": self.amount,
            "currency": self.currency,
            "count": self.count,
            "recent": self.recent,
            "from": self.first,
            "to": self.last,
        }
        return urlencode([*pairs, *((name, str(value)) for name, value in single.items() if value)])


def read_word(word: str) -> Asked:
    """The question that a word asks.

    Raises:
        PurchaseInvalid: it asks none that there is.
    """
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(word):
        values.setdefault(name, []).append(value)
    if unknown := set(values) - set(FIELDS):
        raise PurchaseInvalid(sorted(unknown)[0])
    return _read(values)


def read_fields(getlist: Callable[[str], Iterable[str]]) -> Asked | None:
    """The question that the fields of a page ask; None when no kind of question was chosen."""
    values = {name: [one for one in getlist(PREFIX + name) if one.strip()] for name in FIELDS}
    if not values["act"]:
        return None
    for name in ("product", "group"):
        values[name] = [part for one in values[name] for part in one.split(",")]
    if values["from"] or values["to"]:
        values["recent"] = []
    return _read(values, is_typed=True)


def _read(values: Mapping[str, list[str]], *, is_typed: bool = False) -> Asked:
    """Args: is_typed: what a person left out, or chose beside the point, is put right."""
    single = {name: found[-1].strip() for name, found in values.items() if found}
    act = _act(single.get("act", ""))
    first, last = _day(single.get("from", "")), _day(single.get("to", ""))
    if first and last and first > last:
        first, last = last, first
    recent, count = single.get("recent", ""), _count(single.get("count", ""))
    if act is Act.STOPPED and not (recent or first):
        if not is_typed:
            raise PurchaseInvalid("recent")
        recent = _USUAL
    if act is Act.BEST and not count:
        raise PurchaseInvalid("count")
    least = act is Act.BOUGHT
    amount = _number(single.get("amount", "")) if least else None
    currency = single.get("currency", "").upper() if amount or act is Act.BEST else ""
    if (amount or act is Act.BEST) and not _CURRENCY.match(currency):
        raise PurchaseInvalid("currency")
    if recent and not _RECENT.match(recent):
        raise PurchaseInvalid("recent")
    return Asked(
        act,
        _names(values.get("product", ())),
        _names(values.get("group", ())),
        _number(single.get("quantity", "")) if least else None,
        amount,
        currency,
        count if act is Act.BEST else 0,
        recent,
        None if recent else first,
        None if recent else last,
    )


def _act(text: str) -> Act:
    try:
        return Act(text)
    except ValueError:
        raise PurchaseInvalid("act") from None


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for text in texts if (name := " ".join(text.split()))))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PurchaseInvalid("from") from None


def _count(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_BEST):
        raise PurchaseInvalid("count")
    return int(text)


def _number(text: str) -> Decimal | None:
    """A positive number with at most four decimals; a comma may begin them."""
    if not text:
        return None
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise PurchaseInvalid("amount") from None
    if not number.is_finite() or not Decimal("0.0001") <= number < Decimal(10) ** 12:
        raise PurchaseInvalid("amount")
    return number.quantize(Decimal("0.0001")).normalize() if number % 1 else number.quantize(Decimal(1))


def days_back(recent: str, today: date) -> date:
    """The first day of the period ``90d`` or ``12m`` that ends today."""
    match = _RECENT.match(recent)
    if match is None:
        raise PurchaseInvalid("recent")
    number = int(match[1])
    if match[2] == "d":
        return today - timedelta(days=number)
    months = today.year * 12 + today.month - 1 - number
    if months < 12:
        return date.min
    year, month = divmod(months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
