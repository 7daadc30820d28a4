"""What stands in one document of an Easyfatt export: parties, sums, instalments, rows, transport."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from babel import Locale
from lxml import etree

from crm_mail.importers.base import (
    DocumentLine,
    DocumentParty,
    DocumentReference,
    DueDate,
    TaxSummary,
    Totals,
)
from crm_mail.importers.formats.fatturapa_xml import child, children, parse_amount, parse_date, text

TITLES: Final = {
    "A": "Avviso di parcella",
    "G": "Rapporto d'intervento",
    "L": "Fattura pro-forma",
    "S": "Richiesta di preventivo",
}
_MOVING_GOODS: Final = frozenset({"D", "F", "H"})


def read_company(company: etree._Element | None) -> DocumentParty:
    """Our own company, as the export states it."""
    return DocumentParty(
        name=text(company, "Name"),
        vat_number=text(company, "VatCode"),
        tax_code=text(company, "FiscalCode"),
        address=text(company, "Address"),
        postcode=text(company, "Postcode"),
        city=text(company, "City"),
        province=text(company, "Province"),
        country=country_code(text(company, "Country")),
        email=text(company, "Email"),
        phone=text(company, "Tel"),
    )


def read_party(element: etree._Element) -> DocumentParty:
    """The customer, or the supplier, of one document."""

    def value(name: str) -> str | None:
        return text(element, f"Customer{name}")

    return DocumentParty(
        name=value("Name"),
        vat_number=value("VatCode"),
        tax_code=value("FiscalCode"),
        address=value("Address"),
        postcode=value("Postcode"),
        city=value("City"),
        province=value("Province"),
        country=country_code(value("Country")),
        email=value("Email"),
        phone=value("Tel") or value("CellPhone"),
        pec=value("Pec"),
    )


def country_code(name: str | None) -> str | None:
    """The two letters of a country written in Italian, as Easyfatt does; two letters come back as they are."""
    if name is None:
        return None
    return name.upper() if len(name) == 2 else _countries().get(name.casefold())


@cache
def _countries() -> Mapping[str, str]:
    territories = Locale("it").territories.items()
    return {name.casefold(): code for code, name in territories if len(code) == 2 and code.isalpha()}


def read_totals(element: etree._Element) -> Totals:
    """The sums as stated; what is asked for is the total less the withholding tax."""
    gross, withheld = _amount(element, "Total"), _amount(element, "WithholdingTaxAmount")
    return Totals(
        net=_amount(element, "TotalWithoutTax"),
        tax=_amount(element, "VatAmount"),
        gross=gross,
        withholding=withheld,
        payable=None if gross is None else gross - (withheld or Decimal(0)),
    )


def read_due_dates(element: etree._Element) -> Iterator[DueDate]:
    """The instalments; advances already paid are left out."""
    method = text(element, "PaymentName")
    for row in children(child(element, "Payments"), "Payment"):
        if (text(row, "Advance") or "").lower() != "true":
            yield DueDate(_day(row, "Date"), _amount(row, "Amount"), method)


def read_references(element: etree._Element) -> Iterator[DocumentReference]:
    """The order that the document names."""
    if number := text(element, "OrderNumber") or text(element, "CustomerReference"):
        yield DocumentReference("order", number, _day(element, "OrderDate"))


def read_lines(element: etree._Element) -> Iterator[DocumentLine]:
    """The rows, numbered as they stand."""
    for index, row in enumerate(children(child(element, "Rows"), "Row"), start=1):
        rate = child(row, "VatCode")
        perc = None if rate is None else rate.get("Perc")
        yield DocumentLine(
            number=str(index),
            description=text(row, "Description") or "",
            code=text(row, "Code"),
            quantity=_amount(row, "Qty"),
            unit=text(row, "Um"),
            price=_amount(row, "Price"),
            discount=text(row, "Discounts"),
            net=_amount(row, "Total"),
            tax_rate=parse_amount(perc) if perc else None,
        )


def read_summary(element: etree._Element) -> Iterator[TaxSummary]:
    """The VAT of a document with one rate; several rates are not summed up by Easyfatt, and not guessed here."""
    rates = {line.tax_rate for line in read_lines(element) if line.tax_rate is not None and line.net}
    net, tax = _amount(element, "TotalWithoutTax"), _amount(element, "VatAmount")
    if len(rates) == 1 and net is not None and tax is not None:
        yield TaxSummary(rates.pop(), None, net, tax)


def read_extra(element: etree._Element, code: str) -> dict[str, Any]:
    """What the type has beyond the envelope, under the names of the canonical document."""
    extra: dict[str, Any] = {"agent": text(element, "SalesAgent"), "title": TITLES.get(code)}
    terms, bank = text(element, "PaymentName"), text(element, "PaymentBank")
    if terms or bank:
        extra["payment"] = {"terms": terms, "bank": bank}
    ship_to = _read_place(element)
    if ship_to:
        extra["deliver_to" if code == "E" else "ship_to"] = ship_to
    if code in _MOVING_GOODS:
        extra |= _read_transport(element)
    if code == "H":
        extra["lines"] = [
            {
                "number": line.number,
                "code": line.code,
                "description": line.description,
                "uom": line.unit,
                "received": line.quantity,
            }
            for line in read_lines(element)
        ]
    if code in ("C", "E"):
        extra["delivery_on"] = _day(element, "ExpectedConclusionDate")
    return {name: value for name, value in extra.items() if value is not None}


def _read_place(element: etree._Element) -> dict[str, str]:
    names = ("Name", "Address", "Postcode", "City", "Province")
    place = {name.lower(): value for name in names if (value := text(element, f"Delivery{name}"))}
    country = country_code(text(element, "DeliveryCountry"))
    return place | ({"country": country} if country and place else {})


def _read_transport(element: etree._Element) -> dict[str, Any]:
    carrier, pieces = text(element, "Carrier"), text(element, "NumOfPieces")
    return {
        "reason": text(element, "TransportReason"),
        "appearance": text(element, "GoodsAppearance"),
        "packages": parse_amount(pieces) if pieces else None,
        "weight_gross": _leading_amount(text(element, "TransportedWeight")),
        "incoterm": text(element, "ShipmentTerms"),
        "carrier": {"name": carrier} if carrier else None,
        "transport_start": text(element, "TransportDateTime"),
    }


def _leading_amount(value: str | None) -> Decimal | None:
    """The number that a weight begins with: `12,5 kg`."""
    return parse_amount(value.split()[0]) if value else None


def _amount(element: etree._Element, name: str) -> Decimal | None:
    value = text(element, name)
    return parse_amount(value) if value else None


def _day(element: etree._Element, name: str) -> dt.date | None:
    value = text(element, name)
    return parse_date(value) if value else None
