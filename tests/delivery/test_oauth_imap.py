"""A mailbox is read with an access token: a real IMAP server asks the provider whether it is good."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox
from crm_mail.delivery.mailbox_access import reach_mailbox
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth_consent import begin_sign_in, finish_sign_in
from crm_mail.delivery.transports import Security
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.sandbox.imap import ImapServer, dovecot_program
from tests.conftest import IN_CI
from tests.delivery.oauth_server import CLIENT_SECRET, MAILBOX, OAuthServer
from tests.factories import make_account, make_company

CHIEF = Actor(None, "Chief", is_admin=True)
_CONFIG = """\
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {file}
}}
"""
_OAUTH2 = """\
introspection_url = {base}/introspect
introspection_mode = post
username_attribute = email
active_attribute = active
active_value = true
"""


@contextmanager
def imap_server(provider: OAuthServer, folder: Path) -> Iterator[ImapServer]:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(_OAUTH2.format(base=provider.base))
        file.flush()
        Path(file.name).chmod(0o644)  # Dovecot's own user reads it; it holds no secret
        with ImapServer(folder, extra_config=_CONFIG.format(file=file.name)) as server:
            server.add_user(MAILBOX)
            yield server


@pytest.mark.skipif(not dovecot_program() and not IN_CI, reason="Dovecot is not installed")
def test_a_mailbox_opens_with_the_token_of_the_moment(sqlite_home: Installation, tmp_path: Path) -> None:
    home = sqlite_home
    with OAuthServer() as provider, imap_server(provider, tmp_path / "imap") as server:
        with home.database.write() as session:
            account = make_account(
                session,
                make_company(session),
                auth=AuthMethod.OAUTH2,
                username=MAILBOX,
                oauth_secret=home.encrypt(CLIENT_SECRET),
                mailbox_host=server.host,
                mailbox_port=server.port,
                mailbox_security=Security.TLS,
                ca_file=str(server.ca_file),
                **provider.columns(),
            )
        answer = provider.consent(begin_sign_in(home, CHIEF, account, "http://localhost/x").url)
        finish_sign_in(home, CHIEF, answer["state"], answer["code"])
        with home.database.read() as session:
            account = session.get_one(SenderAccount, account.id)
        with ReadOnlyMailbox(reach_mailbox(home, account)) as mailbox:
            assert "INBOX" in [folder.name for folder in mailbox.folders()]
        provider.good.clear()
        with pytest.raises(MailboxFailed) as refused, ReadOnlyMailbox(reach_mailbox(home, account)):
            pass
        assert refused.value.failure.cause is MailboxCause.LOGIN
        assert "access-" not in refused.value.failure.detail
