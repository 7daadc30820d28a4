"""Telling a report's owner that it could not be mailed: a staff mail, once for each issue."""

import logging

from crm_mail.db import now
from crm_mail.delivery.staff_mail import StaffMail, deliver, patient, posts_of
from crm_mail.installation import Installation
from crm_mail.reports.saved.models import ReportIssue
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)


def tell_owner(home: Installation, issue_id: int) -> None:
    """Mail why; an owner who is no longer active is not written to: the company's error address is."""
    with home.database.write() as session:
        issue = session.get(ReportIssue, issue_id, with_for_update=True)
        if issue is None or issue.told_at is not None:
            return
        issue.told_at = now()
        report, company = issue.report, issue.report.company
        owner = report.owner
        to, language = (
            (owner.email, owner.language) if owner.is_active else (company.error_address, company.language)
        )
        _ = translator(language)
        words = {"company": company.name, "report": report.name}
        subject = _("%(company)s: the report “%(report)s” was not sent") % words
        parts = (
            _("The report “%(report)s” could not be sent, or not to everybody.") % words,
            issue.problem,
            f"{home.settings.resolved_public_url}/reports/{report.id}",
        )
        mail = StaffMail(
            company.test_address or to, language, subject, "\n\n".join(filter(None, parts)) + "\n"
        )
        posts = [patient(one) for one in posts_of(session, company.id, company.name, home)] if to else []
    if posts and not deliver(mail, posts)[0].is_sent:
        log.error("The owner of the report %r was not told that it was not sent.", words["report"])
