"""A short signed token for the return path: which message, to whom. Pure.

`bounces+{token}@acme.example` becomes the envelope sender of ordinary mail, so that a bounce finds its message
even when it quotes nothing of it. 24 letters and digits (RFC 4648 base 32, lower case, since servers may change the
case of a local part): 5 bytes of row id, 3 bytes of a hash of the recipient, 7 bytes of signature. Nobody without
the key can make one (2^56 mails to try); who copies a genuine one can only speak of its own message.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crm_mail.delivery.addresses import MAX_ADDRESS_LENGTH, address_key

PLACE = "{token}"
"""What stands for the token in an account's `bounce_address`."""

LENGTH = 24
_ID_BYTES, _RECIPIENT_BYTES, _SIGNATURE_BYTES = 5, 3, 7
_MAX_LOCAL_PART = 64  # RFC 5321 4.5.3.1.1
_SHAPE = re.compile(r"(?<![a-z0-9])[a-z2-7]{24}(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReturnToken:
    """What a genuine token says: the message's row id, and a hash of its recipient."""

    message_id: int
    recipient_hash: bytes

    def is_for(self, key: bytes, address: str) -> bool:
        """Whether the token was made for this recipient."""
        return hmac.compare_digest(self.recipient_hash, _recipient_hash(key, address))


def token_key(secret_key: str) -> bytes:
    """The key of the tokens, derived from the installation's secret key (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"crm-mail return path").derive(secret_key.encode())


def make_token(key: bytes, message_id: int, recipient: str) -> str:
    """The token of a message to a recipient: 24 characters of `a-z2-7`.

    Args:
        key: from `token_key`.
        message_id: the message's row id, below 2^40.
    """
    told = message_id.to_bytes(_ID_BYTES, "big") + _recipient_hash(key, recipient)
    return base64.b32encode(told + _sign(key, told)).decode("ascii").lower()


def read_token(key: bytes, token: str) -> ReturnToken | None:
    """What the token says, or None when it is not one of ours."""
    try:
        held = base64.b32decode(token.upper())
    except ValueError:
        return None
    told, signature = held[:-_SIGNATURE_BYTES], held[-_SIGNATURE_BYTES:]
    if len(told) != _ID_BYTES + _RECIPIENT_BYTES or not hmac.compare_digest(signature, _sign(key, told)):
        return None
    return ReturnToken(int.from_bytes(told[:_ID_BYTES], "big"), told[_ID_BYTES:])


def find_token(text: str) -> str:
    """The first text in the form of a token, in lower case; empty when there is none. It is not verified."""
    found = _SHAPE.search(text)
    return found.group().lower() if found else ""


def return_path(pattern: str, key: bytes, message_id: int, recipient: str) -> str:
    """The envelope sender of one message: the account's `bounce_address` with the token in its place.

    A pattern without a place for the token is an address for all messages, and is given back as it is.
    """
    return pattern.replace(PLACE, make_token(key, message_id, recipient)) if PLACE in pattern else pattern


def is_pattern(text: str) -> bool:
    """Whether the text can be a `bounce_address`: at most one place for the token, and not too long with it."""
    filled = text.replace(PLACE, "x" * LENGTH)
    local = filled.rpartition("@")[0]
    return text.count(PLACE) <= 1 and len(local) <= _MAX_LOCAL_PART and len(filled) <= MAX_ADDRESS_LENGTH


def _recipient_hash(key: bytes, address: str) -> bytes:
    return hmac.digest(key, b"to " + address_key(address).encode(), "sha256")[:_RECIPIENT_BYTES]


def _sign(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, b"token " + told, "sha256")[:_SIGNATURE_BYTES]
