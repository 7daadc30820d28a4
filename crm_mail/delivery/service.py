"""Sender accounts: adding, changing, switching off and deleting them; reading them for a run.

A secret enters here and is encrypted at once; nothing in this file returns one, and the audit knows only
*that* it was changed (PM-27). Services never commit.
"""

from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.delivery.account_choice import AccountBook, AccountView
from crm_mail.delivery.account_rules import (
    AccountDetails,
    AccountInvalid,
    AccountProblem,
    Problem,
    check_details,
)
from crm_mail.delivery.authorities import Authority, describe_authorities
from crm_mail.delivery.dkim import DkimSigner, signer_for
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.accounts import sms_settings
from crm_mail.delivery.transports import AccountSettings
from crm_mail.delivery.transports import Security as TransportSecurity
from crm_mail.permissions import Actor, Permission, PermissionDenied
from crm_mail.refusals import Refusal

Encrypt = Callable[[str], bytes]
Decrypt = Callable[[bytes | None], str]
_KEPT = tuple(field.name for field in fields(AccountDetails) if field.name != "allows_unencrypted")


class AccountInUse(Refusal):
    """An account that messages or document types refer to is kept, so that history can name it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the account {name} has been used or is chosen for a document type: disable it instead"
        )


def _require(actor: Actor, company_id: int, user_id: int | None) -> None:
    """The right to manage accounts for any; a user's own account also by that user, in a company that the user sees."""
    if actor.can(Permission.ACCOUNTS_MANAGE, company_id):
        return
    companies = actor.company_ids()
    is_own = user_id is not None and user_id == actor.user_id
    if not is_own or (companies is not None and company_id not in companies):
        raise PermissionDenied(Permission.ACCOUNTS_MANAGE)


def require_change(actor: Actor, account: SenderAccount) -> None:
    """Raise PermissionDenied unless the actor may change the account."""
    _require(actor, account.company_id, account.user_id)


def details_of(account: SenderAccount) -> AccountDetails:
    """What the account's form shows; its secret is no part of it."""
    return AccountDetails(**{name: getattr(account, name) for name in _KEPT}, allows_unencrypted=True)


def _for_audit(account: SenderAccount) -> dict[str, Any]:
    values = asdict(details_of(account))
    del values["allows_unencrypted"]
    uploaded = describe_authorities(values.pop("ca_pem"))
    values["ca_file"] = ", ".join(f"{a.name} ({a.expires_at:%Y-%m-%d})" for a in uploaded) or account.ca_file
    return values | {"is_enabled": account.is_enabled, "is_default": account.is_default}


def record(session: Session, actor: Actor, what: str, account: SenderAccount, **detail: Any) -> None:
    """Write down what was done to an account."""
    audit.record(
        session,
        actor,
        f"delivery.account.{what}",
        company_id=account.company_id,
        subject=account,
        label=f"{account.name} <{account.from_address}>",
        **detail,
    )


def siblings(session: Session, account: SenderAccount) -> list[SenderAccount]:
    """The other accounts of the same owner and kind, oldest first."""
    query = select(SenderAccount).where(
        SenderAccount.company_id == account.company_id,
        SenderAccount.kind == account.kind,
        SenderAccount.user_id.is_(None)
        if account.user_id is None
        else SenderAccount.user_id == account.user_id,
        SenderAccount.id != (account.id or 0),
    )
    return list(session.scalars(query.order_by(SenderAccount.id)))


def check_name(session: Session, company_id: int, name: str, account_id: int = 0) -> None:
    """Raise AccountInvalid when another account of the company has the name."""
    taken = select(SenderAccount.id).where(
        SenderAccount.company_id == company_id,
        func.lower(SenderAccount.name) == name.lower(),
        SenderAccount.id != account_id,
    )
    if session.scalar(taken.limit(1)) is not None:
        raise AccountInvalid([AccountProblem("name", Problem.NAME_TAKEN, (("value", name),))])


