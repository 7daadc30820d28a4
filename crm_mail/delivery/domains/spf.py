"""SPF (RFC 7208): a domain's record, its look-ups counted through includes and redirects, and who it lets send.

The limit of ten look-ups (4.6.4) is counted over the whole record, as a receiver meets it at worst; look-ups without
an answer ("void") may be two. Names with macros depend on each message: they are counted and not followed.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crm_mail.delivery.domains.resolver import Answer, Resolver, Status

MOST_LOOKUPS = 10
MOST_VOID = 2
MOST_MX = 10
_DEPTH = 12  # includes within includes: beyond ten look-ups the verdict is certain anyway
_PREFIX = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE)
_MECHANISM = re.compile(
    r"([+?~-]?)([a-z0-9]+)(?::([^/\s]*|[0-9a-f:.]+))?((?:/\d{1,3}){0,1}(?://\d{1,3})?)", re.IGNORECASE
)
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})
_KNOWN = _ASKING | {"all", "ip4", "ip6"}


class SpfFault(StrEnum):
    """Why a record cannot be used; a receiver treats each as a permanent error (or as no SPF at all)."""

    SEVERAL = "several_records"
    SYNTAX = "syntax"
    TOO_MANY = "too_many_lookups"
    TOO_MANY_VOID = "too_many_void"
    INCLUDE_MISSING = "include_missing"  # include: of a name without an SPF record
    LOOP = "loop"
    TOO_MANY_MX = "too_many_mx"


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism, or the modifier `redirect` (as ``name``)."""

    qualifier: str
    name: str
    value: str
    cidr: str = ""


