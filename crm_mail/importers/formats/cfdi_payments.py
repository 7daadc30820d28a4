"""The payments that a CFDI of type P receives (complement Pagos 1.0 and 2.0): the collection receipt.

Version 2.0 states `MontoTotalPagos`, always in pesos; version 1.0 states only the single payments, each in its own
currency. The documents paid, with instalment and balances, feed the statements.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from crm_mail.importers.formats.cfdi_xml import amount, attribute, cents, day, descend

PESO: Final = "MXN"
NO_CURRENCY: Final = "XXX"


@dataclass(frozen=True, slots=True)
class Payments:
    """What was paid: `amount` in `currency`, and the fields of the canonical receipt."""

    amount: Decimal
    currency: str
    data: dict[str, Any] = field(default_factory=dict)


def read_payments(root: etree._Element) -> Payments | None:
    """The payments of a CFDI, or None when it has no such complement."""
    complements = descend(root, "Pagos")
    if not complements:
        return None
    paid = [payment for one in complements for payment in descend(one, "Pago")]
    total, currency = _total(complements, paid)
    items = [item for payment in paid for item in _items(payment)]
    balances = [item["balance_after"] for item in items]
    one_currency = {item["currency"] for item in items} == {currency}
    remaining = sum((b for b in balances if b is not None), Decimal(0)) if items and one_currency else None
    dates = [found for payment in paid if (found := day(payment, "FechaPago"))]
    return Payments(
        total,
        currency,
        {
            "amount": total,
            "method": ", ".join(dict.fromkeys(m for p in paid if (m := attribute(p, "FormaDePagoP")))),
            "received_on": max(dates) if dates else None,
            "items": items,
            "remaining": remaining,
            "payments": [_payment(payment) for payment in paid],
        },
    )


def _total(complements: list[etree._Element], paid: list[etree._Element]) -> tuple[Decimal, str]:
    stated = [amount(total, "MontoTotalPagos") for one in complements for total in descend(one, "Totales")]
    known = [value for value in stated if value is not None]
    if known:
        return sum(known, Decimal(0)), PESO
    currencies = {attribute(payment, "MonedaP") or PESO for payment in paid}
    if len(currencies) == 1:
        return sum((amount(payment, "Monto") or Decimal(0) for payment in paid), Decimal(0)), currencies.pop()
    rates = [(amount(p, "Monto") or Decimal(0)) * (amount(p, "TipoCambioP") or Decimal(1)) for p in paid]
    return cents(sum(rates, Decimal(0))), PESO


def _payment(payment: etree._Element) -> dict[str, Any]:
    return {
        "date": day(payment, "FechaPago"),
        "method": attribute(payment, "FormaDePagoP"),
        "currency": attribute(payment, "MonedaP"),
        "exchange_rate": amount(payment, "TipoCambioP"),
        "amount": amount(payment, "Monto"),
        "operation": attribute(payment, "NumOperacion"),
    }


def _items(payment: etree._Element) -> Iterator[dict[str, Any]]:
    for paid in descend(payment, "DoctoRelacionado"):
        uuid = attribute(paid, "IdDocumento")
        number = "-".join(filter(None, (attribute(paid, "Serie"), attribute(paid, "Folio"))))
        yield {
            "document": number or uuid,
            "uuid": uuid,
            "currency": attribute(paid, "MonedaDR") or attribute(payment, "MonedaP"),
            "instalment": attribute(paid, "NumParcialidad"),
            "balance_before": amount(paid, "ImpSaldoAnt"),
            # version 1.0 may leave it out when one document takes the whole payment
            "paid": amount(paid, "ImpPagado") or amount(payment, "Monto"),
            "balance_after": amount(paid, "ImpSaldoInsoluto"),
        }
