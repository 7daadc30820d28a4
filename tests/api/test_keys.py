"""Keys: hashed, scoped, expiring, never more than their owner; cookies mean nothing (issue 5, 4; issue 6, 7)."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.api.allowance import Allowances
from crm_mail.api.models import ApiKey
from crm_mail.api.scopes import narrow
from crm_mail.audit import AuditEvent
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Actor, Permission
from crm_mail.users.granting import choose
from crm_mail.users.matrix import Choice
from crm_mail.users.models import User
from tests.api.conftest import Api
from tests.factories import make_actor, make_company, make_contact, make_party, make_user, outbox_grants

P = Permission


def test_a_key_never_holds_more_than_its_owner_nor_more_than_its_scopes() -> None:
    owner = Actor(
        1,
        "Anna",
        clearance=2,
        grants=frozenset(
            {(P.OUTBOX_PREPARE, "invoice", 1), (P.CONTACTS_MANAGE, "", None), (P.USERS_MANAGE, "", None)}
        ),
        denials=frozenset({(P.CONTACTS_MANAGE, "", 2)}),
    )
    admin = Actor(2, "Root", clearance=3, is_admin=True)
    scopes = {P.CONTACTS_SEE, P.CONTACTS_MANAGE, P.OUTBOX_PREPARE}
    for person, companies in product((owner, admin), ((), (1,), (2,))):
        key = narrow(person, "till", [one.value for one in scopes], companies, 1)
        assert key.clearance == 1
        assert not key.is_admin
        assert not key.can(P.USERS_MANAGE)
        for right, company, type_ in product(P, (None, 1, 2, 3), (None, "invoice", "order")):
            if right is not P.SIGNED_IN and key.can(right, company, type_):
                assert person.can(right, company, type_), (right, company, type_)
                assert not companies or company in (None, *companies)
        allowed, seen = key.company_ids(P.CONTACTS_SEE), person.company_ids(P.CONTACTS_SEE)
        assert allowed is None or not companies or allowed <= set(companies)
        assert seen is None or (allowed is not None and allowed <= seen)
    assert narrow(owner, "x", [P.OUTBOX_PREPARE.value], (), 9).can(P.DOCUMENTS_SEE, 1, "invoice")
    assert not narrow(owner, "x", [P.OUTBOX_PREPARE.value], (), 9).can(P.OUTBOX_PREPARE, 1, "order")


def test_a_key_works_until_it_is_ended_expires_or_its_owner_goes(
    app: Flask, sqlite_home: Installation, api: Callable[..., Api]
) -> None:
    with sqlite_home.database.write() as session:
        make_company(session, code="SM02")
        user = make_user(session, is_admin=True)
    one = api(user)
    assert one("GET", "/companies").get_json()["data"][0]["code"] == "SM02"
    with sqlite_home.database.write() as session:
        kept = session.scalars(select(ApiKey)).one()
        assert one.token not in repr(vars(kept))
        assert one.token.startswith(kept.prefix)
        assert kept.last_used_at is not None

    def status(**values: object) -> int:
        with sqlite_home.database.write() as session:
            for name, value in values.items():
                target = (
                    session.get_one(User, user.id)
                    if name == "is_active"
                    else session.get_one(ApiKey, kept.id)
                )
                setattr(target, name, value)
        return one("GET", "/companies").status_code

    assert status(expires_at=now() - timedelta(seconds=1)) == 401
    assert status(expires_at=now() + timedelta(days=1)) == 200
    assert status(is_active=False) == 401
    assert status(is_active=True, revoked_at=now()) == 401
    refused = one("GET", "/companies")
    assert refused.mimetype == "application/problem+json"
    assert refused.get_json()["remedy"]
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_cookie_is_no_key(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient], app: Flask
) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, is_admin=True)
    browser = login_as(admin)
    assert browser.get("/my-account/api-keys").status_code == 200
    assert browser.get("/api/v1/companies").status_code == 401
    assert browser.post("/api/v1/parties", json={}).status_code == 401


def test_a_person_makes_a_key_that_is_shown_once_and_who_looks_after_users_can_end_it(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient], app: Flask
) -> None:
    with sqlite_home.database.write() as session:
        clerk = make_user(session, areas=[P.CONTACTS_MANAGE])
        other = make_user(session, areas=[P.CONTACTS_MANAGE])
        chief = make_user(session, areas=[P.USERS_MANAGE])
    browser = login_as(clerk)
    form = {"name": "ERP", "scopes": ["contacts:see"], "clearance": "0", "days": "30", "per_minute": "10"}
    assert (
        browser.post("/my-account/api-keys/new", data=form | {"scopes": ["outbox:commit"]}).status_code == 422
    )
    page = browser.post("/my-account/api-keys/new", data=form).get_data(as_text=True)
    token = page.split('id="key">')[1].split("<")[0]
    assert token not in browser.get("/my-account/api-keys").get_data(as_text=True)
    program = Api(app.test_client(), token)
    assert program("GET", "/companies").status_code == 200
    assert program("POST", "/parties", json={}).status_code == 403
    with sqlite_home.database.read() as session:
        key_id = session.scalars(select(ApiKey.id)).one()
    assert login_as(other).post(f"/my-account/api-keys/{key_id}/revoke").status_code == 404
    assert "ERP" in login_as(chief).get("/users/api-keys").get_data(as_text=True)
    assert login_as(chief).post(f"/my-account/api-keys/{key_id}/revoke").status_code == 303
    assert program("GET", "/companies").status_code == 401


def test_what_a_key_does_is_audited_under_its_name_and_hidden_contacts_do_not_exist_for_it(
    sqlite_home: Installation, api: Callable[..., Api]
) -> None:
    with sqlite_home.database.write() as session:
        company, foreign = make_company(session, code="SM02"), make_company(session, code="SM03")
        party = make_party(session, company, code="0007")
        elsewhere = make_party(session, foreign)
        secret = make_contact(session, party, privacy_level=2, name="Avvocato Neri")
        make_contact(session, party, name="Anna")
        admin = make_user(session, is_admin=True, clearance=3, name="Maria")
        ids = (party.id, elsewhere.id, secret.id)
    low = api(admin, "contacts:see", "contacts:manage", clearance=1, company_ids=(company.id,))
    listed = low("GET", "/contacts?company=SM02").get_data(as_text=True)
    assert "Anna" in listed
    assert "Neri" not in listed
    assert low("GET", f"/contacts/{ids[2]}").status_code == 404
    assert low("PATCH", f"/contacts/{ids[2]}", json={"name": "x"}).status_code == 404
    assert low("GET", f"/parties/{ids[1]}").status_code == 404
    assert low("GET", "/parties?company=SM03").get_json() == low("GET", "/parties?company=XX").get_json() | {
        "detail": "?company: there is no company SM03 for this key",
        "errors": low("GET", "/parties?company=SM03").get_json()["errors"],
    }
    above = low("POST", "/contacts", json={"party_id": ids[0], "name": "Boss", "privacy_level": 2})
    assert (above.status_code, above.get_json()["errors"][0]["field"]) == (422, "privacy_level")
    assert low("PATCH", f"/parties/{ids[0]}", json={"city": "Modena"}).status_code == 200
    with sqlite_home.database.read() as session:
        line = session.scalars(select(AuditEvent).where(AuditEvent.action == "contacts.party.updated")).one()
        assert line.actor_name == "Maria (API: ERP)"
        assert line.user_id == admin.id


def test_the_limit_of_a_key_holds_over_processes_and_says_when_to_come_back(home: Installation) -> None:
    with home.database.write() as session:
        user = make_user(session)
        key = ApiKey(
            name="x",
            prefix="x",
            key_hash="x",
            owner_id=user.id,
            per_minute=50,
            expires_at=now() + timedelta(1),
        )
        session.add(key)
        session.flush()
        key_id = key.id
    processes = [Allowances(), Allowances(), Allowances()]
    minute = 30_000_000 * 60
    spent = [
        processes[turn % 3].spend(home.database, key_id, 50, "", minute + 1.0).is_allowed
        for turn in range(120)
    ]
    assert sum(spent) == 50
    refused = processes[0].spend(home.database, key_id, 50, "", minute + 20.0)
    assert (refused.is_allowed, refused.remaining, refused.resets_in) == (False, 0, 40)
    assert processes[1].spend(home.database, key_id, 50, "", minute + 60.0).is_allowed


def test_too_many_requests_are_answered_429(sqlite_home: Installation, api: Callable[..., Api]) -> None:
    with sqlite_home.database.write() as session:
        user = make_user(session, grants=outbox_grants())
    program = api(user, per_minute=3)
    answers = [program("GET", "/companies") for _ in range(4)]
    assert [one.status_code for one in answers][-2:] in ([200, 429], [429, 200])  # a minute may have ended
    last = answers[-1] if answers[-1].status_code == 429 else answers[-2]
    if last.status_code == 429:
        assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert answers[0].headers["RateLimit"].startswith('"minute";r=2;t=')


def test_where_rights_are_remembered_they_are_taken_at_once_all_the_same(
    sqlite_home: Installation, api: Callable[..., Api]
) -> None:
    """Events come a thousand a second: the rights of a moment ago may be used, not those that somebody took."""
    with sqlite_home.database.write() as session:
        make_company(session, code="SM02")
        user = make_user(session, grants=[(P.DOCUMENTS_MANAGE, ANY, None)])
    program = api(user, P.DOCUMENTS_MANAGE.value)

    def told(number: int) -> int:
        event = {"company": "SM02", "id": f"e{number}", "kind": "a.b", "occurred_at": "2026-11-22T10:00:00Z"}
        return program("POST", "/events", json=event).status_code

    assert [told(1), told(2)] == [202, 202]
    with sqlite_home.database.write() as session:
        rights = {(P.DOCUMENTS_MANAGE, ANY, None): Choice.INHERIT}
        assert choose(session, make_actor(), session.get_one(User, user.id), rights)
    assert told(3) == 403
    with sqlite_home.database.write() as session:
        choose(session, make_actor(), session.get_one(User, user.id), dict.fromkeys(rights, Choice.ALLOW))
    assert told(4) == 202
    with sqlite_home.database.write() as session:
        session.get_one(User, user.id).is_active = False
    assert told(5) == 401
