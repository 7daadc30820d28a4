"""The exchange with the OpenID Connect provider: discovery, where to sign in, code for tokens, verified claims.

OpenID Connect Core 1.0 with the authorization code, PKCE (RFC 7636), state and nonce; Discovery 1.0. Authlib does the
protocol, joserfc the signatures. No database here. The issuer comes from the settings alone, every other address from
the issuer's own document: HTTPS (or this very machine, when the issuer is there), no redirections, bounded answers.
"""

import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from config import Settings
from crm_mail.delivery.oauth_providers import is_safe_url
from crm_mail.delivery.replies import printable
from crm_mail.users.oidc_problems import OidcProblem, OidcRefused

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that are believed: with keys that only the provider has; never `none`, never a shared secret."""
SECONDS = 10.0
LEEWAY = 60
LARGEST_ANSWER = 1_000_000
DOCUMENT_LIFE = 3600.0
PAUSE_AFTER_FAILURE = 10.0
"""Seconds for which a provider that did not answer is not asked again: guests must not hold every thread."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What this installation is at the provider; an empty secret: a public client, with PKCE alone."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    label: str

    @classmethod
    def of(cls, settings: Settings) -> "Registration | None":
        """The installation's, None when it has none."""
        if not settings.oidc_issuer:
            return None
        label = settings.oidc_label or urlsplit(settings.oidc_issuer).hostname or ""
        secret = settings.oidc_client_secret.get_secret_value()
        return cls(settings.oidc_issuer, settings.oidc_client_id, secret, label)


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun: what its answer must fit."""

    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of a person, verified."""

    issuer: str
    subject: str
    email: str
    is_verified: bool | None
    name: str
    has_second_factor: bool


def new_pending() -> Pending:
    """A nonce and a PKCE verifier (RFC 7636 4.1)."""
    return Pending(secrets.token_urlsafe(24), secrets.token_urlsafe(48))


