"""Pages of the suppression list: add, find, lift with a word, export; and who may."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.delivery.models import Suppression
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from tests.factories import make_company, make_user, outbox_grants


def test_an_address_is_added_found_lifted_and_exported(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    """CO-5: with the reason, and a way out."""
    with sqlite_home.database.write() as session:
        make_company(session)
        manager = make_user(session, areas=[Permission.CONTACTS_MANAGE])
        reader = make_user(session, grants=[(p, t, c) for p, t, c in outbox_grants()])
    browser = login_as(manager)
    assert browser.post("/suppressions/", data={"address": "not one"}).status_code == 422
    assert (
        browser.post("/suppressions/", data={"address": "Ann@bella.example", "detail": "asked"}).status_code
        == 303
    )
    assert browser.post("/suppressions/", data={"address": "ann@bella.example"}).status_code == 422
    page = browser.get("/suppressions?q=bella").text
    assert "ann@bella.example" in page
    assert "asked" in page
    with browser.post("/suppressions/export") as file:
        assert b"ann@bella.example" in file.data

    other = login_as(reader)
    assert "ann@bella.example" in other.get("/suppressions").text
    assert other.post("/suppressions/", data={"address": "bob@bella.example"}).status_code == 403
    with sqlite_home.database.read() as session:
        row_id = session.scalars(select(Suppression.id)).one()
    assert other.post(f"/suppressions/{row_id}/lift", data={"why": "x"}).status_code == 403

    assert browser.post(f"/suppressions/{row_id}/lift", data={"why": " "}).status_code == 422
    assert browser.post(f"/suppressions/{row_id}/lift", data={"why": "it works"}).status_code == 303
    assert "ann@bella.example" not in browser.get("/suppressions?q=bella").text.partition("<table")[2]
    assert "ann@bella.example" in browser.get("/suppressions?show=lifted").text
