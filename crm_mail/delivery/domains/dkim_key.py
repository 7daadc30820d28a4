"""A DKIM key as it stands in the DNS (RFC 6376 3.6.1, RFC 8463): its kind, its length, whether it was revoked."""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from crm_mail.delivery.domains.dmarc import parse_tags

SHORTEST_BITS = 1024  # RFC 8301: shorter ones must not be used
GOOD_BITS = 2048


class KeyState(StrEnum):
    """What a key record is good for."""

    GOOD = "good"
    SHORT = "short"  # below 2048 bits
    TOO_SHORT = "too_short"  # below 1024 bits: receivers refuse it
    REVOKED = "revoked"  # an empty p=
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key record that was read. ``bits``: of an RSA key, else 0."""

    state: KeyState
    kind: str = "rsa"
    bits: int = 0
    is_testing: bool = False  # t=y: receivers may disregard the signature
    key: str = ""  # the base64 of p=


def read_key(text: str) -> DkimKey:
    """Read a key record."""
    tags = parse_tags(text)
    kind = tags.get("k", "rsa").lower()
    is_testing = "y" in tags.get("t", "").lower().split(":")
    key = "".join(tags.get("p", "").split())
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return DkimKey(KeyState.UNREADABLE, kind, 0, is_testing, key)
    if not key:
        return DkimKey(KeyState.REVOKED, kind, 0, is_testing)
    try:
        data = base64.b64decode(key, validate=True)
        if kind == "ed25519":
            state = KeyState.GOOD if len(data) == 32 else KeyState.UNREADABLE
            return DkimKey(state, kind, 0, is_testing, key)
        public = load_der_public_key(data)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return DkimKey(KeyState.UNREADABLE, kind, 0, is_testing, key)
    if kind != "rsa" or not isinstance(public, RSAPublicKey):
        return DkimKey(KeyState.UNREADABLE, kind, 0, is_testing, key)
    bits = public.key_size
    state = (
        KeyState.GOOD
        if bits >= GOOD_BITS
        else KeyState.SHORT
        if bits >= SHORTEST_BITS
        else KeyState.TOO_SHORT
    )
    return DkimKey(state, kind, bits, is_testing, key)
