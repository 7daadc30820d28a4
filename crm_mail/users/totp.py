"""Codes of an authenticator app (RFC 6238: SHA-1, six digits, thirty seconds), and recovery codes. Pure.

A code is taken one step (30 s) early or late, because phones and servers disagree about the time (RFC 6238 §5.2). The
caller keeps the step that was used: a code works once.
"""

import base64
import hashlib
import hmac
import re
import secrets

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ISSUER = "CRM Mail"
STEP_SECONDS = 30
DIGITS = 6
TOLERATED_STEPS = 1
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 3, 5


def new_secret() -> str:
    """A secret of 160 bits (RFC 4226 §4, R6), as apps read it: base32 without padding."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def in_groups(secret: str) -> str:
    """The secret for typing it in by hand: groups of four."""
    return " ".join(re.findall(".{1,4}", secret))


def provisioning_uri(secret: str, email: str) -> str:
    """What the QR code says (Key URI format)."""
    return _totp(secret).get_provisioning_uri(email, ISSUER)


def qr_svg(uri: str) -> str:
    """The QR code as an SVG element: dark on white in both themes, with no style of its own (CSP)."""
    return str(segno.make(uri, error="m").svg_inline(border=4, light="white", omitsize=True))


def code_at(secret: str, seconds: float) -> str:
    """The code of a moment (Unix time)."""
    return _totp(secret).generate(seconds).decode("ascii")


def matching_step(secret: str, code: str, seconds: float, last_step: int) -> int | None:
    """The step whose code this is, or None.

    Args:
        last_step: steps up to this one have been used and are not taken again (RFC 6238 §5.2).
    """
    wanted = re.sub(r"\s", "", code)
    present = int(seconds) // STEP_SECONDS
    found = None
    for step in range(present - TOLERATED_STEPS, present + TOLERATED_STEPS + 1):
        is_same = hmac.compare_digest(code_at(secret, step * STEP_SECONDS).encode(), wanted.encode())
        found = step if is_same and step > last_step else found
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 74 bits, written ``k7mqh-2xw9d-frt4b``."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH))


def hash_recovery_code(code: str) -> str:
    """What is kept of a recovery code; blanks, hyphens and capitals do not matter. 74 random bits need no slow hash."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).hexdigest()


def is_recovery_code(code: str) -> bool:
    """Whether it is written like a recovery code rather than one of the app."""
    return len(re.sub(r"[\s-]", "", code)) > DIGITS


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - what every app computes
