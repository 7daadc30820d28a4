"""SIFEN of Paraguay (e-Kuatia, manual 150): the documento electrónico, alone or within its sending envelope.

The number is establishment, point and number of the timbrado; the CDC (44 digits) is what the tax office knows the
document by. A self-invoice (type 4) is addressed to ourselves and never mailed.
"""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from lxml import etree

from crm_mail.importers.base import (
    DocumentLine,
    DocumentParty,
    DocumentReference,
    DueDate,
    ImportRefused,
    Notice,
    ParsedDocument,
    TaxSummary,
    Totals,
)
from crm_mail.importers.formats.cfdi_xml import descend
from crm_mail.importers.formats.fatturapa_xml import child, children, parse_amount, parse_date, text
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.words import N_

_TYPES: Final = {
    "1": "invoice",
    "2": "invoice",
    "3": "invoice",
    "4": "invoice",
    "5": "credit_note",
    "6": "invoice",
    "7": "delivery_note",
    "8": "generic",
}
_SELF_INVOICE: Final = "4"
_GUARANI: Final = "PYG"
_ON_CREDIT: Final = "2"
_COUNTRIES: Final = {
    "PRY": "PY",
    "ARG": "AR",
    "BRA": "BR",
    "URY": "UY",
    "BOL": "BO",
    "CHL": "CL",
    "ESP": "ES",
}
_DAYS: Final = re.compile(r"\D*(\d{1,4})\D*")


def parse_sifen(data: bytes) -> list[ParsedDocument]:
    """Read every documento electrónico of a file.

    Raises ImportRefused when the file is broken or hostile, or lacks number, date, issuer or receiver.
    """
    root, notices = parse_hardened(data)
    found = [one for one in descend(root, "DE") if child(one, "gTimb") is not None]
    if not found:
        raise ImportRefused("missing_element", element="DE", place=N_("the file"))
    codes = [text(one, "dCarQR") for one in descend(root, "gCamFuFD")]
    return [
        _read(element, data, notices, codes[place] if place < len(codes) else None, (place + 1, len(found)))
        for place, element in enumerate(found)
    ]


def _read(
    element: etree._Element,
    data: bytes,
    notices: tuple[Notice, ...],
    qr: str | None,
    place: tuple[int, int],
) -> ParsedDocument:
    stamp, general = _require(element, "gTimb"), _require(element, "gDatGralOpe")
    kind = text(stamp, "iTiDE") or ""
    number = "-".join(_require_text(stamp, name) for name in ("dEst", "dPunExp", "dNumDoc"))
    stated = _require_text(general, "dFeEmiDE")
    issued_on = parse_date(stated)
    if issued_on is None:
        raise ImportRefused(
            "bad_value", element="dFeEmiDE", value=stated[:60], place="DE", expected=N_("a date")
        )
    details = child(element, "gDtipDE")
    totals = _totals(element)
    self_invoice = kind == _SELF_INVOICE
    unknown = () if kind in _TYPES else (Notice("unknown_document_code", {"value": kind}),)
    return ParsedDocument(
        type=_TYPES.get(kind, "invoice"),
        number=number,
        series=text(stamp, "dSerieNum"),
        date=issued_on,
        currency=(text(general, "gOpeCom", "cMoneOpe") or _GUARANI).upper(),
        seller=_issuer(_require(general, "gEmis")),
        buyer=_receiver(_require(general, "gDatRec")),
        totals=totals,
        due_dates=tuple(_due_dates(child(details, "gCamCond"), issued_on, totals.gross)),
        references=tuple(_references(element)),
        lines=tuple(_lines(details)),
        tax_summary=tuple(_tax_summary(child(element, "gTotSub"))),
        legal_file=data,
        legal_xml=data,
        body_index=place[0],
        body_count=place[1],
        source="sifen",
        is_legal_sent=True,
        party_code=text(general, "gDatRec", "dCodCliente"),
        suggested_email=text(general, "gDatRec", "dEmailRec"),
        mailable=not self_invoice,
        not_mailable_reason="self_billing" if self_invoice else None,
        extra={
            "legal": {"cdc": element.get("Id")},
            "sifen": {
                "kind": kind,
                "kind_name": text(stamp, "dDesTiDE"),
                "timbrado": text(stamp, "dNumTim"),
                "valid_from": text(stamp, "dFeIniT"),
                "qr": qr,
            },
        },
        warnings=(*notices, *unknown),
    )


def _require(parent: etree._Element, name: str) -> etree._Element:
    found = child(parent, name)
    if found is None:
        raise ImportRefused("missing_element", element=name, place="DE")
    return found


