"""The doctor's findings on DMARC (RFC 9989): the policy that holds, and whether our mail would pass it."""

from collections.abc import Sequence
from typing import Any

from crm_mail.delivery.domains import dmarc
from crm_mail.delivery.domains.dmarc import DmarcFault, DmarcReport
from crm_mail.delivery.domains.findings import Check, Finding, Level, Publish
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.domains.sender_facts import SenderFacts


def examine_dmarc(
    resolver: Resolver,
    domain: str,
    senders: Sequence[SenderFacts],
    others: Sequence[Finding],
    *,
    report_to: str,
    fresh: bool,
) -> list[Finding]:
    """The policy, then whether SPF or DKIM stand for the From address.

    Args:
        others: what was found on SPF and DKIM.
    """
    report = dmarc.read_dmarc(resolver, domain, fresh=fresh)
    found = [_policy(resolver, report, report_to or f"postmaster@{domain}", fresh)]
    if report.record is not None:
        found += [_alignment(resolver, report, sender, others) for sender in senders]
    return found


def _policy(resolver: Resolver, report: DmarcReport, report_to: str, fresh: bool) -> Finding:
    own = f"_dmarc.{report.domain}"
    first = Publish(own, "TXT", f"v=DMARC1; p=none; rua=mailto:{report_to}")
    params: dict[str, Any] = {
        "policy": report.policy,
        "tag": report.policy_tag,
        "organization": report.organizational_domain,
        "rua": ", ".join(uri.removeprefix("mailto:") for uri in report.rua),
    }
    several = [where for fault, where in report.faults if fault is DmarcFault.SEVERAL]
    if report.record is None:
        if report.unanswered:
            params["name"] = report.unanswered[0]
            return Finding(Check.DMARC, Level.UNCHECKED, "dmarc_unanswered", params)
        if several:
            return Finding(Check.DMARC, Level.ERROR, "dmarc_several", params | {"name": several[0]})
        return Finding(Check.DMARC, Level.ERROR, "dmarc_missing", params, publish=first)
    return _of_record(resolver, report, params, report_to, fresh)


def _of_record(
    resolver: Resolver, report: DmarcReport, params: dict[str, Any], report_to: str, fresh: bool
) -> Finding:
    assert report.record is not None
    record = report.record
    params["at"] = f"_dmarc.{record.domain}"
    shown = (record.text,)

    def finding(level: Level, code: str, value: str = "", **more: Any) -> Finding:
        publish = Publish(params["at"], "TXT", value) if value else None
        return Finding(Check.DMARC, level, code, params | more, shown, publish)

    faults = {fault: detail for fault, detail in reversed(report.faults)}
    if DmarcFault.BAD_POLICY in faults:
        fixed = _with_tag(record.text, "p", "none")
        return finding(Level.ERROR, "dmarc_bad_policy", fixed, given=faults[DmarcFault.BAD_POLICY])
    if DmarcFault.BAD_RUA in faults:
        return finding(Level.WARNING, "dmarc_bad_rua", given=faults[DmarcFault.BAD_RUA])
    if not report.rua:
        fixed = _with_tag(record.text, "rua", f"mailto:{report_to}")
        return finding(Level.WARNING, "dmarc_no_rua", fixed)
    for host in dmarc.reports_elsewhere(report):
        if dmarc.has_agreed(resolver, report.domain, host, fresh=fresh) is False:
            name = f"{record.domain}._report._dmarc.{host}"
            return Finding(
                Check.DMARC,
                Level.WARNING,
                "dmarc_rua_elsewhere",
                params | {"host": host},
                shown,
                Publish(name, "TXT", "v=DMARC1;"),
            )
    if report.policy == "none":
        return finding(Level.WARNING, "dmarc_none", _with_tag(record.text, report.policy_tag, "quarantine"))
    if report.is_testing:
        return finding(Level.WARNING, "dmarc_testing", _with_tag(record.text, "t", "n"))
    if DmarcFault.REMOVED_TAG in faults:
        return finding(Level.NOTE, "dmarc_removed_tag", given=faults[DmarcFault.REMOVED_TAG])
    return finding(Level.OK, "dmarc_ok")


def _with_tag(text: str, name: str, value: str) -> str:
    """A record with one tag changed or added; `v` stays first."""
    tags = dmarc.parse_tags(text) | {name: value}
    first = {"v": tags.pop("v", "DMARC1")}
    return "; ".join(f"{key}={one}" for key, one in (first | tags).items())


def _alignment(
    resolver: Resolver, report: DmarcReport, sender: SenderFacts, others: Sequence[Finding]
) -> Finding:
    """DMARC passes when SPF or DKIM passes for a domain that belongs to the From address (RFC 9989)."""
    domain = report.domain
    by_dkim = bool(sender.dkim_domain) and dmarc.is_aligned(
        resolver, domain, sender.dkim_domain, is_strict=report.is_strict("adkim")
    )
    dkim_works = any(f.check is Check.DKIM and f.about == sender.name and _is_good(f) for f in others)
    by_spf = dmarc.is_aligned(
        resolver, domain, sender.return_domain or domain, is_strict=report.is_strict("aspf")
    )
    spf_works = any(
        f.check is Check.SPF_SENDER and f.about == sender.name and f.level is Level.OK for f in others
    )
    params = {"domain": domain, "other": sender.dkim_domain or sender.return_domain, "policy": report.policy}
    if by_dkim and dkim_works:
        return Finding(Check.ALIGNMENT, Level.OK, "aligned_dkim", params, about=sender.name)
    if by_spf and spf_works:
        code = "aligned_spf" if sender.dkim_domain else "aligned_spf_only"
        return Finding(Check.ALIGNMENT, Level.OK, code, params, about=sender.name)
    if sender.dkim_domain and not by_dkim:
        return Finding(Check.ALIGNMENT, Level.ERROR, "not_aligned_dkim", params, about=sender.name)
    if any(
        f.level is Level.UNCHECKED and f.check in (Check.SPF, Check.SPF_SENDER, Check.DKIM) for f in others
    ):
        return Finding(Check.ALIGNMENT, Level.UNCHECKED, "alignment_unknown", params, about=sender.name)
    level = Level.ERROR if report.policy in ("quarantine", "reject") else Level.WARNING
    return Finding(Check.ALIGNMENT, level, "not_aligned", params, about=sender.name)


def _is_good(finding: Finding) -> bool:
    return finding.level in (Level.OK, Level.WARNING)
