"""The times that a report was to be mailed: asking for one, and the history."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.reports.saved.models import ReportIssue, ReportMail, SavedReport
from crm_mail.reports.saved.tables import in_zone
from crm_mail.users.models import User


def ask_for(
    session: Session, report: SavedReport, key: str, on: date | None = None, asked_by: int | None = None
) -> ReportIssue:
    """Ask for one time; the same key again is the same time. The worker makes and mails it.

    Args:
        key: of the schedule's date, or of a click.
        on: the local day from which periods are counted; left out: today.
    """
    known = select(ReportIssue).where(ReportIssue.report_id == report.id, ReportIssue.key == key)
    found = session.scalar(known)
    if found is not None:
        return found
    on = on or in_zone(now(), report.company.timezone).date()
    issue = ReportIssue(report_id=report.id, key=key[:80], counted_on=on, asked_by=asked_by)
    issue.mails = [
        ReportMail(address=address, user_id=user_id) for address, user_id in readers_of(session, report)
    ]
    session.add(issue)
    session.flush()
    return issue


def readers_of(session: Session, report: SavedReport) -> list[tuple[str, int | None]]:
    """Address and user of everybody who is mailed, each address once; people who are not active are left out."""
    users = session.scalars(select(User).where(User.id.in_(report.user_ids), User.is_active.is_(True)))
    found: dict[str, tuple[str, int | None]] = {
        user.email.lower(): (user.email, user.id) for user in sorted(users, key=lambda user: user.name)
    }
    for address in report.addresses:
        found.setdefault(address.lower(), (address, None))
    return list(found.values())


def list_issues(session: Session, report: SavedReport, size: int = 30) -> Sequence[ReportIssue]:
    """The last times, the newest first."""
    query = select(ReportIssue).where(ReportIssue.report_id == report.id)
    return session.scalars(query.order_by(ReportIssue.id.desc()).limit(size)).all()


def last_issues(session: Session, report_ids: Sequence[int]) -> dict[int, ReportIssue]:
    """The latest time of each report."""
    query = select(ReportIssue).where(ReportIssue.report_id.in_(report_ids)).order_by(ReportIssue.id)
    return {one.report_id: one for one in session.scalars(query)}
