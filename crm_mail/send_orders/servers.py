"""The outgoing server that an order names: an account made of it, only where the packaging allows that (PM-3, PM-27).

The account is like any other: its password is encrypted, its certificate verified, its connection never open to
readers. It is nobody's default, and a person may switch it off like any other.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.account_rules import AccountDetails, AccountInvalid
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.service import add_account, details_of, update_account
from crm_mail.delivery.transports import Security
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.send_orders.orders import OrderRefused, OrderSmtp, ParsedOrder

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = "Send orders"


def account_of_order(
    session: Session, home: Installation, actor: Actor, company_id: int, order: ParsedOrder
) -> int:
    """The account of the server that the order names: the same one for the same server, user and sender.

    Raises:
        OrderRefused: server_wrong, server_open, server_disabled.
    """
    smtp, sender = order.smtp, order.sender or order.smtp.user
    if "@" not in sender:
        raise OrderRefused("server_wrong", host=smtp.host, detail="sender")
    existing = session.scalar(
        select(SenderAccount).where(
            SenderAccount.company_id == company_id,
            SenderAccount.user_id.is_(None),
            SenderAccount.kind == AccountKind.SMTP,
            SenderAccount.host == smtp.host,
            SenderAccount.username == smtp.user,
            SenderAccount.from_address == sender,
            *([SenderAccount.port == smtp.port] if smtp.port else []),
        )
    )
    if existing is None:
        return _add(session, home, actor, company_id, order, sender)
    if not existing.is_enabled:
        raise OrderRefused("server_disabled", host=smtp.host)
    if existing.name.startswith(_NAME) and smtp.password != home.decrypt(existing.secret):
        update_account(session, actor, existing, details_of(existing), smtp.password, home.encrypt)
    return existing.id


def _add(
    session: Session, home: Installation, actor: Actor, company_id: int, order: ParsedOrder, sender: str
) -> int:
    smtp = order.smtp
    security = _security(smtp)
    details = AccountDetails(
        name=f"{_NAME}: {smtp.user or sender} @ {smtp.host}:{smtp.port}"[:100],
        kind=AccountKind.SMTP,
        host=smtp.host,
        port=smtp.port or {Security.TLS: 465, Security.STARTTLS: 587}.get(security, 25),
        security=security,
        username=smtp.user,
        from_name=order.sender_name,
        from_address=sender,
        allows_unencrypted=security is Security.NONE,
    )
    try:
        account = add_account(session, actor, company_id, details, smtp.password, home.encrypt)
    except AccountInvalid as refused:
        fields = ", ".join(sorted({one.field for one in refused.problems}))
        raise OrderRefused("server_wrong", host=smtp.host, detail=fields) from None
    account.is_default = False
    session.flush()
    return account.id


def _security(smtp: OrderSmtp) -> Security:
    """What the order says, else what the port means; in clear only on this very computer."""
    said = smtp.security
    if said == "none" or (not said and smtp.port == 25 and smtp.host in _LOCAL):
        if smtp.host not in _LOCAL:
            raise OrderRefused("server_open", host=smtp.host)
        return Security.NONE
    if said in ("tls", "starttls"):
        return Security(said)
    return Security.TLS if smtp.port == 465 else Security.STARTTLS
