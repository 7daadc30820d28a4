"""CFDI brought in: held until stamped, payroll for nobody's eyes, generic RFCs, bytes untouched (PM-6, PM-18)."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.documents.listing import DocumentFilter, list_documents
from crm_mail.documents.models import Document
from crm_mail.documents.service import NeverMailed, find_document, set_mailable
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.service import DocumentFileResult, import_document_file
from crm_mail.importers.formats.cfdi import parse_cfdi
from crm_mail.importers.formats.cfdi_stamp import qr_text
from crm_mail.importers.formats.pain001 import parse_pain001
from crm_mail.importers.formats.readers import read_documents
from crm_mail.installation import Installation
from crm_mail.users.models import User
from tests.factories import make_actor, make_company, make_party, make_user

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "cfdi"
INVOICE = (SAMPLES / "factura.xml").read_bytes()
PAYROLL = (SAMPLES / "nomina.xml").read_bytes()
UNSTAMPED = re.sub(rb"<cfdi:Complemento>.*?</cfdi:Complemento>", b"", INVOICE, flags=re.DOTALL)
NO_ADDENDA = re.sub(rb"<cfdi:Addenda>.*?</cfdi:Addenda>", b"", INVOICE, flags=re.DOTALL)
OTHER_UUID = INVOICE.replace(b"0a1b2c3d", b"ffffffff")
OUR_RFC = "OFM010203AB1"


class Desk:
    """A Mexican company that brings files in."""

    def __init__(self, session: Session, home: Installation) -> None:
        self.session, self.home = session, home
        self.company: Company = make_company(session, code="MX", vat_number=OUR_RFC)

    def bring(self, data: bytes, name: str = "factura.xml", **options: Any) -> DocumentFileResult:
        return import_document_file(
            self.session, self.home.store, make_actor(), self.company, name, data, **options
        )

    def only(self, data: bytes, name: str = "factura.xml") -> Document:
        (document,) = self.bring(data, name).documents
        return document

    def current(self) -> list[Document]:
        return list(self.session.scalars(select(Document).where(Document.is_current.is_(True))))


@pytest.fixture
def desk(sqlite_home: Installation) -> Any:
    with sqlite_home.database.write() as session:
        yield Desk(session, sqlite_home)


def test_an_invoice_is_kept_with_its_stamp_and_its_xml_goes_with_the_mail(desk: Desk) -> None:
    """PM-6: the XML and the PDF of a CFDI travel together; the bytes are those that came."""
    document = desk.only(b"\xef\xbb\xbf" + INVOICE)
    assert (document.type, document.series, document.number) == ("invoice", "A", "1001")
    assert (document.direction, document.is_mailable) == ("customer", True)
    assert (document.net_total, document.tax_total, document.gross_total) == (
        *(Decimal(1000), Decimal(160)),
        Decimal(1160),
    )
    assert document.party.vat_number == "TAL990101XY9"
    assert document.party.language == "es"
    (file,) = document.files
    assert (file.role, file.is_sent) == ("legal_xml", True)
    assert desk.home.store.read(file.sha256) == b"\xef\xbb\xbf" + INVOICE
    stamp = document.data["stamp"]
    assert stamp["uuid"] == "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D"
    assert {stamp["issuer_certificate"], stamp["sat_certificate"]} == {
        "30001000000500003999",
        "30001000000400002495",
    }
    assert document.data["cfdi"]["addenda"].startswith("<cfdi:Addenda")
    assert document.data["cfdi"]["related"] == [
        {"relation": "07", "uuid": "11111111-2222-4333-8444-555555555555"}
    ]


def test_an_unstamped_one_waits_and_the_stamped_one_releases_it(desk: Desk) -> None:
    waiting = desk.only(UNSTAMPED)
    assert (waiting.is_mailable, waiting.not_mailable_reason) == (False, "unstamped")
    set_mailable(desk.session, make_actor(), waiting, False, "marked")  # marking by hand is no way round it
    with pytest.raises(NeverMailed):
        set_mailable(desk.session, make_actor(), waiting, True)
    stamped = desk.only(INVOICE)
    assert (stamped.is_mailable, stamped.version, waiting.is_current) == (True, 2, False)


@pytest.mark.parametrize("folio", [b'Folio="1001"', b""])
def test_an_unstamped_copy_never_replaces_the_stamped_one(desk: Desk, folio: bytes) -> None:
    stamped, unstamped = (data.replace(b'Folio="1001"', folio) for data in (INVOICE, UNSTAMPED))
    first, again = desk.bring(stamped), desk.bring(unstamped)
    assert (first.created, again.unchanged) == (1, 1)
    assert [notice.code for notice in again.warnings] == ["already_stamped"]
    assert [document.is_mailable for document in desk.current()] == [True]


def test_without_a_folio_the_stamped_one_still_finds_the_one_that_waited(desk: Desk) -> None:
    desk.bring(UNSTAMPED.replace(b'Folio="1001"', b""))
    result = desk.bring(INVOICE.replace(b'Folio="1001"', b""))
    assert result.versions == 1
    assert [document.number for document in desk.current()] == ["0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D"]


def test_two_stamps_are_two_documents_even_under_one_number(desk: Desk) -> None:
    desk.bring(INVOICE)
    assert desk.bring(OTHER_UUID).created == 1
    assert desk.bring(OTHER_UUID).unchanged == 1
    assert len(desk.current()) == 2


def test_payroll_is_never_mailed_and_exists_for_the_highest_clearance_alone(desk: Desk) -> None:
    """No employee becomes a contact, and neither name nor amount stands outside the file."""
    document = desk.only(PAYROLL, "nomina.xml")
    assert (document.is_mailable, document.not_mailable_reason) == (False, "payroll")
    assert not any(file.is_sent for file in document.files)
    assert document.gross_total is None
    assert not re.search("PEGJ|JUANA|9000", str(document.data))
    assert desk.session.scalars(select(Party.code)).all() == ["NOMINA"]
    with pytest.raises(NeverMailed):
        set_mailable(desk.session, make_actor(), document, True)
    for clearance, is_seen in ((2, False), (3, True)):
        actor = make_actor(clearance=clearance)
        page = list_documents(desk.session, actor, desk.company.id, DocumentFilter())
        assert [document.number for document in page.documents] == (["12"] if is_seen else [])
        assert (find_document(desk.session, actor, document.id) is not None) is is_seen


def test_the_page_of_a_document_does_not_overrule_a_missing_stamp(
    sqlite_home: Installation, login_as: Callable[[User], FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        desk = Desk(session, sqlite_home)
        waiting, slip = desk.only(UNSTAMPED).id, desk.only(PAYROLL, "nomina.xml").id
        user = make_user(session, is_admin=True, clearance=2)
    client = login_as(user)
    answer = client.post(f"/documents/{waiting}/mailable", data={"mailable": "yes"}, follow_redirects=True)
    assert "no fiscal stamp yet" in answer.text
    assert "Send after all" not in answer.text
    assert client.get(f"/documents/{slip}").status_code == 404
    with sqlite_home.database.read() as session:
        assert not session.get_one(Document, waiting).is_mailable


def test_a_payroll_complement_makes_payroll_whatever_the_type_says() -> None:
    """Version 3.2 knew payroll only as an *egreso*."""
    (found,) = parse_cfdi(PAYROLL.replace(b'TipoDeComprobante="N"', b'TipoDeComprobante="E"'))
    assert (found.type, found.not_mailable_reason, found.privacy_level) == ("generic", "payroll", 3)


def test_a_generic_rfc_needs_the_code_of_a_customer(desk: Desk) -> None:
    """Many customers share XAXX010101000: taking them for one would send one's invoice to another."""
    data = NO_ADDENDA.replace(b"TAL990101XY9", b"XAXX010101000")
    make_party(desk.session, desk.company, code="000777", vat_number="XAXX010101000")
    for name in ("A1001.xml", "factura-1001.xml"):
        with pytest.raises(ImportRefused, match="into the file's name"):
            desk.bring(data, name)
    assert desk.only(data, "000777_A-1001.xml").party.code == "000777"


