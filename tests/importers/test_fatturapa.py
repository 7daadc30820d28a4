"""FatturaPA read from files of our own: bodies, encodings, order, direction, hostility and signatures."""

import base64
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from crm_mail.importers.base import Direction, ImportRefused
from crm_mail.importers.formats.fatturapa import parse_fatturapa

FILES = Path(__file__).parent.parent / "samples" / "fatturapa"
OURS = ("IT01879020517",)


def read(name: str) -> bytes:
    return (FILES / name).read_bytes()


def codes(document: object) -> list[str]:
    return [notice.code for notice in document.warnings]  # type: ignore[attr-defined]


def refusal(data: bytes, **options: int) -> ImportRefused:
    with pytest.raises(ImportRefused) as refused:
        parse_fatturapa(data, **options)  # type: ignore[arg-type]
    return refused.value


def test_two_bodies_are_two_documents_with_one_untouched_file() -> None:
    data = read("two-bodies.xml")
    invoice, note = parse_fatturapa(data, own_tax_ids=OURS)
    assert (invoice.type, invoice.number, invoice.year) == ("invoice", "12/A", 2026)
    assert (note.type, note.number, note.date) == ("credit_note", "3/NC", dt.date(2026, 2, 2))
    assert (invoice.body_index, note.body_index, note.body_count) == (1, 2, 2)
    assert invoice.legal_file == note.legal_file == data
    assert invoice.seller.vat_number == "IT01879020517"
    assert invoice.seller.email == "ufficio@officine-demo.example"


def test_totals_lines_references_and_due_dates_are_read() -> None:
    invoice = parse_fatturapa(read("two-bodies.xml"))[0]
    assert (invoice.totals.net, invoice.totals.tax) == (Decimal("90.00"), Decimal("19.80"))
    assert (invoice.totals.gross, invoice.totals.payable) == (Decimal("109.80"), Decimal("109.80"))
    assert "assumed_total" in codes(invoice)
    assert [(due.date, due.computed) for due in invoice.due_dates] == [
        (dt.date(2026, 3, 2), True),
        (dt.date(2026, 3, 31), False),
    ]
    assert invoice.ibans == ("IT60X0542811101000000123456",)
    assert [(item.kind, item.number) for item in invoice.references] == [
        ("order", "OA-7"),
        ("delivery_note", "88"),
    ]
    assert invoice.references[0].extra == {"CodiceCIG": "Z123"}
    [line] = invoice.lines
    assert (line.code, line.description, line.discount) == ("00042", "Pezzi torniti", "-10.00%")


def test_a_damaged_enclosed_file_is_a_warning_and_the_good_one_is_kept() -> None:
    invoice = parse_fatturapa(read("two-bodies.xml"))[0]
    assert [(item.name, item.content) for item in invoice.attachments] == [("misure.txt", b"misure")]
    assert "bad_attachment" in codes(invoice)


def test_windows_1252_accents_come_out_right() -> None:
    [invoice] = parse_fatturapa(read("windows-1252.xml"))
    assert invoice.buyer.name == "Caffè Più di Niccolò Nuñez – società"
    assert invoice.lines[0].description == "Qualità “extra” 5 €"


def test_wrong_element_order_and_undeclared_namespace_are_read_with_a_warning() -> None:
    [invoice] = parse_fatturapa(read("wrong-order.xml"))
    assert (invoice.number, invoice.currency, len(invoice.due_dates)) == ("14", "EUR", 2)
    assert {"recovered_xml", "assumed_currency"} <= set(codes(invoice))


def test_the_pec_in_the_file_is_suggested_only_when_the_seller_is_ours() -> None:
    """It is the buyer's address: in an invoice that we received it is our own."""
    data = read("windows-1252.xml")
    [sold] = parse_fatturapa(data, own_tax_ids=["01879020517"])
    assert (sold.direction, sold.suggested_pec) == (Direction.CUSTOMER, "molino-verdi@pec.example")
    assert sold.party is sold.buyer
    [bought] = parse_fatturapa(data, own_tax_ids=["IT00743110157"])
    assert (bought.direction, bought.suggested_pec) == (Direction.SUPPLIER, None)
    assert bought.party is bought.seller
    [unknown] = parse_fatturapa(data)
    assert (unknown.direction, unknown.suggested_pec, unknown.party) == (None, None, None)


def test_self_billing_is_kept_but_never_mailable() -> None:
    [document] = parse_fatturapa(read("self-billing.xml"))
    assert (document.sdi_type, document.mailable, document.not_mailable_reason) == (
        "TD17",
        False,
        "self_billing",
    )


@pytest.mark.parametrize("name", ["hostile-xxe.xml", "hostile-billion-laughs.xml"])
def test_entities_are_refused_and_nothing_is_read(name: str) -> None:
    refused = refusal(read(name))
    assert refused.code == "hostile_xml"
    assert "root:" not in refused.message


def test_a_document_type_hidden_by_its_encoding_is_refused() -> None:
    assert refusal(read("hostile-xxe.xml").decode().encode("utf-16")).code == "hostile_xml"


def test_a_file_that_is_cut_off_is_refused_with_the_line() -> None:
    whole = read("two-bodies.xml")
    refused = refusal(whole[: len(whole) * 3 // 4])
    assert refused.code == "broken_xml"
    assert int(str(refused.params["line"])) > 30


def test_the_size_is_checked_before_anything_is_parsed() -> None:
    assert refusal(b"<" * 2_000_000, size_limit=1_000_000).code == "file_too_large"


def test_a_huge_text_is_refused_and_not_cut() -> None:
    data = read("windows-1252.xml").replace(b"Lavorazioni di prova", b"x" * 11_000_000)
    assert refusal(data).code == "xml_text_too_long"


@pytest.mark.parametrize("element", ["Numero", "Data", "TipoDocumento"])
def test_a_missing_element_is_named_with_the_body_it_misses_in(element: str) -> None:
    text = read("two-bodies.xml").decode()
    start = text.index(f"<{element}>", text.rindex("<DatiGeneraliDocumento>"))
    end = text.index(f"</{element}>", start) + len(element) + 3
    refused = refusal((text[:start] + text[end:]).encode())
    assert refused.code == "missing_element"
    assert element in refused.message
    assert "document 2 of 2" in refused.message


def test_an_unreadable_date_is_refused_with_its_value() -> None:
    refused = refusal(read("self-billing.xml").replace(b"2026-02-11", b"11/02/2026"))
    assert refused.code == "bad_value"
    assert "11/02/2026" in refused.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"<Comprobante/>", "CFDI"),
        (b"<root/>", "begins with root"),
        (b"a;b\n1;2\n", "a text file"),
        (b"PK\x03\x04rest", "ZIP"),
    ],
)
def test_another_format_is_refused_by_its_name(data: bytes, words: str) -> None:
    refused = refusal(data)
    assert refused.code == "wrong_format"
    assert words in refused.message


def _sign(data: bytes) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def test_signed_files_open_in_der_base64_and_signed_twice() -> None:
    xml = read("windows-1252.xml")
    signed = _sign(xml)
    for data in (signed, base64.b64encode(signed), base64.encodebytes(signed), _sign(signed)):
        [document] = parse_fatturapa(data)
        assert document.number == "13"
        assert document.legal_xml == xml
        assert document.legal_file == data
        assert "signature_not_verified" in codes(document)


def test_a_signed_file_that_is_cut_off_says_what_to_do() -> None:
    refused = refusal(_sign(read("windows-1252.xml"))[:900])
    assert refused.code == "p7m_unreadable"
    assert "extract the XML" in refused.message
