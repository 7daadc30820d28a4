"""An account's signature: making its key, beginning and ending to sign. The private key is never shown."""

from collections.abc import Callable
from enum import StrEnum

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.delivery import dkim
from crm_mail.delivery.domains.dkim_key import read_key
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.service import require_change
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal


class PecSignsItself(Refusal):
    """A PEC operator rewrites and signs every message: a signature of ours would be broken."""

    def __init__(self) -> None:
        super().__init__("a PEC account is not signed by us: its operator signs every message")


class Published(StrEnum):
    """What the DNS says of a key."""

    GOOD = "good"
    ABSENT = "absent"
    OTHER = "other"  # another key, or one that cannot be read
    UNCHECKED = "unchecked"  # the DNS did not answer


def make_account_key(
    session: Session,
    actor: Actor,
    account: SenderAccount,
    domain: str,
    selector: str,
    kind: dkim.KeyKind,
    encrypt: Callable[[str], bytes],
) -> None:
    """A new key. Signing pauses until it is switched on: the record must be published first.

    Raises:
        PecSignsItself, PermissionDenied; ValueError: not a domain, or not a selector.
    """
    require_change(actor, account)
    if account.kind is not AccountKind.SMTP:
        raise PecSignsItself
    domain, selector = dkim.wire_domain(domain), selector.strip().lower()
    if not dkim.is_selector(selector):
        raise ValueError(f"Not a selector: {selector!r}")
    account.dkim_domain, account.dkim_selector, account.dkim_is_used = domain, selector, False
    account.dkim_key = encrypt(dkim.make_key(kind))
    _record(session, actor, "dkim_key_made", account)


def set_signing(session: Session, actor: Actor, account: SenderAccount, is_used: bool) -> None:
    """Begin or end to sign what leaves by the account."""
    require_change(actor, account)
    if account.dkim_key is not None and account.dkim_is_used != is_used:
        account.dkim_is_used = is_used
        _record(session, actor, "dkim_started" if is_used else "dkim_ended", account)


def forget_key(session: Session, actor: Actor, account: SenderAccount) -> None:
    """Delete the key; nothing is signed any more."""
    require_change(actor, account)
    if account.dkim_key is not None:
        _record(session, actor, "dkim_key_deleted", account)
    account.dkim_domain = account.dkim_selector = ""
    account.dkim_key, account.dkim_is_used = None, False


def look_up(resolver: Resolver, name: str, record: str) -> Published:
    """Whether the record is published. Never raises for what a name server does."""
    answer = resolver.txt(name, fresh=True)
    if not answer.is_found:
        return Published.ABSENT if answer.could_check else Published.UNCHECKED
    keys = {read_key(text).key for text in answer.records}
    return Published.GOOD if read_key(record).key in keys else Published.OTHER


def _record(session: Session, actor: Actor, what: str, account: SenderAccount) -> None:
    audit.record(
        session,
        actor,
        f"delivery.account.{what}",
        company_id=account.company_id,
        subject=account,
        label=f"{account.name} <{account.from_address}>",
        domain=account.dkim_domain,
        selector=account.dkim_selector,
    )