def test_a_generic_rfc_is_told_by_the_customer_code_of_the_addenda(desk: Desk) -> None:
    document = desk.only(INVOICE.replace(b"TAL990101XY9", b"XEXX010101000"))
    assert (document.party.code, document.party.vat_number) == ("C-0042", "")


def test_a_customer_code_never_sends_to_somebody_with_another_rfc(desk: Desk) -> None:
    """The Addenda follows the customer's own numbering: C-0042 may be somebody else here."""
    make_party(desk.session, desk.company, code="C-0042", vat_number="OTR990101XY9")
    assert desk.only(INVOICE).party.code == "TAL990101XY9"


def test_a_number_written_with_a_hyphen_finds_its_party_again(desk: Desk) -> None:
    """A RUC has its check digit behind a hyphen; parties are kept without it."""
    data = INVOICE.replace(b"TAL990101XY9", b"80013884-8")
    assert desk.only(data).party_id == desk.only(data.replace(b'"1001"', b'"1002"')).party_id


def test_the_due_date_comes_from_the_customers_days_of_credit(desk: Desk) -> None:
    """A CFDI states none."""
    assert desk.only(OTHER_UUID.replace(b'"1001"', b'"1002"')).first_due_on is None
    party = desk.session.scalars(select(Party)).one()
    party.credit_days = 45
    document = desk.only(INVOICE)
    assert document.first_due_on == date(2026, 4, 16)
    assert document.data["due_dates"] == [{"date": "2026-04-16", "amount": "1160.00"}]


