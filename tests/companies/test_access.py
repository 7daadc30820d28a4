"""Who may open and change what in the settings of companies, and what the pages show."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from crm_mail.companies.models import Company, TypePolicy
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.factories import make_account, make_company, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
PAGES = (
    "/companies",
    "/companies/new",
    "/companies/1",
    "/companies/1/documents",
    "/companies/1/documents/invoice",
)
NEW = {
    "code": "SM77",
    "name": "Ñandú & Figli <S.p.A.>",
    "country": "IT",
    "language": "it",
    "timezone": "Europe/Rome",
    "undo_seconds": "30",
    "max_message_mb": "20",
}


class Office:
    """A company, one of each kind of person, and their browsers."""

    def __init__(self, home: Installation, login_as: LoginAs, app: Flask) -> None:
        self.home = home
        with home.database.write() as session:
            self.company = make_company(session, code="SM01", name="Officine Ñandú & Figli")
            self.other = make_company(session, code="SM02")
            make_account(session, self.company, name="Amministrazione")
            clerk = make_user(session, grants=list(outbox_grants(self.company.id)))
            settings = make_user(session, areas=[Permission.SETTINGS_MANAGE])
            admin = make_user(session, is_admin=True)
        self.browsers = {
            "guest": app.test_client(),
            "clerk": login_as(clerk),
            "settings": login_as(settings),
            "admin": login_as(admin),
        }


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs, app: Flask) -> Office:
    return Office(sqlite_home, login_as, app)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("who", "status"), [("guest", 302), ("clerk", 403), ("settings", 200), ("admin", 200)]
)
def test_only_who_manages_settings_opens_the_pages_of_companies(
    office: Office, path: str, who: str, status: int
) -> None:
    answer = office.browsers[who].get(path)
    assert answer.status_code in ((302, 303) if status == 302 else (status,))
    if status == 302:
        assert "login" in answer.location


@pytest.mark.parametrize(
    "path",
    [
        "/companies/new",
        "/companies/1",
        "/companies/1/logo",
        "/companies/1/documents",
        "/companies/1/documents/invoice",
    ],
)
@pytest.mark.parametrize("who", ["guest", "clerk"])
def test_nobody_else_changes_anything(office: Office, path: str, who: str) -> None:
    assert office.browsers[who].post(path, data=NEW).status_code in (302, 303, 403)
    with office.home.database.read() as session:
        assert session.scalars(select(Company.name).order_by(Company.id)).all()[0] == "Officine Ñandú & Figli"
        assert session.scalar(select(TypePolicy)) is None


def test_a_company_is_added_and_its_special_characters_come_out_right(office: Office) -> None:
    """PM-12."""
    answer = office.browsers["settings"].post("/companies/new", data=NEW, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Ñandú &amp; Figli &lt;S.p.A.&gt;" in page
    with office.home.database.read() as session:
        assert session.scalar(select(Company.name).where(Company.code == "SM77")) == NEW["name"]


def test_a_wrong_value_answers_422_beside_its_field_and_keeps_nothing(office: Office) -> None:
    answer = office.browsers["settings"].post(
        "/companies/1", data=NEW | {"error_address": "nobody", "code": "sm02"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="error_address-error"' in page
    assert 'id="code-error"' not in page or "SM02" in page
    with office.home.database.read() as session:
        assert session.scalars(select(Company.code).order_by(Company.id)).all() == ["SM01", "SM02"]


def test_decisions_of_all_types_are_saved_at_once(office: Office) -> None:
    settings = office.browsers["settings"]
    page = settings.get("/companies/1/documents").get_data(as_text=True)
    assert page.count('name="invoice-channel_preference"') == 1
    fields = {
        f"{kind}-{name}": value
        for kind in _types()
        for name, value in (
            ("is_enabled", "y"),
            ("is_bundled", "y"),
            ("channel_preference", "pec_first"),
            ("account_source", "company"),
            ("smtp_account_id", ""),
            ("pec_account_id", ""),
        )
    }
    fields |= {"invoice-smtp_account_id": "1", "quote-account_source": "user"}
    del fields["receipt-is_enabled"]
    assert settings.post("/companies/1/documents", data=fields).status_code == 303
    with office.home.database.read() as session:
        rows = {row.document_type: row for row in session.scalars(select(TypePolicy))}
    assert rows["invoice"].smtp_account_id == 1
    assert rows["quote"].account_source == "user"
    assert not rows["receipt"].is_enabled


def _types() -> list[str]:
    from crm_mail.document_types import DocumentType

    return [document_type.value for document_type in DocumentType]


def test_an_account_that_is_not_in_the_list_is_refused(office: Office) -> None:
    fields = {
        "invoice-channel_preference": "pec_first",
        "invoice-account_source": "company",
        "invoice-smtp_account_id": "999",
        "invoice-pec_account_id": "",
    }
    assert office.browsers["settings"].post("/companies/1/documents/invoice", data=fields).status_code == 422


def test_a_logo_is_shown_only_to_who_works_in_the_company(office: Office) -> None:
    file = io.BytesIO()
    Image.new("RGB", (30, 10), "navy").save(file, "PNG")
    upload = {"logo": (io.BytesIO(file.getvalue()), "logo.exe")}
    assert office.browsers["settings"].post("/companies/1/logo", data=upload).status_code == 303
    shown = office.browsers["clerk"].get("/companies/1/logo")
    assert (shown.status_code, shown.mimetype, shown.data) == (200, "image/png", file.getvalue())
    assert office.browsers["clerk"].get("/companies/2/logo").status_code == 404
    assert office.browsers["guest"].get("/companies/1/logo").status_code in (302, 303, 401)


def test_a_file_that_is_no_image_is_refused_with_a_reason(office: Office) -> None:
    upload = {"logo": (io.BytesIO(b"<svg onload=alert(1)>"), "logo.png")}
    answer = office.browsers["settings"].post("/companies/1/logo", data=upload)
    assert answer.status_code == 422
    assert "logo-error" in answer.get_data(as_text=True)


def test_a_person_switches_only_to_a_company_in_which_something_is_granted(office: Office) -> None:
    clerk = office.browsers["clerk"]
    answer = clerk.post("/companies/switch", data={"company": "1", "next": "/contacts"})
    assert (answer.status_code, answer.location) == (303, "/contacts")
    with clerk.session_transaction() as cookie:
        assert cookie["company_id"] == 1
    assert clerk.post("/companies/switch", data={"company": "2"}).status_code == 404
    assert clerk.post("/companies/switch", data={"company": "x"}).status_code == 404
    assert clerk.post("/companies/switch", data={"company": "1", "next": "//evil.example"}).location == "/"
    assert office.browsers["settings"].post("/companies/switch", data={"company": "2"}).status_code == 303


@pytest.mark.parametrize(
    "path", ["/companies/99", "/companies/99/documents", "/companies/1/documents/nothing"]
)
def test_what_does_not_exist_answers_404(office: Office, path: str) -> None:
    assert office.browsers["admin"].get(path).status_code == 404
