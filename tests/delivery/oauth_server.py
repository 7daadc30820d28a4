"""A provider to sign in at, on loopback: consent, code, PKCE, rotating refresh tokens, device codes; over real HTTP.

with OAuthServer() as server:
    url = begin_sign_in(...).url
    code, state = server.consent(url)
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

CLIENT_ID, CLIENT_SECRET = "office-client", "s3cret+/ç"
PERSON = "chief@acme.example"
MAILBOX = "office@acme.example"


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        owner = self.server.owner
        owner.asked.append(query)
        code = f"code-{len(owner.codes)}"
        owner.codes[code] = query
        self.send_response(302)
        answer = {"code": code, "state": query.get("state", "")}
        self.send_header("Location", query["redirect_uri"] + "?" + urlencode(answer))
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {k: v[0] for k, v in parse_qs(body).items()}
        status, answer = self.server.owner.answer(urlsplit(self.path).path, form)
        data = json.dumps(answer).encode() if isinstance(answer, dict) else answer
        self.send_response(status)
        if status == 307:
            self.send_header("Location", self.server.owner.elsewhere)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: "OAuthServer"


class OAuthServer:
    """`good`: access tokens that servers accept; `renewals`: refresh tokens that were used, in order.

    `broken`: answer renewals with 503. `withdrawn`: consent was withdrawn. `pause`: seconds before a renewal's
    answer. `expires_in`: of access tokens; `consent_seconds`: told as refresh_token_expires_in.
    """

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.authorize_url, self.token_url = self.base + "/authorize", self.base + "/token"
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self.good: set[str] = set()
        self.refresh = ""
        self.renewals: list[str] = []
        self.broken = self.withdrawn = self.redirects = False
        self.elsewhere = self.base + "/elsewhere"
        self.visited: list[str] = []
        self.pause = 0.0
        self.expires_in = 3600
        self.consent_seconds = 0
        self.device_polls = 0
        self._issued = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "OAuthServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def columns(self) -> dict[str, Any]:
        """Of a sender account that signs in here."""
        return {
            "oauth_provider": "other",
            "oauth_client_id": CLIENT_ID,
            "oauth_authorize_url": self.authorize_url,
            "oauth_token_url": self.token_url,
            "oauth_scope": "mail",
        }

    def consent(self, url: str) -> dict[str, str]:
        """What the person's browser brings back: code and state."""
        answer = requests.get(url, allow_redirects=False, timeout=5)
        return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """To a request at the token or device address."""
        self.visited.append(path)
        if path == "/introspect":  # a mail server asks whether a token is good (RFC 7662)
            return 200, {"active": form.get("token") in self.good, "email": MAILBOX}
        if self.redirects:
            return 307, b""
        if form.get("client_id") != CLIENT_ID or (
            path != "/device" and form.get("client_secret") != CLIENT_SECRET
        ):
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000222: the secret expired"}
        if path == "/device":
            return 200, {
                "device_code": "dev", "user_code": "ABCD-EFGH", "verification_uri": self.base + "/enter",
                "interval": 1, "expires_in": 60,
            }  # fmt: skip
        grant = form["grant_type"]
        if grant == "authorization_code":
            return self._for_code(form)
        if grant == "refresh_token":
            return self._for_refresh(form["refresh_token"])
        self.device_polls += 1
        return self._tokens() if self.device_polls > 1 else (400, {"error": "authorization_pending"})

    def _for_code(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form["code"], None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked.get("code_challenge_method") != "S256"
            or asked.get("code_challenge") != proof.rstrip(b"=").decode()
        ):
            return 400, {"error": "invalid_grant", "error_description": "bad code"}
        return self._tokens()

    def _for_refresh(self, token: str) -> tuple[int, Any]:
        time.sleep(self.pause)
        self.renewals.append(token)
        if self.broken:
            return 503, b"<html>busy</html>"
        if self.withdrawn or token != self.refresh:
            return 400, {"error": "invalid_grant", "error_description": "consent was withdrawn"}
        return self._tokens()

    def _tokens(self) -> tuple[int, Any]:
        with self._lock:
            self._issued += 1
            access, self.refresh = f"access-{self._issued}", f"refresh-{self._issued}"
            self.good.clear()
            self.good.add(access)
        claims = base64.urlsafe_b64encode(json.dumps({"email": PERSON}).encode()).rstrip(b"=").decode()
        told = {"refresh_token_expires_in": self.consent_seconds} if self.consent_seconds else {}
        return 200, {
            "token_type": "Bearer", "access_token": access, "refresh_token": self.refresh,
            "expires_in": self.expires_in, "id_token": f"x.{claims}.y", **told,
        }  # fmt: skip
