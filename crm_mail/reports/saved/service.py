"""Saved reports: finding, saving, forgetting, and asking for one time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery.addresses import is_address
from crm_mail.importers.databases.foreign_databases import check_query
from crm_mail.importers.databases.models import SqlSource
from crm_mail.permissions import Actor, Permission, PermissionDenied
from crm_mail.refusals import Refusal
from crm_mail.reports.saved.listings import Filters
from crm_mail.reports.saved.models import ReportFormat, ReportIssue, ReportMail, SavedReport
from crm_mail.reports.saved.parameters import ParameterInvalid, read_value
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.reports.saved.reading import Asked, listing_of, require_content, scene_of
from crm_mail.reports.saved.tables import MOST_READ
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

GIVEN = frozenset({"company", "today"})
"""Names that every query may use."""
MOST_READERS = 50
MOST_PARAMETERS = 12
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class ReportValues:
    """What a person says of a report; `SavedReport` has the same names."""

    name: str
    listing: str = ""
    filters: Filters = field(default_factory=Filters)
    columns: tuple[str, ...] = ()
    order_by: str = ""
    is_descending: bool = False
    source_id: int | None = None
    query: str = ""
    parameters: tuple[Mapping[str, str], ...] = ()
    formats: tuple[str, ...] = (ReportFormat.HTML.value,)
    user_ids: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()
    clearance: int = 0
    language: str = ""
    row_limit: int = 1000
    sends_empty: bool = True


def list_reports(session: Session, actor: Actor, company_id: int) -> Sequence[SavedReport]:
    """The company's reports, by name."""
    actor.require(Permission.REPORTS_SEE, company_id)
    query = select(SavedReport).where(SavedReport.company_id == company_id)
    return session.scalars(query.order_by(SavedReport.name, SavedReport.id)).all()


def find_report(session: Session, actor: Actor, report_id: int) -> SavedReport | None:
    """One report, if it exists for the actor."""
    report = session.get(SavedReport, report_id)
    return report if report is not None and actor.can(Permission.REPORTS_SEE, report.company_id) else None


def report_by_name(session: Session, actor: Actor, company_id: int, name: str) -> SavedReport:
    """A report by its name.

    Raises:
        ReportRefused: there is none of that name.
    """
    for report in list_reports(session, actor, company_id):
        if report.name.casefold() == name.strip().casefold():
            return report
    raise ReportRefused("unknown", name)


def may_change(actor: Actor, report: SavedReport) -> bool:
    """Whether the actor may see what it shows: then it may be changed, looked at and sent."""
    try:
        require_content(actor, report)
    except (PermissionDenied, Refusal):
        return False
    return True


def choosable_users(session: Session, company_id: int) -> Sequence[User]:
    """People who may be sent reports: the active ones who have to do with the company, by name."""
    users = session.scalars(select(User).where(User.is_active.is_(True)).order_by(User.name, User.id))
    found = []
    for user in users:
        ids = build_actor(session, user).company_ids()
        if ids is None or company_id in ids:
            found.append(user)
    return found


def save_report(
    session: Session, actor: Actor, company: Company, report: SavedReport | None, values: ReportValues
) -> SavedReport:
    """Add a report, or change one; it then belongs to the actor.

    Raises:
        PermissionDenied: the actor may not see or take away what it shows.
        ReportRefused, DatabaseRefused: naming the problem.
    """
    if actor.user_id is None:
        raise ReportRefused("owner")
    kept = report or SavedReport(company_id=company.id, owner_id=actor.user_id)
    before = _facts(kept) if report is not None else {}
    if report is not None:
        require_content(actor, report)
    wanted = SavedReport(company_id=company.id, listing=values.listing)
    require_content(actor, wanted)
    _check(session, actor, company, report, values)
    for name in ReportValues.__slots__:
        if name not in ("filters", "query"):
            value = getattr(values, name)
            setattr(kept, name, list(value) if isinstance(value, tuple) else value)
    kept.filters = values.filters.as_kept()
    kept.query = check_query(values.query, _names(values)) if not values.listing else ""
    kept.owner_id, kept.updated_at = actor.user_id, now()
    if values.listing:
        kept.company = company
        _keep_filter(session, actor, kept, before)
    session.add(kept)
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise ReportRefused("taken") from None
    session.expire(kept, ["owner", "source"])
    after = _facts(kept)
    if before != after:
        _record(session, actor, "changed" if report else "added", kept, before=before or None, after=after)
    return kept


