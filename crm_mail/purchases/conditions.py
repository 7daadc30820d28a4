"""What a filter asks of purchases, as SQL: statements of party ids, and conditions on a column of them.

Questions on products and groups read one range of an index that covers them; questions on anything read totals, and
the months of those customers alone who may answer them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, except_, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from crm_mail.purchases.asked import Act, Asked
from crm_mail.purchases.models import Product, PurchaseLine, PurchaseMonth, PurchaseTotal
from crm_mail.purchases.months import cut

Condition = ColumnElement[bool]

LOOKED_AT = 2
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
    """In the spelling that was given, or in a usual one; found by the index."""
    forms = {
        form for name in names for form in (name, name.lower(), name.upper(), name.title(), name.capitalize())
    }
    return column.in_(sorted(forms))


def _within(first: date | None, last: date | None) -> list[Condition]:
    found = [PurchaseLine.bought_on >= first] if first else []
    return [*found, PurchaseLine.bought_on <= last] if last else found


def _once(asked: Asked, company_id: int, first: date | None, last: date | None) -> Select[Any]:
    """One sale within the period is enough."""
    if asked.is_anything and last is None:
        return _totals(company_id).where(PurchaseTotal.last_on >= (first or date(1, 1, 2))).distinct()
    conditions = [*_lines(asked, company_id), *_within(first, last), IS_SALE]
    return select(PurchaseLine.party_id).where(*conditions).distinct()


def _totals(company_id: int) -> Select[Any]:
    return select(PurchaseTotal.party_id).where(PurchaseTotal.company_id == company_id)


def _at_least(asked: Asked, company_id: int, first: date | None, last: date | None) -> Select[Any]:
    """So many pieces, or so much money, returns deducted."""
    found: FromClause
    if asked.is_anything:
        large = _totals(company_id)
        if asked.amount is not None:
            large = large.where(PurchaseTotal.currency == asked.currency, PurchaseTotal.gross >= asked.amount)
        if first:
            large = large.where(PurchaseTotal.last_on >= first)
        found = _sums_of(large, asked.currency, first, last).cte()
    else:
        conditions = [*_lines(asked, company_id), *_within(first, last)]
        if asked.amount is not None:
            conditions.append(PurchaseLine.currency == asked.currency)
        found = _grouped(conditions).subquery()
    least = (
        (found.c.quantity, asked.quantity),
        (found.c.amount, asked.amount),
    )
    return select(found.c.party_id).where(*(sum_ >= wanted for sum_, wanted in least if wanted is not None))


def _grouped(conditions: Sequence[Condition]) -> Select[Any, Any, Any]:
    """(party, pieces, amount) of the lines that meet the conditions."""
    sums = (func.sum(PurchaseLine.quantity).label("quantity"), func.sum(PurchaseLine.amount).label("amount"))
    return select(PurchaseLine.party_id, *sums).where(*conditions).group_by(PurchaseLine.party_id)


def _sums_of(parties: Select[Any], currency: str, first: date | None, last: date | None) -> Select[Any]:
    """(party, pieces, amount) of everything that these parties bought: whole months, and the days at both ends.

    As tables at the head of the statement: SQLite refuses what nests too deep.

    Args:
        currency: empty: whatever the currency, for pieces.
    """
    pieces, chosen = cut(first, last), select(parties.cte().c.party_id)
    whole: list[Condition] = [PurchaseMonth.party_id.in_(chosen)]
    whole += [PurchaseMonth.currency == currency] if currency else []
    whole += [PurchaseMonth.month >= pieces.first] if pieces.first else []
    whole += [PurchaseMonth.month <= pieces.last] if pieces.last else []
    parts = [select(PurchaseMonth.party_id, PurchaseMonth.quantity, PurchaseMonth.amount).where(*whole)]
    for begins, ends in pieces.days:
        lines = [PurchaseLine.party_id.in_(chosen), *_within(begins, ends)]
        lines += [PurchaseLine.currency == currency] if currency else []
        parts.append(select(PurchaseLine.party_id, PurchaseLine.quantity, PurchaseLine.amount).where(*lines))
    rows = union_all(*parts).cte()
    sums = (func.sum(rows.c.quantity).label("quantity"), func.sum(rows.c.amount).label("amount"))
    return select(rows.c.party_id, *sums).group_by(rows.c.party_id)


def _stopped(asked: Asked, company_id: int, first: date) -> Select[Any]:
    """Sales before the first day, and none since."""
    if asked.is_anything:
        other = aliased(PurchaseTotal)
        since = select(other.party_id).where(other.party_id == PurchaseTotal.party_id, other.last_on >= first)
        before = _totals(company_id).where(
            PurchaseTotal.last_on < first, PurchaseTotal.last_on > date(1, 1, 1)
        )
        return before.where(~since.correlate(PurchaseTotal).exists()).distinct()
    sold = select(PurchaseLine.party_id).where(*_lines(asked, company_id), IS_SALE)
    before, since = sold.where(PurchaseLine.bought_on < first), sold.where(PurchaseLine.bought_on >= first)
    return select(except_(before, since).subquery().c.party_id)


def _best(
    asked: Asked, company_id: int, first: date | None, last: date | None, visible: Select[Any] | None
) -> Select[Any]:
    """The first so many by amount; of two that are alike the older customer comes first."""
    totals = _totals(company_id).where(PurchaseTotal.currency == asked.currency)
    if visible is not None:
        totals = totals.where(PurchaseTotal.party_id.in_(visible))
    found: FromClause
    if not asked.is_anything:
        conditions = [*_lines(asked, company_id), *_within(first, last)]
        conditions.append(PurchaseLine.currency == asked.currency)
        conditions += [PurchaseLine.party_id.in_(visible)] if visible is not None else []
        found = _grouped(conditions).subquery()
    elif first is None and last is None:
        ever = totals.where(PurchaseTotal.net > 0).order_by(PurchaseTotal.net.desc(), PurchaseTotal.party_id)
        return select(ever.limit(asked.count).subquery().c.party_id)
    else:
        found = _sums_of(_may_be_best(asked, totals, first, last), asked.currency, first, last).cte()
    best = select(found.c.party_id).where(found.c.amount > 0)
    best = best.order_by(found.c.amount.desc(), found.c.party_id).limit(asked.count)
    return select(best.subquery().c.party_id)


def _may_be_best(asked: Asked, totals: Select[Any], first: date | None, last: date | None) -> Select[Any]:
    """Customers whose sales of all times reach what the last of the best has: nobody else needs adding up."""
    largest = totals.order_by(PurchaseTotal.gross.desc()).limit(asked.count * LOOKED_AT)
    seen = _sums_of(largest, asked.currency, first, last).cte()
    bound = select(seen.c.amount).order_by(seen.c.amount.desc()).offset(asked.count - 1).limit(1)
    return totals.where(PurchaseTotal.gross >= func.coalesce(bound.scalar_subquery(), 0))
