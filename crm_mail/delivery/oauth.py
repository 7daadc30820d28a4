"""Accounts that sign in at their provider (OAuth2): the access token of the moment, consent, and its end.

Every worker asks `access_token`. Whoever finds the token spent takes a lease on the account's row, renews it with no
transaction open, and keeps what came, the new refresh token included; the others wait and read again. These functions
own their transactions, because a provider's server may be slow and a rotated refresh token must not be lost to
somebody else's rollback. Tokens are encrypted as they are kept and never logged.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import oauth_client
from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth_client import Client, ProviderRefused, ProviderUnreachable
from crm_mail.delivery.oauth_providers import provider_of
from crm_mail.delivery.oauth_tokens import Tokens, consent_end, tokens_from
from crm_mail.delivery.service import settings_of
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed
from crm_mail.installation import Installation, SecretUnreadable
from crm_mail.permissions import INSTALLATION, Actor
from crm_mail.refusals import Refusal

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Longest time that one worker renews; then another may."""
WAIT_SECONDS = 45.0
_LOOK_AGAIN = 0.2
RENEW_AFTER = timedelta(days=7)
"""Tokens of accounts that send nothing are renewed this often, so that consent does not lapse unused."""


class SignInAgain(Refusal):
    """A person must sign in at the provider: nobody did, or consent was withdrawn or ended."""

    def __init__(self, name: str, detail: str = "") -> None:
        told = f" ({detail})" if detail else ""
        super().__init__(f"{name}: sign in again at the provider, on the account's page{told}")


# --- the access token ----------------------------------------------------------------------------------------------


def access_token(home: Installation, account_id: int, rejected: str = "") -> str:
    """An access token that may be used now, renewed where needed.

    Args:
        rejected: the token that a server has just refused: another one is wanted.

    Raises:
        SignInAgain, ProviderUnreachable, SecretUnreadable.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with home.database.read() as session:
            account = session.get_one(SenderAccount, account_id)
            tokens = _usable(home, account)
            is_leased = account.oauth_leased_until is not None and account.oauth_leased_until > now()
        if tokens.is_fresh(now()) and tokens.access != rejected:
            return tokens.access
        if not is_leased:
            renewed = _renew(home, account_id, rejected)
            if renewed is not None:
                return renewed.access
        if time.monotonic() > deadline:
            raise ProviderUnreachable("another worker is still renewing the sign-in")
        time.sleep(_LOOK_AGAIN)


def tokens_of(home: Installation, account: SenderAccount) -> Tokens:
    """What is kept of an account's sign-in. Raises SecretUnreadable."""
    return Tokens.from_json(home.decrypt(account.oauth_tokens))


def _usable(home: Installation, account: SenderAccount) -> Tokens:
    tokens = tokens_of(home, account)
    if account.auth is not AuthMethod.OAUTH2 or tokens.refused or not (tokens.access or tokens.refresh):
        raise SignInAgain(account.name, tokens.refused)
    return tokens


def client_of(home: Installation, account: SenderAccount) -> Client:
    """The office's registration at the account's provider. Raises SecretUnreadable."""
    return Client(
        provider_of(
            account.oauth_provider,
            account.oauth_tenant,
            account.oauth_authorize_url,
            account.oauth_token_url,
            account.oauth_scope,
        ),
        account.oauth_client_id,
        home.decrypt(account.oauth_secret),
        account.ca_file or None,
        account.ca_pem,
    )


