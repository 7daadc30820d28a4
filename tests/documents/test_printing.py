"""Which documents are drawn: those that came as data and have no PDF (IT-19, PD-1)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.documents.models import Document
from crm_mail.documents.printing import unprinted
from tests.factories import make_company, make_document, make_party


def test_documents_of_any_type_that_have_data_and_no_pdf_are_drawn(session: Session) -> None:
    """Not those without data, nor a generic document that is its files; an invoice always was."""
    party = make_party(session, make_company(session))
    data = {"lines": [{"description": "x"}]}
    drawn = [
        make_document(session, party, files=(), type=kind, data=data).id
        for kind in ("quote", "delivery_note", "price_list", "generic")
    ]
    drawn.append(make_document(session, party, files=(), type="invoice").id)
    make_document(session, party, type="quote", data=data)  # has its PDF
    make_document(session, party, files=(), type="quote")
    with_file = make_document(session, party, type="generic", data={"title": "Catalogue"})
    with_file.files[0].role = "attachment"
    session.flush()
    assert sorted(session.scalars(unprinted(select(Document.id)))) == drawn
