"""What pages show of purchases: names to choose from, currencies, and what one customer bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.numbers import get_territory_currencies
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.purchases.asked import days_back
from crm_mail.purchases.models import Product, PurchaseLine, PurchaseTotal
from crm_mail.purchases.recording import NEVER

MOST_NAMES = 500
TOP = 5


@dataclass(frozen=True, slots=True)
class Offered:
    """What a question may name. ``products``: (code, name)."""

    products: Sequence[tuple[str, str]]
    groups: Sequence[str]
    currencies: Sequence[str]


def offered_purchases(session: Session, company_id: int, country: str) -> Offered:
    """Products, groups and currencies of a company; its own currency first."""
    products = select(Product.code, Product.name).where(Product.company_id == company_id)
    groups = select(Product.group_name).where(Product.company_id == company_id, Product.group_name > "")
    used = select(PurchaseTotal.currency).where(PurchaseTotal.company_id == company_id).distinct()
    own = next(iter(get_territory_currencies(country.upper())), "EUR")
    found = set(session.scalars(used))
    currencies = sorted(found or {own}, key=lambda one: (one != own, one))
    return Offered(
        [(code, name) for code, name in session.execute(products.order_by(Product.code).limit(MOST_NAMES))],
        list(session.scalars(groups.distinct().order_by(Product.group_name).limit(MOST_NAMES))),
        currencies,
    )


@dataclass(frozen=True, slots=True)
class TopProduct:
    """A product among the first by amount."""

    code: str
    name: str
    quantity: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Bought:
    """What a customer bought in the last twelve months, and when the last time."""

    last_on: date
    totals: Sequence[tuple[str, Decimal]]  # (currency, amount)
    top: Sequence[TopProduct]


def bought_by(session: Session, party_id: int, today: date) -> Bought | None:
    """The figures of a customer's card; None when nothing is known."""
    last_on = session.scalar(
        select(func.max(PurchaseTotal.last_on)).where(PurchaseTotal.party_id == party_id)
    )
    if last_on is None or last_on == NEVER:
        return None
    amount, quantity = func.sum(PurchaseLine.amount), func.sum(PurchaseLine.quantity)
    year = (PurchaseLine.party_id == party_id, PurchaseLine.bought_on >= days_back("12m", today))
    totals = select(PurchaseLine.currency, amount).where(*year).group_by(PurchaseLine.currency)
    top = select(Product.code, Product.name, quantity, amount, PurchaseLine.currency)
    top = top.join(Product, Product.id == PurchaseLine.product_id).where(*year)
    top = top.group_by(Product.id, Product.code, Product.name, PurchaseLine.currency)
    rows = session.execute(top.having(amount > 0).order_by(amount.desc()).limit(TOP))
    found = session.execute(totals.order_by(PurchaseLine.currency))
    return Bought(last_on, [(one, sum_) for one, sum_ in found], [TopProduct(*row) for row in rows])
