"""Signing in at an OpenID Connect provider: a real one on loopback, honest, careless and hostile."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr, ValidationError
from sqlalchemy import select

from config import Settings
from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.users import oidc, oidc_client, totp
from crm_mail.users.models import User, UserSession
from crm_mail.users.oidc_models import OidcIdentity
from crm_mail.users.oidc_problems import OidcRefused
from crm_mail.users.passwords import Passwords
from tests.factories import make_user
from tests.users.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

EMAIL = "anna@office.example"


@pytest.fixture
def provider(app: Flask, sqlite_home: Installation) -> Iterator[OidcProvider]:
    """A provider, and an installation that is registered there."""
    oidc_client.provider_of.cache_clear()
    with OidcProvider() as provider:
        configure(
            sqlite_home,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=SecretStr(CLIENT_SECRET),
            oidc_label="Acme ID",
        )
        yield provider


def configure(home: Installation, **values: object) -> None:
    for name, value in values.items():
        setattr(home.settings, name, value)


def add_anna(home: Installation, **values: Any) -> User:
    with home.database.write() as session:
        return make_user(session, email=EMAIL, **values)


def begin(client: FlaskClient, path: str = "/login/provider") -> str:
    """The address at the provider to which the browser is sent."""
    answer = client.get(path)
    assert answer.status_code == 302, answer.text
    return answer.location


def sign_in(client: FlaskClient, provider: OidcProvider, path: str = "/login/provider") -> Any:
    return come_back(client, provider.consent(begin(client, path)))


def come_back(client: FlaskClient, path: str) -> Any:
    """The answer to the provider's answer; of a refusal its page."""
    answer = client.get(path)
    return client.get(answer.location) if answer.location == "/login/provider/refused" else answer


def is_in(client: FlaskClient) -> bool:
    return client.get("/my-account").status_code == 200


