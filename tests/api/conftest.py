"""A key for the test's own office: ``api(user, scopes…)`` gives a client that carries it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.api.scopes import SCOPES
from crm_mail.installation import Installation
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User


class Api:
    """A program with a key."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.token = client, token

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)


@pytest.fixture
def api(app: Flask) -> Callable[..., Api]:
    """Make a key of a user, with every scope that the user holds unless some are named."""

    def make(user: User, *scopes: str, **values: Any) -> Api:
        home: Installation = app.extensions["crm_mail"]
        with home.database.write() as session:
            actor = build_actor(session, session.get_one(User, user.id))
            chosen = scopes or tuple(one.value for one in SCOPES if actor.can(one))
            given = KeyValues("ERP", chosen, **({"clearance": actor.clearance} | values))
            _key, token = issue_key(session, actor, given)
        return Api(app.test_client(), token)

    return make
