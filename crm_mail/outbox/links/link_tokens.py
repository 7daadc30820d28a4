"""The token of a download link (CO-6): 256 random bits, then a digest of the files it offers. Pure."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any

_RANDOM_BYTES, _DIGEST_BYTES = 32, 16


def _digest(files: Sequence[Sequence[Any]]) -> bytes:
    return hashlib.sha256(json.dumps([list(file) for file in files]).encode()).digest()[:_DIGEST_BYTES]


def new_token(files: Sequence[Sequence[Any]]) -> str:
    """A token for these files, 64 characters that need no quoting in an address.

    Args:
        files: name and SHA-256 of each.
    """
    return base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM_BYTES) + _digest(files)).decode("ascii")


def fits(token: str, files: Sequence[Sequence[Any]]) -> bool:
    """Whether these are the very files that the token was made for."""
    try:
        held = base64.urlsafe_b64decode(token.encode("ascii"))
    except ValueError:
        return False
    return len(held) == _RANDOM_BYTES + _DIGEST_BYTES and secrets.compare_digest(
        held[_RANDOM_BYTES:], _digest(files)
    )
