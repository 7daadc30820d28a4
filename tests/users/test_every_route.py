"""Every route of the product: guests, somebody without rights, and somebody whose rights are in another company."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Role
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, AREA_PERMISSIONS, TYPE_PERMISSIONS, Permission
from crm_mail.users.rights import EVERYWHERE_ONLY
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user

LEFT_OUT = {"static", "users.logout", "users.change_password"}


def routes(app: Flask) -> Iterator[tuple[str, str, str, Permission | None]]:
    """(endpoint, rule, method, right) of everything that a person may call."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint in LEFT_OUT or rule.rule.startswith("/api/"):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule.endpoint, rule.rule, method, getattr(view, "permission", None)


def fill(rule: str, values: dict[str, int]) -> str | None:
    """The address with the ids, or None when it needs something else."""
    names = re.findall(r"<int:(\w+)>", rule)
    if not names or not set(names) <= set(values):
        return None
    path = re.sub(r"<int:(\w+)>", lambda found: str(values[found[1]]), rule)
    path = re.sub(r"<any\((\w+).*?>", r"\1", path)
    return re.sub(r"<[^>]+>", "invoice", path)


def test_a_guest_opens_nothing_that_needs_a_right(
    app: Flask, client: FlaskClient, sqlite_home: Installation
) -> None:
    with sqlite_home.database.write() as session:
        make_user(session)
    for endpoint, rule, method, right in routes(app):
        if right is None:
            continue
        path = re.sub(r"<any\((\w+).*?>", r"\1", re.sub(r"<int:\w+>", "1", rule))
        path = re.sub(r"<[^>]+>", "x", path)
        answer = client.open(path, method=method)
        assert answer.status_code in (303, 401), (endpoint, method, answer.status_code)
        assert answer.status_code == 401 or answer.location.split("?")[0] == "/login", endpoint


def test_without_a_right_every_route_of_it_is_refused(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        make_company(session)
        user = make_user(session)
    browser = login_as(user)
    for endpoint, rule, method, right in routes(app):
        if right is None or right is Permission.SIGNED_IN:
            continue
        path = re.sub(r"<any\((\w+).*?>", r"\1", re.sub(r"<int:\w+>", "1", rule))
        answer = browser.open(re.sub(r"<[^>]+>", "x", path), method=method)
        assert answer.status_code == 403, (endpoint, method, answer.status_code)


@pytest.fixture
def other_company(sqlite_home: Installation) -> dict[str, int]:
    """Ids of things of a company in which the person holds nothing."""
    with sqlite_home.database.write() as session:
        company = make_company(session)
        party = make_party(session, company)
        contact = make_contact(session, party)
        document = make_document(session, party)
        account = make_account(session, company)
        role = Role(company_id=company.id, name="Owner")
        session.add(role)
        session.flush()
        return {
            "company_id": company.id,
            "party_id": party.id,
            "contact_id": contact.id,
            "document_id": document.id,
            "account_id": account.id,
            "role_id": role.id,
        }


def test_every_right_in_one_company_opens_nothing_of_another(
    app: Flask,
    sqlite_home: Installation,
    login_as: Callable[..., FlaskClient],
    other_company: dict[str, int],
) -> None:
    with sqlite_home.database.write() as session:
        mine = make_company(session)
        grants = [(one, ANY, mine.id) for one in TYPE_PERMISSIONS]
        grants += [(one, "", mine.id) for one in AREA_PERMISSIONS if one not in EVERYWHERE_ONLY]
        user = make_user(session, grants=grants, clearance=3)
    browser = login_as(user)
    walked = 0
    for endpoint, rule, method, _right in routes(app):
        path = fill(rule, other_company)
        if path is None:
            continue
        walked += 1
        answer = browser.open(path, method=method)
        assert answer.status_code in (403, 404), (endpoint, method, path, answer.status_code)
        assert b"Cliente" not in answer.data
    assert walked > 50
    assert browser.post("/companies/switch", data={"company": other_company["company_id"]}).status_code == 404
    with sqlite_home.database.read() as session:
        foreign = session.scalars(select(Company.name).where(Company.id == other_company["company_id"])).one()
    for path in ("/", "/contacts/", "/documents/", "/companies", "/accounts", "/texts", "/catalogue"):
        assert foreign not in browser.get(path, follow_redirects=True).text, path
