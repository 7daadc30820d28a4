"""Signing in at a provider: consent, renewal among several workers, refusal; against a real OAuth2 server."""

import base64
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from crm_mail.db import now
from crm_mail.delivery import oauth_client
from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth import (
    LEASE,
    SignInAgain,
    access_token,
    account_settings,
    client_of,
    renew_idle,
    tokens_of,
)
from crm_mail.delivery.oauth_client import ProviderRefused, ProviderUnreachable, StillWaiting
from crm_mail.delivery.oauth_consent import StateInvalid, begin_sign_in, finish_sign_in, forget_sign_in
from crm_mail.delivery.oauth_providers import is_safe_url, microsoft, provider_of
from crm_mail.delivery.oauth_tokens import SignIn, sign_in_state
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import ConnectionFailed, Security
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from tests.delivery.oauth_server import CLIENT_SECRET, PERSON, OAuthServer
from tests.factories import make_account, make_company

CHIEF = Actor(None, "Chief", is_admin=True)
BACK = "http://127.0.0.1:8080/accounts/sign-in/callback"


@pytest.fixture
def provider() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


def add_account(home: Installation, provider: OAuthServer, **columns: Any) -> int:
    with home.database.write() as session:
        values: dict[str, Any] = {
            "auth": AuthMethod.OAUTH2,
            "username": "office@acme.example",
            "security": Security.NONE,
            "oauth_secret": home.encrypt(CLIENT_SECRET),
        }
        account = make_account(session, make_company(session), **(values | provider.columns() | columns))
        return account.id


def sign_in(home: Installation, provider: OAuthServer, account_id: int) -> None:
    answer = provider.consent(begin_sign_in(home, CHIEF, read(home, account_id), BACK).url)
    finish_sign_in(home, CHIEF, answer["state"], answer["code"])


def read(home: Installation, account_id: int) -> SenderAccount:
    with home.database.read() as session:
        return session.get_one(SenderAccount, account_id)


