"""Saved reports at given times, as a schedule (GA-3). The worker makes and mails what is asked for here."""

from sqlalchemy.orm import Session

from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.saved.issues import ask_for
from crm_mail.reports.saved.letters import owner_now
from crm_mail.reports.saved.models import SavedReport
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, done


class Reports(ScheduleKind):
    """Mails a saved report; options: ``report``, its id."""

    id = "report"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to export reports; the report must be there, and its own owner still entitled."""
        actor.require(Permission.REPORTS_EXPORT, company_id)
        owner_now(session, _find(session, company_id, options))

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome | None:
        """Ask for it, in the firing's transaction: this date is this one mail, however often a worker dies."""
        report = _find(session, due.company_id, due.options)
        issue = ask_for(session, report, f"schedule:{due.schedule_id}:{due.at:%Y%m%dT%H%M%S}", due.on)
        return done(recipients=len(issue.mails))


def _find(session: Session, company_id: int, options: Options) -> SavedReport:
    report_id = options.get("report")
    report = session.get(SavedReport, report_id) if isinstance(report_id, int) else None
    if report is None or report.company_id != company_id:
        raise ReportRefused("gone")
    return report
