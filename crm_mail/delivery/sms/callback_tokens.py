"""The token in the addresses at which a gateway tells us of messages: which account, signed, renewable. Pure."""

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SIGNS = 32


def callback_key(secret_key: str) -> bytes:
    """The key of the tokens, derived from the installation's secret key (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"crm-mail sms callback").derive(secret_key.encode())


def make_token(key: bytes, account_id: int, version: int) -> str:
    """The token of an account; another ``version`` gives another one."""
    return f"{account_id}-{_sign(key, account_id, version)}"


def account_of(token: str) -> int | None:
    """Which account a token speaks of, before it is known to be genuine; None when it is none."""
    number, _dash, signature = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 16 and len(signature) == _SIGNS):
        return None
    return int(number)


def is_genuine(keys: Sequence[bytes], token: str, account_id: int, version: int) -> bool:
    """Whether one of the keys made the token; compared in constant time.

    Args:
        keys: the present one, then former ones whose addresses are still written down at the gateway.
    """
    given = token.encode("utf-8", "replace")
    known = [make_token(key, account_id, version).encode() for key in keys]
    return any([hmac.compare_digest(given, one) for one in known])


def _sign(key: bytes, account_id: int, version: int) -> str:
    return hmac.digest(key, f"sms {account_id} {version}".encode(), "sha256").hex()[:_SIGNS]
