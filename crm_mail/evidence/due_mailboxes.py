"""Which mailboxes are to be read, and by whom: one worker at a time holds the lease of a mailbox.

The same statements on SQLite and PostgreSQL; every function works in the caller's transaction.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.mailbox.failures import MailboxFailure, read_failure
from crm_mail.delivery.mailbox.responses import NEARLY_FULL, Quota
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.models import Mailbox
from crm_mail.permissions import Actor, Permission

LEASE = timedelta(minutes=10)
"""Renewed with every batch; a worker that died gives its mailboxes up after so long."""
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_PAUSE_FOR_A_PERSON = timedelta(hours=6)
SHORTEST_PAUSE_FOR_A_PERSON = timedelta(minutes=15)
"""A login that was refused, tried again and again, locks accounts at most operators."""
PATIENCE = timedelta(minutes=30)
"""A failure that may pass by itself is a person's matter after so long."""


class LeaseLost(Exception):
    """Another worker reads this mailbox, or its account is gone."""


def due_accounts(session: Session, at: datetime) -> list[int]:
    """Accounts whose mailbox is to be read now and that nobody reads, the longest waiting first."""
    free = or_(Mailbox.lease_until.is_(None), Mailbox.lease_until <= at)
    due = or_(Mailbox.next_check_at.is_(None), Mailbox.next_check_at <= at)
    query = (
        select(SenderAccount.id)
        .outerjoin(Mailbox, Mailbox.account_id == SenderAccount.id)
        .where(SenderAccount.mailbox_is_read, SenderAccount.mailbox_host != "", free, due)
    )
    order = (Mailbox.next_check_at.is_not(None), Mailbox.next_check_at, SenderAccount.id)
    return list(session.scalars(query.order_by(*order)))


def ensure_mailbox(session: Session, account_id: int) -> None:
    """The mailbox's row, made when it is missing."""
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(make(Mailbox).values(account_id=account_id, failure="").on_conflict_do_nothing())


def ask_for_reading(session: Session, account_ids: Iterable[int], at: datetime | None = None) -> None:
    """Have mailboxes read as soon as a worker looks: somebody asked, or the account was changed."""
    for account_id in account_ids:
        ensure_mailbox(session, account_id)
        session.execute(
            update(Mailbox).where(Mailbox.account_id == account_id).values(next_check_at=at or now())
        )


def claim_mailbox(session: Session, account_id: int, owner: str, at: datetime) -> bool:
    """Take the lease; False when somebody else holds it."""
    ensure_mailbox(session, account_id)
    free = or_(Mailbox.lease_until.is_(None), Mailbox.lease_until <= at, Mailbox.lease_owner == owner)
    return _set(session, account_id, free, lease_owner=owner, lease_until=at + LEASE)


def renew_lease(session: Session, account_id: int, owner: str, at: datetime) -> None:
    """Hold it for longer. Raises LeaseLost."""
    if not _set(session, account_id, Mailbox.lease_owner == owner, lease_until=at + LEASE):
        raise LeaseLost


def finish_reading(
    session: Session,
    account: SenderAccount,
    owner: str,
    at: datetime,
    failure: MailboxFailure | None,
    *,
    was_read: bool,
    quota: Quota | None = None,
) -> None:
    """Give the lease back, and note how it went and when to look again.

    Args:
        failure: what is to be told; a folder that is missing does not keep the others from being read.
        was_read: everything but what `failure` names was read.
    """
    mailbox = session.get(Mailbox, account.id, with_for_update=True)
    if mailbox is None or mailbox.lease_owner != owner:
        return
    mailbox.lease_owner = mailbox.lease_until = None
    mailbox.failure = str(failure) if failure else ""
    mailbox.failed_at = (mailbox.failed_at or at) if failure else None
    usual = timedelta(minutes=max(1, account.mailbox_minutes))
    if was_read:
        mailbox.checked_at, mailbox.next_check_at = at, at + usual
        mailbox.quota_used_kb = quota.used_kb if quota else None
        mailbox.quota_limit_kb = quota.limit_kb if quota else None
    elif failure is not None:
        mailbox.next_check_at = at + pause_after(failure, at - (mailbox.failed_at or at), usual)


def count_silent_mailboxes(session: Session, actor: Actor, company_id: int) -> int:
    """Mailboxes of a company, and the actor's own, whose failure is a person's matter or has lasted (`PATIENCE`)."""
    late = now() - PATIENCE
    return sum(
        mailbox.failed_at <= late
        or bool((failure := read_failure(mailbox.failure)) and failure.needs_a_person)
        for mailbox in _visible(session, actor, company_id)
        if mailbox.failed_at is not None
    )


def count_full_mailboxes(session: Session, actor: Actor, company_id: int) -> int:
    """Mailboxes of a company, and the actor's own, in which there is hardly room for receipts (`NEARLY_FULL`)."""
    return sum(
        (mailbox.quota_used_kb or 0) >= mailbox.quota_limit_kb * NEARLY_FULL
        for mailbox in _visible(session, actor, company_id)
        if mailbox.quota_limit_kb
    )


def _visible(session: Session, actor: Actor, company_id: int) -> list[Mailbox]:
    """The mailboxes that are read and that the actor may know of."""
    if not actor.can(Permission.DOCUMENTS_SEE, company_id) and not actor.can(
        Permission.ACCOUNTS_MANAGE, company_id
    ):
        return []
    owner = or_(SenderAccount.user_id.is_(None), SenderAccount.user_id == actor.user_id)
    query = select(Mailbox).join(SenderAccount).where(SenderAccount.company_id == company_id, owner)
    return list(session.scalars(query.where(SenderAccount.mailbox_is_read)))


def pause_after(failure: MailboxFailure, lasting: timedelta, usual: timedelta) -> timedelta:
    """How long to wait: as long as it has been failing, so that each pause doubles; within bounds."""
    shortest, longest = usual, LONGEST_PAUSE
    if failure.needs_a_person:
        shortest, longest = max(usual, SHORTEST_PAUSE_FOR_A_PERSON), LONGEST_PAUSE_FOR_A_PERSON
    return max(shortest, min(lasting, longest))


def _set(session: Session, account_id: int, condition: object, **values: object) -> bool:
    statement = update(Mailbox).where(Mailbox.account_id == account_id, condition).values(**values)  # type: ignore[arg-type]
    changed: int = session.execute(statement.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    return changed == 1