def locked(session: Session, account_id: int) -> SenderAccount:
    """The account as it is now; nobody else changes it until the transaction ends."""
    query = select(SenderAccount).where(SenderAccount.id == account_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _renew(home: Installation, account_id: int, rejected: str) -> Tokens | None:
    """Renew under the lease; None when another worker has it, or was quicker."""
    with home.database.write() as session:
        account = locked(session, account_id)
        moment = now()
        tokens = _usable(home, account)
        if tokens.is_fresh(moment) and tokens.access != rejected:
            return tokens
        if account.oauth_leased_until is not None and account.oauth_leased_until > moment:
            return None
        account.oauth_leased_until = moment + LEASE
        client = client_of(home, account)
    try:
        if not tokens.refresh:
            raise ProviderRefused("no_refresh_token", "the provider gave no lasting consent")
        answer = oauth_client.renew(client, tokens.refresh)
    except ProviderRefused as refusal:
        return _keep_refusal(home, account_id, tokens, refusal)
    except BaseException:
        with home.database.write() as session:
            locked(session, account_id).oauth_leased_until = None
        raise
    with home.database.write() as session:
        account = locked(session, account_id)
        account.oauth_leased_until = None
        kept = tokens_of(home, account)
        if kept.refresh != tokens.refresh:  # a person signed in meanwhile: theirs holds
            return kept if kept.is_fresh(now()) else None
        renewed = tokens_from(answer, now(), tokens)
        keep_tokens(home, account, renewed)
        account.oauth_expires_at = consent_end(
            answer, now(), client.provider.consent, account.oauth_expires_at
        )
    return renewed


def keep_tokens(home: Installation, account: SenderAccount, tokens: Tokens) -> None:
    """Keep them encrypted."""
    account.oauth_tokens = home.encrypt(tokens.to_json())


def _keep_refusal(
    home: Installation, account_id: int, tried: Tokens, refusal: ProviderRefused
) -> Tokens | None:
    """The refresh token is of no more use: the account stops until somebody signs in again."""
    reason = refusal.detail or refusal.code
    with home.database.write() as session:
        account = locked(session, account_id)
        account.oauth_leased_until = None
        kept = tokens_of(home, account)
        if kept.refresh != tried.refresh:
            return kept if kept.is_fresh(now()) else None
        keep_tokens(home, account, replace(kept, refused=reason))
        account.oauth_expires_at = now()
        error = SignInAgain(account.name, reason)
        if account.stopped_at is None:
            account.stopped_at, account.stopped_reason = now(), str(error)[:500]
            record(session, INSTALLATION, "stopped", account, reason=account.stopped_reason)
    log.warning("Account %s: the provider no longer renews the sign-in (%s).", account_id, refusal.code)
    raise error


def record(session: Session, actor: Actor, what: str, account: SenderAccount, **detail: Any) -> None:
    """Note in the audit what became of an account's sign-in."""
    label = f"{account.name} <{account.from_address}>"
    audit.record(
        session,
        actor,
        f"delivery.account.{what}",
        company_id=account.company_id,
        subject=account,
        label=label,
        **detail,
    )


def renew_idle(home: Installation) -> int:
    """Renew the sign-in of accounts that did not need it for `RENEW_AFTER`; how many. Called by the worker's upkeep."""
    moment = now()
    with home.database.read() as session:
        query = select(SenderAccount).where(
            SenderAccount.auth == AuthMethod.OAUTH2,
            SenderAccount.oauth_tokens.is_not(None),
            SenderAccount.is_enabled,
            SenderAccount.stopped_at.is_(None),
        )
        due = [account.id for account in session.scalars(query) if _is_idle(home, account, moment)]
    renewed = 0
    for account_id in due:
        try:
            renewed += _renew(home, account_id, _last_access(home, account_id)) is not None
        except Refusal as trouble:
            log.warning("Account %s: %s", account_id, trouble)
    return renewed


def _is_idle(home: Installation, account: SenderAccount, moment: datetime) -> bool:
    try:
        return tokens_of(home, account).renewed_at + RENEW_AFTER < moment
    except SecretUnreadable:
        return False


def _last_access(home: Installation, account_id: int) -> str:
    with home.database.read() as session:
        return tokens_of(home, session.get_one(SenderAccount, account_id)).access


# --- for those who send --------------------------------------------------------------------------------------------


def account_settings(home: Installation, account: SenderAccount) -> AccountSettings:
    """`service.settings_of`, with the sign-in of the account where it has one. Raises SecretUnreadable."""
    settings = settings_of(account, home.decrypt, home.settings.webhook_private_addresses)
    if account.auth is not AuthMethod.OAUTH2:
        return settings
    username = account.username or account.from_address
    return replace(settings, username=username, password="", access=token_source(home, account.id))


def token_source(home: Installation, account_id: int) -> Callable[[str], str]:
    """`access_token` as a transport wants it: what goes wrong is a ConnectionFailed."""

    def access(rejected: str) -> str:
        try:
            return access_token(home, account_id, rejected)
        except (SignInAgain, SecretUnreadable) as refusal:
            outcome = Outcome(OutcomeKind.ACCOUNT_REFUSED, None, str(refusal)[:500], None, Cause.SIGN_IN)
        except ProviderUnreachable as trouble:
            outcome = Outcome(OutcomeKind.TRANSIENT, None, str(trouble)[:500], None, Cause.PROVIDER)
        raise ConnectionFailed(outcome)

    return access