def test_a_received_cfdi_is_not_mailed_back(desk: Desk) -> None:
    data = INVOICE.replace(b"TAL990101XY9", b"@").replace(OUR_RFC.encode(), b"PRO990101XY9")
    document = desk.only(data.replace(b"@", OUR_RFC.encode()))
    assert (document.direction, document.not_mailable_reason) == ("supplier", "received")
    assert document.party.vat_number == "PRO990101XY9"


def test_a_version_that_is_no_cfdi_is_refused() -> None:
    with pytest.raises(ImportRefused, match=r"version 3\.2, 3\.3 or 4\.0"):
        parse_cfdi(INVOICE.replace(b'Version="4.0"', b'Version="2.2"'))


@pytest.mark.parametrize(
    ("old", "new", "element"),
    [
        (b'Total="1160.00"', b'Total="1e20"', "total"),
        (b'Folio="1001"', b'Folio="' + b"9" * 61 + b'"', "number"),
        (b"2026-03-02T10:15:00", b"9999-12-31T00:00:00", "Fecha"),
    ],
)
def test_what_cannot_be_kept_is_refused_naming_it(old: bytes, new: bytes, element: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read_documents(INVOICE.replace(old, new))
    assert (caught.value.code, caught.value.params["element"]) == ("bad_value", element)


def test_the_taxes_of_older_versions_are_summed_from_the_lines() -> None:
    """3.3 states no base in the summary."""
    summary = b'Base="1000.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="160.00"/>'
    bare = summary.removeprefix(b'Base="1000.00" ')
    head, tail = INVOICE.replace(b'Version="4.0"', b'Version="3.3"').rsplit(summary, 1)
    (found,) = parse_cfdi(head + bare + tail)
    assert [(row.rate, row.nature, row.net, row.tax) for row in found.tax_summary] == [
        (Decimal(16), None, Decimal(1000), Decimal(160))
    ]
    [line] = found.lines
    assert (line.net, line.discount, line.tax_rate) == (Decimal(1000), "100.00", Decimal(16))


def test_the_qr_escapes_what_an_rfc_may_hold_and_an_address_may_not() -> None:
    assert qr_text("U-1", "E&Ñ831019M53", "XAXX010101000", Decimal("12.50"), "abc12345xyz9==").endswith(
        "?id=U-1&re=E%26%C3%91831019M53&rr=XAXX010101000&tt=12.50&fe=45xyz9=="
    )


def test_structured_remittances_of_a_newer_pain_file_become_items() -> None:
    """pain.001.001.09: the day is nested, the discount is, and a credit note counts against."""
    namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
    document = etree.fromstring(
        f"""<Document xmlns="{namespace}"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId></GrpHdr><PmtInf>
        <PmtInfId>P1</PmtInfId><ReqdExctnDt><Dt>2026-04-30</Dt></ReqdExctnDt><Dbtr><Nm>Noi</Nm></Dbtr>
        <CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">93</InstdAmt></Amt>
        <Cdtr><Nm>Loro</Nm></Cdtr><RmtInf>
        <Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>77</Nb><RltdDt>2026-03-31</RltdDt>
        </RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy="EUR">105</DuePyblAmt><DscntApldAmt><Amt Ccy="EUR">2</Amt>
        </DscntApldAmt><RmtdAmt Ccy="EUR">103</RmtdAmt></RfrdDocAmt></Strd>
        <Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CREN</Cd></CdOrPrtry></Tp><Nb>NC3</Nb></RfrdDocInf>
        <RfrdDocAmt><CdtNoteAmt Ccy="EUR">10</CdtNoteAmt></RfrdDocAmt></Strd>
        </RmtInf></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>"""
    )
    (found,) = parse_pain001(etree.tostring(document))
    assert (found.number, found.date.isoformat()) == ("M1/P1/1", "2026-04-30")
    items = [(i["document"], i["type"], i["gross"], i["discount"], i["paid"]) for i in found.extra["items"]]
    assert items == [
        ("77", "invoice", Decimal(105), Decimal(2), Decimal(103)),
        ("NC3", "credit_note", None, None, Decimal(-10)),
    ]
