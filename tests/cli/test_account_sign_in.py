"""`crm-mail account connect`: signing in where no browser can come back to the office."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from crm_mail.cli.account_sign_in import connect
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth import tokens_of
from crm_mail.installation import Installation
from tests.delivery.oauth_server import CLIENT_SECRET, PERSON, OAuthServer
from tests.factories import make_account, make_company


@pytest.fixture
def provider() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture
def account_id(sqlite_home: Installation, provider: OAuthServer, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(sqlite_home.settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", sqlite_home.settings.database_url)
    monkeypatch.setenv("CRM_MAIL_SECRET_KEY", sqlite_home.settings.secret_key.get_secret_value())
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    with sqlite_home.database.write() as session:
        secret = sqlite_home.encrypt(CLIENT_SECRET)
        return make_account(
            session, make_company(session), auth=AuthMethod.OAUTH2, oauth_secret=secret, **provider.columns()
        ).id


def test_the_address_that_the_browser_ended_at_is_pasted(
    sqlite_home: Installation, provider: OAuthServer, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paste(_text: str, **_options: object) -> str:
        url = next(line for line in lines if line.startswith(provider.authorize_url))
        answer = provider.consent(url)
        return f"http://localhost/accounts/sign-in/callback?code={answer['code']}&state={answer['state']}"

    lines: list[str] = []
    monkeypatch.setattr("click.prompt", paste)
    monkeypatch.setattr("click.echo", lambda text="", **_options: lines.append(str(text)))
    result = CliRunner().invoke(connect, [str(account_id), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(lines[-1])["signed_in_as"] == PERSON
    with sqlite_home.database.read() as session:
        assert tokens_of(sqlite_home, session.get_one(SenderAccount, account_id)).access == "access-1"


@pytest.mark.parametrize("pasted", ["http://localhost/?code=1&state=other", "nonsense"])
def test_another_address_is_refused(account_id: int, pasted: str) -> None:
    result = CliRunner().invoke(connect, [str(account_id)], input=pasted + "\n")
    assert result.exit_code == 1
    assert "begin again" in result.output
