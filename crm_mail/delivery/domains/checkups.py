"""The doctor at work: which domains a company sends from, what is known of their accounts, and what was found when.

Looking (`look`) happens without a transaction: servers may be slow. Reading before it and keeping after it are
two short ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.connection_check import check_connection
from crm_mail.delivery.dkim import DkimKeyUnusable, public_record
from crm_mail.delivery.domains.doctor import examine
from crm_mail.delivery.domains.findings import Finding, Level, from_dict, worst
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.domains.sender_facts import SenderFacts
from crm_mail.delivery.models import AccountKind, DomainCheck, SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import AccountSettings, Security
from crm_mail.installation import SecretUnreadable
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

Decrypt = Callable[[bytes | None], str]


class DomainUnknown(Refusal):
    """No account of the company sends from this domain."""

    def __init__(self, domain: str, known: list[str]) -> None:
        names = ", ".join(known) or "none yet"
        super().__init__(f"no account of the company sends from {domain!r} (domains: {names})")


@dataclass(frozen=True, slots=True)
class Checkup:
    """A sender domain, and what was found the last time; ``checked_at`` None: it was never looked at."""

    domain: str
    is_pec: bool
    accounts: tuple[str, ...]
    checked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def level(self) -> Level:
        """The worst finding."""
        return worst([finding.level for finding in self.findings])


@dataclass(frozen=True, slots=True)
class Patient:
    """A domain with all that looking at it needs."""

    company_id: int
    domain: str
    senders: tuple[SenderFacts, ...]
    report_to: str = ""


def _accounts_by_domain(session: Session, company_id: int) -> dict[str, list[SenderAccount]]:
    query = select(SenderAccount).where(
        SenderAccount.company_id == company_id, SenderAccount.is_enabled.is_(True)
    )
    found: dict[str, list[SenderAccount]] = {}
    for account in session.scalars(query.order_by(SenderAccount.id)):
        if domain := domain_of(account.from_address):
            found.setdefault(domain, []).append(account)
    return found


def list_checkups(session: Session, actor: Actor, company_id: int) -> list[Checkup]:
    """Every domain that the company's accounts send from, ordinary ones first.

    Raises:
        PermissionDenied
    """
    actor.require(Permission.ACCOUNTS_MANAGE, company_id)
    query = select(DomainCheck).where(DomainCheck.company_id == company_id)
    kept = {check.domain: check for check in session.scalars(query)}
    found = []
    for domain, accounts in _accounts_by_domain(session, company_id).items():
        check = kept.get(domain)
        found.append(
            Checkup(
                domain,
                all(account.kind is AccountKind.PEC for account in accounts),
                tuple(account.name for account in accounts),
                check.checked_at if check else None,
                tuple(from_dict(one) for one in check.findings) if check else (),
            )
        )
    return sorted(found, key=lambda one: (one.is_pec, one.domain))


def count_faulty_domains(session: Session, company_id: int) -> int:
    """How many of the company's sender domains had an error when they were last looked at."""
    query = select(DomainCheck.domain, DomainCheck.findings).where(DomainCheck.company_id == company_id)
    faulty = {
        domain
        for domain, findings in session.execute(query)
        if any(one.get("level") == Level.ERROR for one in findings)
    }
    return len(faulty & _accounts_by_domain(session, company_id).keys()) if faulty else 0


def read_patient(
    session: Session, actor: Actor, company_id: int, domain: str, decrypt: Decrypt, report_to: str = ""
) -> Patient:
    """What looking at a domain needs.

    Args:
        decrypt: `Installation.decrypt`, for the public half of a DKIM key.
        report_to: where reports about the domain should go.

    Raises:
        PermissionDenied
        DomainUnknown: no enabled account sends from it.
    """
    actor.require(Permission.ACCOUNTS_MANAGE, company_id)
    by_domain = _accounts_by_domain(session, company_id)
    domain = domain.strip().lower().rstrip(".")
    if domain not in by_domain:
        raise DomainUnknown(domain, sorted(by_domain))
    return Patient(
        company_id, domain, tuple(_facts(account, decrypt) for account in by_domain[domain]), report_to
    )


def _facts(account: SenderAccount, decrypt: Decrypt) -> SenderFacts:
    return SenderFacts(
        account.name,
        account.host,
        is_pec=account.kind is AccountKind.PEC,
        is_encrypted=account.security is not Security.NONE,
        dkim_domain=account.dkim_domain,
        dkim_selector=account.dkim_selector,
        dkim_record=_dkim_record(account, decrypt),
        return_domain=domain_of(account.bounce_address),
        connect=partial(check_connection, _settings(account)),
    )


def _dkim_record(account: SenderAccount, decrypt: Decrypt) -> str:
    if not account.dkim_key:
        return ""
    try:
        return public_record(decrypt(account.dkim_key))
    except (SecretUnreadable, DkimKeyUnusable):
        return ""


def _settings(account: SenderAccount) -> AccountSettings:
    """How to reach the server, without a login."""
    return AccountSettings(
        kind=Channel(account.kind.value),
        host=account.host,
        port=account.port,
        security=Security(account.security.value),
        from_address=account.from_address,
        ca_file=account.ca_file or None,
        ca_pem=account.ca_pem,
    )


def look(resolver: Resolver, patient: Patient) -> list[Finding]:
    """Look at a domain; asks name servers and mail servers, and needs no session."""
    return examine(resolver, patient.domain, patient.senders, report_to=patient.report_to)


def keep(session: Session, actor: Actor, patient: Patient, findings: list[Finding]) -> None:
    """Keep what was found, in place of what was found before."""
    query = select(DomainCheck).where(
        DomainCheck.company_id == patient.company_id, DomainCheck.domain == patient.domain
    )
    check = session.scalar(query) or DomainCheck(company_id=patient.company_id, domain=patient.domain)
    check.checked_at, check.findings = now(), [finding.to_dict() for finding in findings]
    session.add(check)
    session.flush()
    audit.record(
        session,
        actor,
        "delivery.domain.checked",
        company_id=patient.company_id,
        subject=check,
        label=patient.domain,
        level=worst([finding.level for finding in findings]).value,
    )


def without_connecting(patient: Patient) -> Patient:
    """The same, asking name servers alone."""
    return replace(patient, senders=tuple(replace(sender, connect=None) for sender in patient.senders))
