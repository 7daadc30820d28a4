"""The deliverability doctor: what the world reads in a sender domain's DNS, and what should stand there (BX-9).

`examine` asks and judges; it knows no database. PEC domains are judged otherwise: SPF, DKIM and DMARC are the
operator's matter there.
"""

import ipaddress
from collections.abc import Sequence

from crm_mail.delivery.dkim import record_name
from crm_mail.delivery.domains import doctor_dmarc, doctor_spf
from crm_mail.delivery.domains.dkim_key import KeyState, read_key
from crm_mail.delivery.domains.findings import Check, Finding, Level, Publish
from crm_mail.delivery.domains.pec_domains import judge_by_list, judge_by_mx
from crm_mail.delivery.domains.resolver import Answer, Resolver, Status
from crm_mail.delivery.domains.sender_facts import SenderFacts
from crm_mail.delivery.domains.sending_servers import wanted_include
from crm_mail.delivery.routing import AddressKind

MOST_ADDRESSES = 4


def examine(
    resolver: Resolver,
    domain: str,
    senders: Sequence[SenderFacts],
    *,
    report_to: str = "",
    fresh: bool = True,
) -> list[Finding]:
    """Everything that can be found out about a sender domain, in the order in which it is shown.

    Args:
        report_to: where reports about the domain should go, for the records to publish.
        fresh: past what the resolver remembers.
    """
    domain = domain.lower().rstrip(".")
    if senders and all(sender.is_pec for sender in senders):
        return [_mx(resolver, domain, fresh), _pec(resolver, domain), *_servers(resolver, senders, fresh)]
    ordinary = [sender for sender in senders if not sender.is_pec]
    spf = doctor_spf.examine_spf(resolver, domain, ordinary, fresh=fresh)
    dkim = [_dkim(resolver, domain, sender, fresh) for sender in ordinary]
    return [
        _mx(resolver, domain, fresh),
        *spf,
        *dkim,
        *doctor_dmarc.examine_dmarc(resolver, domain, ordinary, spf + dkim, report_to=report_to, fresh=fresh),
        *_servers(resolver, senders, fresh),
        _policy(resolver, domain, Check.MTA_STS, f"_mta-sts.{domain}", "v=STSv1", fresh),
        _policy(resolver, domain, Check.TLS_RPT, f"_smtp._tls.{domain}", "v=TLSRPTv1", fresh, report_to),
    ]


def unchecked(check: Check, answer: Answer, about: str = "") -> Finding:
    """Nobody answered: no fault of the domain's."""
    trouble = answer.trouble.value if answer.trouble else ""
    return Finding(
        check, Level.UNCHECKED, "could_not_check", {"trouble": trouble, "name": answer.name}, about=about
    )


def _mx(resolver: Resolver, domain: str, fresh: bool) -> Finding:
    """Answers and bounces must be able to come back (RFC 5321 5.1)."""
    answer = resolver.mx(domain, fresh=fresh)
    if not answer.could_check:
        return unchecked(Check.MX, answer)
    shown = tuple(
        f"{preference} {host}" for preference, host in zip(answer.preferences, answer.records, strict=True)
    )
    if answer.is_found:
        dead = [host for host in answer.records if resolver.addresses(host, fresh=fresh).is_absent]
        if len(dead) == len(answer.records):
            return Finding(Check.MX, Level.ERROR, "mx_without_address", {"host": ", ".join(dead)}, shown)
        if dead:
            return Finding(
                Check.MX, Level.WARNING, "mx_some_without_address", {"host": ", ".join(dead)}, shown
            )
        return Finding(Check.MX, Level.OK, "mx_ok", {"count": len(shown)}, shown)
    if answer.status is Status.NULL_MX:
        return Finding(Check.MX, Level.ERROR, "mx_null", found=("0 .",))
    if answer.status is Status.NO_NAME:
        return Finding(Check.MX, Level.ERROR, "no_domain", {"domain": domain})
    if resolver.addresses(domain, fresh=fresh).is_found:
        return Finding(Check.MX, Level.WARNING, "mx_implicit", {"domain": domain})
    return Finding(Check.MX, Level.ERROR, "mx_missing", {"domain": domain})


def _pec(resolver: Resolver, domain: str) -> Finding:
    """Whether a PEC account's domain is an operator's."""
    opinion = judge_by_list(domain) or judge_by_mx(domain, resolver.mx(domain))
    levels = {AddressKind.PEC: (Level.OK, "pec_operator"), AddressKind.ORDINARY: (Level.ERROR, "pec_not_pec")}
    level, code = levels.get(opinion.kind, (Level.NOTE, "pec_undecided"))
    return Finding(Check.PEC, level, code, {"server": opinion.detail or domain})