class Provider:
    """What is known of one issuer: its document for an hour, its keys until a token names another one."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._lock = Lock()
        self._document: dict[str, Any] = {}
        self._keys: Any = None
        self._read_at = self._failed_at = float("-inf")
        self._failure = ""

    def document(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, 4). Raises OidcRefused."""
        with self._lock:
            if time.monotonic() - self._read_at <= DOCUMENT_LIFE:
                return self._document
            if time.monotonic() - self._failed_at <= PAUSE_AFTER_FAILURE:
                raise OidcRefused(OidcProblem.UNREACHABLE, detail=self._failure)
            try:
                self._document, self._keys = self._read_document(), None
            except OidcRefused as refused:
                self._failed_at, self._failure = time.monotonic(), refused.params.get("detail", "")
                raise
            self._read_at = time.monotonic()
            return self._document

    def _read_document(self) -> dict[str, Any]:
        found = _get_json(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            named = printable(str(found.get("issuer")))
            raise OidcRefused(OidcProblem.UNREACHABLE, detail=f"its document names the issuer {named}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not self.is_own_kind(str(found.get(name, ""))):
                raise OidcRefused(OidcProblem.UNREACHABLE, detail=f"its document has no safe {name}")
        return found

    def is_own_kind(self, url: str) -> bool:
        """Whether an address of the document may be used: HTTPS, or this machine if the issuer is on it."""
        return is_safe_url(url) and (url.startswith("https://") or self.issuer.startswith("http://"))

    def keys(self, *, anew: bool = False) -> Any:
        """The keys it signs with, as a joserfc KeySet; those of a kind that nobody here knows are left out."""
        from joserfc.errors import JoseError  # noqa: PLC0415 - heavy, as in `_session`
        from joserfc.jwk import KeySet, import_key  # noqa: PLC0415

        if self._keys is None or anew:
            found = []
            for one in _get_json(str(self.document()["jwks_uri"])).get("keys", []):
                try:
                    found.append(import_key(one))
                except (JoseError, ValueError, TypeError, KeyError):
                    continue
            self._keys = KeySet(found)
        return self._keys


@lru_cache(maxsize=8)
def provider_of(issuer: str) -> Provider:
    """What this process knows of an issuer."""
    return Provider(issuer)


def sign_in_url(registration: Registration, redirect_uri: str, state: str, pending: Pending) -> str:
    """The address at the provider where the person signs in. Raises OidcRefused."""
    document = provider_of(registration.issuer).document()
    with _session(registration, redirect_uri) as session:
        url, _state = session.create_authorization_url(
            document["authorization_endpoint"],
            state=state,
            nonce=pending.nonce,
            code_verifier=pending.verifier,
        )
    return str(url)


def sign_out_url(registration: Registration, back_to: str) -> str:
    """Where the person signs out at the provider too (RP-Initiated Logout 1.0); empty when it has no such page."""
    from authlib.common.urls import add_params_to_uri  # noqa: PLC0415 - with `_session`

    provider = provider_of(registration.issuer)
    try:
        url = str(provider.document().get("end_session_endpoint") or "")
    except OidcRefused:
        return ""
    if not provider.is_own_kind(url):
        return ""
    query = {"client_id": registration.client_id, "post_logout_redirect_uri": back_to}
    return str(add_params_to_uri(url, query.items()))


def finish(registration: Registration, redirect_uri: str, code: str, pending: Pending) -> Claims:
    """Exchange the code and verify what comes back. Raises OidcRefused."""
    provider = provider_of(registration.issuer)
    answer = _exchange(registration, provider.document(), redirect_uri, code, pending.verifier)
    claims = _verified(registration, provider, answer, pending.nonce)
    if not claims.get("email"):
        claims |= _user_info(provider, str(answer.get("access_token") or ""), str(claims["sub"]))
    verified = claims.get("email_verified", claims.get("xms_edov"))
    methods = claims.get("amr") or []
    return Claims(
        issuer=registration.issuer,
        subject=str(claims["sub"])[:255],
        email=str(claims.get("email") or ""),
        is_verified=None if verified is None else verified in (True, 1, "true", "1"),
        name=str(claims.get("name") or "")[:200],
        has_second_factor="mfa" in methods,  # RFC 8176
    )


def _exchange(
    registration: Registration, document: dict[str, Any], redirect_uri: str, code: str, verifier: str
) -> dict[str, Any]:
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - heavy, as in `_session`
    from requests import RequestException  # noqa: PLC0415

    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    try:
        with _session(registration, redirect_uri, methods) as session:
            answer = session.fetch_token(
                document["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                timeout=SECONDS,
                allow_redirects=False,
            )
    except AuthlibBaseError as error:
        detail = printable(f"{error.error} {error.description or ''}", registration.secret)
        raise OidcRefused(OidcProblem.REFUSED, detail=detail) from None
    except (RequestException, OSError, ValueError) as error:
        raise _unreachable(document["token_endpoint"], error) from None
    return dict(answer)


def _verified(
    registration: Registration, provider: Provider, answer: dict[str, Any], nonce: str
) -> dict[str, Any]:
    """The claims of the ID token (OpenID Connect Core 1.0, 3.1.3.7), after everything that it must show."""
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 - heavy, as in `_session`
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError  # noqa: PLC0415

    raw = str(answer.get("id_token") or "")
    try:
        try:
            token = _decode(raw, provider.keys())
        except (InvalidKeyIdError, BadSignatureError):  # the provider may have new keys
            token = _decode(raw, provider.keys(anew=True))
        wanted = {
            "iss": {"essential": True, "value": registration.issuer},
            "aud": {"essential": True, "value": registration.client_id},
        }
        known = {
            "nonce": nonce,
            "client_id": registration.client_id,
            "access_token": answer.get("access_token"),
        }
        claims = CodeIDToken(token.claims, token.header, wanted, known)
        claims.validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise OidcRefused(OidcProblem.TOKEN, detail=printable(str(error) or type(error).__name__)) from None
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise OidcRefused(OidcProblem.TOKEN, detail="it names no person (sub)")
    return dict(claims)


def _decode(raw: str, keys: Any) -> Any:
    from joserfc import jwt  # noqa: PLC0415 - heavy, as in `_session`
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    return jwt.decode(raw, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))


def _user_info(provider: Provider, access_token: str, subject: str) -> dict[str, Any]:
    """The address of a provider that tells it only when asked (Core 5.3); of the same person, or nothing."""
    url = str(provider.document().get("userinfo_endpoint") or "")
    if not access_token or not provider.is_own_kind(url):
        return {}
    found = _get_json(url, access_token)
    if found.get("sub") != subject:
        raise OidcRefused(OidcProblem.TOKEN, detail="its two answers name different people (sub)")
    return {name: found[name] for name in ("email", "email_verified", "name") if name in found}


def _session(registration: Registration, redirect_uri: str, methods: list[str] | None = None) -> Any:
    """An Authlib session. Imported on first use: with requests it takes half a second."""
    from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415

    # By post where the provider takes it: of the header some undo the form encoding of RFC 6749 2.3.1, some do not.
    method = "client_secret_post" if "client_secret_post" in (methods or ()) else "client_secret_basic"
    session = OAuth2Session(
        registration.client_id,
        registration.secret or None,
        token_endpoint_auth_method=method if registration.secret else "none",
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    session.mount("https://", _trusting())
    return session


def _trusting() -> Any:
    """An adapter that believes the authorities of the machine: an office's own provider may have one of its own."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - heavy, as above

    class _Trusting(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=ssl.create_default_context())

    return _Trusting()


def _get_json(url: str, access_token: str = "") -> dict[str, Any]:
    from requests import RequestException, Session  # noqa: PLC0415 - heavy, as above

    headers = {"Accept": "application/json"} | (
        {"Authorization": f"Bearer {access_token}"} if access_token else {}
    )
    try:
        with Session() as session:
            session.mount("https://", _trusting())
            with session.get(
                url, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code != 200:
                    raise ValueError(f"it answered {answer.status_code}")
                found = json.loads(_bounded(answer))
    except (RequestException, OSError, ValueError) as error:
        raise _unreachable(url, error) from None
    if not isinstance(found, dict):
        raise _unreachable(url, ValueError("its answer is no object"))
    return found


def _bounded(answer: Any) -> bytes:
    body = b""
    for piece in answer.iter_content(65536):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise ValueError("its answer is too large")
    return body


def _unreachable(url: str, error: Exception) -> OidcRefused:
    """What went wrong, without anything that was sent."""
    host = urlsplit(url).netloc
    known = str(error) if type(error) is ValueError else type(error).__name__
    return OidcRefused(OidcProblem.UNREACHABLE, detail=printable(f"{host}: {known}"))
