"""The packagings of a company (PM-7, PM-8): what a run reads, and changing them. Services never commit."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.addenda import MAX_LENGTH, AddendaInvalid, check_addenda
from crm_mail.companies.company_rules import CompanyInvalid, CompanyProblem, Problem, problem
from crm_mail.companies.models import Company, Packaging
from crm_mail.companies.packaging_rules import (
    DEFAULT_PACKAGING,
    AfterSending,
    PackagingChoiceInvalid,
    clean_code,
)
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.models import LONGEST_TIMEOUT_SECONDS, AccountKind, SenderAccount
from crm_mail.documents.packaging import PackagingFacts, PatternInvalid, parse_pattern
from crm_mail.documents.packaging_folders import FolderRefused, clean_folder
from crm_mail.documents.texts import text_names
from crm_mail.permissions import EVERYTHING, Actor, Permission, Sight
from crm_mail.refusals import Refusal

KIB = 1024
RANGES = {
    "zip_above_kb": (0, 102_400),
    "link_above_kb": (0, 102_400),
    "link_days": (1, 365),
    "timeout_seconds": (10, LONGEST_TIMEOUT_SECONDS),
}
"""Limits of the numbers that a person enters; sizes in KiB, times in seconds."""


class PackagingInUse(Refusal):
    """The packaging cannot be removed; the message says why."""

    def __init__(self, code: str, parties: int) -> None:
        reason = (
            f"{parties} parties name it: give them another one first" if parties else "every company has it"
        )
        super().__init__(f"the packaging {code} cannot be removed: {reason}")
        self.code, self.parties = code, parties


@dataclass(frozen=True, slots=True)
class PackagingValues:
    """Everything a person enters about a packaging; the names are those of the model."""

    code: str
    description: str = ""
    party_code: str = ""
    types: tuple[str, ...] = ()
    has_main: bool = True
    has_legal_xml: bool = True
    has_bom: bool = False
    has_attachments: bool = True
    name_pattern: str = ""
    zip_above_kb: int | None = None
    link_above_kb: int | None = None
    link_days: int = 30
    copy_folder: str = ""
    after_sending: AfterSending = AfterSending.KEEP
    logs_success: bool = False
    smtp_account_id: int | None = None
    timeout_seconds: int | None = None
    text_name: str = ""
    addenda: str = ""
    uses_order_smtp: bool = False
    writes_orders: bool = False

    @property
    def is_default(self) -> bool:
        """Whether customers have it that name no other one."""
        return self.code == DEFAULT_PACKAGING


_NAMES = tuple(field.name for field in fields(PackagingValues))


def _view(row: Packaging) -> PackagingValues:
    values = {name: getattr(row, name) for name in _NAMES}
    return PackagingValues(**(values | {"types": tuple(row.types)}))


def list_packagings(session: Session, company_id: int) -> list[PackagingValues]:
    """A company's packagings, the default one first; it exists also before anybody saved it."""
    rows = session.scalars(
        select(Packaging).where(Packaging.company_id == company_id).order_by(Packaging.code)
    )
    found = [_view(row) for row in rows]
    if not any(one.is_default for one in found):
        found.append(PackagingValues(DEFAULT_PACKAGING))
    return sorted(found, key=lambda one: (not one.is_default, one.code))


def find_packaging(session: Session, company_id: int, code: str) -> PackagingValues | None:
    """One packaging, or None."""
    return next((one for one in list_packagings(session, company_id) if one.code == code), None)


def facts_of(values: PackagingValues) -> PackagingFacts:
    """A packaging as a run reads it."""
    return PackagingFacts(
        code=values.code,
        party_code=values.party_code,
        types=frozenset(values.types),
        has_main=values.has_main,
        has_legal_xml=values.has_legal_xml,
        has_bom=values.has_bom,
        has_attachments=values.has_attachments,
        pattern=parse_pattern(values.name_pattern) if values.name_pattern else None,
        zip_above=None if values.zip_above_kb is None else values.zip_above_kb * KIB,
        link_above=None if values.link_above_kb is None else values.link_above_kb * KIB,
        link_days=values.link_days,
        copy_folder=values.copy_folder,
        after_sending=values.after_sending,
        logs_success=values.logs_success,
        smtp_account_id=values.smtp_account_id,
        timeout_seconds=values.timeout_seconds or 0,
        text_name=values.text_name,
        addenda=values.addenda,
    )


def load_packagings(session: Session, company_id: int) -> dict[str, PackagingFacts]:
    """Every packaging of a company by its code, in one query."""
    return {one.code: facts_of(one) for one in list_packagings(session, company_id)}


def count_parties(session: Session, company_id: int, sight: Sight = EVERYTHING) -> Counter[str]:
    """How many parties name each packaging; who names none has the default one."""
    query = select(Party.packaging, func.count()).where(
        Party.company_id == company_id, *visible_parties(sight)
    )
    found: Counter[str] = Counter()
    for code, count in session.execute(query.group_by(Party.packaging)):
        found[code or DEFAULT_PACKAGING] += count
    return found


