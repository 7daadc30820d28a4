"""An OpenID Connect provider on loopback, over real HTTP: discovery, consent, code with PKCE, signed ID tokens, keys.

with OidcProvider() as provider:
    provider.person = {"sub": "anna-1", "email": "anna@office.example", "email_verified": True}
    answer = provider.consent(url)  # what a browser does: follow the address, come back with the query
"""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "crm-mail", "s3cret+/ç"


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        provider, parts = self.server.owner, urlsplit(self.path)
        provider.asked.append(parts.path)
        if parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(_flat(parts.query)))
            self.end_headers()
            return
        self._answer(*provider.get(parts.path, self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        form = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.owner.asked.append(urlsplit(self.path).path)
        self._answer(*self.server.owner.token(form, self.headers.get("Authorization", "")))

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", content)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: "OidcProvider"


class OidcProvider:
    """`person`: claims of who is signed in there. `changes`: what an ID token says otherwise. `document`: the same for
    the discovery document. `only_userinfo`: claims that are told by the user-info endpoint alone."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.person: dict[str, Any] = {
            "sub": "anna-1",
            "email": "anna@office.example",
            "email_verified": True,
            "name": "Anna",
        }
        self.changes: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.only_userinfo: tuple[str, ...] = ()
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.is_down = False
        self.rotate_keys()

    def __enter__(self) -> "OidcProvider":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; the old one is gone."""
        self.key = RSAKey.generate_key(2048, auto_kid=True)

    def consent(self, url: str) -> str:
        """What a browser does at the provider: the path and query with which it comes back."""
        answer = requests.get(url, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://127.0.0.1:8080")

    def authorize(self, query: dict[str, str]) -> str:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def get(self, path: str, authorization: str) -> tuple[int, Any]:
        if self.is_down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token",
                "userinfo_endpoint": self.issuer + "/userinfo",
                "end_session_endpoint": self.issuer + "/logout",
                "jwks_uri": self.issuer + "/keys",
            } | self.document
        if path == "/keys":
            unknown = {"kty": "PQ", "kid": "from the future"}
            return 200, {"keys": [unknown, self.key.as_dict(private=False)]}
        if path == "/userinfo" and authorization == "Bearer access":
            return 200, self.person
        return 404, {}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        asked = self.codes.pop(form["code"], None)
        given = form.get("client_id", ""), form.get("client_secret", "")
        if authorization:
            given = tuple(base64.b64decode(authorization.removeprefix("Basic ")).decode("latin1").split(":"))
        if asked is None or given != (CLIENT_ID, CLIENT_SECRET):
            return 400, {"error": "invalid_grant", "error_description": "this code is over"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert form["redirect_uri"] == asked["redirect_uri"]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": asked["nonce"],
        }
        told = {name: value for name, value in self.person.items() if name not in self.only_userinfo}
        token = jwt.encode(
            {"alg": "RS256", "kid": self.key.kid} | self.header,
            {k: v for k, v in (claims | told | self.changes).items() if v is not None},
            self.key,
        )
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}
