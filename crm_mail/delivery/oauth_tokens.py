"""What a provider gave an account: the tokens as they are kept (encrypted as a whole), and how long they last. Pure."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

EARLY = timedelta(minutes=3)
"""An access token is renewed so long before its end: clocks differ, and sending takes time."""
DEFAULT_LIFE = timedelta(minutes=55)
"""Life of an access token whose answer does not tell."""
WARN_BEFORE = timedelta(days=14)
"""A person is asked to sign in again so long before the consent, or the client's secret, ends."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access and refresh token. `subject`: who signed in, as the provider says. `refused`: why renewing ended."""

    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime = _NEVER
    renewed_at: datetime = _NEVER
    subject: str = ""
    refused: str = ""

    def is_fresh(self, moment: datetime) -> bool:
        """Whether the access token may be used now."""
        return bool(self.access) and not self.refused and self.expires_at - EARLY > moment

    def to_json(self) -> str:
        """For `Installation.encrypt`."""
        values = asdict(self) | {
            "expires_at": self.expires_at.isoformat(), "renewed_at": self.renewed_at.isoformat()
        }  # fmt: skip
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "Tokens":
        """What was kept; none for an empty text."""
        if not text:
            return cls()
        values: dict[str, Any] = json.loads(text)
        for name in ("expires_at", "renewed_at"):
            values[name] = datetime.fromisoformat(values[name])
        return cls(**values)


def tokens_from(answer: dict[str, Any], moment: datetime, before: Tokens | None = None) -> Tokens:
    """The tokens of a provider's answer (RFC 6749 5.1); a refresh token that was not replaced stays (6)."""
    before = before or Tokens()
    seconds = _seconds(answer.get("expires_in"))
    return Tokens(
        access=str(answer["access_token"]),
        refresh=str(answer.get("refresh_token") or before.refresh),
        expires_at=moment + (timedelta(seconds=seconds) if seconds else DEFAULT_LIFE),
        renewed_at=moment,
        subject=_subject(answer.get("id_token")) or before.subject,
    )


def consent_end(
    answer: dict[str, Any], moment: datetime, usual: timedelta | None, before: datetime | None
) -> datetime | None:
    """When a person must sign in again: told with the answer, else the provider's usual time, else as known before."""
    seconds = _seconds(answer.get("refresh_token_expires_in"))
    if seconds:
        return moment + timedelta(seconds=seconds)
    return moment + usual if usual else before


def _seconds(value: object) -> int:
    try:
        return max(0, min(int(str(value)), 10 * 365 * 86_400))
    except ValueError:
        return 0


def _subject(id_token: object) -> str:
    """The address in an ID token. It came from the provider itself over TLS: no signature need be checked
    (OpenID Connect Core 3.1.3.7, point 6), and it is only shown.
    """
    try:
        part = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(claims.get("email") or claims.get("preferred_username") or "")[:254]
    except (IndexError, ValueError, binascii.Error, AttributeError):
        return ""


class SignIn(StrEnum):
    """How an account that signs in at a provider stands."""

    MISSING = "missing"  # nobody signed in yet
    GOOD = "good"
    ENDING = "ending"  # soon a person must act
    OVER = "over"  # refused, or past its end


class SignInColumns(Protocol):
    """The columns of `SenderAccount` that tell it without reading a secret."""

    @property
    def oauth_tokens(self) -> bytes | None: ...
    @property
    def oauth_expires_at(self) -> datetime | None: ...
    @property
    def oauth_secret_ends_on(self) -> date | None: ...


def ends_at(account: SignInColumns) -> datetime | None:
    """When a person must have signed in again or entered a new client secret; None: no end known."""
    secret_on = account.oauth_secret_ends_on
    ends = [account.oauth_expires_at]
    ends += [datetime(secret_on.year, secret_on.month, secret_on.day, tzinfo=UTC)] if secret_on else []
    return min((end for end in ends if end is not None), default=None)


def sign_in_state(account: SignInColumns, moment: datetime) -> SignIn:
    """How the sign-in stands."""
    if account.oauth_tokens is None:
        return SignIn.MISSING
    end = ends_at(account)
    if end is None or end - WARN_BEFORE > moment:
        return SignIn.GOOD
    return SignIn.ENDING if end > moment else SignIn.OVER
