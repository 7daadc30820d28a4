"""Is this address PEC? The ladder, from the strongest to the weakest, with its reason and its age.

A person's word → what receipts taught → an imported registry → lists of whole domains → the domain's mail servers →
undetermined, which is asked before sending and never guessed. This file makes no look-up: the servers' verdicts are
brought in beforehand (`mx_check`). A message that was sent is never judged again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.addresses import address_key, domain_of
from crm_mail.delivery.domains.models import PecRegistry, PecRegistryEntry
from crm_mail.delivery.domains.pec_domains import Opinion, Reason, judge_by_list, looks_like_pec
from crm_mail.delivery.models import AddressVerdict, VerdictSource
from crm_mail.delivery.routing import AddressKind
from crm_mail.many_rows import among, chunks

AT_ONCE = 5000
LIFETIMES = {AddressKind.PEC: timedelta(days=30), AddressKind.ORDINARY: timedelta(days=30)}
UNKNOWN_LIFETIME = timedelta(days=7)
UNCHECKED_LIFETIME = timedelta(hours=1)
"""How long a verdict of the mail servers holds: that they could not be asked is soon asked again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an address is held to be, why, and since when."""

    kind: AddressKind
    reason: Reason
    detail: str = ""
    decided_at: datetime | None = None
    looks_like_pec: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether it is one or the other."""
        return self.kind is not AddressKind.UNKNOWN


def from_person(kind: AddressKind) -> Verdict:
    """The verdict of a card on which somebody said what the address is."""
    return Verdict(kind, Reason.PERSON)


def judge_addresses(session: Session, emails: Iterable[str], moment: datetime) -> dict[str, Verdict]:
    """The ladder without its first step, for addresses whose cards say nothing.

    Args:
        emails: as they are written; the keys of the answer.
        moment: now; verdicts that have expired do not count.
    """
    wanted = list(dict.fromkeys(emails))
    found: dict[str, Verdict] = {}
    for part in chunks(wanted, AT_ONCE):
        found |= _judge(session, part, moment)
    return found


def _judge(session: Session, emails: Sequence[str], moment: datetime) -> dict[str, Verdict]:
    keys = {email: address_key(email) for email in emails}
    domains = {email: domain_of(email) for email in emails}
    known = _known(session, {*keys.values(), *domains.values()}, moment)
    registries = _in_registries(session, set(keys.values()))
    listed = {domain: _by_list(domain) for domain in set(domains.values())}
    unknown = {
        domain: Verdict(AddressKind.UNKNOWN, Reason.NOT_CHECKED, looks_like_pec=looks_like_pec(domain))
        for domain in listed
    }
    found = {}
    for email in emails:
        key, domain = keys[email], domains[email]
        for steps in (
            known.get((key, VerdictSource.PERSON)),
            known.get((key, VerdictSource.RECEIPT)),
            registries.get(key),
            listed[domain],
            known.get((domain, VerdictSource.MX)),
        ):
            if steps is not None:
                found[email] = steps
                break
        else:
            found[email] = unknown[domain]
    return found


def _by_list(domain: str) -> Verdict | None:
    opinion = judge_by_list(domain)
    return Verdict(opinion.kind, opinion.reason, opinion.detail) if opinion else None


def _known(
    session: Session, subjects: set[str], moment: datetime
) -> dict[tuple[str, VerdictSource], Verdict]:
    query = select(
        AddressVerdict.subject,
        AddressVerdict.source,
        AddressVerdict.kind,
        AddressVerdict.detail,
        AddressVerdict.decided_at,
        AddressVerdict.expires_at,
    ).where(among(session, AddressVerdict.subject, subjects - {""}))
    found = {}
    for subject, source, kind, detail, decided_at, expires_at in session.connection().execute(query):
        if expires_at is None or expires_at > moment:
            reason, evidence = _reason(source, detail)
            found[subject, source] = Verdict(kind, reason, evidence, decided_at, looks_like_pec(subject))
    return found


def _reason(source: VerdictSource, detail: str) -> tuple[Reason, str]:
    if source is VerdictSource.MX:
        code, _, evidence = detail.partition(" ")
        return (Reason(code), evidence) if code in set(Reason) else (Reason.MX_UNKNOWN, detail)
    return (Reason.PERSON if source is VerdictSource.PERSON else Reason.RECEIPT), detail


def _in_registries(session: Session, keys: Collection[str]) -> dict[str, Verdict]:
    query = (
        select(PecRegistryEntry.address, PecRegistry.name, PecRegistry.imported_at)
        .join(PecRegistry, PecRegistry.id == PecRegistryEntry.registry_id)
        .where(among(session, PecRegistryEntry.address, keys))
        .order_by(PecRegistry.imported_at)
    )
    return {
        address: Verdict(AddressKind.PEC, Reason.REGISTRY, name, imported_at)
        for address, name, imported_at in session.connection().execute(query)
    }


def lifetime(opinion: Opinion) -> timedelta:
    """How long a verdict of the mail servers holds."""
    if opinion.reason is Reason.COULD_NOT_CHECK:
        return UNCHECKED_LIFETIME
    return LIFETIMES.get(opinion.kind, UNKNOWN_LIFETIME)


def keep_mx_verdicts(session: Session, opinions: dict[str, Opinion], moment: datetime) -> None:
    """Keep what the mail servers said of domains, in place of what they said before."""
    for part in chunks(sorted(opinions), AT_ONCE):
        query = select(AddressVerdict).where(
            AddressVerdict.subject.in_(part), AddressVerdict.source == VerdictSource.MX
        )
        standing = {verdict.subject: verdict for verdict in session.scalars(query)}
        for domain in part:
            opinion = opinions[domain]
            verdict = standing.get(domain) or AddressVerdict(subject=domain, source=VerdictSource.MX)
            verdict.kind = opinion.kind
            verdict.detail = f"{opinion.reason.value} {opinion.detail}".strip()[:300]
            verdict.decided_at, verdict.expires_at = moment, moment + lifetime(opinion)
            session.add(verdict)
    session.flush()


def keep_person_word(session: Session, email: str, kind: AddressKind, name: str, moment: datetime) -> None:
    """Keep a person's word on an address that stands on no card.

    Args:
        name: who said it.
    """
    key = address_key(email)
    query = select(AddressVerdict).where(
        AddressVerdict.subject == key, AddressVerdict.source == VerdictSource.PERSON
    )
    verdict = session.scalar(query) or AddressVerdict(subject=key, source=VerdictSource.PERSON)
    verdict.kind, verdict.detail, verdict.decided_at = kind, name[:300], moment
    session.add(verdict)
    session.flush()


def fresh_domains(session: Session, domains: Collection[str], moment: datetime) -> set[str]:
    """Those of the domains whose servers were asked, and whose answer still holds."""
    found: set[str] = set()
    for part in chunks(sorted(domains), AT_ONCE):
        query = select(AddressVerdict.subject).where(
            AddressVerdict.subject.in_(part),
            AddressVerdict.source == VerdictSource.MX,
            AddressVerdict.expires_at > moment,
        )
        found.update(session.scalars(query))
    return found
