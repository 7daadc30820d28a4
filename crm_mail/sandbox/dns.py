"""A DNS server of our own on the loopback, over UDP and TCP: tests and the demo ask it instead of the world."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL = 300
SILENT, FAILS, TRUNCATES = "silent", "fails", "truncates"
"""How a name may misbehave: no answer at all, SERVFAIL, an answer that comes whole over TCP only."""


class Zone:
    """What the server knows: name → type → records as text; a name with an empty mapping exists without records.

    ``is_blank``: every name is said not to exist, as an office's resolver without internet does.
    """

    def __init__(self, records: Mapping[str, Mapping[str, Sequence[str]]] | None = None) -> None:
        self.records: dict[str, dict[str, list[str]]] = {}
        self.faults: dict[str, str] = {}
        self.is_blank = False
        self.asked: list[tuple[str, str]] = []
        for name, types in (records or {}).items():
            self.add(name, types)

    def add(self, name: str, types: Mapping[str, Sequence[str]]) -> None:
        """Add records of a name; TXT values are given without quotes."""
        own = self.records.setdefault(name.rstrip(".").lower(), {})
        for type_, values in types.items():
            own.setdefault(type_, []).extend(_quoted(v) if type_ == "TXT" else v for v in values)

    def answer(self, query: dns.message.Message, is_udp: bool) -> dns.message.Message | None:
        """The answer to a question; None: silence."""
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        type_ = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, type_))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        fault = self.faults.get(name)
        if fault == SILENT:
            return None
        if fault == FAILS:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif fault == TRUNCATES and is_udp:
            response.flags |= dns.flags.TC
        elif self.is_blank or not self._exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif values := self.records.get(name, {}).get(type_):
            response.answer.append(
                dns.rrset.from_text_list(question.name, TTL, dns.rdataclass.IN, question.rdtype, values)
            )
        return response

    def _exists(self, name: str) -> bool:
        return any(known == name or known.endswith(f".{name}") for known in self.records)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return " ".join(f'"{escaped[i : i + 200]}"' for i in range(0, max(len(escaped), 1), 200))


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        if (reply := _reply(self.server, data, True)) is not None:
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            reply = _reply(self.server, self.rfile.read(struct.unpack("!H", head)[0]), False)
            if reply is None:
                return
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


def _reply(server: Any, data: bytes, is_udp: bool) -> bytes | None:
    try:
        response = server.zone.answer(dns.message.from_wire(data), is_udp)
    except dns.exception.DNSException:
        return None
    return response.to_wire() if response is not None else None


@contextmanager
def dns_server(zone: Zone, host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """The server while the block runs; gives its (IP address, port), the same for UDP and TCP."""
    tcp, udp = _bind(host)
    for server in (tcp, udp):
        server.zone = zone
    threads = [
        threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        for s in (tcp, udp)
    ]
    try:
        for thread in threads:
            thread.start()
        yield host, tcp.server_address[1]
    finally:
        for server in (tcp, udp):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


class _TcpServer(socketserver.ThreadingTCPServer):
    zone: Zone
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class _UdpServer(socketserver.ThreadingUDPServer):
    zone: Zone
    daemon_threads = True
    block_on_close = False


def _bind(host: str) -> tuple[_TcpServer, _UdpServer]:
    for _attempt in range(20):
        tcp = _TcpServer((host, 0), _Tcp)
        try:
            return tcp, _UdpServer((host, tcp.server_address[1]), _Udp)
        except OSError:
            tcp.server_close()
    raise OSError(f"no port is free for UDP and TCP on {socket.gethostname()}")
