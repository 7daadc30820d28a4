"""The pages on which an account signs in at its provider and gets its signature; no page shows a secret (PM-27)."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm_mail.db import now
from crm_mail.delivery.models import AccountKind, AuthMethod, Security, SenderAccount
from crm_mail.delivery.oauth import keep_tokens, tokens_of
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Permission
from crm_mail.sandbox.dns import Zone, dns_server
from crm_mail.users.models import User
from tests.delivery.oauth_server import CLIENT_SECRET, PERSON, OAuthServer
from tests.delivery.servers import Faults, FaultyServer
from tests.factories import make_account, make_company, make_user

LoginAs = Callable[[User], FlaskClient]


class Office:
    """A company with an ordinary and a PEC account, a chief who may change them and a clerk who may not."""

    def __init__(self, home: Installation, login_as: LoginAs) -> None:
        self.home = home
        with home.database.write() as session:
            company = make_company(session)
            self.id = make_account(session, company, from_address="office@acme.example").id
            self.pec_id = make_account(session, company, kind=AccountKind.PEC, name="PEC").id
            chief = make_user(session, areas=[Permission.SETTINGS_MANAGE], email="chief@office.example")
            clerk = make_user(session, email="clerk@office.example")
        self.chief, self.clerk = login_as(chief), login_as(clerk)
        self.page = f"/accounts/{self.id}/sign-in"

    def account(self) -> SenderAccount:
        with self.home.database.read() as session:
            return session.get_one(SenderAccount, self.id)

    def change(self, **columns: object) -> None:
        with self.home.database.write() as session:
            account = session.get_one(SenderAccount, self.id)
            for name, value in columns.items():
                setattr(account, name, value)

    def register(self, provider: OAuthServer) -> None:
        values = {
            "provider": "other", "client_id": "office-client", "secret": CLIENT_SECRET, "scope": "mail",
            "authorize_url": provider.authorize_url, "token_url": provider.token_url,
        }  # fmt: skip
        assert self.chief.post(self.page, data=values).status_code == 303

    def consent_url(self) -> str:
        page = self.chief.get(self.page).get_data(as_text=True)
        return unescape(re.findall(r'href="([^"]*/authorize\?[^"]*)"', page)[0])


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs, app: Flask) -> Office:
    return Office(sqlite_home, login_as)


@pytest.fixture
def provider() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


def test_an_account_signs_in_and_is_tried_out_with_its_token(office: Office, provider: OAuthServer) -> None:
    office.register(provider)
    answer = provider.consent(office.consent_url())
    back = office.chief.get("/accounts/sign-in/callback", query_string=answer, follow_redirects=True)
    page = back.get_data(as_text=True)
    assert PERSON in page
    tokens = tokens_of(office.home, office.account())
    for secret in (CLIENT_SECRET, tokens.access, tokens.refresh):
        assert secret not in page
    keep_old = tokens.__class__(tokens.access, tokens.refresh, now() - timedelta(hours=1), now())
    with FaultyServer(Faults(abilities=("AUTH XOAUTH2 LOGIN",))) as server:
        office.change(host="127.0.0.1", port=server.port, security=Security.NONE)
        with office.home.database.write() as session:
            keep_tokens(office.home, session.get_one(SenderAccount, office.id), keep_old)
        result = office.chief.post(f"/accounts/{office.id}/check")
        assert "The account works" in result.get_data(as_text=True)
        assert any(line.startswith("AUTH XOAUTH2") for line in server.commands)
    assert provider.renewals == ["refresh-1"]
    office.chief.post(office.page + "/forget")
    assert office.account().oauth_tokens is None
    office.chief.post(office.page + "/password")
    assert office.account().auth is AuthMethod.PASSWORD


def test_where_the_browser_cannot_come_back_its_address_is_pasted(
    office: Office, provider: OAuthServer
) -> None:
    """An office server without HTTPS: providers lead to localhost only."""
    office.home.settings.public_url = "http://server.lan:8080"
    office.register(provider)
    url = office.consent_url()
    answer = provider.consent(url)
    assert provider.asked[-1]["redirect_uri"] == "http://localhost/accounts/sign-in/callback"
    ended_at = f"http://localhost/accounts/sign-in/callback?code={answer['code']}&state={answer['state']}"
    for address in ("http://localhost/", ended_at):
        office.chief.post(office.page + "/paste", data={"address": address})
        assert (office.account().oauth_tokens is not None) is (address == ended_at)


def test_nobody_else_signs_an_account_in_or_touches_its_signature(
    office: Office, provider: OAuthServer, app: Flask
) -> None:
    office.register(provider)
    answer = provider.consent(office.consent_url())
    for path in ("", "/forget", "/password", "/paste"):
        assert office.clerk.post(office.page + path, data={"address": "http://x/?code=1"}).status_code in (
            303,
            404,
        )
    for path in ("", "/start", "/stop", "/delete"):
        assert office.clerk.post(f"/accounts/{office.id}/dkim{path}").status_code == 404
    assert office.clerk.get(office.page).status_code == 404
    office.clerk.get("/accounts/sign-in/callback", query_string=answer)
    guest = app.test_client().get("/accounts/sign-in/callback", query_string=answer)
    assert guest.status_code == 303
    assert office.account().oauth_tokens is None
    assert office.account().auth is AuthMethod.OAUTH2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"token_url": "http://elsewhere.example/token"}, "token_url"),
        ({"authorize_url": ""}, "authorize_url"),
        ({"scope": ""}, "scope"),
        ({"provider": "microsoft", "tenant": "../../evil"}, "tenant"),
        ({"client_id": ""}, "client_id"),
    ],
)
def test_a_registration_that_cannot_work_is_refused(
    office: Office, provider: OAuthServer, changed: dict[str, str], field: str
) -> None:
    values = {
        "provider": "other", "client_id": "c", "authorize_url": provider.authorize_url,
        "token_url": provider.token_url, "scope": "mail",
    }  # fmt: skip
    answer = office.chief.post(office.page, data=values | changed)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert office.account().auth is AuthMethod.PASSWORD


def test_a_key_is_made_published_and_then_used(office: Office) -> None:
    page = f"/accounts/{office.id}/dkim"
    zone = Zone()
    with dns_server(zone) as (host, port):
        office.home.settings.dns_servers = f"{host}:{port}"
        made = office.chief.post(
            page,
            data={"domain": "acme.example", "selector": "Crm1", "kind": "ed25519"},
            follow_redirects=True,
        ).get_data(as_text=True)
        record = unescape(re.findall(r'id="dkim-value"[^>]*>([^<]*)<', made)[0])
        assert "crm1._domainkey.acme.example" in made
        assert "PRIVATE" not in made
        office.chief.post(page + "/start")
        assert not office.account().dkim_is_used  # not published yet
        zone.add("crm1._domainkey.acme.example", {"TXT": [record]})
        office.chief.post(page + "/start")
        assert office.account().dkim_is_used
        office.chief.post(page + "/stop")
        assert not office.account().dkim_is_used
        office.chief.post(page + "/start", data={"anyway": "1"})
        assert office.account().dkim_is_used
        other = {"domain": "other.example", "selector": "crm2", "kind": "ed25519"}
        warned = office.chief.post(page, data=other, follow_redirects=True).get_data(as_text=True)
        assert "does not count for the sender address" in warned
        assert not office.account().dkim_is_used
        office.chief.post(page + "/delete")
    assert office.account().dkim_key is None
    assert office.chief.get(f"/accounts/{office.pec_id}/dkim").status_code == 404
    bad = office.chief.post(page, data={"domain": "x y", "selector": "a b", "kind": "rsa"})
    assert bad.status_code == 422


def test_the_dashboard_tells_of_sign_ins_that_end(office: Office) -> None:
    office.change(auth=AuthMethod.OAUTH2, oauth_tokens=b"x", oauth_expires_at=now() + timedelta(days=5))
    with office.home.database.write() as session:
        session.add(Run(company_id=office.account().company_id, title="x", state=RunState.FINISHED))
    assert "Sign-ins to renew" in office.chief.get("/").get_data(as_text=True)
    office.change(oauth_expires_at=now() + timedelta(days=50))
    assert "Sign-ins to renew" not in office.chief.get("/").get_data(as_text=True)
