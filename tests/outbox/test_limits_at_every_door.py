"""Who is limited tries every door: page, interface, standing authorisation; and to be the own second person."""

import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.outbox.standing.limits import WhyNot
from crm_mail.outbox.standing.service import commit_by_standing, give_standing
from crm_mail.outbox.states import RunState
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests.api.conftest import Api
from tests.factories import make_user, outbox_grants
from tests.outbox.test_commit_limits import run_of
from tests.outbox.test_standing import LIMITS


def _person(app: Flask, home: Installation, **limits: Any) -> tuple[User, Api, int]:
    """A limited person, a program with a key of theirs, and a run of two messages."""
    with home.database.write() as session:
        run = run_of(session, 2)
        user = make_user(session, clearance=3, grants=outbox_grants(run.company_id), **limits)
        key = KeyValues("ERP", ("outbox:commit", "documents:see"), clearance=3)
        _key, token = issue_key(session, build_actor(session, user), key)
        return user, Api(app.test_client(), token), run.id


def _seen(program: Api, run_id: int) -> str:
    return str(program("GET", f"/runs/{run_id}").get_json()["fingerprint"])


def _by_page(browser: FlaskClient, run_id: int) -> int:
    page = browser.get(f"/outbox/{run_id}/commit").text
    hidden = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]  # type: ignore[index]
        for name in ("seen", "key")
    }
    return browser.post(f"/outbox/{run_id}/commit", data=hidden | {"when": "now"}).status_code


def test_no_door_lets_more_go_than_a_person_may(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    anna, program, run_id = _person(app, sqlite_home, commit_most=1)
    assert _by_page(login_as(anna), run_id) == 409
    assert program("POST", f"/runs/{run_id}/commit", json={"seen": _seen(program, run_id)}).status_code == 409
    with sqlite_home.database.write() as session:
        run = session.get_one(Run, run_id)
        actor = build_actor(session, session.get_one(User, anna.id))
        standing = give_standing(session, actor, session.get_one(Company, run.company_id), "Nightly", LIMITS)
        assert commit_by_standing(session, run, standing.id).reason == WhyNot.COMMIT_REFUSED
        assert run.state is RunState.REVIEW


def test_nobody_is_the_own_second_person_by_another_door(
    app: Flask, sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    anna, program, run_id = _person(app, sqlite_home, commit_second_person_above=0)
    assert _by_page(login_as(anna), run_id) == 303
    again = program("POST", f"/runs/{run_id}/commit", json={"seen": _seen(program, run_id)})
    assert (again.status_code, "second_person" in again.text) == (409, True)
    forged = {
        "seen": _seen(program, run_id),
        "key": "a" * 32,
        "when": "now",
    }  # the page offers her no button
    assert login_as(anna).post(f"/outbox/{run_id}/commit", data=forged).status_code == 409
    with sqlite_home.database.read() as session:
        assert session.get_one(Run, run_id).state is RunState.APPROVAL
