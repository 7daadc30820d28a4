"""Signing in: one answer for every failure, in the same time, throttled by name and by network address (`throttle`).

An attempt is written down as failed before the password is looked at, so that many at once cannot slip through. With a
second factor the password opens no session: it leads to the page that asks for a code (`halfway`), and only the code
does.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, or_, text, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import Database, now
from crm_mail.permissions import Actor
from crm_mail.users import sessions
from crm_mail.users.actors import build_actor, find_user, normalise_email
from crm_mail.users.models import LoginAttempt, User
from crm_mail.users.passwords import Passwords
from crm_mail.users.throttle import FAILURES_PER_NAME, failures_of, network_of, remaining_pause
from crm_mail.users.ways import SignInWay

KEPT = timedelta(days=90)
WARNED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How an attempt ended: a token, a pause to wait for, or neither (the name or the password is wrong).

    Args:
        needs_code: the password is right; a session begins only after the code (`finish_sign_in`).
        warns: this user is to be told of the failures.
    """

    token: str = ""
    wait: timedelta = timedelta()
    user: User | None = None
    needs_code: bool = False
    warns: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class _Attempt:
    id: int
    user: User | None


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
            return SignIn(warns=take_warning(session, user, name))
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
    if user.totp_secret is not None:
        return SignIn(user=user, needs_code=True)
    return finish_sign_in(session, user, ip=ip, user_agent=user_agent)


def finish_sign_in(
    session: Session, user: User, *, ip: str, user_agent: str, way: SignInWay = SignInWay.PASSWORD
) -> SignIn:
    """Begin the session of somebody who has shown all that was asked for."""
    user.last_login_at = now()
    token = sessions.open_session(session, user.id, ip=ip, user_agent=user_agent, way=way)
    actor, action = build_actor(session, user), "users.login.succeeded"
    audit.record(session, actor, action, subject=user, label=user.email, ip=ip, way=way.value)
    return SignIn(token=token, user=user)


def take_warning(session: Session, user: User | None, name: str) -> int:
    """The user's id when it is time to tell of repeated failures under this name: at most once an hour; else 0."""
    if user is None or not user.is_active or failures_of(session, name) < FAILURES_PER_NAME:
        return 0
    is_due = or_(User.warned_at.is_(None), User.warned_at <= now() - WARNED_EVERY)
    taken = update(User).where(User.id == user.id, is_due).values(warned_at=now()).returning(User.id)
    return session.scalar(taken) or 0
