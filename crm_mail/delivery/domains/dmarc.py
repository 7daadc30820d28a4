"""DMARC (RFC 9989): the tree walk that finds the policy, and what the policy says.

Against RFC 7489: no public suffix list, the tags `np`, `psd` and `t` are new, `pct`, `rf` and `ri` are gone, and `p`
may be absent.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from crm_mail.delivery.domains.resolver import Resolver

MOST_LABELS = 8
"""Of a longer name only the last seven labels are asked for after the name itself (RFC 9989, DNS Tree Walk)."""
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")
_REMOVED = ("pct", "rf", "ri")
_POLICIES = ("none", "quarantine", "reject")


class DmarcFault(StrEnum):
    """What is wrong with a record."""

    SEVERAL = "several_records"
    BAD_POLICY = "bad_policy"
    BAD_RUA = "bad_rua"
    REMOVED_TAG = "removed_tag"
    SYNTAX = "syntax"


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """One record: where it stands and its tags."""

    domain: str
    text: str
    tags: dict[str, str]


@dataclass(slots=True)
class DmarcReport:
    """The policy that holds for a domain. ``record`` None: there is none (or nobody answered: ``unanswered``)."""

    domain: str
    organizational_domain: str
    record: DmarcRecord | None = None
    policy: str = ""  # that applies to the domain: p, sp or np
    policy_tag: str = "p"
    is_testing: bool = False  # t=y: receivers apply one level less
    rua: tuple[str, ...] = ()
    faults: list[tuple[DmarcFault, str]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def is_strict(self, tag: str) -> bool:
        """Whether alignment by `adkim` or `aspf` asks for the very domain."""
        return self.record is not None and self.record.tags.get(tag, "r").lower() == "s"


def names_to_ask(domain: str) -> list[str]:
    """The domains whose `_dmarc` name is asked for, from the name itself to its last label."""
    labels = domain.lower().rstrip(".").split(".")
    names = [".".join(labels)]
    rest = labels[1:] if len(labels) <= MOST_LABELS else labels[-(MOST_LABELS - 1) :]
    while rest:
        names.append(".".join(rest))
        rest = rest[1:]
    return names


def parse_tags(text: str) -> dict[str, str]:
    """The tags of a record; the first of a name counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def walk(resolver: Resolver, domain: str, report: DmarcReport, *, fresh: bool = False) -> list[DmarcRecord]:
    """The records met on the way up; the walk ends at one that says `psd=n` or `psd=y`."""
    found = []
    for name in names_to_ask(domain):
        report.asked.append(f"_dmarc.{name}")
        answer = resolver.txt(f"_dmarc.{name}", fresh=fresh)
        if not answer.could_check:
            report.unanswered.append(f"_dmarc.{name}")
            continue
        texts = [text for text in answer.records if _VERSION.match(text)]
        if len(texts) > 1:  # all are set aside
            report.faults.append((DmarcFault.SEVERAL, f"_dmarc.{name}"))
            continue
        if texts:
            record = DmarcRecord(name, texts[0], parse_tags(texts[0]))
            found.append(record)
            if record.tags.get("psd", "").lower() in ("y", "n"):
                break
    return found


def organizational_domain(domain: str, records: list[DmarcRecord]) -> str:
    """The organizational domain, from the records of a walk that began at ``domain``."""
    for record in records:
        psd = record.tags.get("psd", "").lower()
        if psd == "n":
            return record.domain
        if psd == "y" and record.domain != domain:
            keep = len(record.domain.split(".")) + 1
            return ".".join(domain.split(".")[-keep:])
    if not records:
        return domain
    return min((record.domain for record in records), key=lambda name: len(name.split(".")))


def read_dmarc(resolver: Resolver, domain: str, *, fresh: bool = False) -> DmarcReport:
    """Find the policy that receivers apply to a domain's mail."""
    domain = domain.lower().rstrip(".")
    report = DmarcReport(domain, domain)
    records = walk(resolver, domain, report, fresh=fresh)
    if not records:
        return report
    report.organizational_domain = organizational_domain(domain, records)
    by_domain = {record.domain: record for record in records}
    # its own, else the organizational domain's, else that of the public suffix above it
    chosen = by_domain.get(domain) or by_domain.get(report.organizational_domain) or records[-1]
    report.record = chosen
    _judge(resolver, report, chosen)
    return report


def _judge(resolver: Resolver, report: DmarcReport, record: DmarcRecord) -> None:
    tags = record.tags
    report.policy_tag = "p"
    if record.domain != report.domain:
        exists = resolver.ask(report.domain, "A").status.value != "no_name"
        report.policy_tag = next((t for t in (("sp",) if exists else ("np", "sp")) if t in tags), "p")
    report.rua = tuple(one.strip() for one in tags.get("rua", "").split(",") if one.strip())
    given = tags.get(report.policy_tag, "").lower()
    if given not in _POLICIES:
        if given or not report.rua:
            report.faults.append((DmarcFault.BAD_POLICY, given))
        given = "none"  # an absent or unreadable policy with a good rua counts as none
    report.policy = given
    report.is_testing = tags.get("t", "n").lower() == "y"
    for uri in report.rua:
        if not re.fullmatch(r"mailto:[^@\s]+@[^@\s,]+", uri, re.IGNORECASE):
            report.faults.append((DmarcFault.BAD_RUA, uri))
    for tag in _REMOVED:
        if tag in tags:
            report.faults.append((DmarcFault.REMOVED_TAG, tag))


def reports_elsewhere(report: DmarcReport) -> list[str]:
    """Domains outside the organization to which aggregate reports are sent: they must agree (RFC 9990)."""
    hosts = {uri.rpartition("@")[2].partition("!")[0].lower().rstrip(".") for uri in report.rua if "@" in uri}
    own = report.organizational_domain
    return sorted(host for host in hosts if host != own and not host.endswith(f".{own}"))


def has_agreed(resolver: Resolver, domain: str, host: str, *, fresh: bool = False) -> bool | None:
    """Whether another domain accepts reports about this one; None: nobody answered."""
    answer = resolver.txt(f"{domain}._report._dmarc.{host}", fresh=fresh)
    if not answer.could_check:
        return None
    return any(_VERSION.match(text) for text in answer.records)


def is_aligned(resolver: Resolver, from_domain: str, other: str, *, is_strict: bool) -> bool:
    """Whether a signature's or return path's domain counts for mail of ``from_domain``."""
    from_domain, other = from_domain.lower(), other.lower()
    if from_domain == other:
        return True
    if is_strict:
        return False
    return read_dmarc(resolver, from_domain).organizational_domain == (
        read_dmarc(resolver, other).organizational_domain
    )
