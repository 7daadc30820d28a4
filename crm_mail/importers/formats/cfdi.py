"""CFDI of Mexico, versions 4.0, 3.3 and 3.2, stamped or not: bytes to one document.

Source: Anexo 20 of the SAT and the complements Pagos 1.0/2.0, Nómina and TimbreFiscalDigital. The file holds no
e-mail address and no due date. A payroll slip is confidential and never mailed, whatever type it declares (in 3.2
it was an *egreso*); one without a stamp waits for the stamped one, which replaces it.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from crm_mail.importers.base import (
    DocumentParty,
    DocumentReference,
    ImportRefused,
    Notice,
    ParsedDocument,
    Totals,
)
from crm_mail.importers.formats.cfdi_addenda import GENERIC_RFCS, customer_code, raw_addenda
from crm_mail.importers.formats.cfdi_payments import NO_CURRENCY, PESO, read_payments
from crm_mail.importers.formats.cfdi_stamp import fingerprint, read_stamp
from crm_mail.importers.formats.cfdi_taxes import read_lines, read_tax_summary, read_totals
from crm_mail.importers.formats.cfdi_xml import attribute, descend, require
from crm_mail.importers.formats.fatturapa_xml import child, children, local_name, parse_date
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.permissions import HIGHEST_CLEARANCE
from crm_mail.words import N_

UNSTAMPED: Final = "unstamped"
PAYROLL: Final = "payroll"
_VERSIONS: Final = frozenset({"3.0", "3.2", "3.3", "4.0"})
_TYPES: Final = {
    "I": "invoice",
    "E": "credit_note",
    "P": "receipt",
    "T": "delivery_note",
    "N": "generic",
}
_WORDS_FOR_CURRENCY: Final = {
    **dict.fromkeys(
        ("PESO", "PESOS", "PESO MEXICANO", "PESOS MEXICANOS", "M.N.", "MN", "MXP", "NACIONAL"), PESO
    ),
    **dict.fromkeys(("DOLAR", "DÓLAR", "DOLARES", "DÓLARES", "DOLAR AMERICANO", "DLS", "DLLS"), "USD"),
    **dict.fromkeys(("EURO", "EUROS"), "EUR"),
}


def parse_cfdi(data: bytes) -> list[ParsedDocument]:
    """Read one CFDI; the bytes, byte-order mark included, stay as they are in `legal_file`.

    Raises ImportRefused when the file is broken or hostile, of another version, or lacks its date or an RFC.
    """
    root, notices = parse_hardened(data)
    version = attribute(root, "Version")
    if local_name(root) != "Comprobante" or version not in _VERSIONS:
        expected = N_("a CFDI of version 3.2, 3.3 or 4.0")
        place = local_name(root)
        raise ImportRefused(
            "bad_value", element="Version", value=version or "", place=place, expected=expected
        )
    return [_read(root, data, notices)]


def _read(root: etree._Element, data: bytes, notices: tuple[Notice, ...]) -> ParsedDocument:
    issued_at, issued_on = _issued(root)
    seller, buyer = _party(root, "Emisor"), _party(root, "Receptor")
    totals, payments = read_totals(root), read_payments(root)
    kind, found = _kind(root)
    currency = _currency(root)
    if kind == "P" and payments is not None:
        currency = payments.currency
        totals = Totals(gross=payments.amount, payable=payments.amount)
    stamp = read_stamp(root, seller.vat_number or "", buyer.vat_number or "", _stated_total(root))
    uuid, folio = stamp.get("uuid"), attribute(root, "Folio")
    reason = PAYROLL if kind == "N" else None if uuid else UNSTAMPED
    generic = buyer.vat_number if buyer.vat_number in GENERIC_RFCS else None
    receipt = payments.data if payments is not None and kind == "P" else {}
    return ParsedDocument(
        type=_TYPES[kind],
        number=folio or uuid or issued_at,
        series=attribute(root, "Serie") if folio else None,
        date=issued_on,
        currency=currency,
        seller=seller,
        buyer=buyer,
        totals=totals,
        references=tuple(_references(root)),
        lines=tuple(read_lines(root)),
        tax_summary=read_tax_summary(root),
        legal_file=data,
        legal_xml=data,
        source="cfdi",
        is_legal_sent=True,
        mailable=reason is None,
        not_mailable_reason=reason,
        privacy_level=HIGHEST_CLEARANCE if kind == "N" else 0,
        identity=None if folio else fingerprint(root),
        uuid=uuid,
        generic_tax_id=generic,
        party_code=customer_code(root),
        extra=_extra(root, stamp, kind) | receipt,
        warnings=(*notices, *found, *_unreadable_total(root)),
    )


def _issued(root: etree._Element) -> tuple[str, dt.date]:
    """Fecha as written (local time of the place of issue), and its day."""
    value = require(root, "Fecha", "Comprobante")
    day = parse_date(value)
    if day is None:
        raise ImportRefused(
            "bad_value", element="Fecha", value=value[:60], place="Comprobante", expected=N_("a date")
        )
    return value, day


def _kind(root: etree._Element) -> tuple[str, tuple[Notice, ...]]:
    """The letter of the type; 3.2 wrote the word. Any payroll complement makes it a payroll slip."""
    stated = attribute(root, "TipoDeComprobante") or ""
    if descend(root, "Nomina"):
        return "N", ()
    letter = stated[:1].upper()
    if letter in _TYPES:
        return letter, ()
    return "I", (Notice("unknown_document_code", {"value": stated}),)


def _currency(root: etree._Element) -> str:
    """The ISO code; 3.2 allowed any word, and left it out for pesos."""
    stated = (attribute(root, "Moneda") or PESO).upper()
    known = _WORDS_FOR_CURRENCY.get(stated)
    return known or (stated if len(stated) == 3 and stated.isalpha() else PESO)


def _stated_total(root: etree._Element) -> Decimal:
    return read_totals(root).gross or Decimal(0)


def _unreadable_total(root: etree._Element) -> Iterator[Notice]:
    value = attribute(root, "Total")
    if value is None:
        yield Notice("total_unknown")
    elif read_totals(root).gross is None:
        yield Notice("ignored_value", {"element": "Total", "value": value[:60], "expected": N_("a number")})


def _party(root: etree._Element, name: str) -> DocumentParty:
    """Emisor or Receptor. Only 3.2 has addresses; later versions know the postcode at most."""
    element = child(root, name)
    if element is None:
        raise ImportRefused("missing_element", element=name, place="Comprobante")
    seat = child(element, "DomicilioFiscal" if name == "Emisor" else "Domicilio")
    number = " ".join(part for part in (attribute(seat, "noExterior"), attribute(seat, "noInterior")) if part)
    street = ", ".join(
        part for part in (attribute(seat, "calle"), number, attribute(seat, "colonia")) if part
    )
    is_foreign = (attribute(element, "ResidenciaFiscal") or "MEX") != "MEX"
    return DocumentParty(
        name=attribute(element, "Nombre"),
        vat_number=require(element, "Rfc", name).upper(),
        tax_code=attribute(element, "NumRegIdTrib") if is_foreign else None,
        address=street or None,
        postcode=attribute(seat, "codigoPostal") or attribute(element, "DomicilioFiscalReceptor"),
        city=attribute(seat, "municipio", "localidad"),
        province=attribute(seat, "estado"),
        country=None if is_foreign else "MX",
    )


def _references(root: etree._Element) -> Iterator[DocumentReference]:
    for group in children(root, "CfdiRelacionados"):
        relation = attribute(group, "TipoRelacion") or ""
        for related in children(group, "CfdiRelacionado"):
            uuid = attribute(related, "UUID")
            if uuid:
                yield DocumentReference("invoice", uuid.upper(), extra={"relation": relation})


def _extra(root: etree._Element, stamp: dict[str, str], kind: str) -> dict[str, Any]:
    buyer = child(root, "Receptor")
    stated = attribute(root, "Moneda")
    return {
        "stamp": stamp,
        "legal": {"uuid": stamp.get("uuid")},
        "payment_terms": attribute(root, "CondicionesDePago"),
        "cfdi": {
            "version": attribute(root, "Version"),
            "kind": kind,
            "issuer_regime": attribute(child(root, "Emisor"), "RegimenFiscal"),
            "receiver_regime": attribute(buyer, "RegimenFiscalReceptor"),
            "use": attribute(buyer, "UsoCFDI"),
            "payment_method": attribute(root, "MetodoPago", "metodoDePago"),
            "payment_form": attribute(root, "FormaPago", "formaDePago"),
            "place": attribute(root, "LugarExpedicion"),
            "export": attribute(root, "Exportacion"),
            "exchange_rate": attribute(root, "TipoCambio"),
            "currency": stated if stated != NO_CURRENCY else None,
            "issued_at": attribute(root, "Fecha"),
            "related": [{"relation": one.extra["relation"], "uuid": one.number} for one in _references(root)],
            "addenda": raw_addenda(root),
        },
    }
