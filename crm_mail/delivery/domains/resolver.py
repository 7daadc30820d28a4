"""DNS: one object that asks, remembers, and never takes silence or an offline office for an answer.

An answer is a value. A resolver without internet says NXDOMAIN for every name there is, so "no such name" and "no such
record" are believed only while a *canary*, a name that surely exists, is found.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from crm_mail.refusals import Refusal

LIFETIME_SECONDS = 4.0
"""How long one question may take in all, over every server and both protocols."""
LONGEST_SECONDS = 3600.0
NEGATIVE_SECONDS = 300.0
CANARY_SECONDS = 60.0
KEPT = 20_000
CANARIES = (("gmail.com", "MX"), ("pec.it", "MX"))
"""Names that exist: while none of them is found, an absence proves nothing."""


class Status(StrEnum):
    """What became of a question."""

    FOUND = "found"
    NO_NAME = "no_name"  # NXDOMAIN: the name does not exist
    NO_ANSWER = "no_answer"  # the name exists, without a record of this type
    NULL_MX = "null_mx"  # RFC 7505: the domain says that it takes no mail
    COULD_NOT_CHECK = "could_not_check"


class Trouble(StrEnum):
    """Why it could not be checked."""

    TIMEOUT = "timeout"
    NO_SERVERS = "no_servers"  # every server failed or refused
    OFFLINE = "offline"  # names that surely exist are not found either
    NOT_CONFIGURED = "not_configured"  # this machine names no DNS server
    BAD_NAME = "bad_name"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question; ``records`` as text, MX hosts in the order of preference, without final dots."""

    name: str
    type: str
    status: Status
    records: tuple[str, ...] = ()
    preferences: tuple[int, ...] = ()  # of MX records, in the same order
    trouble: Trouble | None = None

    @property
    def is_found(self) -> bool:
        """Whether there are records."""
        return self.status is Status.FOUND

    @property
    def is_absent(self) -> bool:
        """Whether it is certain that there is no such record."""
        return self.status in (Status.NO_NAME, Status.NO_ANSWER)

    @property
    def could_check(self) -> bool:
        """Whether anybody answered."""
        return self.status is not Status.COULD_NOT_CHECK


