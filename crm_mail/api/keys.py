"""Keys: made by their owner, shown once, kept as a hash, ended by their owner or by who looks after users.

Nobody makes a key in somebody else's name: a key can do what its owner may. Its name is the source of what it tells, so
two people cannot have one name at a time; the same person can, to change from an old key to a new one.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.api.models import ApiKey
from crm_mail.api.scopes import offered_scopes
from crm_mail.db import now
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.users.models import User

MARK = "crm_"
SHOWN = 12
LONGEST_DAYS = 730
MOST_PER_MINUTE = 100_000
USUAL_PER_MINUTE = 600


class KeyRefused(Refusal):
    """A key cannot be made; ``field`` and ``problem`` say why."""

    def __init__(self, field: str, problem: str, message: str) -> None:
        super().__init__(message)
        self.field, self.problem = field, problem


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What its owner chooses for a key."""

    name: str
    scopes: tuple[str, ...]
    days: int = 365
    company_ids: tuple[int, ...] = ()
    clearance: int = 0
    per_minute: int = USUAL_PER_MINUTE


def hash_key(token: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue_key(session: Session, actor: Actor, values: KeyValues) -> tuple[ApiKey, str]:
    """Make a key of the actor's own; the row and the key itself, which is kept nowhere.

    Raises:
        KeyRefused: a value is wrong, or beyond what its owner may.
    """
    _check(session, actor, values)
    token = MARK + secrets.token_urlsafe(32)
    key = ApiKey(
        name=" ".join(values.name.split()),
        prefix=token[:SHOWN],
        key_hash=hash_key(token),
        owner_id=actor.user_id,
        scopes=sorted(set(values.scopes)),
        company_ids=sorted(set(values.company_ids)),
        clearance=min(values.clearance, actor.clearance),
        per_minute=values.per_minute,
        created_by=actor.user_id,
        expires_at=now() + timedelta(days=values.days),
    )
    session.add(key)
    session.flush()
    audit.record(
        session,
        actor,
        "users.api_key.created",
        subject=key,
        label=f"{key.name} {key.prefix}",
        scopes=key.scopes,
        companies=key.company_ids,
        expires_at=key.expires_at.isoformat(),
    )
    return key, token


def _check(session: Session, actor: Actor, values: KeyValues) -> None:
    if actor.user_id is None:
        raise KeyRefused("name", "nobody", "a key belongs to a person: sign in to make one")
    name = " ".join(values.name.split())
    if not name or len(name) > 80:
        raise KeyRefused("name", "name", "give the key a name of at most 80 characters: the source it is for")
    theirs = _working().where(ApiKey.name == name, ApiKey.owner_id != actor.user_id)
    if session.scalars(theirs.limit(1)).first() is not None:
        raise KeyRefused("name", "taken", f"somebody else has a key for {name}: choose another name")
    offered = {one.value for one in offered_scopes(actor)}
    if not values.scopes or not set(values.scopes) <= offered:
        raise KeyRefused("scopes", "scopes", "choose at least one scope, of those that you hold yourself")
    if not 1 <= values.days <= LONGEST_DAYS:
        raise KeyRefused("days", "days", f"a key lasts from 1 to {LONGEST_DAYS} days")
    if not 1 <= values.per_minute <= MOST_PER_MINUTE:
        raise KeyRefused("per_minute", "per_minute", f"give 1 to {MOST_PER_MINUTE} requests a minute")
    mine = actor.company_ids()
    if mine is not None and not set(values.company_ids) <= mine:
        raise KeyRefused("company_ids", "companies", "choose companies that you work for")


def _working() -> Select[ApiKey]:
    return select(ApiKey).where(ApiKey.revoked_at.is_(None), ApiKey.expires_at > now())


def list_keys(session: Session, actor: Actor) -> Sequence[ApiKey]:
    """The actor's own keys, the newest first; ended ones for ninety days."""
    since = now() - timedelta(days=90)
    query = select(ApiKey).where(ApiKey.owner_id == actor.user_id, ApiKey.expires_at > since)
    return session.scalars(query.order_by(ApiKey.id.desc())).all()


def list_all_keys(session: Session, actor: Actor) -> Sequence[tuple[ApiKey, User]]:
    """Every key with its owner, for who looks after users; those that work first."""
    actor.require(Permission.USERS_MANAGE)
    query = select(ApiKey, User).join(User, User.id == ApiKey.owner_id)
    ordered = query.order_by(ApiKey.revoked_at.is_not(None), ApiKey.expires_at <= now(), ApiKey.id.desc())
    return [(key, user) for key, user in session.execute(ordered.limit(500))]


def revoke_key(session: Session, actor: Actor, key_id: int) -> ApiKey | None:
    """End a key at once; None when it does not exist for the actor or has ended already."""
    key = session.get(ApiKey, key_id, with_for_update=True)
    if key is None or key.revoked_at is not None:
        return None
    if key.owner_id != actor.user_id and not actor.can(Permission.USERS_MANAGE):
        return None
    key.revoked_at = now()
    audit.record(session, actor, "users.api_key.revoked", subject=key, label=f"{key.name} {key.prefix}")
    return key


@dataclass(frozen=True, slots=True)
class Known:
    """A key that works, and its owner."""

    key: ApiKey
    owner: User


def find_by_token(session: Session, token: str) -> Known | None:
    """The key that a request carries; None when it is unknown, ended, or its owner is not active any more."""
    if not token.startswith(MARK) or len(token) > 100:
        return None
    row = session.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.owner_id)
        .where(
            ApiKey.key_hash == hash_key(token),
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > now(),
            User.is_active,
        )
    ).one_or_none()
    return Known(row[0], row[1]) if row else None
