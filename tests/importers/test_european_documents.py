"""UBL, CII, hybrid PDFs and Easyfatt exports read from files of our own: values, direction, suggestions, isolation."""

import datetime as dt
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfWriter

from crm_mail.importers.base import Direction, ImportRefused, ParsedDocument
from crm_mail.importers.formats.readers import read_documents

FILES = Path(__file__).parent.parent / "samples"
OURS = ("IT01879020517",)
UBL = (FILES / "ubl" / "invoice.xml").read_bytes()
EXPORT = (FILES / "easyfatt" / "export.xml").read_bytes()


def blank_pdf(attached: bytes = b"", name: str = "xrechnung.xml") -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    if attached:
        writer.add_attachment(name, attached)
    writer.write(out)
    return out.getvalue()


def by_type(**wanted: str) -> dict[str, ParsedDocument]:
    found = {document.type: document for document in read_documents(EXPORT, own_tax_ids=OURS)}
    return {name: found[kind] for name, kind in wanted.items()}


def refused(data: bytes) -> ImportRefused:
    with pytest.raises(ImportRefused) as caught:
        read_documents(data)
    return caught.value


def test_a_ubl_invoice_is_read_term_by_term() -> None:
    [invoice] = read_documents(UBL, own_tax_ids=OURS)
    assert (invoice.type, invoice.number, invoice.date) == ("invoice", "2026-117", dt.date(2026, 3, 9))
    assert (invoice.direction, invoice.source, invoice.is_legal_sent) == (Direction.CUSTOMER, "ubl", True)
    assert (invoice.buyer.name, invoice.buyer.vat_number) == ("Bergmann Maschinen GmbH", "DE811111118")
    assert (invoice.totals.net, invoice.totals.payable) == (Decimal("1250.50"), Decimal("1250.50"))
    [due] = invoice.due_dates
    assert (due.date, due.amount, due.iban) == (
        dt.date(2026, 4, 8),
        Decimal("1250.50"),
        "IT60X0542811101000000123456",
    )
    [line] = invoice.lines
    assert (line.code, line.quantity, line.price) == ("P-40", Decimal(5), Decimal("250.10"))
    assert [(item.kind, item.number) for item in invoice.references] == [("order", "PO-551")]
    assert invoice.extra["payment"]["terms"] == "30 days net"
    assert invoice.legal_file == UBL


def test_the_buyers_e_mail_is_suggested_only_when_the_seller_is_ours() -> None:
    """BT-58; in an invoice that we received it would be our own."""
    addresses = [
        read_documents(UBL, own_tax_ids=ids)[0].suggested_email for ids in (OURS, ("DE811111118",), ())
    ]
    assert addresses == ["buchhaltung@bergmann.example", None, None]