class ServersInvalid(Refusal):
    """CRM_MAIL_DNS_SERVERS names something that is no IP address."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"CRM_MAIL_DNS_SERVERS: {text!r} is not an IP address with an optional port, such as 192.0.2.1:53"
        )


def read_servers(text: str) -> list[tuple[str, int]]:
    """Name servers as written in the settings: ``192.0.2.1, 192.0.2.2:5353, [2001:db8::1]:53``.

    Raises:
        ServersInvalid: something is no IP address.
    """
    found = []
    for part in (one.strip() for one in text.split(",") if one.strip()):
        host, port = part, "53"
        if part.startswith("["):
            host, _, rest = part[1:].partition("]")
            port = rest.removeprefix(":") or port
        elif part.count(":") == 1:
            host, _, port = part.partition(":")
        try:
            found.append((str(ipaddress.ip_address(host)), int(port)))
        except ValueError:
            raise ServersInvalid(part) from None
    return found


class Resolver:
    """Asks the name servers; one object for a whole process, safe between threads.

    Args:
        servers: (IP address, port); empty means those of the system.
        lifetime: seconds that one question may take.
        canaries: (name, type) that surely exist; empty: every answer is believed.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        lifetime: float = LIFETIME_SECONDS,
        canaries: Sequence[tuple[str, str]] = CANARIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = tuple(servers)
        self._lifetime = lifetime
        self._canaries = tuple(canaries)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._online: tuple[float, bool] | None = None

    def ask(self, name: str, type_: str, *, fresh: bool = False) -> Answer:
        """The records of a name; never raises for what a network or a server does.

        Args:
            fresh: past what is remembered (a person asked to check again).
        """
        key = (name.rstrip(".").lower(), type_)
        if not fresh and (known := self._remembered(key)) is not None:
            return known
        answer, seconds = self._look_up(*key)
        if (answer.is_absent or answer.status is Status.NULL_MX) and not self.is_online():
            return Answer(key[0], type_, Status.COULD_NOT_CHECK, trouble=Trouble.OFFLINE)
        if answer.could_check:
            self._remember(key, answer, seconds)
        return answer

    def mx(self, domain: str, *, fresh: bool = False) -> Answer:
        """The servers that take a domain's mail."""
        return self.ask(domain, "MX", fresh=fresh)

    def txt(self, name: str, *, fresh: bool = False) -> Answer:
        """TXT records, the strings of each joined (RFC 7208 3.3, RFC 6376 3.6.2.2)."""
        return self.ask(name, "TXT", fresh=fresh)

    def addresses(self, host: str, *, fresh: bool = False) -> Answer:
        """IPv4 and IPv6 addresses of a host, as one answer."""
        four, six = self.ask(host, "A", fresh=fresh), self.ask(host, "AAAA", fresh=fresh)
        if four.is_found or six.is_found:
            return Answer(four.name, "A", Status.FOUND, four.records + six.records)
        return four if not four.could_check else six if not six.could_check else four

    def reverse(self, ip: str, *, fresh: bool = False) -> Answer:
        """The names of an IP address (PTR)."""
        return self.ask(dns.reversename.from_address(ip).to_text(), "PTR", fresh=fresh)

    def is_online(self) -> bool:
        """Whether a name that surely exists is found; asked at most once a minute."""
        if not self._canaries:
            return True
        moment = self._clock()
        with self._lock:
            if self._online is not None and moment < self._online[0]:
                return self._online[1]
        found = any(self._look_up(name, type_)[0].is_found for name, type_ in self._canaries)
        with self._lock:
            self._online = (moment + CANARY_SECONDS, found)
        return found

    def forget(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._kept.clear()
            self._online = None

    def _remembered(self, key: tuple[str, str]) -> Answer | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] <= self._clock():
                return None
            self._kept.move_to_end(key)
            return kept[1]

    def _remember(self, key: tuple[str, str], answer: Answer, seconds: float) -> None:
        with self._lock:
            self._kept[key] = (self._clock() + min(seconds, LONGEST_SECONDS), answer)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def _resolver(self) -> dns.resolver.Resolver:
        if not self._servers:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [ip for ip, _ in self._servers]
        resolver.nameserver_ports = dict(self._servers)
        return resolver

    def _look_up(self, name: str, type_: str) -> tuple[Answer, float]:
        def failed(trouble: Trouble) -> tuple[Answer, float]:
            return Answer(name, type_, Status.COULD_NOT_CHECK, trouble=trouble), 0.0

        try:
            wanted = dns.name.from_text(name)  # an international name goes as its ASCII form
            found = self._resolver().resolve(
                wanted, type_, lifetime=self._lifetime, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(name, type_, Status.NO_NAME), NEGATIVE_SECONDS
        except dns.resolver.NoResolverConfiguration:
            return failed(Trouble.NOT_CONFIGURED)
        except dns.resolver.LifetimeTimeout:
            return failed(Trouble.TIMEOUT)
        except (dns.resolver.NoNameservers, OSError):
            return failed(Trouble.NO_SERVERS)
        except (dns.exception.DNSException, UnicodeError):
            return failed(Trouble.BAD_NAME)
        if found.rrset is None:
            return Answer(name, type_, Status.NO_ANSWER), NEGATIVE_SECONDS
        return _read(name, type_, found), float(found.rrset.ttl)


def _read(name: str, type_: str, found: dns.resolver.Answer) -> Answer:
    records = list(found)
    if type_ == "MX":
        hosts = sorted((r.preference, _host(r.exchange)) for r in records if isinstance(r, MX))
        if [host for _, host in hosts] == [""]:
            return Answer(name, type_, Status.NULL_MX)
        return Answer(
            name,
            type_,
            Status.FOUND,
            tuple(h for _, h in hosts),
            tuple(preference for preference, _ in hosts),
        )
    if type_ == "TXT":
        texts = tuple(b"".join(r.strings).decode("utf-8", "replace") for r in records if isinstance(r, TXT))
        return Answer(name, type_, Status.FOUND, tuple(sorted(texts)))  # servers give them in any order
    return Answer(
        name, type_, Status.FOUND, tuple(sorted(record.to_text().rstrip(".") for record in records))
    )


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


@lru_cache(maxsize=8)
def shared_resolver(servers: str) -> Resolver:
    """The process's resolver for the servers that the settings name (`Settings.dns_servers`).

    Raises:
        ServersInvalid: the setting is no list of IP addresses.
    """
    return Resolver(read_servers(servers))