def keep_secret(account: SenderAccount, secret: str | None, encrypt: Encrypt) -> bool:
    """Replace the kept secret; returns whether it changed. Without a user name none is kept."""
    if not account.username:
        changed = account.secret is not None
        account.secret = None
        return changed
    if not secret:
        return False
    account.secret = encrypt(secret)
    return True


def add_account(
    session: Session,
    actor: Actor,
    company_id: int,
    details: AccountDetails,
    secret: str,
    encrypt: Encrypt,
    user_id: int | None = None,
) -> SenderAccount:
    """Keep a new account, enabled at once; the first of its kind becomes its owner's default.

    Args:
        secret: the password in clear; empty when the server asks for no login (empty user name).
        encrypt: `Installation.encrypt`.
        user_id: the user whose own account it is (PD-2); None for the company's.

    Raises:
        AccountInvalid: with every reason. PermissionDenied.
    """
    _require(actor, company_id, user_id)
    details = check_details(details, secret)
    check_name(session, company_id, details.name)
    account = SenderAccount(
        company_id=company_id, user_id=user_id, **{name: getattr(details, name) for name in _KEPT}
    )
    keep_secret(account, secret, encrypt)
    account.is_default = not any(other.is_default for other in siblings(session, account))
    session.add(account)
    session.flush()
    record(session, actor, "added", account, after=_for_audit(account), has_secret=account.secret is not None)
    return account


def update_account(
    session: Session,
    actor: Actor,
    account: SenderAccount,
    details: AccountDetails,
    secret: str | None,
    encrypt: Encrypt,
) -> None:
    """Change an account; an empty secret keeps the one there is. What stopped it is forgotten when login
    data change.

    The kind stays: messages already prepared count on it.

    Raises:
        AccountInvalid: with every reason. PermissionDenied.
    """
    _require(actor, account.company_id, account.user_id)
    details = check_details(details, secret)
    check_name(session, account.company_id, details.name, account.id)
    before = _for_audit(account)
    for name in _KEPT:
        if name != "kind":
            setattr(account, name, getattr(details, name))
    secret_changed = keep_secret(account, secret, encrypt)
    after = _for_audit(account)
    changed = {name for name in after if after[name] != before[name]}
    if secret_changed or changed & {"host", "port", "security", "username", "ca_file"}:
        account.stopped_at, account.stopped_reason = None, ""
    if changed or secret_changed:
        record(
            session,
            actor,
            "changed",
            account,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            secret_changed=secret_changed,
        )


def set_enabled(session: Session, actor: Actor, account: SenderAccount, is_enabled: bool) -> None:
    """Switch an account on or off; a switched-off one sends nothing, its messages wait."""
    _require(actor, account.company_id, account.user_id)
    if account.is_enabled != is_enabled:
        account.is_enabled = is_enabled
        record(session, actor, "enabled" if is_enabled else "disabled", account)


