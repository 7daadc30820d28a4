"""Posting to addresses that people of the office typed in: never into our own network unless the settings allow it.

The name is resolved once, every address it has must be public, and the connection goes to that very address, so that a
name cannot mean something else a moment later. Redirects are not followed, answers are not read beyond a line.
"""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import urllib3

from crm_mail.refusals import Refusal

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
LONGEST_URL = 500
READ_BYTES = 300


class TargetRefused(Refusal):
    """An address cannot be told anything; ``problem`` is url, scheme, private or unknown."""

    def __init__(self, problem: str, detail: str = "") -> None:
        words = {
            "url": "this is no address: write it as https://host/path",
            "scheme": "the address must begin with https://: what is sent must not be read on the way",
            "private": f"{detail} leads into a private network, which this installation does not allow "
            "(CRM_MAIL_WEBHOOK_PRIVATE_ADDRESSES)",
            "unknown": f"the name {detail} is not known: check the address",
        }
        super().__init__(words[problem])
        self.problem, self.detail = problem, detail


def check_url(url: str, *, allow_private: bool) -> SplitResult:
    """The parts of an address that may be kept.

    Raises:
        TargetRefused: it is none, is not encrypted, or names a private address outright.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("url") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not is_plain or not parts.hostname or parts.username or parts.password or parts.fragment or port == 0:
        raise TargetRefused("url")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise TargetRefused("scheme" if parts.scheme == "http" else "url")
    try:
        literal = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return parts
    if not allow_private and not is_public(literal):
        raise TargetRefused("private", parts.hostname)
    return parts


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address lies in the open internet, also when it hides in an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return is_public(inner)
        if address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64 (RFC 6052)
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """The address to connect to.

    Raises:
        TargetRefused: the name is unknown, or one of its addresses is private.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused("unknown", host) from None
    addresses = [str(one[4][0]) for one in found]
    for one in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(one.partition("%")[0])):
            raise TargetRefused("private", host)
    return addresses[0]


@dataclass(frozen=True, slots=True)
class Told:
    """What the other side answered. ``status`` None: nothing, and ``detail`` says why."""

    status: int | None
    detail: str = ""
    is_unsent: bool = False
    """There was no connection: nothing of it reached the other side."""
    data: bytes = b""
    """The beginning of the answer."""

    @property
    def is_taken(self) -> bool:
        """Whether it was taken over: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


_BEFORE = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
)
"""What goes wrong before anything is handed over."""


def _said(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", None) or error).split())[:READ_BYTES]


class Target:
    """One address with its kept connections.

    Raises:
        TargetRefused: see `check_url` and `resolve`.
    """

    def __init__(
        self, url: str, *, allow_private: bool, connections: int = 4, read_seconds: float = READ_SECONDS
    ) -> None:
        parts = check_url(url, allow_private=allow_private)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = resolve(host, port, allow_private=allow_private)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._host = parts.netloc
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        if secure:
            self._pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
                address,
                port,
                timeout=timeout,
                maxsize=connections,
                ssl_context=ssl.create_default_context(),
                server_hostname=host,
                assert_hostname=host,
            )
        else:
            self._pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout, maxsize=connections)

    def post(self, body: bytes, headers: dict[str, str]) -> Told:
        """Post JSON once; never raises for what the other side or the network does."""
        return self.call("POST", body, {"Content-Type": "application/json", **headers})

    def call(
        self,
        method: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        most: int = READ_BYTES,
        query: str = "",
    ) -> Told:
        """Ask once; never raises for what the other side or the network does.

        Args:
            most: bytes of the answer that are read.
            query: put behind the address.
        """
        given = {"Host": self._host, "User-Agent": "crm-mail", **headers}
        path = self._path + (("&" if "?" in self._path else "?") + query if query else "")
        try:
            answer = self._pool.urlopen(
                method, path, body, given, retries=False, redirect=False, preload_content=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Told(None, _said(error), is_unsent=isinstance(error, _BEFORE))
        try:
            data = answer.read(most)
            answer.release_conn() if len(data) < most else answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Told(None, _said(error))
        words = " ".join(data[:READ_BYTES].decode("utf-8", "replace").split())
        return Told(answer.status, words, data=data)

    def close(self) -> None:
        """Hang up."""
        self._pool.close()
