"""Facts about the mail providers that ask for OAuth2: addresses, scopes, and what each wants besides. Pure.

Sources: Microsoft "Authenticate an IMAP, POP or SMTP connection using OAuth" and "OAuth 2.0 authorization code flow";
Google "Gmail IMAP, POP and SMTP: XOAUTH2" and "Using OAuth 2.0 for web server applications". `openid` and its
companions only tell who signed in.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from crm_mail.delivery.transports import Security


class ProviderKind(StrEnum):
    """Whom an account signs in to."""

    MICROSOFT = "microsoft"
    GOOGLE = "google"
    OTHER = "other"  # addresses and scope are entered


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is sent or read."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class Provider:
    """Where to sign in, and for what. `extra` goes with the request of consent; `device_url` may be empty.

    `consent`: how long consent lasts after each renewal where the provider's answers do not tell; None: no end known.
    """

    kind: ProviderKind
    authorize_url: str
    token_url: str
    scope: str
    extra: tuple[tuple[str, str], ...] = ()
    device_url: str = ""
    consent: timedelta | None = None
    smtp: Server | None = None
    imap: Server | None = None


DEFAULT_TENANT = "organizations"
"""Any Microsoft 365 organisation; an app of one organisation needs that one's own id."""

_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/"

GOOGLE = Provider(
    ProviderKind.GOOGLE,
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://oauth2.googleapis.com/token",
    "https://mail.google.com/ openid email",
    extra=(
        ("access_type", "offline"),
        ("prompt", "consent"),
    ),  # else a second consent brings no refresh token
    smtp=Server("smtp.gmail.com", 465, Security.TLS),
    imap=Server("imap.gmail.com", 993, Security.TLS),
)


def microsoft(tenant: str = "") -> Provider:
    """Microsoft 365, for an organisation's id or domain; empty: any organisation."""
    base = _MICROSOFT.format(tenant=tenant or DEFAULT_TENANT)
    return Provider(
        ProviderKind.MICROSOFT,
        base + "authorize",
        base + "token",
        "https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All "
        "offline_access openid profile email",
        device_url=base + "devicecode",
        consent=timedelta(days=90),  # without use; each renewal begins them again
        smtp=Server("smtp.office365.com", 587, Security.STARTTLS),
        imap=Server("outlook.office365.com", 993, Security.TLS),
    )


def provider_of(kind: str, tenant: str, authorize_url: str, token_url: str, scope: str) -> Provider:
    """The provider of an account, from its columns. A scope that was entered replaces the usual one."""
    if kind == ProviderKind.MICROSOFT:
        known = microsoft(tenant)
    elif kind == ProviderKind.GOOGLE:
        known = GOOGLE
    else:
        return Provider(ProviderKind.OTHER, authorize_url, token_url, scope)
    return Provider(
        known.kind, known.authorize_url, known.token_url, scope or known.scope, known.extra, known.device_url,
        known.consent, known.smtp, known.imap,
    )  # fmt: skip


def is_safe_url(url: str) -> bool:
    """Whether secrets may be sent to an address: HTTPS with a host, or HTTP on this very machine (RFC 8252 7.3)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or parts.password or not host or any(c <= " " for c in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"))
