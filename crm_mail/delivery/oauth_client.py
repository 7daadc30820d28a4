"""The exchange with a provider's servers: consent, code for tokens, renewal, and the device code.

Authlib does the protocol. No database here, and nothing is kept. Secrets go to HTTPS addresses only (or to this very
machine), never after a redirection; certificates are checked against the system's authorities and the account's own.
"""

import secrets
import ssl
from dataclasses import dataclass, field
from typing import Any

from crm_mail.delivery.oauth_providers import Provider, is_safe_url
from crm_mail.delivery.replies import printable
from crm_mail.refusals import Refusal

SECONDS = 20.0
"""Longest wait for a provider's server."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FINAL = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "access_denied", "interaction_required"}
    | {"consent_required", "login_required", "invalid_scope", "unsupported_grant_type", "invalid_request"}
)


class ProviderUnreachable(Refusal):
    """The provider's server did not answer as it should; it may be better later."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the provider's server cannot be used at the moment: {detail}")
        self.detail = detail


class ProviderRefused(Refusal):
    """The provider said no; `code` is its own (RFC 6749 5.2), `detail` its sentence."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"the provider refused: {detail or code}")
        self.code = code
        self.detail = detail


class StillWaiting(Exception):
    """Device code: the person has not finished; ask again after so many seconds."""

    def __init__(self, is_slower: bool) -> None:
        super().__init__("authorization pending")
        self.is_slower = is_slower


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the office's registration at the provider. An empty secret: a public client, with PKCE alone."""

    provider: Provider
    client_id: str
    secret: str = field(default="", repr=False)
    ca_file: str | None = None
    ca_pem: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person opens and types; `code` is for asking, every `interval` seconds, for `expires_in` seconds."""

    url: str
    user_code: str
    code: str = field(repr=False)
    interval: int = 5
    expires_in: int = 900


def new_verifier() -> str:
    """A PKCE verifier (RFC 7636 4.1)."""
    return secrets.token_urlsafe(48)


def consent_url(client: Client, redirect_uri: str, state: str, verifier: str, login_hint: str = "") -> str:
    """The address at the provider where a person consents."""
    _require_safe(client.provider.authorize_url)
    extra = dict(client.provider.extra) | ({"login_hint": login_hint} if login_hint else {})
    with _session(client, redirect_uri) as session:
        url, _state = session.create_authorization_url(
            client.provider.authorize_url, state=state, code_verifier=verifier, **extra
        )
    return str(url)


def exchange_code(client: Client, redirect_uri: str, code: str, verifier: str) -> dict[str, Any]:
    """The provider's answer to a code. Raises ProviderRefused, ProviderUnreachable."""
    return _ask(client, redirect_uri, "authorization_code", code=code, code_verifier=verifier)


def renew(client: Client, refresh_token: str) -> dict[str, Any]:
    """New tokens for a refresh token. Raises ProviderRefused, ProviderUnreachable."""
    return _ask(client, "", "refresh_token", refresh_token=refresh_token)


def begin_device(client: Client) -> DeviceCode:
    """A code to be typed on any device (RFC 8628 3.1). Raises ProviderRefused, ProviderUnreachable."""
    answer = _ask(client, "", "", to=client.provider.device_url, scope=client.provider.scope)
    url = answer.get("verification_uri") or answer.get("verification_url") or ""
    return DeviceCode(
        str(url), str(answer.get("user_code", "")), str(answer.get("device_code", "")),
        int(answer.get("interval") or 5), int(answer.get("expires_in") or 900),
    )  # fmt: skip


def poll_device(client: Client, code: str) -> dict[str, Any]:
    """The tokens once the person is done (RFC 8628 3.4). Raises StillWaiting, and as `renew`."""
    try:
        return _ask(client, "", DEVICE_GRANT, device_code=code)
    except ProviderRefused as refusal:
        if refusal.code in ("authorization_pending", "slow_down"):
            raise StillWaiting(refusal.code == "slow_down") from None
        raise


def _require_safe(url: str) -> None:
    if not is_safe_url(url):
        raise ProviderRefused("unsafe_address", f"{printable(url)[:200]} is no HTTPS address")


def _session(client: Client, redirect_uri: str) -> Any:
    """An Authlib session. Imported on first use: with requests it takes half a second."""
    from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    context = ssl.create_default_context()
    if client.ca_file or client.ca_pem:
        context.load_verify_locations(client.ca_file or None, cadata=client.ca_pem or None)

    class _Trusting(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

    session = OAuth2Session(
        client.client_id,
        client.secret or None,
        token_endpoint_auth_method="client_secret_post" if client.secret else "none",
        scope=client.provider.scope,
        redirect_uri=redirect_uri or None,
        code_challenge_method="S256",
    )
    session.mount("https://", _Trusting())
    return session


def _ask(client: Client, redirect_uri: str, grant: str, to: str = "", **values: str) -> dict[str, Any]:
    """One request; the answer as the provider gave it."""
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - heavy, as above
    from requests import RequestException  # noqa: PLC0415

    url = to or client.provider.token_url
    _require_safe(url)
    limits: dict[str, Any] = {"timeout": SECONDS, "allow_redirects": False}
    try:
        with _session(client, redirect_uri) as session:
            if grant == "refresh_token":
                session.scope = None  # what was consented to
                found = session.refresh_token(url, **values, **limits)
            elif grant:
                found = session.fetch_token(url, grant_type=grant, **values, **limits)
            else:
                body = values | {"client_id": client.client_id}
                response = session.request("POST", url, data=body, withhold_token=True, **limits)
                found = _json(response)
    except AuthlibBaseError as error:
        detail = printable(str(error.description or ""), client.secret)
        if error.error in _FINAL or error.error in ("authorization_pending", "slow_down", "expired_token"):
            raise ProviderRefused(str(error.error), detail) from None
        raise ProviderUnreachable(f"{printable(str(error.error))} {detail}".strip()) from None
    except (RequestException, OSError, ValueError) as error:
        raise ProviderUnreachable(_in_words(error, url)) from None
    if not isinstance(found, dict) or not (to or found.get("access_token")):
        raise ProviderUnreachable("its answer holds no token")
    return dict(found)


def _json(response: Any) -> dict[str, Any]:
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - heavy, as above

    found = response.json()
    if not isinstance(found, dict):
        raise ValueError("not an object")
    if "error" in found:
        raise AuthlibBaseError(error=str(found["error"]), description=str(found.get("error_description", "")))
    response.raise_for_status()
    return found


def _in_words(error: Exception, url: str) -> str:
    """What went wrong, without anything that was sent."""
    host = url.split("/")[2] if url.count("/") >= 2 else url
    return f"{host}: {type(error).__name__}: {printable(str(error))[:200]}"