def actions(home: Installation) -> list[str]:
    with home.database.read() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_a_known_person_signs_in_and_comes_back_to_the_page_that_was_asked_for(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    assert "Sign in with Acme ID" in client.get("/login").text
    answer = sign_in(client, provider, "/login/provider?next=/my-account")
    assert (answer.status_code, answer.location) == (303, "/my-account")
    assert is_in(client)
    assert actions(sqlite_home) == ["users.oidc.bound", "users.login.succeeded"]
    out = client.post("/logout")
    assert not is_in(client)
    page = client.get(out.location).text
    assert "Sign out there too" in page
    away = client.get("/login/provider/sign-out").location
    assert away.startswith(
        provider.issuer + "/logout?client_id=crm-mail&post_logout_redirect_uri=http%3A%2F%2F127"
    )


def test_without_a_provider_there_is_neither_button_nor_page(
    client: FlaskClient, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    assert "provider" not in client.get("/login").text
    for path in ("/login/provider", "/login/provider/callback?state=x", "/login/provider/sign-out"):
        assert client.get(path).status_code == 404


def test_the_session_is_a_new_one_and_nothing_of_the_guest_is_left(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    with client.session_transaction() as cookie:
        cookie["token"], cookie["planted"] = "planted", "yes"
    sign_in(client, provider)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert "oidc" not in cookie
        assert cookie["token"] != "planted"


def test_the_answer_leads_to_no_other_site(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    assert sign_in(client, provider, "/login/provider?next=//evil.example/x").location == "/"


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({"nonce": "another"}, {}),
        ({"nonce": None}, {}),
        ({"aud": "another-client"}, {}),
        ({"aud": [CLIENT_ID, "another-client"]}, {}),  # and no azp
        ({"azp": "another-client"}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"exp": int(time.time()) - 300}, {}),
        ({"exp": None}, {}),
        ({"sub": ""}, {}),
        ({"at_hash": "bm90IHRoaXMgb25l"}, {}),
    ],
)
def test_a_token_that_does_not_fit_signs_nobody_in(
    client: FlaskClient,
    provider: OidcProvider,
    sqlite_home: Installation,
    changes: dict[str, Any],
    header: dict[str, Any],
) -> None:
    """OpenID Connect Core 1.0, 3.1.3.7."""
    add_anna(sqlite_home)
    provider.changes, provider.header = changes, header
    answer = sign_in(client, provider)
    assert answer.status_code == 403
    assert "cannot be trusted" in answer.text
    assert not is_in(client)


@pytest.mark.parametrize("way", ["none", "secret", "key"])
def test_a_token_signed_by_somebody_else_signs_nobody_in(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation, way: str
) -> None:
    """No signature at all, one with the shared secret, one with a key of the same name that the provider has not."""
    from joserfc import jwt
    from joserfc.jwk import OctKey, RSAKey

    add_anna(sqlite_home)
    signed = provider.token

    def forge(form: dict[str, str], authorization: str) -> tuple[int, Any]:
        status, answer = signed(form, authorization)
        claims = jwt.decode(answer["id_token"], provider.key).claims
        if way == "none":
            parts = ({"alg": "none"}, claims)
            coded = [
                base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts
            ]
            return status, answer | {"id_token": ".".join([*coded, ""])}
        header, key = {
            "secret": ({"alg": "HS256"}, OctKey.import_key(CLIENT_SECRET * 4)),
            "key": ({"alg": "RS256", "kid": provider.key.kid}, RSAKey.generate_key(2048)),
        }[way]
        return status, answer | {"id_token": jwt.encode(header, claims, key)}

    provider.token = forge  # type: ignore[method-assign]
    assert sign_in(client, provider).status_code == 403
    assert not is_in(client)


def test_new_keys_of_the_provider_are_fetched_when_a_token_names_them(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    assert sign_in(client, provider).status_code == 303
    provider.rotate_keys()
    assert sign_in(app.test_client(), provider).status_code == 303
    assert sign_in(app.test_client(), provider).status_code == 303
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_a_state_works_once_in_its_own_browser_and_in_time(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    back = provider.consent(begin(client))
    assert come_back(app.test_client(), back).status_code == 400  # another browser's: login CSRF
    assert come_back(client, back.replace("state=", "state=x")).status_code == 400
    assert provider.asked.count("/token") == 0
    assert client.get(back).status_code == 303
    client.post("/logout")
    assert come_back(client, back).status_code == 400
    late = provider.consent(begin(client))
    with time_machine.travel(time.time() + 901, tick=False):
        assert come_back(client, late).status_code == 400
    assert not is_in(client)


def test_two_tabs_may_begin_at_once(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    first, _second = begin(client), begin(client)
    assert client.get(provider.consent(first)).status_code == 303


@pytest.mark.parametrize(
    ("person", "settings", "words"),
    [
        ({"email_verified": False}, {"oidc_trust_emails": True}, "has not verified the address"),
        ({"email_verified": None}, {}, "has not verified the address"),
        ({"email": None}, {}, "told no e-mail address"),
        (
            {"email": "anna@elsewhere.example"},
            {"oidc_domains": "office.example"},
            "does not belong to this office",
        ),
        (
            {"email": "anna@evil-office.example"},
            {"oidc_domains": "office.example"},
            "does not belong to this office",
        ),
        ({"email": "bruno@office.example"}, {}, "nobody here has this address"),
    ],
)
def test_whoever_is_not_meant_is_told_why_and_what_to_do(
    client: FlaskClient,
    provider: OidcProvider,
    sqlite_home: Installation,
    person: dict[str, Any],
    settings: dict[str, Any],
    words: str,
) -> None:
    add_anna(sqlite_home)
    configure(sqlite_home, **settings)
    provider.person |= person
    provider.only_userinfo = ()
    answer = sign_in(client, provider)
    assert answer.status_code == 403
    assert words in answer.text
    assert not is_in(client)
    assert actions(sqlite_home) == ["users.oidc.refused"]


def test_a_silent_provider_of_the_offices_own_is_believed_where_the_settings_say_so(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    """Microsoft Entra tells no email_verified."""
    add_anna(sqlite_home)
    configure(sqlite_home, oidc_trust_emails=True)
    provider.person["email_verified"] = None
    assert sign_in(client, provider).status_code == 303


def test_an_address_that_only_the_userinfo_tells_is_asked_for(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.only_userinfo = ("email", "email_verified")
    assert sign_in(client, provider).status_code == 303
    provider.changes = {"sub": "somebody-else"}
    assert sign_in(client.application.test_client(), provider).status_code == 403


def test_who_gets_an_address_later_is_somebody_else_until_the_link_is_undone(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation, login_as: Any
) -> None:
    """The binding is to `sub`, not to the address (Core 5.7)."""
    anna = add_anna(sqlite_home)
    sign_in(client, provider)
    provider.person |= {"email": "anna.neri@office.example"}  # the same person, married
    assert sign_in(app.test_client(), provider).status_code == 303
    provider.person |= {"sub": "anna-2", "email": EMAIL}  # her successor, with her old address
    successor = sign_in(app.test_client(), provider)
    assert successor.status_code == 403
    assert "belongs to another identity" in successor.text
    with sqlite_home.database.write() as session:
        chief = make_user(session, is_admin=True)
    browser = login_as(chief)
    assert "Undo the link" in browser.get(f"/users/{anna.id}").text
    assert browser.post(f"/users/{anna.id}/provider/forget").status_code == 303
    assert sign_in(app.test_client(), provider).status_code == 303
    with sqlite_home.database.read() as session:
        assert session.scalars(select(OidcIdentity.subject)).one() == "anna-2"


def test_a_deactivated_user_does_not_get_in_by_the_provider(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    anna = add_anna(sqlite_home)
    sign_in(client, provider)
    with sqlite_home.database.write() as session:
        session.get_one(User, anna.id).is_active = False
    answer = sign_in(client.application.test_client(), provider)
    assert (answer.status_code, "is not active" in answer.text) == (403, True)


def test_an_unknown_person_gets_an_account_without_rights_where_the_settings_say_so(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    configure(sqlite_home, oidc_create_users=True, oidc_domains="office.example")
    answer = sign_in(app.test_client(), provider)
    assert "Make the first administrator" in answer.text  # else nobody could become one
    with sqlite_home.database.write() as session:
        make_user(session, is_admin=True)
    assert sign_in(client, provider).status_code == 303
    assert is_in(client)
    with sqlite_home.database.read() as session:
        anna = session.scalars(select(User).where(User.email == EMAIL)).one()
        assert (anna.name, anna.password_hash, anna.is_admin, anna.grants, anna.clearance) == (
            "Anna", "", False, [], 0,
        )  # fmt: skip
    answer = app.test_client().post("/login", data={"email": EMAIL, "password": ""})
    assert answer.status_code == 422


def test_a_one_time_password_ends_when_its_user_comes_by_the_provider(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    one_time = "abcd-efgh-jkmn-pqrs"
    add_anna(sqlite_home, password_hash=Passwords(64).hash(one_time), must_change_password=True)
    sign_in(client, provider)
    assert is_in(client)
    other = client.application.test_client().post("/login", data={"email": EMAIL, "password": one_time})
    assert other.status_code == 422


def test_the_own_code_is_asked_unless_the_provider_asked_for_one(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    """RFC 8176: `mfa`; a password there (`pwd`) is one factor."""
    secret = totp.new_secret()
    add_anna(sqlite_home, totp_secret=sqlite_home.encrypt(secret))
    provider.person["amr"] = ["pwd"]
    answer = sign_in(client, provider, "/login/provider?next=/my-account")
    assert answer.location == "/login/code?next=/my-account"
    assert not is_in(client)
    code = totp.code_at(secret, time.time())
    assert client.post("/login/code?next=/my-account", data={"code": code}).location == "/my-account"
    assert is_in(client)
    provider.person["amr"] = ["pwd", "otp", "mfa"]
    strong = app.test_client()
    assert sign_in(strong, provider).location == "/"
    assert is_in(strong)
    with sqlite_home.database.read() as session:
        assert session.scalars(select(UserSession.way).order_by(UserSession.id)).all() == [
            "provider", "provider_strong",
        ]  # fmt: skip


def test_who_must_have_a_second_factor_sets_up_the_own_one_unless_the_provider_has_one(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    """Without a password to ask for, the sign-in itself must be a moment old."""
    add_anna(sqlite_home, second_factor_required=True)
    provider.person["amr"] = ["mfa"]
    sign_in(client, provider)
    assert is_in(client)
    provider.person["amr"] = None
    weak = app.test_client()
    sign_in(weak, provider)
    assert weak.get("/").location == "/my-account/second-factor"
    assert "Present password" not in weak.get("/my-account/second-factor").text
    assert weak.post("/my-account/second-factor").location == "/my-account/second-factor/app"
    with time_machine.travel(time.time() + 660, tick=False):
        assert weak.post("/my-account/second-factor").status_code == 422


def test_the_providers_own_refusal_is_shown_plainly_but_only_in_the_browser_that_asked(
    client: FlaskClient, app: Flask, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    back = provider.consent(begin(client)).partition("&state=")[2]
    refusal = "/login/provider/callback?error=access_denied&error_description=Not+on+Sundays%0A&state="
    answer = come_back(client, refusal + back)
    assert (answer.status_code, "did not let you in: Not on Sundays." in answer.text) == (403, True)
    assert "Sundays" not in come_back(app.test_client(), refusal + "made-up").text


def test_a_provider_that_is_down_is_said_to_be_and_not_asked_by_every_guest(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation
) -> None:
    add_anna(sqlite_home)
    provider.is_down = True
    for _ in range(3):
        answer = come_back(client, "/login/provider")
        assert (answer.status_code, "it answered 503" in answer.text) == (502, True)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ],
)
def test_a_document_that_leads_elsewhere_is_not_followed(
    client: FlaskClient, provider: OidcProvider, sqlite_home: Installation, document: dict[str, Any]
) -> None:
    add_anna(sqlite_home)
    provider.document = document
    assert come_back(client, "/login/provider").status_code == 502


def test_settings_that_would_let_anybody_in_are_refused() -> None:
    for wrong in (
        {"oidc_issuer": "http://login.example", "oidc_client_id": "x"},
        {"oidc_issuer": "https://login.example"},
        {"oidc_issuer": "https://login.example", "oidc_client_id": "x", "oidc_create_users": True},
    ):
        with pytest.raises(ValidationError):
            Settings(**wrong)  # type: ignore[arg-type]


def test_of_several_first_sign_ins_at_once_one_binds(home: Installation) -> None:
    """Two browsers, or a double click, on either database; nobody is bound twice."""
    with home.database.write() as session:
        make_user(session, email=EMAIL)
    claims = oidc_client.Claims("https://login.example", "anna-1", EMAIL, True, "Anna", False)
    start = threading.Barrier(4)

    def come(_number: int) -> str:
        start.wait(10)
        try:
            result, _is_new = oidc.sign_in(home, claims, ip="", user_agent="", language="it")
        except OidcRefused as refused:
            return refused.problem.value
        return "in" if result.token else "nothing"

    with ThreadPoolExecutor(4) as pool:
        ends = set(pool.map(come, range(4)))
    assert "in" in ends
    assert ends <= {"in", "state"}
    with home.database.read() as session:
        assert len(session.scalars(select(OidcIdentity)).all()) == 1
