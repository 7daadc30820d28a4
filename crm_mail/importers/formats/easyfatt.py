"""Easyfatt-XML (Danea): quotes, orders, delivery notes, goods receipts and invoices of one export, one by one.

Source: danea.it/software/easyfatt/xml/documenti. The export holds documents of many customers: what is kept with
each document is only its own piece, so that no file of one party can ever reach another, and so that exporting
again leaves unchanged documents unchanged. Internal comments are not read.
"""

from typing import Final

from lxml import etree

from crm_mail.importers.base import Direction, DocumentParty, ImportRefused, Notice, ParsedDocument
from crm_mail.importers.formats.easyfatt_fields import (
    read_company,
    read_due_dates,
    read_extra,
    read_lines,
    read_party,
    read_references,
    read_summary,
    read_totals,
)
from crm_mail.importers.formats.fatturapa_xml import child, children, parse_date, text
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.words import N_

TYPES: Final = {
    "A": "generic",  # avviso di parcella
    "B": "receipt",  # vendita al banco
    "C": "sales_order",
    "D": "delivery_note",
    "E": "purchase_order",
    "F": "invoice",  # fattura accompagnatoria
    "G": "generic",  # rapporto d'intervento
    "H": "goods_receipt",
    "I": "invoice",
    "J": "invoice",  # fattura d'acconto
    "L": "generic",  # pro-forma
    "M": "invoice",  # autofattura
    "N": "credit_note",
    "O": "invoice",  # nota di addebito
    "P": "invoice",  # parcella
    "Q": "quote",
    "R": "receipt",  # ricevuta fiscale
    "S": "generic",  # preventivo fornitore
}
"""What each `DocumentType` letter becomes; without one it is a customer's order, as Easyfatt itself takes it."""
SELF_BILLING: Final = "M"
_TO_SUPPLIER: Final = frozenset({"E", "H", "S"})


def read_easyfatt(data: bytes) -> list[ParsedDocument]:
    """Read every document of an export.

    Raises ImportRefused when the XML is broken or hostile, holds no document, or one lacks its number or date.
    """
    root, notices = parse_hardened(data)
    company = child(root, "Company")
    seller = read_company(company)
    found = list(children(child(root, "Documents"), "Document"))
    if not found:
        raise ImportRefused("missing_element", element="Document", place=N_("the file"))
    return [
        _read_document(element, company, seller, f"document {index} of {len(found)}", notices)
        for index, element in enumerate(found, start=1)
    ]


def _read_document(
    element: etree._Element,
    company: etree._Element | None,
    ours: DocumentParty,
    place: str,
    notices: tuple[Notice, ...],
) -> ParsedDocument:
    code = (text(element, "DocumentType") or "C").upper()
    if code not in TYPES:
        raise ImportRefused(
            "bad_value", element="DocumentType", value=code[:20], place=place, expected=N_("a document type")
        )
    number = _require(element, "Number", place)
    stated = _require(element, "Date", place)
    issued_on = parse_date(stated)
    if issued_on is None:
        raise ImportRefused(
            "bad_value", element="Date", value=stated[:40], place=place, expected=N_("a date")
        )
    other, to_supplier = read_party(element), code in _TO_SUPPLIER
    number = f"{number}{text(element, 'Numbering') or ''}"
    piece = _cut_out(element, company)
    kind = TYPES[code]
    return ParsedDocument(
        type=kind,
        number=number,
        date=issued_on,
        currency="EUR",
        seller=other if to_supplier else ours,
        buyer=ours if to_supplier else other,
        direction=None if ours.vat_number or ours.tax_code else _direction(to_supplier),
        party_code=text(element, "CustomerCode"),
        identity=f"{code}:{number}" if kind in ("generic", "receipt") else None,
        totals=read_totals(element),
        due_dates=tuple(read_due_dates(element)),
        references=tuple(read_references(element)),
        lines=tuple(read_lines(element)),
        tax_summary=tuple(read_summary(element)),
        notes=tuple(note for name in ("Notes", "FootNotes") if (note := text(element, name))),
        legal_file=piece,
        legal_xml=piece,
        source="easyfatt",
        mailable=code != SELF_BILLING,
        not_mailable_reason="self_billing" if code == SELF_BILLING else None,
        suggested_pec=text(element, "CustomerPec"),
        suggested_email=text(element, "CustomerEmail"),
        extra=read_extra(element, code),
        warnings=notices,
    )


def _direction(to_supplier: bool) -> Direction:
    """An export without our company's numbers is our own export: it says the direction by the type alone."""
    return Direction.SUPPLIER if to_supplier else Direction.CUSTOMER


def _require(element: etree._Element, name: str, place: str) -> str:
    value = text(element, name)
    if value is None:
        raise ImportRefused("missing_element", element=name, place=place)
    return value


def _cut_out(element: etree._Element, company: etree._Element | None) -> bytes:
    """The document's own piece of the export, as a whole Easyfatt file."""
    root = etree.Element("EasyfattDocuments", AppVersion="2")
    if company is not None:
        root.append(etree.fromstring(etree.tostring(company, with_tail=False)))
    documents = etree.SubElement(root, "Documents")
    documents.append(etree.fromstring(etree.tostring(element, with_tail=False)))
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))
