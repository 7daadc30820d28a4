"""Signed-in browsers: a random token in the signed cookie, only its SHA-256 in the database, so that each can be ended.

A session ends after `Settings.session_idle_minutes` without a request, after `Settings.session_days` in any case, when
it is revoked, and when its user is deactivated. The person's rights are read anew at each request.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.db import Database, now
from crm_mail.permissions import Actor
from crm_mail.users.actors import build_actor, must_have_second_factor
from crm_mail.users.models import User, UserSession
from crm_mail.users.ways import SignInWay

COOKIE_KEY = "token"
TOUCH_EVERY = timedelta(minutes=1)
FORGET_AFTER = timedelta(days=90)
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of a request: rights, preferences, and what must happen before anything else."""

    actor: Actor
    session_id: int
    language: str
    time_zone: str
    theme: str
    keyboard_shortcuts: bool
    must_change_password: bool
    must_set_up_second_factor: bool = False
    way: SignInWay = SignInWay.PASSWORD
    is_fresh: bool = False  # begun within `FRESH`


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives."""

    idle: timedelta
    absolute: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Lifetime":
        """The installation's choice."""
        return cls(timedelta(minutes=settings.session_idle_minutes), timedelta(days=settings.session_days))

    def is_over(self, row: UserSession, at: datetime) -> bool:
        """Whether the session has ended by itself; a clock set back ends nothing early nor late by more than it."""
        return at - row.last_seen_at > self.idle or at - row.created_at > self.absolute


def hash_token(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(
    session: Session, user_id: int, *, ip: str, user_agent: str, way: SignInWay = SignInWay.PASSWORD
) -> str:
    """Begin a session and return its token, which is kept nowhere else than in the browser."""
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            user_id=user_id,
            token_hash=hash_token(token),
            ip=ip[:45],
            user_agent=user_agent[:300],
            way=way,
        )
    )
    session.execute(delete(UserSession).where(UserSession.last_seen_at < now() - FORGET_AFTER))
    return token


def load_signed_in(session: Session, token: str, lifetime: Lifetime) -> tuple[SignedIn, bool] | None:
    """The person a token belongs to, and whether it is time to note that the session is alive."""
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == hash_token(token), UserSession.revoked_at.is_(None), User.is_active)
    ).one_or_none()
    if row is None or lifetime.is_over(row[0], now()):
        return None
    kept, user = row
    person = SignedIn(
        build_actor(session, user),
        kept.id,
        user.language,
        user.timezone,
        user.theme,
        user.keyboard_shortcuts,
        user.must_change_password,
        must_set_up_second_factor=user.totp_secret is None
        and kept.way is not SignInWay.PROVIDER_STRONG
        and must_have_second_factor(session, user),
        way=kept.way,
        is_fresh=now() - kept.created_at <= FRESH,
    )
    return person, now() - kept.last_seen_at > TOUCH_EVERY


def load_actor(database: Database, token: str, lifetime: Lifetime) -> SignedIn | None:
    """The person of this request, or None.

    Owns its transactions: it runs before the view opens one, and a request that only reads must not hold a lock; the
    last request of a session is noted at most once a minute.
    """
    with database.read() as session:
        found = load_signed_in(session, token, lifetime)
    if found is None:
        return None
    person, is_due = found
    if is_due:
        with database.write() as session:
            touched = (
                update(UserSession).where(UserSession.id == person.session_id).values(last_seen_at=now())
            )
            session.execute(touched)
    return person


def list_sessions(session: Session, user_id: int, lifetime: Lifetime) -> list[UserSession]:
    """The open sessions of a user, the latest used first."""
    rows = session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
    )
    return [row for row in rows if not lifetime.is_over(row, now())]


def revoke_session(session: Session, user_id: int, session_id: int) -> bool:
    """End one session of a user; False when the user has no such open session."""
    ended = session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(UserSession.id)
    )
    return ended.first() is not None


def revoke_all(session: Session, user_id: int, except_id: int | None = None) -> int:
    """End every session of a user, but the one named; returns how many ended."""
    query = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if except_id is not None:
        query = query.where(UserSession.id != except_id)
    return len(session.execute(query.values(revoked_at=now()).returning(UserSession.id)).all())


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """What a person calls the browser: ``Firefox, Windows``; the beginning of what it says otherwise."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return ", ".join(part for part in (browser, system) if part) or user_agent[:40]
