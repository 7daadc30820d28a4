"""Signing an account in at its provider: the address where a person consents, and what comes back from there.

Like `oauth`, `finish_sign_in` owns its transactions: the provider is asked with none open.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery import oauth_client
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth import client_of, keep_tokens, locked, record
from crm_mail.delivery.oauth_client import ProviderRefused
from crm_mail.delivery.oauth_providers import ProviderKind
from crm_mail.delivery.oauth_tokens import consent_end, tokens_from
from crm_mail.delivery.service import require_change
from crm_mail.installation import Installation, SecretUnreadable
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal

STATE_LIFE = timedelta(minutes=15)


class StateInvalid(Refusal):
    """The answer does not belong to a sign-in that this person began a moment ago: begin again."""

    def __init__(self) -> None:
        super().__init__(
            "this answer belongs to no sign-in that was begun here in the last minutes: begin again"
        )


@dataclass(frozen=True, slots=True)
class Registration:
    """The office's registration at a provider, as a person enters it. An empty secret keeps the one there is."""

    provider: ProviderKind
    client_id: str
    secret: str = field(default="", repr=False)
    secret_ends_on: date | None = None
    tenant: str = ""
    authorize_url: str = ""
    token_url: str = ""
    scope: str = ""


def register(
    session: Session,
    actor: Actor,
    account: SenderAccount,
    chosen: Registration,
    encrypt: Callable[[str], bytes],
) -> None:
    """Keep the registration; a sign-in that belonged to another one is forgotten. The account signs in from now on."""
    require_change(actor, account)
    is_other = chosen.provider is ProviderKind.OTHER
    values: dict[str, Any] = {
        "oauth_provider": chosen.provider.value,
        "oauth_client_id": chosen.client_id,
        "oauth_tenant": chosen.tenant if chosen.provider is ProviderKind.MICROSOFT else "",
        "oauth_authorize_url": chosen.authorize_url if is_other else "",
        "oauth_token_url": chosen.token_url if is_other else "",
        "oauth_scope": chosen.scope,
    }
    if any(getattr(account, name) != value for name, value in values.items()):
        account.oauth_tokens = account.oauth_expires_at = None
    for name, value in values.items():
        setattr(account, name, value)
    account.auth, account.oauth_secret_ends_on = AuthMethod.OAUTH2, chosen.secret_ends_on
    if chosen.secret:
        account.oauth_secret = encrypt(chosen.secret)
    record(session, actor, "sign_in_registered", account, **values, secret_changed=bool(chosen.secret))


def use_password(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Log in with a password again; the sign-in is forgotten, the registration stays."""
    require_change(actor, account)
    forget_sign_in(session, actor, account)
    account.auth = AuthMethod.PASSWORD


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: the address to open, and what proves the answer to be its own."""

    url: str
    state: str


def begin_sign_in(home: Installation, actor: Actor, account: SenderAccount, redirect_uri: str) -> Begun:
    """Where the person consents. Nothing is kept: the state carries everything, encrypted, for a quarter of an hour.

    Raises:
        ProviderRefused: an address is not safe. SecretUnreadable.
    """
    verifier = oauth_client.new_verifier()
    content = [account.id, actor.user_id, redirect_uri, verifier, int(now().timestamp())]
    state = home.encrypt(json.dumps(content)).decode("ascii")
    hint = account.username or account.from_address
    return Begun(
        oauth_client.consent_url(client_of(home, account), redirect_uri, state, verifier, hint), state
    )


def account_of_state(home: Installation, actor: Actor, state: str) -> int:
    """The account that an answer is for. Raises StateInvalid for anybody else's, an old or a made-up one."""
    return _read_state(home, actor, state)[0]


def _read_state(home: Installation, actor: Actor, state: str) -> tuple[int, str, str]:
    try:
        account_id, user_id, redirect_uri, verifier, began = json.loads(home.decrypt(state.encode("ascii")))
    except (SecretUnreadable, ValueError, TypeError):
        raise StateInvalid from None
    if user_id != actor.user_id or not 0 <= now().timestamp() - began <= STATE_LIFE.total_seconds():
        raise StateInvalid
    return int(account_id), str(redirect_uri), str(verifier)


def finish_sign_in(home: Installation, actor: Actor, state: str, code: str) -> int:
    """Exchange the code, keep the tokens, let the account try again; its id.

    Raises:
        StateInvalid, ProviderRefused, ProviderUnreachable, SecretUnreadable.
    """
    account_id, redirect_uri, verifier = _read_state(home, actor, state)
    with home.database.read() as session:
        client = client_of(home, session.get_one(SenderAccount, account_id))
    answer = oauth_client.exchange_code(client, redirect_uri, code, verifier)
    keep_sign_in(home, actor, account_id, answer)
    return account_id


def keep_sign_in(home: Installation, actor: Actor, account_id: int, answer: dict[str, Any]) -> None:
    """Keep the tokens of a provider's answer. The caller has asked whether the actor may change the account."""
    with home.database.write() as session:
        account = locked(session, account_id)
        tokens = tokens_from(answer, now())
        if not tokens.refresh:
            raise ProviderRefused("no_refresh_token", "the provider gave no lasting consent")
        keep_tokens(home, account, tokens)
        consent = client_of(home, account).provider.consent
        account.oauth_expires_at = consent_end(answer, now(), consent, None)
        account.auth, account.oauth_leased_until = AuthMethod.OAUTH2, None
        account.stopped_at, account.stopped_reason = None, ""
        record(session, actor, "signed_in", account, who=tokens.subject)


def forget_sign_in(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Forget the tokens; the account cannot log in until somebody signs in again."""
    require_change(actor, account)
    if account.oauth_tokens is not None:
        account.oauth_tokens = account.oauth_expires_at = account.oauth_leased_until = None
        record(session, actor, "signed_out", account)
