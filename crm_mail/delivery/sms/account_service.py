"""Adding and changing SMS accounts; all else about accounts is `delivery.service`'s. Services never commit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.delivery import service
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.sms.accounts import SmsAccountDetails, apply, check, details_of
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.permissions import Actor, Permission

Encrypt = Callable[[str], bytes]
_LOGIN = ("host", "port", "security", "username", "sms")


def add_sms_account(
    session: Session,
    actor: Actor,
    company_id: int,
    details: SmsAccountDetails,
    secret: str,
    encrypt: Encrypt,
    *,
    allow_private: bool = False,
) -> SenderAccount:
    """Keep a new SMS account of a company; the first one becomes its default.

    Args:
        secret: password of the gateway's login, in clear; empty: none.

    Raises:
        AccountInvalid, PermissionDenied
    """
    actor.require(Permission.ACCOUNTS_MANAGE, company_id)
    details = check(details, allow_private=allow_private)
    service.check_name(session, company_id, details.name)
    account = SenderAccount(company_id=company_id, kind=AccountKind.SMS)
    apply(account, details, encrypt)
    service.keep_secret(account, secret, encrypt)
    account.is_default = not any(other.is_default for other in service.siblings(session, account))
    session.add(account)
    session.flush()
    service.record(session, actor, "added", account, after=_for_audit(account))
    return account


def update_sms_account(
    session: Session,
    actor: Actor,
    account: SenderAccount,
    details: SmsAccountDetails,
    secret: str,
    encrypt: Encrypt,
    *,
    allow_private: bool = False,
) -> None:
    """Change an SMS account; empty secrets keep those there are. What stopped it is forgotten when its way changes.

    Raises:
        AccountInvalid, PermissionDenied
    """
    service.require_change(actor, account)
    kept = GatewayConfig.from_dict(account.sms)
    config = replace(details.config, token_version=kept.token_version)
    details = check(replace(details, config=config), allow_private=allow_private)
    service.check_name(session, account.company_id, details.name, account.id)
    before = _for_audit(account)
    headers_changed = details.headers is not None
    apply(account, details, encrypt)
    secret_changed = service.keep_secret(account, secret, encrypt)
    after = _for_audit(account)
    changed = {name for name in after if after[name] != before[name]}
    if secret_changed or headers_changed or changed & {*_LOGIN}:
        account.stopped_at, account.stopped_reason = None, ""
    if changed or secret_changed or headers_changed:
        service.record(
            session,
            actor,
            "changed",
            account,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            secret_changed=secret_changed or headers_changed,
        )


def renew_token(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Give the addresses for reports another token; the former ones are of no use from now on."""
    service.require_change(actor, account)
    config = GatewayConfig.from_dict(account.sms)
    account.sms = replace(config, token_version=config.token_version + 1).to_dict()
    service.record(session, actor, "token_renewed", account)


def _for_audit(account: SenderAccount) -> dict[str, Any]:
    details = details_of(account)
    kept = {name: getattr(details, name) for name in ("name", "sender", "username", "host", "port")}
    limits = {name: getattr(details, name) for name in ("per_minute", "per_day", "timeout_seconds")}
    return kept | limits | {"security": details.security.value, "sms": account.sms}
