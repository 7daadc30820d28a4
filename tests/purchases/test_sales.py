"""Where purchases come from: invoices as they arrive, and sales lists (IT-14)."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.purchases import catch_up
from crm_mail.documents.service import NewDocument, store_document, void_document
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.sales.service import import_sales
from crm_mail.installation import Installation
from crm_mail.purchases.listing import bought_by
from crm_mail.purchases.models import Product, PurchaseLine, PurchaseMonth, PurchaseTotal
from crm_mail.purchases.recording import work_out_totals
from tests.factories import make_actor, make_company, make_party

Line = tuple[str, str, Decimal, Decimal]


def lines(session: Session) -> list[Line]:
    query = select(Party.code, Product.code, PurchaseLine.quantity, PurchaseLine.amount)
    query = query.join(Party, Party.id == PurchaseLine.party_id).join(Product)
    return [tuple(row) for row in session.execute(query.order_by(PurchaseLine.id))]


def keep(session: Session, home: Installation, party: Party, number: str, **values: Any) -> Document:
    data = {
        "lines": values.pop("lines", [{"code": "T1", "description": "Tyre", "qty": "4", "net": "400.00"}])
    }
    new = NewDocument(
        **(
            {"type": "invoice", "number": number, "dated_on": date(2026, 11, 2), "data": data, "files": ()}
            | values
        )
    )
    return store_document(session, make_actor(), home.store, party, new)[0]


def test_an_invoice_sells_a_credit_note_takes_back_and_a_voided_one_is_forgotten(
    session: Session, home: Installation
) -> None:
    """Versions, credit notes, invoices received, confidential and voided ones; and a second look changes nothing."""
    party = make_party(session, make_company(session), code="C1")
    first = keep(session, home, party, "1")
    corrected = [{"code": "T1", "description": "Tyre", "qty": "3", "net": "300.00"}]
    keep(session, home, party, "1", lines=corrected, is_data_told=True)
    keep(session, home, party, "2", type="credit_note", lines=[{"description": "Tyre back", "net": "100"}])
    keep(session, home, party, "3", direction="supplier")
    keep(session, home, party, "4", not_mailable_reason="received")
    keep(session, home, party, "5", privacy_level=2)
    keep(session, home, party, "6", type="quote")
    sold = [("C1", "T1", Decimal(3), Decimal(300)), ("C1", "Tyre back", Decimal(-1), Decimal(-100))]
    assert lines(session) == sold
    assert session.scalars(select(PurchaseTotal.gross)).one() == Decimal(300)
    assert catch_up(session, first.company_id)[1:] == (0, 0)
    session.query(PurchaseLine).delete()  # as before there were purchases
    work_out_totals(session, first.company_id)
    assert catch_up(session, first.company_id)[1:] == (2, 2)
    assert lines(session) == sold
    kept = session.scalars(select(PurchaseMonth)).one()
    assert (kept.month, kept.quantity, kept.amount) == (date(2026, 11, 1), Decimal(2), Decimal(200))
    card = bought_by(session, party.id, date(2026, 11, 22))
    assert card is not None
    assert (card.last_on, card.totals[0], card.top[0].code) == (
        date(2026, 11, 2),
        ("EUR", Decimal(200)),
        "T1",
    )
    current = session.scalars(select(Document).where(Document.number == "1", Document.is_current)).one()
    void_document(session, make_actor(), current)
    assert [line[1] for line in lines(session)] == ["Tyre back"]
    assert bought_by(session, party.id, date(2026, 11, 22)) is None


CSV = """Codice cliente;Data;Codice articolo;Descrizione;Gruppo;Quantità;Importo;Tipo;Numero fattura
C1;02/11/2026;T1;Pneumatico;Pneumatici;4;1.400,50;Fattura;1
C1;03/11/2026;T1;Pneumatico;Pneumatici;1;350,00;Nota credito;2
C9;03/11/2026;T1;Pneumatico;Pneumatici;1;350,00;Fattura;3
C2;99/11/2026;O1;Olio;Oli;1;10,00;Fattura;4
C2;04/11/2026;;Olio sfuso;Oli;2;20,00;Fattura;5
"""


def office(session: Session) -> tuple[Company, Any]:
    company = make_company(session, country="IT")
    for code in ("C1", "C2"):
        make_party(session, company, code=code)
    return company, make_actor()


def test_a_sales_list_is_tried_then_applied_and_again_changes_nothing(
    session: Session, home: Installation
) -> None:
    company, actor = office(session)
    tried = import_sales(session, actor, company, CSV.encode(), dry_run=True)
    assert (tried.created, tried.error_rows, lines(session)) == (3, 2, [])
    told = {(error.row, error.column, error.code) for error in tried.errors}
    assert told == {(4, "Codice cliente", "ledger_unknown_party"), (5, "Data", "ledger_bad_date")}
    import_sales(session, actor, company, CSV.encode())
    assert lines(session) == [
        ("C1", "T1", Decimal(4), Decimal("1400.50")),
        ("C1", "T1", Decimal(-1), Decimal(-350)),
        ("C2", "Olio sfuso", Decimal(2), Decimal(20)),
    ]
    again = import_sales(session, actor, company, CSV.replace("Pneumatici", "Gomme").encode())
    assert (again.created, again.updated, again.unchanged, again.products) == (0, 0, 3, 1)
    assert set(session.scalars(select(Product.group_name))) == {"Gomme", "Oli"}
    party = session.scalars(select(Party).where(Party.code == "C1")).one()
    keep(session, home, party, "1")  # the same invoice arrives as a document: it counts once
    assert len(lines(session)) == 3


def test_json_with_keys_of_its_own_updates_and_invoices_that_are_here_count_once(
    session: Session, home: Installation
) -> None:
    company, actor = office(session)
    party = session.scalars(select(Party).where(Party.code == "C1")).one()
    keep(session, home, party, "7")
    rows = [
        {
            "id": "a",
            "party_code": "C1",
            "date": "2026-11-02",
            "product_code": "T1",
            "quantity": 4,
            "number": "7",
        },
        {
            "id": "b",
            "party_code": "C1",
            "date": "2026-11-02",
            "product_code": "T1",
            "quantity": 4,
            "price": 2.5,
        },
    ]
    result = import_sales(session, actor, company, json.dumps(rows).encode())
    assert (result.created, result.invoiced, lines(session)[-1][2:]) == (1, 1, (Decimal(4), Decimal(10)))
    rows[1]["quantity"] = 6
    result = import_sales(session, actor, company, json.dumps({"items": rows}).encode())
    assert (result.updated, result.invoiced, lines(session)[-1][2:]) == (1, 1, (Decimal(6), Decimal(15)))
    with pytest.raises(ImportRefused) as refused:
        import_sales(session, actor, company, b"name;colour\na;b\nc;d\n")
    assert refused.value.code in ("missing_columns", "no_header")