@dataclass(slots=True)
class SpfReport:
    """What is known of a domain's SPF. ``record`` empty: there is none. ``unanswered``: names nobody answered for."""

    record: str = ""
    records: tuple[str, ...] = ()
    lookups: int = 0
    void: int = 0
    final: str = ""  # the qualifier of `all`, through redirects: + - ~ ? or empty
    has_ptr: bool = False
    includes: list[str] = field(default_factory=list)
    faults: list[tuple[SpfFault, str]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def fault(self, fault: SpfFault, detail: str = "") -> None:
        """Note a fault, once."""
        if (fault, detail) not in self.faults:
            self.faults.append((fault, detail))


def spf_records(answer: Answer) -> list[str]:
    """The SPF records among TXT records (RFC 7208 4.5)."""
    return [text for text in answer.records if _PREFIX.match(text)]


def parse(record: str) -> list[Term] | str:
    """The terms of a record; a text: what in it cannot be read. Unknown modifiers are left out (RFC 7208 6)."""
    terms = []
    for text in record.split()[1:]:
        if (modifier := _MODIFIER.fullmatch(text)) and ":" not in modifier[1]:
            if modifier[1].lower() == "redirect":
                terms.append(Term("", "redirect", modifier[2]))
            continue
        found = _MECHANISM.fullmatch(text) if "ip6" not in text.lower() else _ip6(text)
        if found is None or found[2].lower() not in _KNOWN:
            return text
        term = Term(found[1] or "+", found[2].lower(), found[3] or "", found[4] or "")
        if not _is_sound(term):
            return text
        terms.append(term)
    return terms


def _ip6(text: str) -> re.Match[str] | None:
    return re.fullmatch(r"([+?~-]?)(ip6):([0-9a-f:.]+)(/\d{1,3})?", text, re.IGNORECASE)


def _is_sound(term: Term) -> bool:
    if term.name in ("ip4", "ip6"):
        return _network(term) is not None
    if term.name in ("include", "exists"):
        return bool(term.value) and not term.cidr
    return term.name != "all" or not (term.value or term.cidr)


def _network(term: Term) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    kind = ipaddress.IPv4Network if term.name == "ip4" else ipaddress.IPv6Network
    try:
        return kind(term.value + term.cidr, strict=False)
    except ValueError:
        return None


def read_spf(resolver: Resolver, domain: str, *, fresh: bool = False) -> SpfReport:
    """Read and walk the SPF of a domain."""
    report = SpfReport()
    answer = resolver.txt(domain, fresh=fresh)
    if not answer.could_check:
        report.unanswered.append(domain)
        return report
    found = spf_records(answer)
    report.records = tuple(found)
    if len(found) > 1:
        report.fault(SpfFault.SEVERAL)
    elif found:
        report.record = found[0]
        _Walk(resolver, report, fresh).record(domain, found[0], (domain.lower(),), True)
        if report.lookups > MOST_LOOKUPS:
            report.fault(SpfFault.TOO_MANY, str(report.lookups))
        if report.void > MOST_VOID:
            report.fault(SpfFault.TOO_MANY_VOID, str(report.void))
    return report


@dataclass(slots=True)
class _Walk:
    """Counts what a receiver may have to look up for one record."""

    resolver: Resolver
    report: SpfReport
    fresh: bool

    def record(self, domain: str, record: str, path: tuple[str, ...], is_own: bool) -> None:
        terms = parse(record)
        if isinstance(terms, str):
            self.report.fault(SpfFault.SYNTAX, f"{domain}: {terms}")
            return
        has_all = any(term.name == "all" for term in terms)
        for term in terms:
            if term.name == "all":
                if is_own:
                    self.report.final = term.qualifier
                return  # whatever follows never counts (RFC 7208 5.1)
            if term.name == "redirect" and has_all:
                continue
            if term.name in _ASKING or term.name == "redirect":
                self._asking(term, domain, path, is_own)

    def _asking(self, term: Term, domain: str, path: tuple[str, ...], is_own: bool) -> None:
        self.report.lookups += 1
        self.report.has_ptr |= term.name == "ptr"
        name = term.value or domain
        if "%" in name or term.name == "ptr" or self.report.lookups > 4 * MOST_LOOKUPS:
            return
        if term.name in ("include", "redirect"):
            self._follow(term, name.lower(), path, is_own and term.name == "redirect")
        else:
            self._count_void(term, name)

    def _count_void(self, term: Term, name: str) -> None:
        answer = (
            self.resolver.mx(name, fresh=self.fresh) if term.name == "mx" else self.resolver.addresses(name)
        )
        if not answer.could_check:
            self.report.unanswered.append(name)
        elif not answer.is_found:
            self.report.void += 1
        elif term.name == "mx" and len(answer.records) > MOST_MX:
            self.report.fault(SpfFault.TOO_MANY_MX, name)

    def _follow(self, term: Term, name: str, path: tuple[str, ...], is_own: bool) -> None:
        if term.name == "include":
            self.report.includes.append(name)
        if name in path or len(path) > _DEPTH:
            self.report.fault(SpfFault.LOOP, name)
            return
        answer = self.resolver.txt(name, fresh=self.fresh)
        if not answer.could_check:
            self.report.unanswered.append(name)
            return
        found = spf_records(answer)
        if not answer.is_found:
            self.report.void += 1
        if len(found) != 1:
            self.report.fault(SpfFault.INCLUDE_MISSING if not found else SpfFault.SEVERAL, name)
            return
        self.record(name, found[0], (*path, name), is_own)


class Result(StrEnum):
    """What SPF says of one IP address (RFC 7208 2.6)."""

    PASS = "pass"  # noqa: S105 - a result, not a secret
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


_RESULTS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


def check_address(resolver: Resolver, ip: str, domain: str, depth: int = 0) -> Result:
    """What a receiver would decide for mail of a domain that comes from an IP address."""
    answer = resolver.txt(domain)
    if not answer.could_check:
        return Result.TEMPERROR
    found = spf_records(answer)
    if not found:
        return Result.NONE
    terms = parse(found[0]) if len(found) == 1 else ""
    if isinstance(terms, str) or depth > _DEPTH:
        return Result.PERMERROR
    redirect = ""
    for term in terms:
        if term.name == "redirect":
            redirect = term.value
            continue
        matched = _matches(resolver, term, ipaddress.ip_address(ip), domain, depth)
        if isinstance(matched, Result):
            return matched
        if matched:
            return _RESULTS[term.qualifier]
    if redirect and "%" not in redirect:
        result = check_address(resolver, ip, redirect, depth + 1)
        return Result.PERMERROR if result is Result.NONE else result
    return Result.NEUTRAL


def _matches(
    resolver: Resolver, term: Term, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, domain: str, depth: int
) -> bool | Result:
    """Whether a mechanism means this address; a result ends the evaluation."""
    name = term.value or domain
    if term.name == "all":
        return True
    if term.name in ("ip4", "ip6"):
        network = _network(term)
        return network is not None and ip in network
    if "%" in name or term.name in ("ptr", "exists"):
        return False  # depends on the message, or is not to be used (RFC 7208 5.5)
    if term.name == "include":
        result = check_address(resolver, str(ip), name, depth + 1)
        if result in (Result.TEMPERROR, Result.PERMERROR, Result.NONE):
            return Result.PERMERROR if result is Result.NONE else result
        return result is Result.PASS
    hosts = [name]
    if term.name == "mx":
        answer = resolver.mx(name)
        if answer.status is Status.COULD_NOT_CHECK:
            return Result.TEMPERROR
        hosts = list(answer.records[:MOST_MX])
    return any(_is_host(resolver, host, ip, term.cidr) for host in hosts)


def _is_host(
    resolver: Resolver, host: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, cidr: str
) -> bool:
    four, _, six = cidr.removeprefix("/").partition("//") if not cidr.startswith("//") else ("", "", cidr[2:])
    length = (four or "32") if ip.version == 4 else (six or "128")
    for record in resolver.addresses(host).records:
        try:
            if ip in ipaddress.ip_network(f"{record}/{length}", strict=False):
                return True
        except ValueError:
            continue
    return False


def joined(records: Sequence[str]) -> str:
    """Several records as the one that was meant: every term once, and the end of the first that has one."""
    terms = list(dict.fromkeys(term for record in records for term in record.split()[1:]))
    ends = [term for term in terms if term.lstrip("+-~?").lower() == "all"]
    return " ".join(["v=spf1", *(term for term in terms if term not in ends), *ends[:1]])


def with_mechanism(record: str, mechanism: str) -> str:
    """A record that also lets this mechanism's servers send; without a record, a new one."""
    if not record:
        return f"v=spf1 {mechanism} ~all"
    terms = record.split()
    if mechanism in terms:
        return record
    place = next(
        (
            i
            for i, term in enumerate(terms)
            if term.lstrip("+-~?").lower() == "all" or "redirect=" in term.lower()
        ),
        len(terms),
    )
    return " ".join([*terms[:place], mechanism, *terms[place:]])
