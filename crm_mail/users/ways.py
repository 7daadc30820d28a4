"""How somebody signed in."""

from enum import StrEnum


class SignInWay(StrEnum):
    """What a session began with; the own code is another matter (`second_factor`)."""

    PASSWORD = "password"  # noqa: S105 - a way, not a password
    PROVIDER = "provider"  # at the OpenID Connect provider
    PROVIDER_STRONG = "provider_strong"  # there, with a second factor there (RFC 8176: mfa)
