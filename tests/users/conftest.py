"""Pages of this room link to those of the others; while a room has no such page yet, an empty one stands in."""

import pytest
from flask import Blueprint, Flask

from crm_mail.app import create_app
from crm_mail.installation import Installation
from crm_mail.permissions import Permission, requires
from crm_mail.reports.audit_page import add_audit_routes

LINKED = [
    "reports.dashboard",
    "contacts.list_parties",
    "documents.list_documents",
    "importers.home",
    "outbox.prepare",
    "outbox.list_runs",
    "documents.list_texts",
    "delivery.list_accounts",
    "companies.list_companies",
    "companies.switch_company",
]


def add_missing_pages(app: Flask) -> None:
    """Stand in for the pages that other rooms will bring."""
    for endpoint in LINKED:
        room, name = endpoint.split(".")
        if endpoint not in app.view_functions:
            stand_in = Blueprint(f"{room}", __name__)
            if room in app.blueprints:
                app.blueprints.pop(room)
            path = "/" if endpoint == "reports.dashboard" else f"/stand-in/{name}"
            stand_in.add_url_rule(path, name, requires(Permission.SIGNED_IN)(lambda: "stand-in"))
            if endpoint == "reports.dashboard" and "reports.audit" not in app.view_functions:
                add_audit_routes(stand_in)
            app.register_blueprint(stand_in)


@pytest.fixture
def app(sqlite_home: Installation) -> Flask:
    """The web application, with every page that the frame links to."""
    app = create_app(sqlite_home.settings, sqlite_home)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    add_missing_pages(app)
    return app
