"""The web application with every page that the frame links to."""

import pytest
from flask import Flask

from crm_mail.app import create_app
from crm_mail.installation import Installation
from tests.users.conftest import add_missing_pages


@pytest.fixture
def app(sqlite_home: Installation) -> Flask:
    """The web application, complete."""
    app = create_app(sqlite_home.settings, sqlite_home)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    add_missing_pages(app)
    return app
