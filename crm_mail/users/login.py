"""Signing in: one answer for every failure, in the same time, throttled by name and by network address.

The fifth failure for a name (the twentieth from an address) begins a pause of one minute; each further one doubles it,
up to fifteen. An attempt during a pause is not looked at and does not prolong it. An attempt is written down as failed
before the password is looked at, so that many at once cannot slip through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import Database, now
from crm_mail.permissions import Actor
from crm_mail.users import sessions
from crm_mail.users.actors import build_actor, find_user, normalise_email
from crm_mail.users.models import LoginAttempt, User
from crm_mail.users.passwords import Passwords

FAILURES_PER_NAME = 5
FAILURES_PER_ADDRESS = 20
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
COUNTED = timedelta(hours=24)
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How an attempt ended: a token, a pause to wait for, or neither (the name or the password is wrong)."""

    token: str = ""
    wait: timedelta = timedelta()
    user: User | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    id: int
    user: User | None


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


def sign_in(
    database: Database, passwords: Passwords, *, email: str, password: str, ip: str, user_agent: str
) -> SignIn:
    """Check name and password and begin a session.

    Owns its transactions, unlike a service: the hash takes a tenth of a second, during which no lock may be held, and
    a failure must be kept although the page answers with an error.
    """
    name = normalise_email(email)[:254]
    with database.write() as session:
        begun = _begin_attempt(session, name, network_of(ip))
    if isinstance(begun, timedelta):
        return SignIn(wait=begun)
    user = begun.user
    is_right = passwords.verify(user.password_hash if user else "", password)
    if user is None or not is_right or not user.is_active:
        with database.write() as session:
            _record_failure(session, name, ip, user)
        return SignIn()
    rehashed = passwords.hash(password) if passwords.needs_rehash(user.password_hash) else None
    with database.write() as session:
        return _record_success(session, begun.id, user.id, rehashed, ip, user_agent)


def _begin_attempt(session: Session, name: str, ip: str) -> _Attempt | timedelta:
    """The attempt, written down as failed for now; or how long to wait."""
    if session.get_bind().dialect.name == "postgresql":  # one attempt at a time per name, as on SQLite
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"sign-in {name}"})
    wait = remaining_pause(session, name, ip)
    if wait:
        return wait
    attempt = LoginAttempt(email=name, ip=ip, succeeded=False)
    session.add(attempt)
    session.flush()
    return _Attempt(attempt.id, find_user(session, name))


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


def _record_failure(session: Session, name: str, ip: str, user: User | None) -> None:
    # Whoever tried was not shown to be the user, so the line has no actor. What is not an address may be a
    # password typed into the wrong field: it is not written down.
    label = name if "@" in name else ""
    audit.record(session, Actor(None, ""), "users.login.failed", subject=user, label=label, ip=ip)


def _record_success(
    session: Session, attempt_id: int, user_id: int, rehashed: str | None, ip: str, user_agent: str
) -> SignIn:
    user = session.get_one(User, user_id)
    session.get_one(LoginAttempt, attempt_id).succeeded = True
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now() - KEPT))
    if rehashed is not None:
        user.password_hash = rehashed
    user.last_login_at = now()
    token = sessions.open_session(session, user.id, ip=ip, user_agent=user_agent)
    audit.record(
        session, build_actor(session, user), "users.login.succeeded", subject=user, label=user.email, ip=ip
    )
    return SignIn(token=token, user=user)
