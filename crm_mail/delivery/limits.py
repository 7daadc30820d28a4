"""How many messages an account may send now: per minute, hour and day, never exceeded by any number of
workers.

Every message is counted in a slot of five seconds when it is *claimed*, inside the claim's own transaction;
the account's row is locked meanwhile (on SQLite the writer is alone anyway), so two machines cannot both
take the last message of a limit. A slot counts until the whole of it has left the window: in no minute, hour
or day, wherever it begins, does an account send more than its limit.

Providers close mailboxes that exceed their limits, so a limit errs on the side of fewer messages.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Integer, bindparam, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail.delivery.models import AccountUsage, SenderAccount

SLOT = timedelta(seconds=5)
DAY = timedelta(days=1)
UNLIMITED = 1_000_000_000
"""What an account without limits may send at once."""

Slots = Sequence[tuple[datetime, int]]


class Limits(Protocol):
    """The part of an account that this file needs; 0 means no limit."""

    @property
    def id(self) -> int: ...
    @property
    def per_minute(self) -> int: ...
    @property
    def per_hour(self) -> int: ...
    @property
    def per_day(self) -> int: ...


def slot_of(moment: datetime) -> datetime:
    """The beginning of the slot that a moment lies in."""
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def windows(account: Limits) -> list[tuple[timedelta, int]]:
    """The limits that are set, as (length of the window, messages)."""
    every = (
        (timedelta(minutes=1), account.per_minute),
        (timedelta(hours=1), account.per_hour),
        (DAY, account.per_day),
    )
    return [(window, limit) for window, limit in every if limit > 0]


def free_at(account: Limits, slots: Slots, now: datetime) -> datetime:
    """When at least one message may leave: `now`, or the moment the fullest window has room again. Pure.

    Args:
        slots: (beginning, messages), in any order; older ones than a day do no harm.
    """
    ordered = sorted(slots)
    earliest = now
    for window, limit in windows(account):
        alive = [(slot, n) for slot, n in ordered if slot + SLOT + window > now]
        total = sum(n for _slot, n in alive)
        for slot, messages in alive:
            if total < limit:
                break
            total -= messages
            earliest = max(earliest, slot + SLOT + window)
    return earliest


def _used_since(window: timedelta, now: datetime) -> ColumnElement[int]:
    counted = case((AccountUsage.slot_at > now - window - SLOT, AccountUsage.messages), else_=0)
    return func.coalesce(func.sum(counted), 0)


def allowance(session: Session, account: Limits, now: datetime) -> int:
    """Messages that may leave now: the smallest room of the three windows, or `UNLIMITED`.

    Slots more than a day ahead (the clock was wrong once) are not counted; slots a little ahead (it went
    back) are.
    """
    limits = windows(account)
    if not limits:
        return UNLIMITED
    query = select(*(_used_since(window, now) for window, _limit in limits)).where(
        AccountUsage.account_id == account.id,
        AccountUsage.slot_at > now - DAY - SLOT,
        AccountUsage.slot_at <= now + DAY,
    )
    used = session.execute(query).one()
    return max(0, min(limit - int(n) for (_window, limit), n in zip(limits, used, strict=True)))


def reserve(session: Session, account: Limits, wanted: int, now: datetime) -> int:
    """Take up to `wanted` messages out of the account's limits, in the transaction that claims them.

    The account's row stays locked until that transaction ends, so it must be short. When it is rolled back,
    nothing was taken. Returns how many were granted (0: none now; `next_free_at` tells when).
    """
    if wanted <= 0:
        return 0
    granted = wanted
    if windows(account):
        session.execute(select(SenderAccount.id).where(SenderAccount.id == account.id).with_for_update())
        granted = min(wanted, allowance(session, account, now))
    if granted:
        record_usage(session, account.id, now, granted)
    return granted


def give_back(session: Session, account_id: int, reserved_at: datetime, messages: int) -> None:
    """Return messages that were reserved at `reserved_at` and never reached the server (nobody could
    connect).
    """
    record_usage(session, account_id, reserved_at, -messages)


def _counting(insert: Any) -> Any:
    """Add ``more`` to a slot, or begin one with ``messages``."""
    total = AccountUsage.messages + bindparam("more", type_=Integer)
    statement = insert(AccountUsage).values(
        {name: bindparam(name) for name in ("account_id", "slot_at", "messages")}
    )
    change = {"messages": case((total < 0, 0), else_=total)}
    return statement.on_conflict_do_update(index_elements=["account_id", "slot_at"], set_=change)


_COUNT = {"sqlite": _counting(sqlite.insert), "postgresql": _counting(postgresql.insert)}


def record_usage(session: Session, account_id: int, moment: datetime, messages: int) -> None:
    """Add to what an account sent in the slot of `moment`; a slot never falls below zero."""
    dialect = session.get_bind().dialect.name
    values = {
        "account_id": account_id,
        "slot_at": slot_of(moment),
        "messages": max(0, messages),
        "more": messages,
    }
    session.connection().execute(_COUNT[dialect], values)


def next_free_at(session: Session, account: Limits, now: datetime) -> datetime:
    """When the account may send again: `now` when it may already."""
    rows = session.execute(
        select(AccountUsage.slot_at, AccountUsage.messages).where(
            AccountUsage.account_id == account.id,
            AccountUsage.slot_at > now - DAY - SLOT,
            AccountUsage.slot_at <= now + DAY,
        )
    )
    return free_at(account, [(slot, messages) for slot, messages in rows], now)


def used_today(session: Session, account_ids: Iterable[int], now: datetime) -> dict[int, int]:
    """Messages of the last 24 hours per account, for the pages; accounts that sent nothing are left out."""
    rows = session.execute(
        select(AccountUsage.account_id, func.sum(AccountUsage.messages))
        .where(AccountUsage.account_id.in_(list(account_ids)), AccountUsage.slot_at > now - DAY)
        .group_by(AccountUsage.account_id)
    )
    return {account_id: int(messages) for account_id, messages in rows}


def forget_old_usage(session: Session, now: datetime) -> int:
    """Delete slots that no limit looks at any more; returns how many (called by the daily upkeep)."""
    old = delete(AccountUsage).where(AccountUsage.slot_at < now - 2 * DAY).returning(AccountUsage.account_id)
    return len(session.execute(old).all())
