"""How long each kind of data is kept: the kinds, their legal defaults, and what a company decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.document_types import DocumentType
from crm_mail.permissions import Actor, Permission
from crm_mail.privacy.keeping import fiscal_types
from crm_mail.privacy.models import RetentionRule
from crm_mail.refusals import Refusal

MOST_MONTHS = 600
LAW_MONTHS = 120
"""Art. 2220 of the Italian civil code: ten years."""


class Kind(StrEnum):
    """A kind of data with a term of its own."""

    MESSAGES = "messages"  # by document type: texts, addresses, sources and evidence of sent messages
    STRAY_MAIL = "stray_mail"  # mail taken in that belongs to no message of ours
    SUGGESTIONS = "suggestions"  # contacts learnt from documents that nobody confirmed
    FOLDER_LOG = "folder_log"  # what came through the hot folders
    EVENTS = "events"  # what other programs told of, and what the rules made of it
    LOGINS = "logins"  # sign-ins and ended sessions: of the whole installation, the shortest term holds


DEFAULTS: Mapping[Kind, int] = {
    Kind.MESSAGES: LAW_MONTHS,
    Kind.STRAY_MAIL: 12,
    Kind.SUGGESTIONS: 12,
    Kind.FOLDER_LOG: 24,
    Kind.EVENTS: 24,
    Kind.LOGINS: 6,  # Garante, 27 November 2008: at least six months
}
ADVERTISING = {DocumentType.GENERIC.value: 24, DocumentType.PRICE_LIST.value: 24}
"""Months of messages that advertise: Garante per la protezione dei dati personali, 24 February 2005, two years."""


@dataclass(frozen=True, slots=True)
class Term:
    """One kind of data of one company. ``months`` None: for ever. ``least``: what law obliges to keep."""

    kind: Kind
    document_type: str
    months: int | None
    default: int
    least: int = 0

    @property
    def key(self) -> str:
        """How the term is named in forms and files: ``messages:invoice``."""
        return f"{self.kind.value}:{self.document_type}" if self.document_type else self.kind.value

    @property
    def is_shown(self) -> bool:
        """Whether it says something to a person outside: not what concerns our own people."""
        return self.kind is not Kind.LOGINS


class TermInvalid(Refusal):
    """A term is no number of months, or shorter than law allows."""

    def __init__(self, key: str, least: int) -> None:
        super().__init__(
            f"{key}: the term must be a number of months between {max(1, least)} and {MOST_MONTHS}, or for ever"
        )
        self.key, self.least = key, least


def terms_of(session: Session, company_id: int) -> list[Term]:
    """Every term of a company, in the order in which a page shows them."""
    query = select(RetentionRule).where(RetentionRule.company_id == company_id)
    known = {(rule.kind, rule.document_type): rule.months for rule in session.scalars(query)}
    fiscal = fiscal_types(session, company_id)
    found = []
    for type_id in company_types(session, company_id).ids:
        least = LAW_MONTHS if type_id in fiscal else 0
        default = ADVERTISING.get(type_id, LAW_MONTHS)
        months = known.get((Kind.MESSAGES.value, type_id), default)
        found.append(Term(Kind.MESSAGES, type_id, months, default, least))
    for kind, default in DEFAULTS.items():
        if kind is not Kind.MESSAGES:
            found.append(Term(kind, "", known.get((kind.value, ""), default), default))
    return found


def save_terms(session: Session, actor: Actor, company: Company, wanted: Mapping[str, int | None]) -> int:
    """Change terms; how many are different now.

    Args:
        wanted: months by `Term.key`; None: for ever.

    Raises:
        PermissionDenied: the right to manage privacy is missing. TermInvalid: naming the term.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    changed: list[tuple[Term, int | None]] = []
    for term in terms_of(session, company.id):
        months = wanted.get(term.key, term.months)
        if months is not None and not max(1, term.least) <= months <= MOST_MONTHS:
            raise TermInvalid(term.key, term.least)
        if months != term.months:
            changed.append((term, months))
    for term, months in changed:
        _keep(session, company.id, term, months)
    if changed:
        audit.record(
            session,
            actor,
            "privacy.retention.changed",
            company_id=company.id,
            subject=company,
            label=company.code,
            before={term.key: term.months for term, _ in changed},
            after={term.key: months for term, months in changed},
        )
    return len(changed)


def _keep(session: Session, company_id: int, term: Term, months: int | None) -> None:
    chosen = [
        RetentionRule.company_id == company_id,
        RetentionRule.kind == term.kind.value,
        RetentionRule.document_type == term.document_type,
    ]
    rule = session.scalar(select(RetentionRule).where(*chosen))
    if rule is None:
        rule = RetentionRule(
            company_id=company_id, kind=term.kind.value, document_type=term.document_type, months=months
        )
        session.add(rule)
    rule.months = months
    session.flush()
