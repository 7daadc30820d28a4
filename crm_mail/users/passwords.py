"""Passwords: how they are hashed, which are refused, and the one-time password of a new account.

The rules are those of NIST SP 800-63B-4 §3.1.1.2: length and a list of passwords that are known to everybody; no rule
about kinds of characters, no expiry. Hashing is Argon2id (RFC 9106).
"""

import re
import secrets
from enum import StrEnum
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crm_mail.users.common_passwords import COMMON_PASSWORDS

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 256
ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else
ONE_TIME_GROUPS, ONE_TIME_GROUP_LENGTH = 4, 4

_LOOKALIKES = str.maketrans("01345@$7!", "oieasasti")
_SEQUENCES = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "01234567890123456789",
    "1qaz2wsx3edc4rfv",
)


class PasswordProblem(StrEnum):
    """Why a new password is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    PERSONAL = "personal"  # it is little more than the person's own name or address


class Passwords:
    """Hashing with the installation's cost.

    Args:
        memory_kib: memory of one hash in KiB (`Settings.argon2_memory_kib`).
    """

    def __init__(self, memory_kib: int) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=memory_kib, parallelism=1)

    def hash(self, password: str) -> str:
        """The hash that is kept, with its salt and cost inside."""
        return self._hasher.hash(password)

    def verify(self, kept: str, password: str) -> bool:
        """Whether the password belongs to the hash; without a hash it takes as long, and is False."""
        try:
            self._hasher.verify(kept or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)

    def needs_rehash(self, kept: str) -> bool:
        """Whether the hash was made with another cost than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(24))


def find_problem(password: str, *personal: str) -> PasswordProblem | None:
    """What is wrong with a new password, or None.

    Args:
        personal: the person's name and e-mail address.
    """
    if len(password) < MINIMUM_LENGTH:
        return PasswordProblem.TOO_SHORT
    if len(password) > MAXIMUM_LENGTH:
        return PasswordProblem.TOO_LONG
    if _is_common(password.casefold()):
        return PasswordProblem.COMMON
    if _is_personal(password.casefold(), personal):
        return PasswordProblem.PERSONAL
    return None


def _is_common(password: str) -> bool:
    unit = _shortest_unit(password)
    if len(set(password)) < 5 or len(unit) < 6 or password in COMMON_PASSWORDS or unit in COMMON_PASSWORDS:
        return True
    stems = {
        _stem(password),
        _stem(unit),
        _stem(unit.translate(_LOOKALIKES)),
        _stem(password).translate(_LOOKALIKES),
    }
    return any(_shortest_unit(stem) in COMMON_PASSWORDS for stem in stems if stem) or _is_sequence(password)


def _stem(password: str) -> str:
    """The word inside ``2026-Password!123``: figures and signs at both ends do not make it another one."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)


def _shortest_unit(text: str) -> str:
    """``abc`` of ``abcabcabc``; the text itself when it repeats nothing."""
    end = (text + text).find(text, 1)
    return text[:end]


def _is_sequence(password: str) -> bool:
    rows = [row for sequence in _SEQUENCES for row in (sequence, sequence[::-1])]
    runs = [password[i : i + 4] for i in range(0, len(password) - 3, 4)]
    return all(any(run in row for row in rows) for run in runs)


def _is_personal(password: str, personal: tuple[str, ...]) -> bool:
    """Whether fewer than six characters remain once the parts of the person's name and address are taken out."""
    rest, found = password, False
    parts = {part for text in personal for part in re.split(r"[\W_]+", text.casefold()) if len(part) >= 3}
    for part in sorted(parts, key=len, reverse=True):
        found = found or part in rest
        rest = rest.replace(part, "")
    return found and len(re.sub(r"[\W_]", "", rest)) < 6


def one_time_password() -> str:
    """A password for the first sign-in, easy to read aloud: ``k7mq-h2xw-9dfr-t4bn`` (79 bits)."""
    groups = (
        "".join(secrets.choice(ONE_TIME_ALPHABET) for _ in range(ONE_TIME_GROUP_LENGTH))
        for _ in range(ONE_TIME_GROUPS)
    )
    return "-".join(groups)
