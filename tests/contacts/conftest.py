"""A company with a public and a confidential contact, seen by people of each clearance."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm_mail.contacts.models import ContactState, Role
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from tests.factories import make_company, make_contact, make_party, make_user

SECRET_WORDS = ("Segretissimo", "hidden@", "vip-tag")


def make_world(session: Session) -> SimpleNamespace:
    """One party with an open contact, a hidden active one and a hidden suggested one (level 2)."""
    company = make_company(session, language="it")
    party = make_party(
        session, company, code="000042", name="Rossi S.p.A.", agent="Bianchi", email="info@rossi.example"
    )
    public = make_contact(session, party, name="Anna Aperta", subscriptions=("invoice",))
    hidden = make_contact(
        session,
        party,
        (("hidden@rossi.example", "pec"),),
        ("invoice", "quote"),
        {"vip-tag": "yes"},
        name="Segretissimo Uno",
        privacy_level=2,
    )
    hidden.roles.append(Role(company_id=company.id, name="Direzione"))
    suggested = make_contact(
        session,
        party,
        (("hidden@pec.example", "pec"),),
        name="Segretissimo Due",
        privacy_level=2,
        state=ContactState.SUGGESTED,
    )
    session.flush()
    return SimpleNamespace(company=company, party=party, public=public, hidden=hidden, suggested=suggested)


@pytest.fixture
def world(sqlite_home: Installation, app: Flask) -> SimpleNamespace:
    """The same, committed."""
    with sqlite_home.database.write() as session:
        return make_world(session)


@pytest.fixture
def browser_of(sqlite_home: Installation, login_as: Callable[..., FlaskClient]) -> Callable[..., FlaskClient]:
    """A browser of somebody with these rights: ``browser_of(clearance=1, areas=[...])``."""

    def open_browser(clearance: int = 0, **rights: Any) -> FlaskClient:
        rights = rights or {"areas": [Permission.CONTACTS_MANAGE]}
        with sqlite_home.database.write() as session:
            user = make_user(session, clearance=clearance, **rights)
        return login_as(user)

    return open_browser


@pytest.fixture(autouse=True)
def links_to_other_rooms(request: pytest.FixtureRequest) -> None:
    """Let the pages of this room be tested whether or not the rooms that the menu links to have theirs."""
    if "app" in request.fixturenames:
        app: Flask = request.getfixturevalue("app")
        app.url_build_error_handlers.append(lambda _error, endpoint, _values: f"/other-room/{endpoint}")
