"""UBL 2.1, CII and hybrid PDFs (Factur-X, ZUGFeRD 2, XRechnung): the terms of EN 16931 become a document.

factur-x turns either syntax into one dictionary of business terms (BT-1…); here they get our names. Sources:
EN 16931-1 (the terms), UNTDID 1001 (the type codes). A self-billed invoice (389) is kept and never mailed, as
for FatturaPA (IT-19). The buyer's e-mail (BT-58) is only a suggestion that a person confirms.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from crm_mail.importers.base import (
    DocumentLine,
    DocumentParty,
    DocumentReference,
    DueDate,
    ImportRefused,
    Notice,
    ParsedAttachment,
    ParsedDocument,
    TaxSummary,
    Totals,
)
from crm_mail.importers.formats.cii_variants import as_cii
from crm_mail.importers.formats.fatturapa_xml import local_name, parse_amount, parse_date
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.importers.formats.hybrid_pdf import extract_invoice_xml
from crm_mail.words import N_

Terms = Mapping[str, Any]

CREDIT_NOTES: Final = frozenset({"381", "261", "262", "296", "308", "396", "420", "458", "532", "83"})
SELF_BILLED: Final = frozenset({"389", "261", "527"})
ORDERS: Final = {"220": "purchase_order", "230": "purchase_order", "231": "sales_order"}
"""Order-X: the order and its change come from the buyer, the answer to it from the seller."""
_REFERENCES: Final = (
    ("BT-12", "contract"),
    ("BT-13", "order"),
    ("BT-14", "order"),
    ("BT-15", "receipt"),
    ("BT-16", "delivery_note"),
)
_MEANS: Final = {"30": "transfer", "58": "transfer", "49": "direct_debit", "59": "direct_debit", "48": "card"}


def read_ubl_or_cii(data: bytes) -> list[ParsedDocument]:
    """Read an invoice or credit note in UBL 2.1, CII D16B or ZUGFeRD 1, or an order in Order-X.

    Raises ImportRefused for anything else, for broken or hostile XML, and without number, date or parties.
    """
    root, notices = parse_hardened(data)
    document = _read_terms(_parse_terms(root), notices)
    source = "ubl" if local_name(root) in ("Invoice", "CreditNote") else "cii"
    return [replace(document, legal_file=data, legal_xml=data, source=source, is_legal_sent=True)]


def read_hybrid_pdf(data: bytes) -> list[ParsedDocument]:
    """Read a PDF by the invoice that it carries; the PDF itself is what people get.

    Raises ImportRefused("pdf_needs_fields") when it carries none, and what the XML in it gives rise to.
    """
    xml = extract_invoice_xml(data)
    if xml is None:
        raise ImportRefused("pdf_needs_fields", name="PDF")
    [document] = read_ubl_or_cii(xml)
    return [replace(document, legal_file=data, legal_file_kind="pdf", source="facturx")]


def _parse_terms(root: etree._Element) -> Terms:
    from facturx import parse_ubl_cii_xml  # noqa: PLC0415  (a second to import, and most imports are other formats)

    log = logging.getLogger("factur-x")
    before, log.disabled = log.disabled, True  # it would tell what the document says
    try:
        terms: Terms = parse_ubl_cii_xml(as_cii(root), check_xsd=False)
    except Exception as error:  # the library raises whatever it meets
        detail = str(error).partition("\n")[0][:200] or type(error).__name__
        raise ImportRefused("unreadable_invoice", detail=detail) from None
    finally:
        log.disabled = before
    return terms


def _read_terms(terms: Terms, notices: tuple[Notice, ...]) -> ParsedDocument:
    number, issued_on = _require(terms, "BT-1", "number"), terms.get("BT-2")
    if not isinstance(issued_on, dt.date):
        _require(terms, "BT-2", "date")
        raise ImportRefused(
            "bad_value",
            element="BT-2",
            value=str(issued_on)[:60],
            place=N_("the document"),
            expected=N_("a date"),
        )
    code = _text(terms.get("BT-3")) or "380"
    totals = Totals(
        net=_amount(terms.get("BT-109")),
        tax=_amount(terms.get("BT-110")),
        gross=_amount(terms.get("BT-112")),
        payable=_amount(terms.get("BT-115")),
    )
    currency = _text(terms.get("BT-5"))
    if currency is None:
        notices = (*notices, Notice("assumed_currency"))
    if totals.gross is None:
        notices = (*notices, Notice("total_unknown"))
    seller, buyer = (
        _read_party(terms, place, name) for place, name in (("BG-4", "seller"), ("BG-7", "buyer"))
    )
    iban = "".join((_text(terms.get("BT-84")) or "").split()).upper()
    self_billed = code in SELF_BILLED
    due = _read_due_date(terms, totals, iban or None)
    return ParsedDocument(
        type=ORDERS.get(code) or ("credit_note" if code in CREDIT_NOTES else "invoice"),
        number=number,
        date=issued_on,
        currency=(currency or "EUR").upper(),
        seller=seller,
        buyer=buyer,
        totals=totals,
        due_dates=() if due is None else (due,),
        references=tuple(_read_references(terms)),
        lines=tuple(_read_lines(terms)),
        tax_summary=tuple(_read_summary(terms)),
        notes=tuple(note for row in _rows(terms, "BG-1") if (note := _text(row.get("BT-22")))),
        ibans=(iban,) if iban else (),
        attachments=tuple(_read_attachments(terms)),
        mailable=not self_billed,
        not_mailable_reason="self_billing" if self_billed else None,
        suggested_email=buyer.email,
        extra={
            "payment": {"terms": _text(terms.get("BT-20")), "iban": iban or None},
            "extra": {"type_code": code},
        },
        warnings=notices,
    )


def _require(terms: Terms, term: str, name: str) -> str:
    value = _text(terms.get(term))
    if value is None:
        raise ImportRefused("missing_element", element=f"{term} ({name})", place=N_("the document"))
    return value


def _read_party(terms: Terms, group: str, name: str) -> DocumentParty:
    party = terms.get(group)
    if not isinstance(party, Mapping) or not party:
        raise ImportRefused("missing_element", element=f"{group} ({name})", place=N_("the document"))
    contact = next(iter(_rows(party, "contacts")), {})
    street = [_text(party.get(f"addr_l{line}")) for line in (1, 2, 3)]
    return DocumentParty(
        name=_text(party.get("name")) or _text(party.get("biz_name")),
        vat_number=_compact(party.get("vat_identifier")),
        tax_code=_compact(party.get("tax_identifier")) or _compact(party.get("legal_identifier")),
        address=", ".join(line for line in street if line) or None,
        postcode=_text(party.get("postcode")),
        city=_text(party.get("city")),
        province=_text(party.get("country_subdivision")),
        country=_text(party.get("country_code")),
        email=_text(contact.get("email")),
        phone=_text(contact.get("phone")),
    )


def _read_due_date(terms: Terms, totals: Totals, iban: str | None) -> DueDate | None:
    due_on = terms.get("BT-9")
    if isinstance(due_on, str):
        due_on = parse_date(due_on)
    if not isinstance(due_on, dt.date):
        return None
    means = _text(terms.get("BT-81"))
    return DueDate(due_on, totals.payable, method=_MEANS.get(means or "", means), iban=iban)


def _read_references(terms: Terms) -> Iterator[DocumentReference]:
    for term, kind in _REFERENCES:
        if number := _text(terms.get(term)):
            yield DocumentReference(kind, number)
    for row in _rows(terms, "BG-3"):
        if number := _text(row.get("BT-25")):
            stated = row.get("BT-26")
            yield DocumentReference("invoice", number, stated if isinstance(stated, dt.date) else None)


def _read_lines(terms: Terms) -> Iterator[DocumentLine]:
    for row in _rows(terms, "BG-25"):
        name, more = _text(row.get("BT-153")), _text(row.get("BT-154"))
        yield DocumentLine(
            number=_text(row.get("BT-126")),
            description="\n".join(part for part in (name, more) if part),
            code=_text(row.get("BT-155")),
            quantity=_amount(row.get("BT-129")),
            unit=_text(row.get("BT-130")),
            price=_amount(row.get("BT-146")),
            net=_amount(row.get("BT-131")),
            tax_rate=_amount(row.get("BT-152")),
        )


def _read_summary(terms: Terms) -> Iterator[TaxSummary]:
    for row in _rows(terms, "BG-23"):
        yield TaxSummary(
            rate=_amount(row.get("BT-119")),
            nature=_text(row.get("BT-120")),
            net=_amount(row.get("BT-116")) or Decimal(0),
            tax=_amount(row.get("BT-117")) or Decimal(0),
        )


def _read_attachments(terms: Terms) -> Iterator[ParsedAttachment]:
    for index, row in enumerate(_rows(terms, "BG-24"), start=1):
        content = row.get("BT-125")
        if isinstance(content, bytes) and content:
            name = _text(row.get("BT-125-2")) or f"attachment-{index}"
            yield ParsedAttachment(name, _text(row.get("BT-125-1")) or "application/octet-stream", content)


def _rows(terms: Terms, name: str) -> Iterator[Terms]:
    found = terms.get(name)
    yield from (row for row in (found if isinstance(found, list) else [found]) if isinstance(row, Mapping))


def _text(value: object) -> str | None:
    """The value as one line; the first of several, where a file repeats what the standard has once."""
    if isinstance(value, (list, tuple)):
        value = next(iter(value), None)
    return " ".join(str(value).split()) or None if value is not None else None


def _compact(value: object) -> str | None:
    """An identifier without its blanks."""
    return "".join((_text(value) or "").split()) or None


def _amount(value: object) -> Decimal | None:
    text = _text(value)
    return None if text is None else parse_amount(text)
