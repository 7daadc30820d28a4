"""Pages of send orders: a company's choices are kept or refused with a reason; orders are seen by whoever may."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.send_orders.settings import read_choices
from tests.factories import make_company, make_user, outbox_grants
from tests.send_orders.making import drop, look, make_office, make_standing, order_xml


def test_the_choices_are_kept_or_refused_with_the_reason(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    """PM-13, PM-24: folders only inside what whoever runs the program allows."""
    home = sqlite_home
    with home.database.write() as session:
        company = make_company(session)
        standing = make_standing(session, company).id
        admin = make_user(session, is_admin=True, clearance=3)
    client, page = login_as(admin), f"/send-orders/settings/{company.id}"
    values: dict[str, Any] = {
        "path": "acme",
        "is_watched": "y",
        "afterwards": "recycle",
        "document_type": "invoice",
        "wait_minutes": "5",
        "authorisation_id": str(standing),
        "mapping": f"C:\\Envio = {home.settings.resolved_mailer_dir / 'acme'}",
        "element_paths": "subject = mail/asunto",
    }
    (home.settings.resolved_mailer_dir / "acme").mkdir(parents=True)
    assert client.get(page).status_code == 200
    assert client.post(page, data=values).status_code == 303
    with home.database.read() as session:
        kept = read_choices(session, company)
    assert (kept.path, kept.is_watched, kept.authorisation_id, kept.wait_minutes) == (
        "acme",
        True,
        standing,
        5,
    )
    for wrong in (
        {"path": "../elsewhere"},
        {"path": "acme/quarantine"},
        {"mapping": "C:\\ = /etc"},
        {"element_paths": "nonsense"},
        {"stranger_party": "nobody"},
        {"wait_minutes": "-1"},
    ):
        assert client.post(page, data=values | wrong).status_code == 422, wrong
    assert client.post(page, data=values | {"try": "1", "path": "trial"}).status_code == 200
    with home.database.read() as session:
        assert read_choices(session, company) == kept


def test_orders_are_seen_by_whoever_reviews_the_company(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    home = sqlite_home
    with home.database.write() as session:
        company, folder = make_office(session, home)
        other = make_company(session)
        reviewer = make_user(session, grants=list(outbox_grants(company.id)))
        stranger = make_user(session, grants=list(outbox_grants(other.id)))
        clerk = make_user(session, grants=[(Permission.DOCUMENTS_SEE, "*", company.id)])
    drop(folder, order_xml(title="visible to reviewers"), "1")
    drop(folder, order_xml(to="nobody@nowhere.example"), "2")
    look(home)
    page = login_as(reviewer).get("/send-orders").get_data(as_text=True)
    assert "visible to reviewers" in page
    assert "Nobody knows the address nobody@nowhere.example" in page
    assert "visible to reviewers" not in login_as(reviewer).get("/send-orders?state=refused").get_data(
        as_text=True
    )
    assert "visible to reviewers" not in login_as(stranger).get("/send-orders").get_data(as_text=True)
    assert login_as(clerk).get("/send-orders").status_code == 403
    assert login_as(reviewer).get(f"/send-orders/settings/{company.id}").status_code == 403
