"""The doctor's findings on SPF: the record, its ten look-ups, and whether each sending server is let send."""

import ipaddress
from collections.abc import Sequence

from crm_mail.delivery.domains.findings import Check, Finding, Level, Publish
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.domains.sender_facts import SenderFacts
from crm_mail.delivery.domains.sending_servers import wanted_include
from crm_mail.delivery.domains.spf import (
    MOST_LOOKUPS,
    Result,
    SpfFault,
    SpfReport,
    check_address,
    joined,
    read_spf,
    with_mechanism,
)


def examine_spf(
    resolver: Resolver, domain: str, senders: Sequence[SenderFacts], *, fresh: bool
) -> list[Finding]:
    """The record, then each sending server."""
    report = read_spf(resolver, domain, fresh=fresh)
    mechanisms = list(dict.fromkeys(_mechanism(sender.host) for sender in senders))
    wanted = report.record if report.record or not report.records else joined(report.records)
    for mechanism in mechanisms:
        if mechanism and not _names(report, mechanism):
            wanted = with_mechanism(wanted, mechanism)
    found = [_record(domain, report, wanted or "v=spf1 mx ~all")]
    if report.record and not report.faults:
        found += [_sender(resolver, domain, report, sender) for sender in senders]
    return found


def _record(domain: str, report: SpfReport, wanted: str) -> Finding:
    counts = {"lookups": report.lookups, "most": MOST_LOOKUPS, "void": report.void, "domain": domain}
    publish = Publish(domain, "TXT", wanted)
    if report.unanswered and not report.faults:
        return Finding(
            Check.SPF,
            Level.UNCHECKED,
            "spf_unanswered",
            counts | {"name": report.unanswered[0]},
            report.records,
        )
    if not report.records:
        return Finding(Check.SPF, Level.ERROR, "spf_missing", counts, publish=publish)
    if report.faults:
        fault, detail = report.faults[0]
        is_fixed = fault is SpfFault.SEVERAL and not detail
        return Finding(
            Check.SPF,
            Level.ERROR,
            f"spf_{fault.value}",
            counts | {"detail": detail},
            report.records,
            publish if is_fixed else None,
        )
    if report.final == "+":
        strict = " ".join("~all" if t.lower() in ("all", "+all") else t for t in report.record.split())
        return Finding(
            Check.SPF, Level.ERROR, "spf_lets_all", counts, report.records, Publish(domain, "TXT", strict)
        )
    if report.final in ("", "?"):
        return Finding(Check.SPF, Level.WARNING, "spf_open_end", counts, report.records)
    if report.has_ptr:
        return Finding(Check.SPF, Level.WARNING, "spf_ptr", counts, report.records)
    return Finding(Check.SPF, Level.OK, "spf_ok", counts, report.records)


def _mechanism(host: str) -> str:
    """How SPF would name a sending server; empty for one that is nowhere on the internet."""
    if include := wanted_include(host):
        return f"include:{include}"
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "" if "." not in host or host.endswith((".local", ".localhost")) else f"a:{host.lower()}"
    return f"ip{ip.version}:{ip}" if ip.is_global else ""


def _names(report: SpfReport, mechanism: str) -> bool:
    kind, _, value = mechanism.partition(":")
    return (kind == "include" and value in report.includes) or mechanism in report.record.split()


def _sender(resolver: Resolver, domain: str, report: SpfReport, sender: SenderFacts) -> Finding:
    """Whether the server that sends on our behalf is among those that the record names."""
    params = {"host": sender.host, "domain": domain}
    mechanism = _mechanism(sender.host)

    def finding(level: Level, code: str, publish: Publish | None = None, ip: str = "") -> Finding:
        return Finding(Check.SPF_SENDER, level, code, params | {"ip": ip}, (), publish, sender.name)

    if not mechanism:
        return finding(Level.UNCHECKED, "spf_sender_private")
    publish = Publish(domain, "TXT", with_mechanism(report.record, mechanism))
    if mechanism.startswith("include:"):
        if _names(report, mechanism):
            return finding(Level.OK, "spf_sender_ok")
        return finding(Level.ERROR, "spf_sender_missing", publish)
    try:
        ips: tuple[str, ...] = (str(ipaddress.ip_address(sender.host)),)
    except ValueError:
        answer = resolver.addresses(sender.host)
        if not answer.could_check:
            return finding(Level.UNCHECKED, "spf_sender_unanswered")
        ips = answer.records
    results = {ip: check_address(resolver, ip, domain) for ip in ips[:4]}
    if results and all(result is Result.PASS for result in results.values()):
        return finding(Level.OK, "spf_sender_ok")
    if Result.TEMPERROR in results.values():
        return finding(Level.UNCHECKED, "spf_sender_unanswered")
    # a provider may send on from other addresses than the one that takes our mail
    bad = next((ip for ip, result in results.items() if result is not Result.PASS), "")
    return finding(Level.WARNING, "spf_sender_unnamed", publish, bad)
