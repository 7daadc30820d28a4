"""What a company decided for each document type, completed by the type's own facts.

`policy_for` is what a run reads: one query, one entry per type. A row is kept only where a company decided
something else than the type's default, so that better defaults reach every company that never touched them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.company_rules import (
    CompanyInvalid,
    CompanyProblem,
    Problem,
    checked_address,
    problem,
)
from crm_mail.companies.models import AccountSource, Company, TypePolicy
from crm_mail.companies.type_registry import BUILT_IN, CompanyTypes, company_types
from crm_mail.delivery.addresses import split_addresses
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.document_types import ASKS_CONSENT
from crm_mail.permissions import Actor, Permission

MAX_BCC = 1000


@dataclass(frozen=True, slots=True)
class PolicyView:
    """How one document type leaves a company; `delivery.account_choice.AccountBook.resolve` takes it as it
    is.

    ``asks_consent``: it is advertising, not owed by contract.
    ``bcc`` never applies to PEC (CO-4); ``smtp_account_id``/``pec_account_id`` None means the default
    account.
    """

    document_type: str
    is_enabled: bool
    account_source: AccountSource
    smtp_account_id: int | None
    pec_account_id: int | None
    channel_preference: ChannelPreference
    is_bundled: bool
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    asks_consent: bool = False

    @property
    def uses_own_account(self) -> bool:
        """Whether the person who commits sends by an account of their own (PD-2)."""
        return self.account_source is AccountSource.USER


def default_policy(document_type: str, types: CompanyTypes = BUILT_IN) -> PolicyView:
    """What holds while a company has decided nothing."""
    facts = types.facts(document_type)
    return PolicyView(
        document_type=types.by_id[document_type].id,
        is_enabled=True,
        account_source=AccountSource.COMPANY,
        smtp_account_id=None,
        pec_account_id=None,
        channel_preference=facts.channel,
        is_bundled=facts.bundled,
        asks_consent=document_type in ASKS_CONSENT,
    )


def _view(row: TypePolicy) -> PolicyView:
    return PolicyView(
        document_type=row.document_type,
        is_enabled=row.is_enabled,
        account_source=AccountSource(row.account_source),
        smtp_account_id=row.smtp_account_id,
        pec_account_id=row.pec_account_id,
        channel_preference=ChannelPreference(row.channel_preference),
        is_bundled=row.is_bundled,
        bcc=tuple(split_addresses(row.bcc)),
        reply_to=row.reply_to,
        asks_consent=row.document_type in ASKS_CONSENT if row.asks_consent is None else row.asks_consent,
    )


def _rows(session: Session, company_id: int) -> dict[str, TypePolicy]:
    rows = session.scalars(select(TypePolicy).where(TypePolicy.company_id == company_id))
    return {row.document_type: row for row in rows}


def policy_for(session: Session, company_id: int) -> dict[str, PolicyView]:
    """The policy of every document type that a company uses, its own types included."""
    rows, types = _rows(session, company_id), company_types(session, company_id)
    return {t: _view(rows[t]) if t in rows else default_policy(t, types) for t in types.used}


def _check_accounts(
    session: Session, company_id: int, policy: PolicyView, found: list[CompanyProblem]
) -> None:
    wanted = (("smtp_account_id", AccountKind.SMTP), ("pec_account_id", AccountKind.PEC))
    for field, kind in wanted:
        account_id: int | None = getattr(policy, field)
        if account_id is None:
            continue
        account = session.get(SenderAccount, account_id)
        is_right = account is not None and account.company_id == company_id and account.kind is kind
        if not is_right or account is None or account.user_id is not None:
            found.append(problem(field, Problem.WRONG_ACCOUNT))


def check_policy(session: Session, company_id: int, policy: PolicyView) -> PolicyView:
    """The policy as it is kept.

    Raises:
        CompanyInvalid: an address is wrong, or an account is another company's, a user's or of the other
        kind.
    """
    problems: list[CompanyProblem] = []
    _check_accounts(session, company_id, policy, problems)
    bcc = tuple(checked_address("bcc", address, problems) for address in policy.bcc)
    reply_to = checked_address("reply_to", policy.reply_to, problems)
    if len(";".join(bcc)) > MAX_BCC:
        problems.append(problem("bcc", Problem.TOO_LONG, limit=MAX_BCC))
    if problems:
        raise CompanyInvalid(problems)
    return replace(policy, bcc=bcc, reply_to=reply_to)


def save_policies(
    session: Session, actor: Actor, company: Company, policies: Mapping[str, PolicyView]
) -> int:
    """Keep what changed among the given policies; returns how many types changed.

    Raises:
        CompanyInvalid: nothing was kept. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    checked = [check_policy(session, company.id, policy) for policy in policies.values()]
    rows, types = _rows(session, company.id), company_types(session, company.id)
    changes = 0
    for policy in checked:
        row = rows.get(policy.document_type)
        default = default_policy(policy.document_type, types)
        before = _view(row) if row is not None else default
        if before == policy:
            continue
        _keep(session, company.id, row, policy, default)
        _record(session, actor, company, before, policy)
        changes += 1
    session.flush()
    return changes


def _keep(
    session: Session, company_id: int, row: TypePolicy | None, policy: PolicyView, default: PolicyView
) -> None:
    if policy == default:
        if row is not None:
            session.delete(row)
        return
    values = asdict(policy) | {"bcc": ";".join(policy.bcc), "document_type": policy.document_type}
    if row is None:
        session.add(TypePolicy(company_id=company_id, **values))
        return
    for name, value in values.items():
        setattr(row, name, value)


def _record(session: Session, actor: Actor, company: Company, before: PolicyView, after: PolicyView) -> None:
    old, new = asdict(before), asdict(after)
    changed = [name for name in new if old[name] != new[name]]
    audit.record(
        session,
        actor,
        "companies.policy.changed",
        company_id=company.id,
        subject=company,
        label=f"{company.code} {after.document_type}",
        document_type=after.document_type,
        before={name: old[name] for name in changed},
        after={name: new[name] for name in changed},
    )
