"""What a document or a list says was sold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
_MOST = Decimal(10) ** 12
_CODE, _NAME, _GROUP = 120, 200, 120
SALES = {"invoice": 1, "credit_note": -1}
"""Document types that are sales, and the sign of their lines."""


@dataclass(frozen=True, slots=True)
class Sold:
    """A product as a line names it; an empty name or group says nothing."""

    code: str
    name: str = ""
    group: str = ""

    @classmethod
    def of(cls, code: str, name: str = "", group: str = "") -> "Sold":
        """Blanks folded and cut to what is kept; without a code the name stands for it."""
        code, name, group = (" ".join(text.split()) for text in (code, name, group))
        return cls((code or name)[:_CODE], name[:_NAME], group[:_GROUP])


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a document."""

    product: Sold
    quantity: Decimal
    amount: Decimal

    @property
    def is_sale(self) -> bool:
        """Whether it is neither a return nor a credit."""
        return self.amount > 0 or (not self.amount and self.quantity > 0)


def lines_of(data: Mapping[str, Any], sign: int) -> list[SaleLine]:
    """The lines of a document's canonical data; those that name nothing, or hold no number, are passed over.

    Args:
        sign: -1 turns the positive lines of a credit note into returns; lines that are negative already stay so.
    """
    found = []
    lines = data.get("lines")
    for line in lines if isinstance(lines, list) else ():
        if not isinstance(line, Mapping):
            continue
        product = Sold.of(str(line.get("code") or ""), str(line.get("description") or ""), "")
        quantity, price = _number(line.get("qty")), _number(line.get("price"))
        net = _number(line.get("net"))
        amount = net if net is not None else (quantity or ZERO) * (price or ZERO)
        quantity = quantity if quantity is not None else Decimal(1 if amount > 0 else -1 if amount else 0)
        if product.code and (quantity or amount) and max(abs(quantity), abs(amount)) < _MOST:
            found.append(SaleLine(product, quantity, amount))
    is_negative = sum(line.amount for line in found) < 0
    if sign < 0 and not is_negative:
        return [SaleLine(line.product, -line.quantity, -line.amount) for line in found]
    return found


def _number(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
