"""A gateway for SMS of our own, on the loopback: takes texts by HTTP, keeps them, and reports on them when told to.

with SmsGateway() as gateway:
    …an account with `gateway.url`…
    gateway.texts[0].text
"""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class TakenText:
    """One request as it came: its fields, its headers (names in lower case), and the number it was given."""

    id: str
    fields: dict[str, Any]
    headers: dict[str, str]

    @property
    def number(self) -> str:
        return str(self.fields.get("to", ""))

    @property
    def text(self) -> str:
        return str(self.fields.get("text", ""))

    @property
    def reference(self) -> str:
        return str(self.fields.get("reference", ""))


@dataclass
class SmsGateway:
    """Takes JSON and forms at any path.

    Args:
        port: 0 takes a free one.
        answers: status and body that the next requests get in place of the good ones; a body of None hangs up
            without an answer, after the request was kept.
    """

    port: int = 0
    answers: list[tuple[int, dict[str, Any] | None]] = field(default_factory=list)
    texts: list[TakenText] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://127.0.0.1:{self.port}/messages"

    def __enter__(self) -> Self:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                gateway._take(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the texts themselves are kept."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0"))).decode()
        is_json = "json" in request.headers.get("Content-Type", "")
        fields = json.loads(body) if is_json else dict(parse_qsl(body))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._lock:
            id_ = f"SM{len(self.texts) + 1}"
            status, answer = self.answers.pop(0) if self.answers else (200, {"id": id_, "status": "queued"})
            if status < 300:
                self.texts.append(TakenText(id_, fields, headers))
        if answer is None:
            request.close_connection = True
            return
        data = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