def test_consent_is_kept_encrypted_and_renewed_with_the_new_refresh_token(
    home: Installation, provider: OAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Refresh tokens are rotated: each is used once."""
    caplog.set_level(logging.DEBUG)
    id_ = add_account(home, provider)
    sign_in(home, provider, id_)
    account = read(home, id_)
    assert account.oauth_tokens is not None
    assert b"access-1" not in account.oauth_tokens
    assert tokens_of(home, account).subject == PERSON
    assert access_token(home, id_) == "access-1"
    assert provider.renewals == []
    for hour in (1, 2):
        with time_machine.travel(now() + timedelta(hours=hour), tick=False):
            assert access_token(home, id_) == f"access-{hour + 1}"
    assert provider.renewals == ["refresh-1", "refresh-2"]
    asked = provider.asked[0]
    assert asked["redirect_uri"] == BACK
    assert asked["login_hint"] == "office@acme.example"
    assert "access-" not in caplog.text
    assert "refresh-" not in caplog.text
    assert CLIENT_SECRET not in caplog.text


def test_of_many_workers_one_renews_and_the_others_take_what_it_got(
    home: Installation, provider: OAuthServer
) -> None:
    """A second use of a rotated refresh token would end the consent at many providers."""
    id_ = add_account(home, provider)
    provider.expires_in = 1
    sign_in(home, provider, id_)
    provider.expires_in, provider.pause = 3600, 0.3
    gate = threading.Barrier(8)

    def work(_: int) -> str:
        gate.wait()
        return access_token(home, id_)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {"access-2"}
    assert provider.renewals == ["refresh-1"]


def test_a_lease_of_a_worker_that_died_ends(sqlite_home: Installation, provider: OAuthServer) -> None:
    id_ = add_account(sqlite_home, provider)
    provider.expires_in = 1
    sign_in(sqlite_home, provider, id_)
    with sqlite_home.database.write() as session:
        session.get_one(SenderAccount, id_).oauth_leased_until = now() + LEASE
    with time_machine.travel(now() + LEASE + timedelta(seconds=1)):
        assert access_token(sqlite_home, id_) == "access-2"


def test_withdrawn_consent_stops_the_account_until_somebody_signs_in_again(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    sign_in(home, provider, id_)
    provider.withdrawn = True
    for _ in range(2):  # the second time without asking the provider
        with pytest.raises(SignInAgain, match="sign in again"):
            access_token(home, id_, rejected="access-1")
    account = read(home, id_)
    assert account.stopped_at is not None
    assert "consent was withdrawn" in account.stopped_reason
    assert sign_in_state(account, now()) is SignIn.OVER
    assert len(provider.renewals) == 1
    provider.withdrawn = False
    sign_in(home, provider, id_)
    assert read(home, id_).stopped_at is None
    assert access_token(home, id_) == "access-2"


def test_a_provider_in_trouble_does_not_end_the_consent(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    sign_in(home, provider, id_)
    provider.broken = True
    with pytest.raises(ProviderUnreachable):
        access_token(home, id_, rejected="access-1")
    assert read(home, id_).stopped_at is None
    provider.broken = False
    assert access_token(home, id_, rejected="access-1") == "access-2"


def test_an_answer_of_somebody_else_or_of_yesterday_is_refused(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    answer = provider.consent(begin_sign_in(home, CHIEF, read(home, id_), BACK).url)
    other = Actor(7, "Thief", is_admin=True)
    with pytest.raises(StateInvalid):
        finish_sign_in(home, other, answer["state"], answer["code"])
    with pytest.raises(StateInvalid):
        finish_sign_in(home, CHIEF, "made-up", answer["code"])
    with time_machine.travel(now() + timedelta(hours=1)), pytest.raises(StateInvalid):
        finish_sign_in(home, CHIEF, answer["state"], answer["code"])
    with pytest.raises(ProviderRefused):
        finish_sign_in(home, CHIEF, answer["state"], "another-code")
    assert read(home, id_).oauth_tokens is None


def test_secrets_do_not_follow_a_redirection(sqlite_home: Installation, provider: OAuthServer) -> None:
    id_ = add_account(sqlite_home, provider)
    sign_in(sqlite_home, provider, id_)
    provider.redirects = True
    with pytest.raises(ProviderUnreachable):
        access_token(sqlite_home, id_, rejected="access-1")
    assert "/elsewhere" not in provider.visited


def test_accounts_that_send_nothing_are_renewed_before_consent_lapses(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    provider.consent_seconds = 10 * 86_400
    sign_in(home, provider, id_)
    assert sign_in_state(read(home, id_), now()) is SignIn.ENDING
    assert renew_idle(home) == 0
    with time_machine.travel(now() + timedelta(days=8)):
        assert renew_idle(home) == 1
        assert renew_idle(home) == 0


def test_forgetting_a_sign_in(sqlite_home: Installation, provider: OAuthServer) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    sign_in(home, provider, id_)
    with home.database.write() as session:
        forget_sign_in(session, CHIEF, session.get_one(SenderAccount, id_))
    with pytest.raises(SignInAgain):
        access_token(home, id_)


def test_a_device_code(sqlite_home: Installation, provider: OAuthServer) -> None:
    """RFC 8628, as Microsoft offers it."""
    id_ = add_account(sqlite_home, provider)
    client = client_of(sqlite_home, read(sqlite_home, id_))
    client = replace(client, provider=replace(client.provider, device_url=provider.base + "/device"))
    device = oauth_client.begin_device(client)
    assert (device.user_code, device.interval) == ("ABCD-EFGH", 1)
    with pytest.raises(StillWaiting):
        oauth_client.poll_device(client, device.code)
    assert oauth_client.poll_device(client, device.code)["access_token"] == "access-1"


# --- SMTP ----------------------------------------------------------------------------------------------------------


class XOAuth2Server(SMTP):
    """aiosmtpd with XOAUTH2 as providers speak it: a refusal comes as a challenge, then as 535."""

    good: set[str]

    async def auth_XOAUTH2(self, _server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        said = base64.b64decode(args[1]).decode()
        user, _, token = said.partition("\1auth=Bearer ")
        if token.removesuffix("\1\1") in self.good and user == "user=office@acme.example":
            return AuthResult(success=True)
        assert await self.challenge_auth('{"status":"400","schemes":"Bearer"}') == b""
        return AuthResult(success=False, handled=False)


class Mailbox:
    """Takes what it is given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert session.authenticated
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return "250 2.0.0 Ok"


@contextmanager
def smtp_server(good: set[str]) -> Iterator[tuple[int, Mailbox]]:
    mailbox = Mailbox()

    class Listening(Controller):
        def factory(self) -> SMTP:
            server = XOAuth2Server(mailbox, auth_require_tls=False, loop=self.loop)
            server.good = good
            return server

    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Listening(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, mailbox
    finally:
        controller.stop()


def test_a_message_leaves_with_an_access_token_renewed_once_when_it_is_refused(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home = sqlite_home
    with smtp_server(provider.good) as (port, mailbox):
        id_ = add_account(home, provider, host="127.0.0.1", port=port)
        sign_in(home, provider, id_)
        provider.good.clear()  # revoked before its time
        settings = account_settings(home, read(home, id_))
        with SmtpSession(settings) as session:
            outcome = session.send("office@acme.example", ["a@b.example"], b"Subject: x\r\n\r\nHello\r\n")
        assert outcome.is_sent
        assert provider.renewals == ["refresh-1"]
        assert len(mailbox.mails) == 1


def test_a_token_that_is_refused_twice_stops_the_account(
    sqlite_home: Installation, provider: OAuthServer
) -> None:
    home = sqlite_home
    with smtp_server(set()) as (port, _mailbox):
        id_ = add_account(home, provider, host="127.0.0.1", port=port)
        sign_in(home, provider, id_)
        with pytest.raises(ConnectionFailed) as failed:
            SmtpSession(account_settings(home, read(home, id_))).connect()
    outcome = failed.value.outcome
    assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.SIGN_IN)
    assert outcome.code == 535
    assert provider.renewals == ["refresh-1"]


def test_trouble_with_the_provider_is_an_outcome(sqlite_home: Installation, provider: OAuthServer) -> None:
    home, id_ = sqlite_home, add_account(sqlite_home, provider)
    for prepare, kind, cause in (
        (lambda: None, OutcomeKind.ACCOUNT_REFUSED, Cause.SIGN_IN),  # nobody signed in
        (lambda: setattr(provider, "broken", True), OutcomeKind.TRANSIENT, Cause.PROVIDER),
    ):
        prepare()
        if cause is Cause.PROVIDER:
            provider.expires_in = 1
            sign_in(home, provider, id_)
        with pytest.raises(ConnectionFailed) as failed:
            SmtpSession(account_settings(home, read(home, id_))).connect()
        assert (failed.value.outcome.kind, failed.value.outcome.cause) == (kind, cause)


# --- pure ----------------------------------------------------------------------------------------------------------


def test_addresses_of_providers() -> None:
    assert microsoft("acme.onmicrosoft.com").token_url == (
        "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/token"
    )
    assert provider_of("google", "", "x", "y", "").scope.startswith("https://mail.google.com/")
    assert provider_of("microsoft", "", "", "", "own").scope == "own"
    assert provider_of("other", "", "https://a", "https://b", "c").token_url == "https://b"
    assert is_safe_url("https://login.example/t")
    assert is_safe_url("http://localhost:81/t")
    for url in (
        "http://login.example/t",
        "ftp://x",
        "https://",
        "https://u:p@x/",
        "https://a b/",
        "//x",
        "http://[",
        "",
    ):
        assert not is_safe_url(url)


AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, SignIn.MISSING),
        ({"oauth_tokens": b"x"}, SignIn.GOOD),
        ({"oauth_tokens": b"x", "oauth_expires_at": AT + timedelta(days=20)}, SignIn.GOOD),
        ({"oauth_tokens": b"x", "oauth_expires_at": AT + timedelta(days=13)}, SignIn.ENDING),
        ({"oauth_tokens": b"x", "oauth_secret_ends_on": date(2026, 12, 1)}, SignIn.ENDING),
        ({"oauth_tokens": b"x", "oauth_expires_at": AT}, SignIn.OVER),
        ({"oauth_tokens": b"x", "oauth_secret_ends_on": date(2026, 11, 22)}, SignIn.OVER),
    ],
)
def test_a_person_is_warned_before_consent_or_the_clients_secret_ends(
    columns: dict[str, Any], state: SignIn
) -> None:
    assert sign_in_state(SenderAccount(**columns), AT) is state