def _names(values: ReportValues) -> frozenset[str]:
    return GIVEN | {one["name"] for one in values.parameters}


def _keep_filter(session: Session, actor: Actor, report: SavedReport, before: dict[str, Any]) -> None:
    """What a chosen filter means is kept with the report: others preview it, and its owner may delete it."""
    asked = Asked(actor, now().date(), "en")
    known = before.get("filters") or {}
    found = listing_of(report).keep(scene_of(session, report.company, asked, report))
    if found is None and known.get("choice") == report.filters["choice"]:
        found = known.get("kept")
    report.filters = report.filters | {"kept": found or {}}


def _check(
    session: Session, actor: Actor, company: Company, report: SavedReport | None, values: ReportValues
) -> None:
    checks = (
        ("name", 0 < len(values.name) <= 80),
        ("formats", bool(values.formats) and set(values.formats) <= set(ReportFormat)),
        ("recipients", 0 < len(values.user_ids) + len(values.addresses) <= MOST_READERS),
        ("row_limit", 1 <= values.row_limit <= MOST_READ),
        ("clearance", 0 <= values.clearance <= actor.sight.clearance),
    )
    for problem, is_right in checks:
        if not is_right:
            raise ReportRefused(problem)
    _check_readers(session, actor, company, report, values)
    if values.listing:
        return
    source = session.get(SqlSource, values.source_id) if values.source_id else None
    if source is None or source.company_id != company.id:
        raise ReportRefused("source")
    _check_parameters(values)


def _check_readers(
    session: Session, actor: Actor, company: Company, report: SavedReport | None, values: ReportValues
) -> None:
    """Users of the company; typed addresses are given by who holds the settings, and stay when others save."""
    if wrong := next((one for one in values.addresses if not is_address(one) or len(one) > 254), ""):
        raise ReportRefused("address", wrong)
    added = set(values.addresses) - set(report.addresses if report else ())
    if added and not actor.can(Permission.SETTINGS_MANAGE, company.id):
        raise ReportRefused("typed")
    known = {user.id for user in choosable_users(session, company.id)}
    if not set(values.user_ids) <= known:
        raise ReportRefused("user")


def _check_parameters(values: ReportValues) -> None:
    seen = set(GIVEN)
    for one in values.parameters[:MOST_PARAMETERS]:
        if not _NAME.fullmatch(one["name"]) or one["name"] in seen:
            raise ReportRefused("parameter_name", one["name"])
        seen.add(one["name"])
        try:
            read_value(one["name"], one["kind"], one.get("value", ""), date(2026, 1, 1))
        except ParameterInvalid as invalid:
            raise ReportRefused("parameter", invalid.name) from None


def remove_report(session: Session, actor: Actor, report: SavedReport) -> None:
    """Forget a report and its history; a schedule that names it says so at its next date.

    Raises:
        PermissionDenied: the actor may not export reports of the company.
    """
    actor.require(Permission.REPORTS_EXPORT, report.company_id)
    _record(session, actor, "deleted", report, before=_facts(report))
    ids = select(ReportIssue.id).where(ReportIssue.report_id == report.id)
    session.execute(delete(ReportMail).where(ReportMail.issue_id.in_(ids)))
    session.execute(delete(ReportIssue).where(ReportIssue.report_id == report.id))
    session.delete(report)


def _facts(report: SavedReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in ReportValues.__slots__}


def _record(session: Session, actor: Actor, what: str, report: SavedReport, **detail: Any) -> None:
    before, after = detail.get("before"), detail.get("after")
    if before and after:
        changed = [name for name in after if before.get(name) != after[name]]
        detail = {
            "before": {name: before.get(name) for name in changed},
            "after": {name: after[name] for name in changed},
        }
    audit.record(
        session,
        actor,
        f"reports.saved_report.{what}",
        company_id=report.company_id,
        subject=report,
        label=report.name,
        **{name: value for name, value in detail.items() if value is not None},
    )
