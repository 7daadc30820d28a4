"""The mailbox part of an account that is no plain value: its password. Never commits."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.delivery.account_problems import AccountInvalid, AccountProblem, Problem
from crm_mail.delivery.models import SenderAccount
from crm_mail.permissions import Actor


def keep_mailbox_secret(
    session: Session, actor: Actor, account: SenderAccount, secret: str, encrypt: Callable[[str], bytes]
) -> None:
    """Keep the password of a mailbox that has a login of its own; empty keeps the one there is.

    Called right after `service.add_account` or `update_account`, which ask for the right. Without a user name of its
    own the mailbox is read with the login for sending, and none is kept.

    Raises:
        AccountInvalid: a password without a user name.
    """
    if secret and not account.mailbox_username:
        raise AccountInvalid([AccountProblem("mailbox_username", Problem.SECRET_WITHOUT_USER)])
    before = account.mailbox_secret
    if not account.mailbox_username:
        account.mailbox_secret = None
    elif secret:
        account.mailbox_secret = encrypt(secret)
    if account.mailbox_secret != before:
        audit.record(
            session,
            actor,
            "delivery.account.changed",
            company_id=account.company_id,
            subject=account,
            label=f"{account.name} <{account.from_address}>",
            mailbox_secret_changed=True,
        )