def _dkim(resolver: Resolver, domain: str, sender: SenderFacts, fresh: bool) -> Finding:
    if not (sender.dkim_domain and sender.dkim_selector):
        return Finding(Check.DKIM, Level.NOTE, "dkim_not_ours", {"host": sender.host}, about=sender.name)
    name = record_name(sender.dkim_domain, sender.dkim_selector)
    publish = Publish(name, "TXT", sender.dkim_record) if sender.dkim_record else None
    answer = resolver.txt(name, fresh=fresh)
    if not answer.could_check:
        return unchecked(Check.DKIM, answer, sender.name)

    def finding(level: Level, code: str, **params: object) -> Finding:
        wanted = publish if level in (Level.ERROR, Level.WARNING) else None
        return Finding(Check.DKIM, level, code, {"name": name, **params}, answer.records, wanted, sender.name)

    if not answer.is_found:
        return finding(Level.ERROR, "dkim_missing")
    if len(answer.records) > 1:
        return finding(Level.ERROR, "dkim_several")
    key = read_key(answer.records[0])
    if key.state is KeyState.REVOKED:
        return finding(Level.ERROR, "dkim_revoked")
    if key.state is KeyState.UNREADABLE:
        return finding(Level.ERROR, "dkim_unreadable")
    if sender.dkim_record and key.key != read_key(sender.dkim_record).key:
        return finding(Level.ERROR, "dkim_other_key")
    if key.state is KeyState.TOO_SHORT:
        return finding(Level.ERROR, "dkim_too_short", bits=key.bits)
    if key.is_testing:
        return finding(Level.WARNING, "dkim_testing")
    if key.state is KeyState.SHORT:
        return finding(Level.WARNING, "dkim_short", bits=key.bits)
    return finding(Level.OK, "dkim_ok", kind=key.kind.upper(), bits=key.bits or 256)


def _servers(resolver: Resolver, senders: Sequence[SenderFacts], fresh: bool) -> list[Finding]:
    """Encryption and reverse name of each server that takes our mail, once for each server."""
    found: list[Finding] = []
    seen: set[str] = set()
    for sender in senders:
        if sender.host.lower() not in seen:
            seen.add(sender.host.lower())
            found += [_tls(sender), _reverse(resolver, sender, fresh)]
    return found


def _tls(sender: SenderFacts) -> Finding:
    if sender.connect is None:
        return Finding(Check.TLS, Level.UNCHECKED, "tls_not_tried", {"host": sender.host}, about=sender.name)
    failed = next((step for step in sender.connect() if not step.is_ok), None)
    if failed is None:
        level, code = (Level.OK, "tls_ok") if sender.is_encrypted else (Level.ERROR, "tls_none")
        if not sender.is_encrypted and _is_private(sender.host):
            level, code = Level.NOTE, "tls_none_local"
        return Finding(Check.TLS, level, code, {"host": sender.host}, about=sender.name)
    detail = failed.outcome.detail[:200] if failed.outcome else ""
    params = {"host": sender.host, "detail": detail}
    if failed.step.value == "encrypt":
        return Finding(Check.TLS, Level.ERROR, "tls_failed", params, about=sender.name)
    return Finding(Check.TLS, Level.UNCHECKED, "tls_unreachable", params, about=sender.name)


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith((".local", ".localhost", ".internal"))


def _reverse(resolver: Resolver, sender: SenderFacts, fresh: bool) -> Finding:
    """The reverse name of the sending server, which must lead back to it (RFC 1912 2.1)."""
    about, params = sender.name, {"host": sender.host}
    if wanted_include(sender.host) or sender.is_pec:
        return Finding(Check.REVERSE, Level.NOTE, "reverse_operator", params, about=about)
    if _is_private(sender.host):
        return Finding(Check.REVERSE, Level.UNCHECKED, "reverse_private", params, about=about)
    try:
        ips: tuple[str, ...] = (str(ipaddress.ip_address(sender.host)),)
    except ValueError:
        answer = resolver.addresses(sender.host, fresh=fresh)
        if not answer.could_check:
            return unchecked(Check.REVERSE, answer, about)
        ips = answer.records[:MOST_ADDRESSES]
    if not ips:
        return Finding(Check.REVERSE, Level.ERROR, "host_without_address", params, about=about)
    shown, level, code, bad = [], Level.OK, "reverse_ok", ""
    for ip in ips:
        names = resolver.reverse(ip, fresh=fresh)
        if not names.could_check:
            return unchecked(Check.REVERSE, names, about)
        shown.append(f"{ip} → {', '.join(names.records) or '–'}")
        if not names.is_found:
            level, code, bad = Level.WARNING, "reverse_missing", ip
        elif not any(ip in resolver.addresses(name, fresh=fresh).records for name in names.records):
            level, code, bad = Level.WARNING, "reverse_other", ip
    return Finding(Check.REVERSE, level, code, params | {"ip": bad}, tuple(shown), about=about)


def _policy(
    resolver: Resolver, domain: str, check: Check, name: str, version: str, fresh: bool, report_to: str = ""
) -> Finding:
    """MTA-STS (RFC 8461) and TLS-RPT (RFC 8460): good to have, no fault to lack."""
    answer = resolver.txt(name, fresh=fresh)
    if not answer.could_check:
        return unchecked(check, answer)
    found = tuple(text for text in answer.records if text.startswith(version))
    if found:
        return Finding(check, Level.OK, f"{check.value}_ok", found=found)
    to = report_to or f"postmaster@{domain}"
    publish = Publish(name, "TXT", f"v=TLSRPTv1; rua=mailto:{to}") if check is Check.TLS_RPT else None
    return Finding(check, Level.NOTE, f"{check.value}_missing", publish=publish)
