"""Two local mail servers in one thread: an ordinary one (STARTTLS) and one acting as a PEC provider (TLS).

Both ask for a login and show certificates of an authority of their own (`ca_file`), so that clients verify them in
earnest. Ports, names and passwords are kept in the folder: accounts made on them still work after a restart. The PEC
one makes no receipts: `crm_mail.pec_simulator` does.
"""

import asyncio
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import AccountSettings, Security
from crm_mail.sandbox.certificates import Certificates, ensure_certificates, write_privately
from crm_mail.sandbox.handlers import Kept, OrdinaryHandler, PecHandler, authenticator_for
from crm_mail.sandbox.maildrop import Maildrop

HOST = "127.0.0.1"
SIZE_LIMIT = 50_000_000
"""Bytes of one message that both servers take."""
ADDRESSES = {Channel.SMTP: "office@acme.example", Channel.PEC: "office@pec.acme.example"}
"""Logins and senders unless told otherwise."""
_START_SECONDS = 20.0


class SandboxFailed(RuntimeError):
    """The local mail servers could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """How to reach one server. The user's name is also the address it may send from."""

    kind: Channel
    host: str
    port: int
    security: Security
    username: str
    password: str
    ca_file: Path
    maildrop: Maildrop

    def account(self, **changes: Any) -> AccountSettings:
        """Settings of an account on this server."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "host": self.host,
            "port": self.port,
            "security": self.security,
            "from_address": self.username,
            "username": self.username,
            "password": self.password,
            "ca_file": str(self.ca_file),
        }
        return AccountSettings(**{**values, **changes})


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """Both servers."""

    ordinary: ServerInfo
    pec: ServerInfo


class SandboxServers:
    """Start and stop; between two starts the folder keeps everything. One instance per folder at a time.

    Args:
        addresses: login and sender of each server, when the folder keeps none yet.
        kinds: the servers that are wanted; the other one is described and does not listen.
        on_kept: is told sender, recipients and content of each message that was taken.
    """

    def __init__(
        self,
        folder: Path | str,
        addresses: dict[Channel, str] | None = None,
        kinds: tuple[Channel, ...] = (Channel.SMTP, Channel.PEC),
        on_kept: Kept | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._addresses = addresses or ADDRESSES
        self._kinds = kinds
        self._on_kept = on_kept
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self.info: SandboxInfo | None = None

    def start(self) -> SandboxInfo:
        """Starts both servers and returns when they listen. Raises SandboxFailed."""
        if self.info is not None:
            return self.info
        certificates = ensure_certificates(self.folder / "tls")
        kept = self._read_kept()
        sockets = {kind: _listening_socket(kept["ports"].get(kind.value, 0)) for kind in self._kinds}
        kept["ports"] |= {kind.value: sock.getsockname()[1] for kind, sock in sockets.items()}
        write_privately(self.folder / "sandbox.json", json.dumps(kept, indent=1).encode())
        info = SandboxInfo(
            *(self._describe(kind, kept, certificates) for kind in (Channel.SMTP, Channel.PEC))
        )
        self._run_in_thread(info, sockets, certificates)
        self.info = info
        return info

    def stop(self) -> None:
        """Stops both; open connections are closed. Nothing happens when they do not run."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(_START_SECONDS)
        self._thread = self._loop = self._stopping = self.info = None

    def __enter__(self) -> SandboxInfo:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read_kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads((self.folder / "sandbox.json").read_bytes())
            if {"ports", "passwords"} <= set(kept):
                return {"users": _by_name(ADDRESSES)} | kept
        except (OSError, ValueError):
            pass  # first start, or a damaged file: begin anew
        passwords = {kind.value: secrets.token_urlsafe(18) for kind in ADDRESSES}
        return {"ports": {}, "passwords": passwords, "users": _by_name(self._addresses)}

    def _describe(self, kind: Channel, kept: dict[str, Any], certificates: Certificates) -> ServerInfo:
        return ServerInfo(
            kind=kind,
            host=HOST,
            port=kept["ports"].get(kind.value, 0),
            security=Security.TLS if kind is Channel.PEC else Security.STARTTLS,
            username=kept["users"][kind.value],
            password=kept["passwords"][kind.value],
            ca_file=certificates.ca_file,
            maildrop=Maildrop(self.folder / kind.value),
        )

    def _run_in_thread(
        self, info: SandboxInfo, sockets: dict[Channel, socket.socket], certificates: Certificates
    ) -> None:
        ready: threading.Event = threading.Event()
        failure: list[BaseException] = []

        async def serve() -> None:
            self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
            context = server_context(certificates)
            servers = []
            for server in (info.ordinary, info.pec):
                if server.kind not in sockets:
                    continue
                factory = protocol_factory(server, context, self._on_kept)
                implicit = context if server.security is Security.TLS else None
                servers.append(
                    await self._loop.create_server(factory, sock=sockets[server.kind], ssl=implicit)
                )
            ready.set()
            await self._stopping.wait()
            for running in servers:
                running.close()
            await _cancel_the_rest()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:  # handed over to the thread that waits
                failure.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="sandbox-mail", daemon=True)
        self._thread.start()
        if not ready.wait(_START_SECONDS) or failure:
            raise SandboxFailed(f"The local mail servers did not start: {failure or 'no answer'}")


def _by_name(addresses: dict[Channel, str]) -> dict[str, str]:
    return {kind.value: address for kind, address in addresses.items()}


async def _cancel_the_rest() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """The servers' side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert_file, certificates.key_file)
    return context


def protocol_factory(
    server: ServerInfo, context: ssl.SSLContext, on_kept: Kept | None = None
) -> Callable[[], SMTP]:
    """Makes aiosmtpd's protocol for each connection.

    On implicit TLS `auth_require_tls` must be False: aiosmtpd counts only STARTTLS as TLS and would hide AUTH.
    """
    starttls = server.security is Security.STARTTLS
    handler_class = PecHandler if server.kind is Channel.PEC else OrdinaryHandler
    handler = handler_class(server.maildrop, on_kept)
    users = {server.username: server.password}

    def make() -> SMTP:
        return SMTP(
            handler,
            hostname="localhost",
            ident="local mail server",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            authenticator=authenticator_for(users),
            loop=asyncio.get_running_loop(),
        )

    return make


def _listening_socket(port: int) -> socket.socket:
    """A socket bound to the port, or to a free one when that is taken."""
    for wanted in (port, 0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, wanted))
            return sock
        except OSError as error:
            sock.close()
            if wanted == 0:
                raise SandboxFailed(f"No free port on {HOST}: {error}") from error
    raise AssertionError("unreachable")