def check_packaging(session: Session, company_id: int, values: PackagingValues) -> PackagingValues:
    """The values as they are kept.

    Raises:
        CompanyInvalid: with every problem.
    """
    found: list[CompanyProblem] = []
    kept: dict[str, Any] = {name: getattr(values, name) for name in _NAMES}
    kept |= {
        name: kept[name].strip() for name in ("description", "party_code", "name_pattern", "copy_folder")
    }
    try:
        kept["code"] = clean_code(values.code)
    except PackagingChoiceInvalid:
        found.append(problem("code", Problem.BAD_CODE, value=values.code))
    for name, limit in (
        ("description", 200),
        ("party_code", 60),
        ("name_pattern", 200),
        ("copy_folder", 200),
    ):
        if len(kept[name]) > limit:
            found.append(problem(name, Problem.TOO_LONG, limit=limit))
    found += _texts_problems(kept)
    for name, (low, high) in RANGES.items():
        if kept[name] is not None and not low <= kept[name] <= high:
            found.append(problem(name, Problem.OUT_OF_RANGE, low=low, high=high))
    if not (kept["has_main"] or kept["has_legal_xml"] or kept["has_attachments"]):
        found.append(problem("has_main", Problem.NO_FILES))
    found += _reference_problems(session, company_id, kept)
    if found:
        raise CompanyInvalid(found)
    return PackagingValues(**kept)


def _texts_problems(kept: dict[str, Any]) -> list[CompanyProblem]:
    """What the pattern and the addenda say; the addenda is put into its kept form."""
    found = []
    if kept["name_pattern"]:
        try:
            parse_pattern(kept["name_pattern"])
        except PatternInvalid as refused:
            found.append(
                problem("name_pattern", Problem.BAD_PATTERN, value=refused.value, reason=refused.code)
            )
    try:
        kept["copy_folder"] = clean_folder(kept["copy_folder"])
    except FolderRefused as refused:
        found.append(problem("copy_folder", Problem.BAD_FOLDER, value=refused.folder))
    try:
        kept["addenda"] = check_addenda(kept["addenda"])
    except AddendaInvalid as refused:
        found.append(problem("addenda", Problem.BAD_ADDENDA, reason=refused.detail))
    if len(kept["addenda"]) > MAX_LENGTH:
        found.append(problem("addenda", Problem.TOO_LONG, limit=MAX_LENGTH))
    return found


def _reference_problems(session: Session, company_id: int, kept: dict[str, Any]) -> list[CompanyProblem]:
    found = []
    known = set(company_types(session, company_id).ids)
    found += [problem("types", Problem.UNKNOWN_TYPE, value=one) for one in kept["types"] if one not in known]
    if kept["text_name"] and kept["text_name"] not in text_names(session, company_id):
        found.append(problem("text_name", Problem.UNKNOWN_TYPE, value=kept["text_name"]))
    if kept["smtp_account_id"] is not None:
        account = session.get(SenderAccount, kept["smtp_account_id"])
        is_right = account is not None and account.company_id == company_id
        if account is None or not is_right or account.kind is not AccountKind.SMTP or account.user_id:
            found.append(problem("smtp_account_id", Problem.WRONG_ACCOUNT))
    if kept["party_code"]:
        query = select(Party.id).where(Party.company_id == company_id, Party.code == kept["party_code"])
        if session.scalar(query) is None:
            found.append(problem("party_code", Problem.UNKNOWN_PARTY, value=kept["party_code"]))
    return found


def save_packaging(
    session: Session, actor: Actor, company: Company, values: PackagingValues, *, is_new: bool
) -> PackagingValues:
    """Add a packaging, or change one; its code stays.

    Raises:
        CompanyInvalid: with every problem; the code exists already. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    kept = check_packaging(session, company.id, values)
    before = find_packaging(session, company.id, kept.code)
    if is_new and before is not None:
        raise CompanyInvalid([problem("code", Problem.PACKAGING_TAKEN, value=kept.code)])
    if before == kept:
        return kept
    row = _row(session, company.id, kept.code)
    columns = {name: getattr(kept, name) for name in _NAMES} | {"types": list(kept.types)}
    if kept.writes_orders != (before.writes_orders if before else False):
        columns["writes_orders_since"] = now() if kept.writes_orders else None
    if row is None:
        session.add(Packaging(company_id=company.id, **columns))
    else:
        for name, value in columns.items():
            setattr(row, name, value)
    session.flush()
    changed = [name for name in _NAMES if before is None or getattr(before, name) != getattr(kept, name)]
    _record(
        session,
        actor,
        "companies.packaging.added" if is_new else "companies.packaging.changed",
        company,
        kept.code,
        before={name: getattr(before, name) for name in changed} if before else None,
        after={name: getattr(kept, name) for name in changed},
    )
    return kept


def remove_packaging(session: Session, actor: Actor, company: Company, code: str) -> None:
    """Remove a packaging that no party names.

    Raises:
        PackagingInUse. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    used = count_parties(session, company.id).get(code, 0)
    if code == DEFAULT_PACKAGING or used or company.till_packaging == code:
        raise PackagingInUse(code, used)
    row = _row(session, company.id, code)
    if row is not None:
        session.delete(row)
        session.flush()
        _record(session, actor, "companies.packaging.removed", company, code)


def set_till_packaging(session: Session, actor: Actor, company: Company, code: str) -> None:
    """Which packaging customers born at the till get (PM-20: POS_CLI_CFD_EMP).

    Raises:
        CompanyInvalid: there is none with this code. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    if find_packaging(session, company.id, code) is None:
        raise CompanyInvalid([problem("till_packaging", Problem.UNKNOWN_PACKAGING, value=code)])
    before, company.till_packaging = company.till_packaging, code
    if before != code:
        _record(session, actor, "companies.packaging.till", company, code, before=before, after=code)


def _row(session: Session, company_id: int, code: str) -> Packaging | None:
    return session.scalar(select(Packaging).where(Packaging.company_id == company_id, Packaging.code == code))


def _record(session: Session, actor: Actor, action: str, company: Company, code: str, **detail: Any) -> None:
    label = f"{company.code} {code}"
    audit.record(session, actor, action, company_id=company.id, subject=company, label=label, **detail)
