"""Rate limits: so many requests a minute and key, however many processes answer them.

The database holds how many of the minute's requests were taken; a process takes a twentieth at a time and spends it
by itself, so that a request costs no write. What a process has taken and does not spend is lost to the others until
the minute ends: never more than the limit, at worst a little less.
"""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from crm_mail.api.models import ApiAllowance, ApiAnswer, ApiKey
from crm_mail.db import Database, now

WINDOW = 60
ANSWERS_KEPT = timedelta(days=1)
PARTS = 20


@dataclass(slots=True)
class _Held:
    minute: int
    left: int
    in_database: int  # what nobody had taken when this process took its part


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on; ``remaining`` and ``resets_in`` (seconds) go into the answer."""

    is_allowed: bool
    limit: int
    remaining: int
    resets_in: int


class Allowances:
    """What this process holds of each key's minute."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._lock = threading.Lock()

    def spend(self, database: Database, key_id: int, limit: int, ip: str, at: float | None = None) -> Verdict:
        """Count one request of a key.

        Args:
            at: seconds since 1970; None means now.
        """
        moment = time.time() if at is None else at
        minute, resets_in = int(moment // WINDOW), WINDOW - int(moment % WINDOW)
        with self._lock:
            held = self._held.get(key_id)
            if held is None or held.minute != minute or (held.left == 0 and held.in_database > 0):
                held = self._held[key_id] = _take(database, key_id, minute, limit, ip)
            if held.left == 0:
                return Verdict(False, limit, 0, resets_in)
            held.left -= 1
            return Verdict(True, limit, held.left + held.in_database, resets_in)


def _take(database: Database, key_id: int, minute: int, limit: int, ip: str) -> _Held:
    """Take a part of the minute for this process, and note that the key is in use."""
    part = max(1, limit // PARTS)
    with database.write() as session:
        make = sqlite.insert if database.is_sqlite else postgresql.insert
        first = make(ApiAllowance).values(key_id=key_id, minute=minute, taken=0)
        session.execute(first.on_conflict_do_nothing())
        row = session.get_one(ApiAllowance, key_id, with_for_update=True, populate_existing=True)
        if row.minute < minute:
            row.minute, row.taken = minute, 0
        taken = min(part, max(0, limit - row.taken))
        row.taken += taken
        session.execute(delete(ApiAnswer).where(ApiAnswer.created_at < now() - ANSWERS_KEPT))
        session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now(), last_ip=ip[:45]))
        return _Held(minute, taken, max(0, limit - row.taken))


_ALLOWANCES: "WeakKeyDictionary[Database, Allowances]" = WeakKeyDictionary()
_MAKING = threading.Lock()


def allowances_of(database: Database) -> Allowances:
    """What this process holds for one database."""
    with _MAKING:
        return _ALLOWANCES.setdefault(database, Allowances())
