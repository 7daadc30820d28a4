"""Companies: adding and changing them, and their logos. Services never commit."""

from dataclasses import asdict, fields

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.company_rules import CompanyDetails, CompanyInvalid, Problem, check_details, problem
from crm_mail.companies.logo import check_logo
from crm_mail.companies.models import Company, Packaging
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.starting_lists import PRIVACY_LEVELS, ROLES
from crm_mail.contacts.models import PrivacyLevelName, Role
from crm_mail.permissions import Actor, Permission
from crm_mail.storage import BlobStore

_NAMES = tuple(field.name for field in fields(CompanyDetails))


def find_by_code(session: Session, code: str) -> Company | None:
    """The company whose code is `code`, whatever its capitals."""
    return session.scalar(select(Company).where(func.lower(Company.code) == code.strip().lower()))


def _check_code(session: Session, code: str, company_id: int = 0) -> None:
    taken = find_by_code(session, code)
    if taken is not None and taken.id != company_id:
        raise CompanyInvalid([problem("code", Problem.CODE_TAKEN, value=taken.code)])


def add_company(session: Session, actor: Actor, details: CompanyDetails) -> Company:
    """Keep a new company with the roles and privacy level names of its language (IT-10, IT-17).

    Raises:
        CompanyInvalid: with every reason; the code exists already. PermissionDenied.
    """
    actor.require_everywhere(Permission.SETTINGS_MANAGE)
    details = check_details(details)
    _check_code(session, details.code)
    company = Company(**asdict(details))
    session.add(company)
    session.flush()
    session.add(Packaging(company_id=company.id, code=DEFAULT_PACKAGING))
    session.add_all(Role(company_id=company.id, name=name) for name in ROLES[company.language])
    session.add_all(
        PrivacyLevelName(company_id=company.id, level=level, name=name)
        for level, name in enumerate(PRIVACY_LEVELS[company.language])
    )
    session.flush()
    audit.record(
        session,
        actor,
        "companies.company.added",
        company_id=company.id,
        subject=company,
        label=company.code,
        after=asdict(details),
    )
    return company


def details_of(company: Company) -> CompanyDetails:
    """What the company's form shows."""
    return CompanyDetails(**{name: getattr(company, name) for name in _NAMES})


def update_company(session: Session, actor: Actor, company: Company, details: CompanyDetails) -> None:
    """Change a company's data; its roles and level names stay as they are, also in another language.

    Raises:
        CompanyInvalid: with every reason. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    details = check_details(details)
    _check_code(session, details.code, company.id)
    before, after = asdict(details_of(company)), asdict(details)
    changed = [name for name in _NAMES if before[name] != after[name]]
    for name in changed:
        setattr(company, name, after[name])
    if changed:
        audit.record(
            session,
            actor,
            "companies.company.changed",
            company_id=company.id,
            subject=company,
            label=company.code,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


def set_logo(session: Session, actor: Actor, company: Company, store: BlobStore, data: bytes | None) -> None:
    """Replace the logo, or take it away (None). Logos of documents already drawn stay as they were.

    Raises:
        CompanyInvalid: the file is no PNG or JPEG, damaged or too large. PermissionDenied. OSError: disk
        full.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    if data is not None:
        check_logo(data)
    before, company.logo_sha256 = company.logo_sha256, None if data is None else store.put(data)
    if before != company.logo_sha256:
        audit.record(
            session,
            actor,
            "companies.logo.changed",
            company_id=company.id,
            subject=company,
            label=company.code,
            before=before,
            after=company.logo_sha256,
        )


def list_companies(session: Session, actor: Actor) -> list[Company]:
    """The companies that the actor may set up, by code."""
    actor.require(Permission.SETTINGS_MANAGE)
    query, ids = select(Company).order_by(Company.code), actor.company_ids(Permission.SETTINGS_MANAGE)
    return list(session.scalars(query if ids is None else query.where(Company.id.in_(ids))))


def can_work_in(actor: Actor, company_id: int) -> bool:
    """Whether the actor may choose the company: by some right in it."""
    companies = actor.company_ids()
    return companies is None or company_id in companies
