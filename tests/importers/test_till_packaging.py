"""Which packaging a customer gets that a document brings in (PM-8, PM-20)."""

import datetime as dt

import pytest

from crm_mail.importers.base import Direction, DocumentParty, ParsedDocument, Totals
from crm_mail.importers.documents.parties import find_or_make_party
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company


@pytest.mark.parametrize(("document_type", "packaging"), [("receipt", "TILL"), ("invoice", "GRAL")])
def test_a_customer_born_at_the_till_gets_the_packaging_that_the_company_chose(
    sqlite_home: Installation, document_type: str, packaging: str
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, till_packaging="TILL")
        buyer = DocumentParty(name="Cliente", tax_code="XEXX010101000")
        parsed = ParsedDocument(
            type=document_type,
            number="1",
            date=dt.date(2026, 11, 2),
            seller=DocumentParty(name=company.name, vat_number=company.vat_number),
            buyer=buyer,
            currency="EUR",
            totals=Totals(),
            direction=Direction.CUSTOMER,
        )
        assert find_or_make_party(session, make_actor(), company, parsed).packaging == packaging
