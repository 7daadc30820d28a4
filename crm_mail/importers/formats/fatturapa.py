"""FatturaPA, ordinary (FPA12, FPR12, older 1.x) and simplified (FSM10): bytes to documents, one per body.

Source: technical specifications of the Agenzia delle Entrate 1.9. Names are matched without their namespace
and in any order, because real files have both wrong; the file itself is never changed.
Self-billing and integration types are kept but never mailed (IT-19): their buyer is ourselves.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from crm_mail.companies.tax_numbers import number_forms
from crm_mail.importers.base import (
    Direction,
    DocumentParty,
    ImportRefused,
    Notice,
    ParsedDocument,
    Totals,
)
from crm_mail.importers.formats.detect import FileFormat, describe_format, sniff_document_format
from crm_mail.importers.formats.fatturapa_body import parse_body
from crm_mail.importers.formats.fatturapa_parties import parse_buyer, parse_seller
from crm_mail.importers.formats.fatturapa_xml import child, local_name, text
from crm_mail.importers.formats.hardened_xml import DEFAULT_SIZE_LIMIT, check_size, parse_hardened
from crm_mail.importers.formats.p7m import extract_signed_xml
from crm_mail.words import N_

_ROOTS: Final = ("FatturaElettronica", "FatturaElettronicaSemplificata")
_TRANSMISSION: Final = ("IdTrasmittente", "ProgressivoInvio", "FormatoTrasmissione", "CodiceDestinatario")


_EMPTY: Final = ParsedDocument(
    type="invoice",
    number="",
    date=dt.date.min,
    currency="EUR",
    seller=DocumentParty(),
    buyer=DocumentParty(),
    totals=Totals(),
)
"""The start of every document: the header fills a copy of it, then each body does."""


def parse_fatturapa(
    data: bytes,
    *,
    own_tax_ids: Collection[str] = (),
    size_limit: int = DEFAULT_SIZE_LIMIT,
) -> tuple[ParsedDocument, ...]:
    """Read one file, plain or signed (.p7m), into one document per body.

    Arguments: `own_tax_ids`, VAT numbers and tax codes of our own company with or without the country, decide
    the direction and whether the PEC in the file may be suggested for the buyer; `size_limit` in bytes.
    Raises ImportRefused when the file is another format, broken, hostile, or lacks an identifying element.
    """
    check_size(data, size_limit)
    found = sniff_document_format(data)
    signed = found is FileFormat.FATTURAPA_P7M
    if found not in (FileFormat.FATTURAPA, FileFormat.FATTURAPA_P7M, FileFormat.XML):
        what, remedy = describe_format(found)
        raise ImportRefused(
            "wrong_format", found=what, expected="a FatturaPA electronic invoice", remedy=remedy
        )
    xml = extract_signed_xml(data) if signed else data
    root, notices = parse_hardened(xml, size_limit=size_limit)
    if signed:
        notices = (*notices, Notice("signature_not_verified"))
    template = replace(
        _parse_header(root, notices),
        legal_file=data,
        legal_file_kind="p7m" if signed else "xml",
        legal_xml=xml,
    )
    bodies = [element for element in root if local_name(element) == "FatturaElettronicaBody"]
    if not bodies:
        raise ImportRefused("missing_element", element="FatturaElettronicaBody", place=N_("the file"))
    return tuple(_parse_bodies(bodies, template, own_tax_ids))


def _parse_bodies(
    bodies: list[etree._Element], template: ParsedDocument, own_tax_ids: Collection[str]
) -> Iterator[ParsedDocument]:
    for index, body in enumerate(bodies, start=1):
        place = N_("the document") if len(bodies) == 1 else f"document {index} of {len(bodies)}"
        document = replace(parse_body(body, template, place), body_index=index, body_count=len(bodies))
        yield orient_document(document, own_tax_ids)


def _parse_header(root: etree._Element, notices: tuple[Notice, ...]) -> ParsedDocument:
    """Give a document that holds only what all bodies share."""
    if local_name(root) not in _ROOTS:
        raise ImportRefused(
            "wrong_format",
            found=f"an XML file that begins with {local_name(root)}",
            expected="a FatturaPA electronic invoice",
            remedy=N_("Check that you chose the right file."),
        )
    header = child(root, "FatturaElettronicaHeader")
    if header is None:
        raise ImportRefused("missing_element", element="FatturaElettronicaHeader", place=N_("the file"))
    transmission = child(header, "DatiTrasmissione")
    if transmission is None:
        notices = (*notices, Notice("missing_transmission", {"element": "DatiTrasmissione"}))
    else:
        absent = [name for name in _TRANSMISSION if child(transmission, name) is None]
        notices += tuple(Notice("missing_transmission", {"element": name}) for name in absent)
    pec = text(transmission, "PECDestinatario")
    sender = "".join(text(transmission, "IdTrasmittente", name) or "" for name in ("IdPaese", "IdCodice"))
    progressive = text(transmission, "ProgressivoInvio")
    return replace(
        _EMPTY,
        seller=parse_seller(header),
        buyer=replace(parse_buyer(header), pec=pec),
        sdi_format=text(transmission, "FormatoTrasmissione") or root.get("versione"),
        recipient_code=text(transmission, "CodiceDestinatario"),
        transmission_id=f"{sender}_{progressive}" if sender and progressive else None,
        warnings=notices,
    )


def orient_document(document: ParsedDocument, own_tax_ids: Collection[str]) -> ParsedDocument:
    """Say which way `document` goes, given the VAT numbers and tax codes of our company.

    A PEC address in the file is suggested for the buyer only when the seller is ours: in a received invoice
    it is our own. With neither side ours the direction stays None and the caller decides.
    """
    ours = {form for value in own_tax_ids if value for form in number_forms(value)}
    if _is_ours(document.seller, ours):
        return replace(document, direction=Direction.CUSTOMER, suggested_pec=document.buyer.pec)
    if _is_ours(document.buyer, ours):
        return replace(document, direction=Direction.SUPPLIER, suggested_pec=None, suggested_email=None)
    return replace(document, direction=None, suggested_pec=None, suggested_email=None)


def _is_ours(party: DocumentParty, ours: set[str]) -> bool:
    return any(number_forms(value) & ours for value in (party.vat_number, party.tax_code) if value)
