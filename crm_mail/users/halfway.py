"""Between the password and the code: who has shown the password, kept in the signed cookie for ten minutes.

No session exists yet and no page is open to it. The mark ends with the password that was shown: it carries a
fingerprint of its hash.
"""

import hashlib
import hmac
import time

from flask import session as cookie
from sqlalchemy.orm import Session

from crm_mail.users.models import User

KEY = "halfway"
SECONDS = 600


def begin(user: User) -> None:
    """Note that the browser has shown this user's password."""
    cookie.clear()
    cookie[KEY] = {"user": user.id, "at": int(time.time()), "mark": _mark(user)}


def waiting_user(session: Session) -> User | None:
    """The active user whose password this browser has shown a moment ago."""
    kept = cookie.get(KEY)
    if not isinstance(kept, dict) or not 0 <= time.time() - kept.get("at", 0) <= SECONDS:
        return None
    user = session.get(User, kept["user"])
    if user is None or not user.is_active or not hmac.compare_digest(_mark(user), kept["mark"]):
        return None
    return user


def _mark(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
