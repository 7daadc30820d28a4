"""One firm is one party, whatever its first file knew of it: its code, or its tax number."""

import datetime as dt
from dataclasses import replace

import pytest

from crm_mail.importers.base import Direction, DocumentParty, ParsedDocument, Totals
from crm_mail.importers.documents.parties import find_or_make_party
from crm_mail.importers.formats.fatturapa import orient_document
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company, make_party

RFC = "CED990101AB1"


def said(code: str | None = None, vat: str | None = None) -> ParsedDocument:
    return ParsedDocument(
        type="invoice",
        number="1",
        date=dt.date(2026, 11, 2),
        seller=DocumentParty(name="Nosotros"),
        buyer=DocumentParty(name="Cedros", vat_number=vat),
        currency="MXN",
        totals=Totals(),
        direction=Direction.CUSTOMER,
        party_code=code,
        canonical={} if code else None,
    )


@pytest.mark.parametrize(
    "files",
    [
        [said(code=RFC), said(vat=RFC)],
        [said(vat=RFC), said(code=RFC)],
        [said(code=RFC), said(vat=f"MX{RFC}")],
        [said(code="C001", vat=RFC), said(code=RFC)],
    ],
)
def test_a_code_that_is_a_tax_number_and_the_number_are_one_customer(
    sqlite_home: Installation, files: list[ParsedDocument]
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        parties = [find_or_make_party(session, make_actor(), company, one) for one in files]
        assert parties[0] is parties[1]
        assert parties[0].vat_number.endswith(RFC)


def test_a_party_known_by_its_code_learns_the_number_it_lacks_and_keeps_the_one_it_has(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        coded = make_party(session, company, code="12345678901")
        numbered = make_party(session, company, code="98765432109", vat_number="IT11111111115")
        find = [said(vat="IT12345678901"), said(vat="IT98765432109")]
        found = [find_or_make_party(session, make_actor(), company, one) for one in find]
        assert (found[0].id, coded.vat_number) == (coded.id, "IT12345678901")
        assert (found[1].id != numbered.id, numbered.vat_number) == (True, "IT11111111115")


@pytest.mark.parametrize("own", ["MXEKU9003173C9", "EKU9003173C9", "mx eku-9003173-c9"])
def test_a_document_is_ours_whether_our_number_has_its_country_or_not(own: str) -> None:
    ours = replace(said(), seller=DocumentParty(name="Nosotros", vat_number="EKU9003173C9"), direction=None)
    assert orient_document(ours, [own]).direction is Direction.CUSTOMER
    assert orient_document(ours, ["MXEKU9003173C8"]).direction is None
