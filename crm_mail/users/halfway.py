"""Between the password and the code: who has shown the password, kept in the signed cookie for ten minutes.

No session exists yet and no page is open to it. The mark ends with the password that was shown: it carries a
fingerprint of its hash. Whoever comes from the OpenID Connect provider has shown no password, and says so.
"""

import hashlib
import hmac
import time

from flask import session as cookie
from sqlalchemy.orm import Session

from crm_mail.users.models import User
from crm_mail.users.ways import SignInWay

KEY = "halfway"
SECONDS = 600


def begin(user: User, *, by_provider: bool = False) -> None:
    """Note that the browser has shown this user's password, or comes from the provider as this user."""
    cookie.clear()
    cookie[KEY] = {"user": user.id, "at": int(time.time()), "mark": _mark(user), "by_provider": by_provider}


def waiting_user(session: Session) -> User | None:
    """The active user whose password this browser has shown a moment ago."""
    kept = cookie.get(KEY)
    if not isinstance(kept, dict) or not 0 <= time.time() - kept.get("at", 0) <= SECONDS:
        return None
    user = session.get(User, kept["user"])
    if user is None or not user.is_active or not hmac.compare_digest(_mark(user), kept["mark"]):
        return None
    return user


def way() -> SignInWay:
    """What the waiting user has shown."""
    kept = cookie.get(KEY)
    by_provider = isinstance(kept, dict) and kept.get("by_provider") is True
    return SignInWay.PROVIDER if by_provider else SignInWay.PASSWORD


def _mark(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
