"""Pages of the catalogue in the browser's place: entry, search, removal, paste, run, rights (RP-2 to RP-11)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Subscription
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.permissions import ANY, Permission
from crm_mail.receivables.importing import import_ledger
from crm_mail.receivables.ledger import Kind
from tests.factories import make_actor, make_company, make_contact, make_party, make_user

Browser = Callable[..., FlaskClient]
HERE = "/contacts/catalogue/"
ROWS = "\t1006210\tana@x.test; b@x.test\r\nSM03\t1006210\t\r\nSM02\t1009999\t\r\nSM02\t6210\tc@x.test\r\n"


@pytest.fixture
def office(sqlite_home: Installation, login_as: Browser) -> tuple[FlaskClient, Installation]:
    """Two companies that both have a customer 1006210, and a person who prepares and manages contacts in both."""
    with sqlite_home.database.writing() as session:
        for code in ("SM02", "SM03"):
            company = make_company(session, code=code)
            make_party(
                session, company, code="1006210", name=f"AGRO {code}", email=f"own@{code.lower()}.test"
            )
        make_party(session, company, code="0006210", name="PLUMBERS")
        grants = [(one, ANY, None) for one in (Permission.OUTBOX_PREPARE, Permission.OUTBOX_COMMIT)]
        user = make_user(session, grants=grants, areas=[Permission.CONTACTS_MANAGE], language="en")
        session.commit()
        return login_as(user), sqlite_home


def text_of(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def test_single_entry_tells_success_and_error_and_a_removed_row_comes_back(
    office: tuple[FlaskClient, Installation],
) -> None:
    """RP-3 to RP-6, as the manual walks them."""
    browser, _home = office
    added = browser.post(
        HERE, data={"company": "SM02", "code": "1006210", "emails": "ana@x.test"}, follow_redirects=True
    )
    assert "1006210 AGRO SM02: Saved: account statements go to ana@x.test." in text_of(added)
    refused = browser.post(HERE, data={"company": "SM02", "code": "1009999"})
    assert refused.status_code == 422
    assert "Customer 1009999 is not in company SM02." in text_of(refused)
    assert "ana@x.test" in text_of(browser.get(f"{HERE}?q=1006210"))
    assert "No customer of the catalogue matches" in text_of(browser.get(f"{HERE}?q=777"))
    page = browser.post(f"{HERE}remove", data={"only": "1", "ids": ["2", "3"]}, follow_redirects=True)
    assert "1 row was removed from the catalogue." in text_of(page)
    assert "The catalogue is empty" in text_of(page)
    undo = re.search(r'action="(/contacts/catalogue/undo[^"]+)"', page.get_data(as_text=True))
    assert undo is not None
    assert "ana@x.test" in text_of(browser.post(undo[1], follow_redirects=True))


def test_pasted_rows_are_processed_then_saved_and_the_refused_ones_come_as_a_file(
    office: tuple[FlaskClient, Installation],
) -> None:
    """RP-7, RP-8, RP-16: two companies in one paste; nothing is written before Save."""
    browser, home = office
    page = browser.post(f"{HERE}bulk", data={"cells": ROWS, "company": "SM02"}, follow_redirects=True)
    words = text_of(page)
    assert "Nothing is written yet. 2 rows will be saved." in words
    assert "did you mean" not in words
    assert "the customer's own address, own@sm03.test" in words.replace("&#39;", "'")
    address = page.request.path
    with home.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CatalogueEntry)) == 0
    saved = browser.post(f"{address}/save", follow_redirects=True)
    assert "Saved: account statements go to ana@x.test; b@x.test." in text_of(saved)
    with home.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CatalogueEntry)) == 2
        assert session.scalar(select(func.count()).select_from(Subscription)) == 2
    assert "AGRO" not in text_of(browser.get(f"{saved.request.path}?show=refused")).split("Message")[1]
    file = browser.get(f"{saved.request.path}/refused.csv").get_data(as_text=True).splitlines()
    assert file[1:] == [
        "SM02,1009999,,3,Customer 1009999 is not in company SM02.",
        "SM02,6210,c@x.test,4,Customer 6210 is not in company SM02.",
    ]
    assert browser.post(f"{HERE}bulk", data={"cells": "  "}).status_code == 422


def test_a_paste_of_more_than_a_megabyte_is_taken(office: tuple[FlaskClient, Installation]) -> None:
    browser, _home = office
    cells = "".join(
        f"SM02\t{number:07}\tsomebody.with.a.name@customer-{number}.test\n" for number in range(20_000)
    )
    answer = browser.post(f"{HERE}bulk", data={"cells": cells, "company": ""})
    assert answer.status_code == 303


def test_statements_are_made_for_the_ticked_rows_alone_and_lead_to_the_commit_page(
    office: tuple[FlaskClient, Installation],
) -> None:
    """RP-9, RP-10: all found rows are ticked; who may commit goes on to that page."""
    browser, home = office
    with home.database.write() as session:
        company = session.scalars(select(Company).where(Company.code == "SM02")).one()
        parties = [
            make_party(session, company, code=code, email="x@x.test") for code in ("201", "202", "203")
        ]
        ids = [party.id for party in parties]
        session.add_all(CatalogueEntry(party_id=id_, company_id=company.id) for id_ in ids)
        make_party(session, company, code="999", email="not-in-it@x.test")
        rows = "".join(f"{code};F{code};2026-11-01;2026-12-01;100,00\n" for code in ("201", "202", "999"))
        data = f"party_code;number;doc_date;due_date;open\n{rows}".encode()
        import_ledger(session, make_actor(), company, data, kind=Kind.OPEN_ITEMS)
        company_id, outside = company.id, ids[-1] + 1
    address = f"{HERE}run?company={company_id}"
    page = browser.get(address).get_data(as_text=True)
    ticked = re.findall(r'name="ids" value="(\d+)" data-select-row checked', page)
    assert [int(one) for one in ticked] == ids[:2]
    assert "not-in-it@x.test" not in page
    none = browser.post(address, data={"action": "send"})
    assert none.status_code == 422
    assert "Tick at least one customer." in text_of(none)
    made = browser.post(address, data={"ids": [str(ids[0]), str(outside)], "action": "send"})
    assert made.status_code == 303
    with home.database.reading() as session:
        run = session.scalars(select(Run)).one()
        assert run.document_types == ["account_statement"]
        assert len(run.criteria["document_ids"]) == 1
    waiting = browser.get(made.location)
    assert "data-poll" in waiting.get_data(as_text=True)
    assert run.title in text_of(browser.get(HERE)) or f"Run {run.id}" in text_of(browser.get(HERE))


def test_the_catalogue_opens_for_whom_it_is(app: Flask, sqlite_home: Installation, login_as: Browser) -> None:
    """data:see looks, contacts:manage changes, outbox:prepare makes runs; another company's rows do not exist."""
    with sqlite_home.database.writing() as session:
        mine, other = make_company(session), make_company(session)
        for company in (mine, other):
            contact = (("c@x.test", "ordinary"),)
            make_contact(session, make_party(session, company), contact, ("account_statement",))
        other_id = other.id
        grants = [(Permission.OUTBOX_REVIEW, ANY, mine.id)]
        reader, nobody = make_user(session, grants=grants), make_user(session)
        session.commit()
        browser, empty = login_as(reader), login_as(nobody)
    page = browser.get(HERE)
    assert page.get_data(as_text=True).count("c@x.test") == 1
    assert "Enter a customer" not in text_of(page)
    assert browser.get(f"{HERE}?company={other_id}").status_code == 404
    forbidden = ((f"{HERE}bulk", "get"), (f"{HERE}run", "get"), (HERE, "post"), (f"{HERE}remove", "post"))
    assert [getattr(browser, method)(path).status_code for path, method in forbidden] == [403] * 4
    assert empty.get(HERE).status_code == 403
    assert app.test_client().get(HERE).status_code == 303