def test_a_pdf_that_carries_its_data_is_its_own_main_file() -> None:
    pdf = blank_pdf(UBL)
    [invoice] = read_documents(pdf, own_tax_ids=OURS)
    assert (invoice.number, invoice.legal_file_kind, invoice.is_legal_sent) == ("2026-117", "pdf", True)
    assert (invoice.legal_file, invoice.legal_xml) == (pdf, UBL)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (blank_pdf(), "pdf_needs_fields"),
        (b"%PDF-1.7\ncut off", "damaged_pdf"),
        (blank_pdf(UBL)[:400], "damaged_pdf"),
        (UBL.replace(b"<cbc:ID>2026-117</cbc:ID>", b""), "missing_element"),
        (UBL.replace(b"2026-03-09", b"yesterday"), "unreadable_invoice"),
        (UBL.replace(b"<Invoice ", b'<!DOCTYPE x [<!ENTITY a "b">]><Invoice ', 1), "hostile_xml"),
        (UBL[:-400], "broken_xml"),
        (EXPORT.replace(b"<DocumentType>N<", b"<DocumentType>Z<"), "bad_value"),
        (EXPORT.replace(b"<Number>15</Number>", b""), "missing_element"),
        (b"<EasyfattDocuments><Documents/></EasyfattDocuments>", "missing_element"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert refused(data).code == code


def test_an_amount_that_none_can_be_is_left_out() -> None:
    [invoice] = read_documents(UBL.replace(b">1250.50<", b">1e9999999<"))
    assert invoice.totals.gross is None
    assert "total_unknown" in [notice.code for notice in invoice.warnings]


def test_an_easyfatt_export_gives_every_document_with_its_type_and_direction() -> None:
    found = read_documents(EXPORT, own_tax_ids=OURS)
    assert [(d.type, d.number, d.direction, d.mailable) for d in found] == [
        ("sales_order", "7", Direction.CUSTOMER, True),
        ("delivery_note", "31/A", Direction.CUSTOMER, True),
        ("purchase_order", "15", Direction.SUPPLIER, True),
        ("goods_receipt", "9", Direction.SUPPLIER, True),
        ("invoice", "44", Direction.CUSTOMER, True),
        ("credit_note", "2", Direction.CUSTOMER, True),
        ("generic", "44", Direction.CUSTOMER, True),
        ("invoice", "3", Direction.CUSTOMER, False),
    ]
    assert [d.party_code for d in found][:3] == ["C001", "C002", "F010"]
    assert [(d.suggested_pec, d.suggested_email) for d in found][:3] == [
        ("rossi@pec.example", None),
        (None, None),
        (None, None),  # the supplier's address is not the buyer's
    ]


def test_what_belongs_to_a_type_comes_under_its_canonical_name() -> None:
    found = by_type(note="delivery_note", receipt="goods_receipt", order="sales_order", other="generic")
    note = found["note"].extra
    assert note["ship_to"] == {"name": "Cantiere Nord", "city": "Pisa"}
    assert (note["reason"], note["packages"], note["weight_gross"]) == (
        "Vendita",
        Decimal(3),
        Decimal("12.5"),
    )
    assert (note["carrier"], note["transport_start"]) == ({"name": "Corriere Veloce"}, "2026-03-03T09:30:00")
    assert found["receipt"].extra["lines"][0]["received"] == Decimal(4)
    assert found["order"].extra["delivery_on"] == dt.date(2026, 3, 20)
    assert found["order"].tax_summary[0].rate == Decimal(22)
    assert found["other"].extra["title"] == "Fattura pro-forma"
    assert found["other"].identity == "L:44"


def test_the_instalments_of_an_invoice_leave_out_what_was_paid_in_advance() -> None:
    invoice = next(d for d in read_documents(EXPORT) if d.number == "44" and d.type == "invoice")
    assert [(due.date, due.amount) for due in invoice.due_dates] == [
        (dt.date(2026, 4, 30), Decimal("500.00")),
        (dt.date(2026, 5, 31), Decimal("500.00")),
    ]
    assert (invoice.totals.gross, invoice.totals.payable) == (Decimal("1220.00"), Decimal("1020.00"))


def test_the_kept_piece_of_an_export_names_no_other_customer_and_stays_the_same() -> None:
    """House law 7: no file of one party can reach another; a new export of the same changes nothing."""
    first = read_documents(EXPORT)
    rossi, bianchi = first[0].legal_file, first[1].legal_file
    assert b"Rossi" in rossi
    assert b"Bianchi" not in rossi
    assert b"Rossi" not in bianchi
    again = read_documents(EXPORT.replace(b"2026.51", b"2026.52").replace(b"Bianchi Carlo", b"Bianchi C."))
    assert again[0].legal_file == rossi
    assert again[1].legal_file != bianchi
    [alone] = read_documents(rossi, own_tax_ids=OURS)
    assert replace(alone, legal_file=b"", legal_xml=b"") == replace(
        read_documents(EXPORT, own_tax_ids=OURS)[0], legal_file=b"", legal_xml=b""
    )
