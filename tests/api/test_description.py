"""The published description tells the truth: every address is asked for what it allows, and answers as it says."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crm_mail.api.openapi import describe
from crm_mail.api.resources import interface
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import RunState
from tests.api.conftest import Api
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance)
EXAMPLES, OF_SIMPLE_ONES = 20, 6
"""Requests to an address that takes a body, and to the others: a look-up by id has little to get wrong."""
OPERATIONS = [(one.method, one.path) for one in interface.operations]


@pytest.fixture
def program(sqlite_home: Installation, app: Flask, api: Callable[..., Api]) -> Api:
    """A key that may do everything, in an office that has one of each thing, all with the id 1."""
    with sqlite_home.database.write() as session:
        company = make_company(session, code="0", id=1)
        make_account(session, company)
        party = make_party(session, company, id=1, code="0")
        make_contact(session, party, id=1, subscriptions=("invoice",))
        make_document(session, party, id=1)
        session.add(Run(id=1, company_id=1, title="", state=RunState.REVIEW, document_types=["invoice"]))
        session.flush()
        fields = {"party_code": "0", "party_name": "x", "language": "it", "channel": Channel.SMTP}
        session.add(Message(id=1, run_id=1, company_id=1, party_id=1, document_types="invoice", **fields))
        user = make_user(session, is_admin=True, clearance=3)
    return api(user, per_minute=100_000)


def test_every_address_answers_whatever_its_description_allows_as_it_says(program: Api, app: Flask) -> None:
    schema = schemathesis.openapi.from_dict(describe(interface, "1"))
    schema.app = app
    problems = []
    for method, path in sorted(OPERATIONS, key=lambda one: one[0] == "DELETE"):
        has_body = method in ("POST", "PUT", "PATCH")
        operation = schema[path.replace("<int:", "{").replace("<", "{").replace(">", "}")][method]

        @given(case=operation.as_strategy(), known=st.booleans())
        @settings(
            max_examples=EXAMPLES if has_body else OF_SIMPLE_ONES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any, known: bool) -> None:
            _make_known(case, known)
            response = case.call(headers={"Authorization": f"Bearer {program.token}"})
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except BaseExceptionGroup as error:  # the other addresses are asked as well
            problems += [f"{method} {path}: {part}" for part in error.exceptions]
    assert not problems, "\n\n".join(problems)


def _make_known(case: Any, known: bool) -> None:
    """Half of the requests speak of what there is."""
    if not known:
        return
    for name in case.path_parameters or {}:
        case.path_parameters[name] = "invoice" if name == "document_type" else 1
    if "company" in (case.query or {}):
        case.query["company"] = "0"
    if isinstance(case.body, dict):
        case.body |= {name: value for name, value in (("company", "0"), ("party_id", 1)) if name in case.body}


def test_the_description_is_public_and_holds_every_address(app: Flask) -> None:
    told = app.test_client().get("/api/v1/openapi.json").get_json()
    assert told["openapi"] == "3.1.0"
    said = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    routes = {
        (method, str(rule).removeprefix("/api/v1").replace("<int:", "{").replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/") and rule.endpoint != "api.published_description"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert said == routes
    for methods in told["paths"].values():
        for one in methods.values():
            assert one["summary"]
            assert "403" in one["responses"]


def test_the_reference_shows_every_address_without_help_from_elsewhere(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., Any]
) -> None:
    with sqlite_home.database.write() as session:
        user = make_user(session)
    page = login_as(user).get("/api-reference").get_data(as_text=True)
    for _method, path in OPERATIONS:
        assert path.replace("<int:", "{").replace("<", "{").replace(">", "}") in page
    assert 'src="http' not in page
