"""Lines and taxes of a CFDI, versions 3.2 to 4.0."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from lxml import etree

from crm_mail.importers.base import DocumentLine, TaxSummary, Totals
from crm_mail.importers.formats.cfdi_xml import amount, attribute, cents
from crm_mail.importers.formats.fatturapa_xml import child, children

_IVA: Final = "IVA"
_TAXES: Final = {"001": "ISR", "002": _IVA, "003": "IEPS"}
_HUNDRED: Final = Decimal(100)
_Kind = tuple[Decimal | None, str | None]
"""Rate in per cent, and what tax it is when not plain IVA."""


def read_lines(root: etree._Element) -> Iterator[DocumentLine]:
    """The Conceptos; `net` is Importe less Descuento, both as written."""
    for place, line in enumerate(children(child(root, "Conceptos"), "Concepto"), start=1):
        gross, discount = amount(line, "Importe"), amount(line, "Descuento")
        transferred = list(children(child(line, "Impuestos", "Traslados"), "Traslado"))
        tax = next((one for one in transferred if _tax_name(one) == _IVA), None)
        exempt = tax is not None and (attribute(tax, "TipoFactor") or "").lower() == "exento"
        yield DocumentLine(
            number=str(place),
            description=attribute(line, "Descripcion") or "",
            code=attribute(line, "NoIdentificacion", "ClaveProdServ"),
            quantity=amount(line, "Cantidad"),
            unit=attribute(line, "Unidad", "ClaveUnidad"),
            price=amount(line, "ValorUnitario"),
            discount=f"{discount:f}" if discount else None,
            net=gross - discount if gross is not None and discount else gross,
            tax_rate=None if tax is None or exempt else _rate(tax),
            tax_nature="Exento" if exempt else None,
        )


def read_tax_summary(root: etree._Element) -> tuple[TaxSummary, ...]:
    """The Traslados of the whole document; what is not IVA, or is exempt, is named in `nature`.

    Version 4.0 states the base of each; before that it is the sum of the lines', else amount over rate.
    """
    bases = _line_bases(root)
    return tuple(
        TaxSummary(rate, nature, net=_base(row, rate, bases.get((rate, nature))), tax=_tax(row))
        for row in children(child(root, "Impuestos", "Traslados"), "Traslado")
        for rate, nature in [_kind(row)]
    )


def read_totals(root: etree._Element) -> Totals:
    """Sums: `Total` is already less what is withheld, hence `gross` and `payable` are the same."""
    taxes = child(root, "Impuestos")
    net, total = amount(root, "SubTotal"), amount(root, "Total")
    if net is not None:
        net -= amount(root, "Descuento") or Decimal(0)
    return Totals(
        net=net,
        tax=amount(taxes, "TotalImpuestosTrasladados"),
        gross=total,
        withholding=amount(taxes, "TotalImpuestosRetenidos") or None,
        payable=total,
    )


def _tax_name(row: etree._Element) -> str:
    code = attribute(row, "Impuesto") or ""
    return _TAXES.get(code, code.upper())


def _rate(row: etree._Element) -> Decimal | None:
    """Per cent: 3.2 writes `tasa="16.00"`, later versions `TasaOCuota="0.160000"`."""
    share = amount(row, "TasaOCuota")
    if share is None:
        return amount(row, "Tasa")
    return None if (attribute(row, "TipoFactor") or "").lower() == "cuota" else share * _HUNDRED


def _kind(row: etree._Element) -> _Kind:
    name = _tax_name(row)
    if (attribute(row, "TipoFactor") or "").lower() == "exento":
        return None, "Exento" if name == _IVA else f"{name} exento"
    return _rate(row), None if name == _IVA else name


def _tax(row: etree._Element) -> Decimal:
    return amount(row, "Importe") or Decimal(0)


def _line_bases(root: etree._Element) -> dict[_Kind, Decimal]:
    found: dict[_Kind, Decimal] = {}
    for line in children(child(root, "Conceptos"), "Concepto"):
        for row in children(child(line, "Impuestos", "Traslados"), "Traslado"):
            base = amount(row, "Base")
            if base is not None:
                found[_kind(row)] = found.get(_kind(row), Decimal(0)) + base
    return found


def _base(row: etree._Element, rate: Decimal | None, of_lines: Decimal | None) -> Decimal:
    stated = amount(row, "Base")
    if stated is not None:
        return stated
    if of_lines is not None:
        return of_lines
    return cents(_tax(row) * _HUNDRED / rate) if rate else Decimal(0)