def _require_text(parent: etree._Element, name: str) -> str:
    found = text(parent, name)
    if found is None:
        raise ImportRefused("missing_element", element=name, place="DE")
    return found


def _amount(parent: etree._Element | None, *path: str) -> Decimal | None:
    value = text(parent, *path)
    return parse_amount(value) if value else None


def _ruc(element: etree._Element, number: str, digit: str) -> str | None:
    """RUC and check digit as people write them: 80013884-8."""
    found, check = text(element, number), text(element, digit)
    return f"{found}-{check}" if found and check else found


def _issuer(element: etree._Element) -> DocumentParty:
    return DocumentParty(
        name=text(element, "dNomEmi"),
        vat_number=_ruc(element, "dRucEm", "dDVEmi"),
        address=_street(element, "dDirEmi", "dNumCas"),
        city=text(element, "dDesCiuEmi"),
        province=text(element, "dDesDepEmi"),
        country="PY",
        email=text(element, "dEmailE"),
        phone=text(element, "dTelEmi"),
    )


def _receiver(element: etree._Element) -> DocumentParty:
    country = text(element, "cPaisRec") or ""
    return DocumentParty(
        name=text(element, "dNomRec"),
        vat_number=_ruc(element, "dRucRec", "dDVRec"),
        tax_code=text(element, "dNumIDRec"),
        address=_street(element, "dDirRec", "dNumCasRec"),
        city=text(element, "dDesCiuRec"),
        province=text(element, "dDesDepRec"),
        country=_COUNTRIES.get(country),
        email=text(element, "dEmailRec"),
        phone=text(element, "dTelRec"),
    )


def _street(element: etree._Element, street: str, number: str) -> str | None:
    house = text(element, number)
    parts = (text(element, street), house if house != "0" else None)
    return " ".join(part for part in parts if part) or None


def _totals(element: etree._Element) -> Totals:
    sums = child(element, "gTotSub")
    gross, tax = _amount(sums, "dTotGralOpe"), _amount(sums, "dTotIVA")
    net = gross - tax if gross is not None and tax is not None else None  # SIFEN's prices include the tax
    return Totals(net=net, tax=tax, gross=gross, payable=gross)


def _tax_summary(sums: etree._Element | None) -> Iterator[TaxSummary]:
    for rate, base_name, tax_name in ((5, "dBaseGrav5", "dIVA5"), (10, "dBaseGrav10", "dIVA10")):
        base, tax = _amount(sums, base_name), _amount(sums, tax_name)
        if base or tax:
            yield TaxSummary(Decimal(rate), None, base or Decimal(0), tax or Decimal(0))
    for name, nature in (("dSubExe", "Exento"), ("dSubExo", "Exonerado")):
        base = _amount(sums, name)
        if base:
            yield TaxSummary(None, nature, base, Decimal(0))


def _lines(details: etree._Element | None) -> Iterator[DocumentLine]:
    for place, item in enumerate(children(details, "gCamItem"), start=1):
        value = child(item, "gValorItem")
        discount = _amount(value, "gValorRestaItem", "dDescItem")
        yield DocumentLine(
            number=str(place),
            description=text(item, "dDesProSer") or "",
            code=text(item, "dCodInt"),
            quantity=_amount(item, "dCantProSer"),
            unit=text(item, "dDesUniMed"),
            price=_amount(value, "dPUniProSer"),
            discount=f"{discount:f}" if discount else None,
            net=_amount(value, "gValorRestaItem", "dTotOpeItem"),
            tax_rate=_amount(item, "gCamIVA", "dTasaIVA"),
        )


def _due_dates(terms: etree._Element | None, issued_on: dt.date, total: Decimal | None) -> Iterator[DueDate]:
    """On credit: the instalments with their dates, else the term in days from the day of issue."""
    if text(terms, "iCondOpe") != _ON_CREDIT:
        return
    credit = child(terms, "gPagCred")
    instalments = list(children(credit, "gCuotas"))
    for one in instalments:
        stated = text(one, "dVencCuo")
        yield DueDate(parse_date(stated) if stated else None, _amount(one, "dMonCuota"))
    match = _DAYS.fullmatch(text(credit, "dPlazoCre") or "")
    if not instalments and match is not None:
        yield DueDate(issued_on + dt.timedelta(days=int(match[1])), total, computed=True)


def _references(element: etree._Element) -> Iterator[DocumentReference]:
    for one in children(element, "gCamDEAsoc"):
        printed = "-".join(p for n in ("dEstDocAso", "dPExpDocAso", "dNumDocAso") if (p := text(one, n)))
        number, stated = text(one, "dCdCDERef") or printed, text(one, "dFecEmiDI")
        if number:
            yield DocumentReference("invoice", number, parse_date(stated) if stated else None)
