"""How long to wait after failures: counted by name and by network address, and growing.

The fifth failure for a name (the twentieth from an address) begins a pause of one minute; each further one doubles it,
up to fifteen. An attempt during a pause is not looked at and does not prolong it.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.users.models import LoginAttempt

FAILURES_PER_NAME = 5
FAILURES_PER_ADDRESS = 20
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
COUNTED = timedelta(hours=24)


def pause_after(failures: int, allowed: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    if failures < allowed:
        return timedelta()
    doublings = min(failures - allowed, 10)
    pause: timedelta = FIRST_PAUSE * 2**doublings
    return min(pause, LONGEST_PAUSE)


def network_of(ip: str) -> str:
    """What the throttle counts as one address: an IPv6 network of 64 bits belongs to one subscriber (RFC 6177)."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip[:45]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def failures_of(session: Session, name: str) -> int:
    """Failures under this name since its last success, within a day."""
    since = now() - COUNTED
    succeeded = select(func.max(LoginAttempt.at)).where(
        LoginAttempt.email == name, LoginAttempt.succeeded, LoginAttempt.at > since
    )
    return _failures(session, LoginAttempt.email == name, session.scalar(succeeded) or since)[0]


def remaining_pause(session: Session, name: str, ip: str) -> timedelta:
    """How long this name, or this network address, still has to wait."""
    at = now()
    since = at - COUNTED
    last_success = session.scalar(
        select(func.max(LoginAttempt.at)).where(
            LoginAttempt.email == name, LoginAttempt.succeeded, LoginAttempt.at > since
        )
    )
    by_name = _failures(session, LoginAttempt.email == name, last_success or since)
    by_address = _failures(session, LoginAttempt.ip == ip, since)
    waits = (
        _rest(*by_name, FAILURES_PER_NAME, at),
        _rest(*by_address, FAILURES_PER_ADDRESS, at),
    )
    return max(waits)


def _failures(
    session: Session, condition: ColumnElement[bool], since: datetime
) -> tuple[int, datetime | None]:
    count, last = session.execute(
        select(func.count(), func.max(LoginAttempt.at)).where(
            condition, LoginAttempt.succeeded.is_(False), LoginAttempt.at > since
        )
    ).one()
    return int(count), last


def _rest(failures: int, last: datetime | None, allowed: int, at: datetime) -> timedelta:
    if last is None:
        return timedelta()
    return max(last + pause_after(failures, allowed) - at, timedelta())
