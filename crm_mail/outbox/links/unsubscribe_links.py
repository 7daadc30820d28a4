"""The link by which the recipient of advertising says no: its token and its header fields. Pure.

The token is signed and says which message, which contact and which purpose; it does not expire, because the law gives
the right to say no no term. Nobody without the installation's key can make one (2^104 tries).
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crm_mail.contacts.consents.rules import Purpose
from crm_mail.installation import Installation

PATH = "/unsubscribe/"
_ID_BYTES, _SIGNATURE_BYTES = 5, 13
_LENGTH = 2 * _ID_BYTES + 1 + _SIGNATURE_BYTES
_PURPOSES: tuple[Purpose, ...] = (Purpose.COMMERCIAL, Purpose.GREETINGS, Purpose.PROFILING)
"""By number in the token: add new ones at the end."""


@dataclass(frozen=True, slots=True)
class UnsubscribeToken:
    """What a genuine token says. ``contact_id`` None: the message went to an address of the party itself."""

    message_id: int
    contact_id: int | None
    purpose: Purpose


def unsubscribe_key(secret_key: str) -> bytes:
    """The key of the tokens, derived from the installation's secret key (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"crm-mail unsubscribe").derive(secret_key.encode())


def make_token(key: bytes, message_id: int, contact_id: int | None, purpose: str) -> str:
    """A token of 32 characters that need no quoting in an address.

    Args:
        message_id, contact_id: row ids below 2^40.
    """
    told = (
        message_id.to_bytes(_ID_BYTES, "big")
        + (contact_id or 0).to_bytes(_ID_BYTES, "big")
        + bytes([_PURPOSES.index(Purpose(purpose))])
    )
    return base64.urlsafe_b64encode(told + _sign(key, told)).decode("ascii")


def read_token(keys: Sequence[bytes], token: str) -> UnsubscribeToken | None:
    """What a token says; None when none of the keys made it.

    Args:
        keys: the present key, then former ones whose links are still out there.
    """
    try:
        held = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return None
    told, signature = held[:-_SIGNATURE_BYTES], held[-_SIGNATURE_BYTES:]
    if len(held) != _LENGTH or not any(hmac.compare_digest(signature, _sign(key, told)) for key in keys):
        return None
    number = told[-1]
    if number >= len(_PURPOSES):
        return None
    contact_id = int.from_bytes(told[_ID_BYTES : 2 * _ID_BYTES], "big")
    return UnsubscribeToken(int.from_bytes(told[:_ID_BYTES], "big"), contact_id or None, _PURPOSES[number])


def _sign(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, b"unsubscribe " + told, "sha256")[:_SIGNATURE_BYTES]


@dataclass(frozen=True, slots=True)
class UnsubscribeLinks:
    """Makes the links of one installation."""

    key: bytes
    public_url: str

    @classmethod
    def of(cls, home: Installation) -> Self:
        """With the installation's key, under its public address."""
        return cls(unsubscribe_key(home.secret_key), home.settings.resolved_public_url.rstrip("/"))

    def url(self, message_id: int, contact_id: int | None, purpose: str) -> str:
        """The link of one message."""
        return f"{self.public_url}{PATH}{make_token(self.key, message_id, contact_id, purpose)}"


def unsubscribe_headers(url: str, *, is_pec: bool) -> tuple[tuple[str, str], ...]:
    """The fields by which mail programs offer to unsubscribe (RFC 2369 3.2, RFC 8058 3.1); none by PEC.

    One click is offered by https alone, as RFC 8058 asks.

    Args:
        url: empty for what is owed by contract, which nobody unsubscribes from.
    """
    if not url or is_pec:
        return ()
    fields = (("List-Unsubscribe", f"<{url}>"),)
    one_click = (("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),)
    return fields + (one_click if url.startswith("https://") else ())
