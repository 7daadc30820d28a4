"""Attributes of a CFDI: the same names, but version 3.2 writes them in lower case (Anexo 20 of the SAT)."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from lxml import etree

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.fatturapa_xml import parse_amount, parse_date

_CENT: Final = Decimal("0.01")
_BEYOND: Final = Decimal(10) ** 20


def attribute(element: etree._Element | None, *names: str) -> str | None:
    """The first of these attributes that is filled, whatever its case; blanks folded, None when there is none."""
    if element is None:
        return None
    wanted = [name.lower() for name in names]
    found = {
        str(key).rpartition("}")[2].lower(): " ".join(str(value).split())
        for key, value in element.attrib.items()
    }
    return next((found[name] for name in wanted if found.get(name)), None)


def amount(element: etree._Element | None, *names: str) -> Decimal | None:
    """The attribute as an amount; None when it is absent or no number."""
    value = attribute(element, *names)
    return parse_amount(value) if value else None


def day(element: etree._Element | None, *names: str) -> dt.date | None:
    """The attribute as a date (the time after it is dropped); None when it is absent or no date."""
    value = attribute(element, *names)
    return parse_date(value) if value else None


def cents(value: Decimal) -> Decimal:
    """The value with two decimals; what is beyond any sum of money stays as it is, for the limits to refuse."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP) if abs(value) < _BEYOND else value


def require(element: etree._Element, name: str, place: str) -> str:
    """The attribute, or ImportRefused naming it and where it belongs."""
    value = attribute(element, name)
    if value is None:
        raise ImportRefused("missing_element", element=name, place=place)
    return value


def descend(element: etree._Element, name: str) -> list[etree._Element]:
    """Every element called `name` below `element`, in any namespace."""
    return [item for item in element.iter() if str(item.tag).rpartition("}")[2] == name]
