"""Purchases in the pages: a sales list comes in, becomes a segment, and a mailing reaches exactly who bought."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.campaigns.models import Campaign
from crm_mail.companies.models import Company
from crm_mail.composers import register_composers
from crm_mail.contacts.models import SavedFilter
from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.tasks import fill_one_run
from tests.delivery.servers import FaultyServer
from tests.factories import make_account, make_company, make_contact, make_party, make_user

Login = Callable[..., FlaskClient]
CELLS = """customer code\tdate\tproduct code\tgroup\tqty\tamount
C1\t2026-11-02\tT1\tTyres\t4\t400
C2\t2026-11-02\tT1\tTyres\t1\t100
C3\t2026-11-02\tO1\tOil\t9\t90
"""


@pytest.fixture
def clerk(sqlite_home: Installation, login_as: Login) -> FlaskClient:
    with sqlite_home.database.write() as session:
        company = make_company(session, language="en", country="IT")
        make_account(session, company)
        for code in ("C1", "C2", "C3"):
            make_contact(
                session, make_party(session, company, code=code), ((f"{code.lower()}@c.example", "ordinary"),)
            )
        user = make_user(session, is_admin=True, clearance=1, email="clerk@office.example", language="en")
    return login_as(user)


def bring_sales(clerk: FlaskClient) -> None:
    columns = clerk.post("/import/sales", data={"cells": CELLS}).headers["Location"]
    page = clerk.get(columns).text
    chosen = re.findall(r'name="(column-\d+)".*?<option value="(\w+)" selected', page, re.DOTALL)
    report = clerk.post(columns, data=dict(chosen) | {"name": "ERP"}).headers["Location"]
    assert "Nothing is written yet" in clerk.get(report).text
    done = clerk.post(f"{report}/apply").headers["Location"]
    assert "What was done" in clerk.get(done).text


def test_a_mailing_to_who_bought_a_group_reaches_exactly_them(
    sqlite_home: Installation, clerk: FlaskClient
) -> None:
    """IT-14, IT-15, IT-16: sales list → list of contacts → segment → mailing → review."""
    register_composers()
    bring_sales(clerk)
    listed = clerk.get("/contacts/?buy_act=bought&buy_group=Tyres&buy_quantity=2&buy_currency=EUR")
    assert "purchase=act%3Dbought" in listed.headers["Location"]
    shown = clerk.get(listed.headers["Location"]).text
    assert "bought group Tyres, at least 2 pieces" in shown
    for page in ("/receivables/statements", "/receivables/reminders"):
        asked = clerk.get(f"{page}?as_of=2026-11-22&layout=open_items&buy_act=bought&buy_group=Tyres").text
        assert "bought group Tyres" in asked
    begun = clerk.post("/campaigns/new", data={"title": "Tyres", "document_type": "generic", "purpose": ""})
    here = begun.headers["Location"].removesuffix("/audience")
    typed = {"buy_act": "bought", "buy_group": "Tyres", "buy_recent": "", "buy_currency": "EUR"}
    assert "2 recipients" in clerk.get(f"{here}/audience/counts", query_string=typed).text
    two = clerk.get(f"{here}/audience/counts", query_string=typed | {"purchase": "act=not_bought&group=Oil"})
    assert "bought group Tyres" in two.text
    assert "did not buy group Oil" in two.text
    clerk.post(f"{here}/audience", data=typed | {"keep": "1", "segment_name": "Tyre buyers"})
    page = clerk.get(f"{here}/audience").text
    assert "The audience is the segment “Tyre buyers”" in page
    assert "Tyre buyers" in clerk.get("/campaigns/segments").text
    figures = clerk.get("/campaigns/segments/1/figures").text
    assert "2 customers and suppliers" in figures
    assert "2 would receive advertising" in figures  # customers: nobody said no
    text = {"subject": "Tyres", "body_text": "Dear {{ party.name }}", "body_html": ""}
    clerk.post(f"{here}/content?language=en", data=text)
    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            session.scalars(select(SenderAccount)).one().port = server.port
        clerk.post(f"{here}/test")
        run_id = int(clerk.post(f"{here}/prepare").headers["Location"].split("/")[2])
    fill_one_run(sqlite_home, run_id)
    review = clerk.get(f"/outbox/{run_id}").text
    assert ("c1@c.example" in review, "c2@c.example" in review, "c3@c.example" in review) == (
        True,
        True,
        False,
    )
    with sqlite_home.database.read() as session:
        assert len(session.scalars(select(Message).where(Message.run_id == run_id)).all()) == 2


def test_a_segment_is_ones_own_until_it_is_shared(
    sqlite_home: Installation, clerk: FlaskClient, login_as: Login
) -> None:
    """A colleague sees and uses a shared one, in the wizard and for schedules; only who keeps the contacts shares."""
    with sqlite_home.database.write() as session:
        company = session.scalars(select(Company)).one()
        rights = (("outbox:prepare", "*"), ("schedules:manage", ""), ("schedules:see", ""))
        grants = [(*right, company.id) for right in rights]
        colleague = make_user(session, grants=grants)
    clerk.post("/contacts/filters?zone=North", data={"name": "North"})
    with sqlite_home.database.read() as session:
        segment = session.scalars(select(SavedFilter)).one().id
    other = login_as(colleague)
    assert "North" not in other.get("/campaigns/segments").text
    assert other.get(f"/campaigns/segments/{segment}/figures").status_code == 404
    assert other.post(f"/campaigns/segments/{segment}/share", data={"shared": "yes"}).status_code in (
        403,
        404,
    )
    clerk.post(f"/campaigns/segments/{segment}/share", data={"shared": "yes"})
    assert "North" in other.get("/campaigns/segments").text
    begun = other.post(
        f"/campaigns/new?segment={segment}", data={"title": "x", "document_type": "generic", "purpose": ""}
    )
    assert begun.status_code == 303
    with sqlite_home.database.read() as session:
        assert session.scalars(select(Campaign.audience)).one()["zones"] == ["North"]
    assert "Segment: North" in other.get("/schedules/new?of=statements").text
    assert other.post(f"/campaigns/segments/{segment}/remove").status_code == 404
    assert clerk.post(f"/campaigns/segments/{segment}/remove").status_code == 303
