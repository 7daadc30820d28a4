"""What a filter asks of purchases, as SQL: statements of party ids, and conditions on a column of them.

Questions on products and groups read one range of an index that covers them; questions on anything read
`PurchaseTotal`, and the lines of those customers alone who may answer them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from crm_mail.purchases.asked import Act, Asked
from crm_mail.purchases.models import Product, PurchaseLine, PurchaseTotal

Condition = ColumnElement[bool]

LOOKED_AT = 4
"""The best of so many times the wanted number of largest customers give a bound that the others must reach."""

IS_SALE: Condition = or_(PurchaseLine.amount > 0, and_(PurchaseLine.amount == 0, PurchaseLine.quantity > 0))
"""A line that is neither a return nor a credit."""


def asks_for(
    asked: Asked,
    company_id: int,
    party_id: InstrumentedAttribute[int],
    today: date,
    visible: Select[Any] | None = None,
) -> Condition:
    """Whether a party answers a question.

    Args:
        party_id: the column with the party's id.
        visible: party ids that exist for the person; None: all. Only the order of the best depends on it.
    """
    statement = answers(asked, company_id, today, visible)
    return party_id.not_in(statement) if asked.act is Act.NOT_BOUGHT else party_id.in_(statement)


def answers(asked: Asked, company_id: int, today: date, visible: Select[Any] | None = None) -> Select[Any]:
    """Ids of the parties that answer a question, each once; of `Act.NOT_BOUGHT` those that do not."""
    first, last = asked.period(today)
    if asked.act is Act.STOPPED:
        return _stopped(asked, company_id, first or date.max)
    if asked.act is Act.BEST:
        return _best(asked, company_id, first, last, visible)
    if asked.quantity is None and asked.amount is None:
        return _once(asked, company_id, first, last)
    return _at_least(asked, company_id, first, last)


def _lines(asked: Asked, company_id: int) -> list[Condition]:
    """Lines of the products asked for."""
    if asked.is_anything:
        return [PurchaseLine.company_id == company_id]
    named: list[Condition] = []
    if asked.products:
        named.append(_same(Product.code, asked.products))
    if asked.groups:
        named.append(_same(Product.group_name, asked.groups))
    wanted = select(Product.id).where(Product.company_id == company_id, or_(*named))
    return [PurchaseLine.product_id.in_(wanted)]


def _same(column: InstrumentedAttribute[str], names: Sequence[str]) -> Condition:
    """In the spelling that was given, or in another case."""
    return or_(column.in_(names), func.lower(column).in_(sorted({name.lower() for name in names})))


def _within(first: date | None, last: date | None) -> list[Condition]:
    found = [PurchaseLine.bought_on >= first] if first else []
    return [*found, PurchaseLine.bought_on <= last] if last else found


def _once(asked: Asked, company_id: int, first: date | None, last: date | None) -> Select[Any]:
    """One sale within the period is enough."""
    if asked.is_anything and last is None:
        totals = select(PurchaseTotal.party_id).where(PurchaseTotal.company_id == company_id)
        return totals.where(PurchaseTotal.last_on >= first) if first else totals
    conditions = [*_lines(asked, company_id), *_within(first, last), IS_SALE]
    return select(PurchaseLine.party_id).where(*conditions).distinct()


def _at_least(asked: Asked, company_id: int, first: date | None, last: date | None) -> Select[Any]:
    """So many pieces, or so much money, credit notes deducted."""
    conditions = [*_lines(asked, company_id), *_within(first, last)]
    having: list[Condition] = []
    if asked.quantity is not None:
        having.append(func.sum(PurchaseLine.quantity) >= asked.quantity)
    if asked.amount is not None:
        conditions.append(PurchaseLine.currency == asked.currency)
        having.append(func.sum(PurchaseLine.amount) >= asked.amount)
    if asked.is_anything:
        large = select(PurchaseTotal.party_id).where(PurchaseTotal.company_id == company_id)
        if asked.amount is not None:
            large = large.where(PurchaseTotal.currency == asked.currency, PurchaseTotal.gross >= asked.amount)
        if first:
            large = large.where(PurchaseTotal.last_on >= first)
        conditions = [PurchaseLine.party_id.in_(large), *conditions[1:]]
    query = select(PurchaseLine.party_id).where(*conditions)
    return query.group_by(PurchaseLine.party_id).having(*having)


def _stopped(asked: Asked, company_id: int, first: date) -> Select[Any]:
    """The last sale lies before the first day."""
    if asked.is_anything:
        totals = select(PurchaseTotal.party_id).where(PurchaseTotal.company_id == company_id)
        since = totals.where(PurchaseTotal.last_on >= first)
        return totals.where(PurchaseTotal.last_on < first, PurchaseTotal.party_id.not_in(since)).distinct()
    query = select(PurchaseLine.party_id).where(*_lines(asked, company_id), IS_SALE)
    return query.group_by(PurchaseLine.party_id).having(func.max(PurchaseLine.bought_on) < first)


def _best(
    asked: Asked, company_id: int, first: date | None, last: date | None, visible: Select[Any] | None
) -> Select[Any]:
    """The first so many by amount; who is as good as the last of them, but came later, is not among them.

    Of anything, only customers whose sales of all times reach what the last of the best has are added up.
    """
    amount = func.sum(PurchaseLine.amount)
    conditions = [PurchaseLine.currency == asked.currency, *_within(first, last)]
    if visible is not None:
        conditions.append(PurchaseLine.party_id.in_(visible))
    sums = select(PurchaseLine.party_id, amount.label("amount")).group_by(PurchaseLine.party_id)
    sums = sums.having(amount > 0)
    if asked.is_anything:
        totals = select(PurchaseTotal.party_id).where(
            PurchaseTotal.company_id == company_id, PurchaseTotal.currency == asked.currency
        )
        if visible is not None:
            totals = totals.where(PurchaseTotal.party_id.in_(visible))
        largest = totals.order_by(PurchaseTotal.gross.desc()).limit(asked.count * LOOKED_AT).subquery()
        seen = sums.where(PurchaseLine.party_id.in_(select(largest.c.party_id)), *conditions).subquery()
        bound = select(seen.c.amount).order_by(seen.c.amount.desc()).offset(asked.count - 1).limit(1)
        may = totals.where(PurchaseTotal.gross >= func.coalesce(bound.scalar_subquery(), 0))
        sums = sums.where(PurchaseLine.party_id.in_(may), *conditions)
    else:
        sums = sums.where(*_lines(asked, company_id), *conditions)
    best = sums.order_by(amount.desc(), PurchaseLine.party_id).limit(asked.count).subquery()
    return select(best.c.party_id)