def restart_account(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Let an account that refused the login try again."""
    _require(actor, account.company_id, account.user_id)
    if account.stopped_at is not None:
        reason = account.stopped_reason
        account.stopped_at, account.stopped_reason = None, ""
        record(session, actor, "restarted", account, stopped_reason=reason)


def make_default(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Send by this account whatever names no other one of its kind."""
    _require(actor, account.company_id, account.user_id)
    if not account.is_default:
        for other in siblings(session, account):
            other.is_default = False
        account.is_default = True
        record(session, actor, "made_default", account)


def delete_account(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Delete an account that was never used; the oldest of its kind becomes the default in its place.

    Raises:
        AccountInUse: a message or a document type refers to it (the database refuses). PermissionDenied.
    """
    _require(actor, account.company_id, account.user_id)
    name, before, was_default = account.name, _for_audit(account), account.is_default
    heirs = siblings(session, account)
    try:
        with session.begin_nested():
            record(session, actor, "deleted", account, before=before)
            session.delete(account)
            session.flush()
    except IntegrityError:
        raise AccountInUse(name) from None
    if was_default and heirs:
        heirs[0].is_default = True


def find_account(session: Session, actor: Actor, account_id: int) -> SenderAccount | None:
    """An account that the actor may see: any where accounts are managed, one's own otherwise; None answers 404."""
    account = session.get(SenderAccount, account_id)
    if account is None:
        return None
    is_own = account.user_id is not None and account.user_id == actor.user_id
    return account if is_own or actor.can(Permission.ACCOUNTS_MANAGE, account.company_id) else None


def list_accounts(session: Session, actor: Actor, company_id: int) -> list[SenderAccount]:
    """Every account of a company, its users' own ones last."""
    actor.require(Permission.ACCOUNTS_MANAGE, company_id)
    query = select(SenderAccount).where(SenderAccount.company_id == company_id)
    order = (SenderAccount.user_id.is_not(None), SenderAccount.kind, SenderAccount.name, SenderAccount.id)
    return list(session.scalars(query.order_by(*order)))


def list_own_accounts(session: Session, actor: Actor) -> list[SenderAccount]:
    """The actor's own accounts in every company."""
    if actor.user_id is None:
        return []
    query = select(SenderAccount).where(SenderAccount.user_id == actor.user_id)
    return list(
        session.scalars(query.order_by(SenderAccount.company_id, SenderAccount.kind, SenderAccount.id))
    )


def authorities_of(account: SenderAccount) -> list[Authority]:
    """The private authorities that an account trusts, uploaded or given as a path."""
    found = describe_authorities(account.ca_pem)
    try:
        return found + describe_authorities(Path(account.ca_file).read_bytes() if account.ca_file else b"")
    except OSError:
        return found


def view_of(account: SenderAccount) -> AccountView:
    """The account as a run reads it: no secret, no session."""
    return AccountView(
        id=account.id,
        company_id=account.company_id,
        user_id=account.user_id,
        name=account.name,
        kind=AccountKind(account.kind),
        from_name=account.from_name,
        from_address=account.from_address,
        reply_to=account.reply_to,
        max_message_mb=account.max_message_mb,
        is_enabled=account.is_enabled,
        is_default=account.is_default,
        is_stopped=account.stopped_at is not None,
    )


def accounts_for(session: Session, company_id: int, user_id: int | None = None) -> AccountBook:
    """A company's accounts for one run, in one query; with a user: that user's own ones as well."""
    owner = or_(SenderAccount.user_id.is_(None), SenderAccount.user_id == user_id)
    query = select(SenderAccount).where(SenderAccount.company_id == company_id, owner)
    return AccountBook(view_of(account) for account in session.scalars(query))


def settings_of(account: SenderAccount, decrypt: Decrypt, allow_private: bool = False) -> AccountSettings:
    """What a transport needs to reach the account's server; the password is in clear there and nowhere else.

    Doors call `oauth.account_settings`, which adds the sign-in of accounts that have one.

    Args:
        decrypt: `Installation.decrypt`.
        allow_private: gateways for texts may stand in a private network.

    Raises:
        SecretUnreadable: it was kept with another key.
    """
    return AccountSettings(
        kind=Channel(account.kind.value),
        host=account.host,
        port=account.port,
        security=TransportSecurity(account.security.value),
        from_address=account.from_address,
        username=account.username,
        password=decrypt(account.secret),
        timeout_seconds=account.timeout_seconds,
        messages_per_connection=account.messages_per_connection,
        ca_file=account.ca_file or None,
        ca_pem=account.ca_pem,
        dkim=_signer_of(account, decrypt),
        sms=sms_settings(account, decrypt, allow_private) if account.kind is AccountKind.SMS else None,
    )


def _signer_of(account: SenderAccount, decrypt: Decrypt) -> DkimSigner | None:
    """Who signs what leaves by an account; never for PEC, whose operator signs."""
    if account.dkim_key is None or not account.dkim_is_used or account.kind is AccountKind.PEC:
        return None
    return signer_for(account.dkim_domain, account.dkim_selector, decrypt(account.dkim_key))
