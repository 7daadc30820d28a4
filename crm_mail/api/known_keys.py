"""The key that a request carries; for addresses that are asked many times a second, as it was found a moment ago.

There each request looks at the key and its owner: revoked, expired or no longer active holds at once. The rights are
kept while nothing was written to the audit, as every change of rights is, in its own transaction; and never longer than
a moment, for what the audit's numbers cannot tell (two transactions that end in another order than they began).
"""

import threading
import time
import weakref
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from crm_mail.api.keys import find_by_token, hash_key
from crm_mail.api.models import ApiKey
from crm_mail.api.scopes import KeyActor, narrow
from crm_mail.audit import AuditEvent
from crm_mail.db import Database, UtcDateTime, now
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

FRESH_SECONDS: Final = 2.0
MOST: Final = 1000
_LOOK: Final = (
    select(ApiKey.id, select(func.max(AuditEvent.id)).scalar_subquery())
    .join(User, User.id == ApiKey.owner_id)
    .where(
        ApiKey.key_hash == bindparam("digest"),
        ApiKey.revoked_at.is_(None),
        ApiKey.expires_at > bindparam("moment", type_=UtcDateTime),
        User.is_active,
    )
)


@dataclass(slots=True)
class KnownKey:
    """A key that works, with what its owner may at that moment; ``companies``: ids by code, as far as asked for."""

    id: int
    name: str
    per_minute: int
    actor: KeyActor
    companies: dict[str, int | None]
    stamp: int | None
    until: float


class KnownKeys:
    """The keys that this process was shown, for one database."""

    def __init__(self, database: Database) -> None:
        self._database = weakref.ref(database)
        self._kept: dict[str, KnownKey] = {}

    def find(self, token: str) -> KnownKey | None:
        """The key that a request carries; None when it is unknown, ended, or its owner is not active any more."""
        return _read(self._open, token, None)

    @property
    def _open(self) -> Database:
        database = self._database()
        assert database is not None  # whoever asks holds it
        return database

    def find_again(self, token: str) -> KnownKey | None:
        """As `find`, with what was found a moment ago where nothing changed since."""
        digest, database = hash_key(token), self._open
        with database.engine.connect() as connection:
            row = connection.execute(_LOOK, {"digest": digest, "moment": now()}).one_or_none()
        if row is None:
            self._kept.pop(digest, None)
            return None
        stamp: int | None = row[1]
        kept = self._kept.get(digest)
        if kept is not None and kept.stamp == stamp and kept.until > time.monotonic():
            return kept
        found = _read(database, token, stamp)
        if found is not None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[digest] = found
        return found


def _read(database: Database, token: str, stamp: int | None) -> KnownKey | None:
    with database.read() as session:
        known = find_by_token(session, token)
        if known is None:
            return None
        key, owner = known.key, build_actor(session, known.owner)
        actor = narrow(owner, key.name, key.scopes, key.company_ids, key.clearance)
    until = time.monotonic() + FRESH_SECONDS
    return KnownKey(key.id, key.name, key.per_minute, actor, {}, stamp, until)


_KNOWN: "weakref.WeakKeyDictionary[Database, KnownKeys]" = weakref.WeakKeyDictionary()
_MAKING = threading.Lock()


def known_keys_of(database: Database) -> KnownKeys:
    """The keys that this process knows of one database."""
    with _MAKING:
        return _KNOWN.setdefault(database, KnownKeys(database))
