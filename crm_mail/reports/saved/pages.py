"""What the pages of saved reports show."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask import abort, url_for
from flask_babel import get_locale
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.contacts.messages import level_label
from crm_mail.contacts.vocabulary import level_names
from crm_mail.db import now
from crm_mail.importers.databases.models import SqlSource
from crm_mail.importers.databases.service import list_sources
from crm_mail.permissions import Actor, Permission, PermissionDenied, signed_in_actor
from crm_mail.reports.saved.criteria import criteria_lines
from crm_mail.reports.saved.forms import ReportEditForm, say
from crm_mail.reports.saved.issues import last_issues, list_issues, readers_of
from crm_mail.reports.saved.listing_registry import register_listings
from crm_mail.reports.saved.listings import Listing, all_listings
from crm_mail.reports.saved.models import IssueState, ReportIssue, SavedReport
from crm_mail.reports.saved.reading import Asked, scene_of
from crm_mail.reports.saved.schedule import Reports
from crm_mail.reports.saved.service import choosable_users, find_report, list_reports, may_change
from crm_mail.reports.saved.tables import in_zone
from crm_mail.reports.saved.words import format_words, issue_words, mail_words
from crm_mail.schedules.models import Schedule, ScheduleState
from crm_mail.schedules.service import list_schedules
from crm_mail.schedules.wording import sentence
from crm_mail.users.models import User
from crm_mail.web.door import db
from crm_mail.web.navigation import company_at_work

QUERY = "query"
"""What a report shows when it is no listing."""


def report_or_404(report_id: int) -> SavedReport:
    """The report, as far as it exists for the person."""
    return find_report(db(), signed_in_actor(), report_id) or abort(404)


def asked_here(company: Company) -> Asked:
    """As the person at the page sees it, today."""
    day = in_zone(now(), company.timezone).date()
    return Asked(signed_in_actor(), day, str(get_locale() or "en"))


def offered(actor: Actor, company_id: int) -> list[tuple[str, str]]:
    """What a new report of this person may show."""
    register_listings()
    found = [(one.id, one.title(say)) for one in all_listings() if _may(one, actor, company_id)]
    if actor.can(Permission.SETTINGS_MANAGE, company_id):
        found.append((QUERY, ""))
    return found


def _may(listing: Listing, actor: Actor, company_id: int) -> bool:
    try:
        listing.require(actor, company_id)
    except PermissionDenied:
        return False
    return True


def prepare_form(
    form: ReportEditForm, company: Company, listing: Listing | None, kept: SavedReport | None
) -> None:
    """The choices of the person at the page."""
    actor = signed_in_actor()
    names = level_names(db(), company.id)
    form.offer(
        listing,
        scene_of(db(), company, asked_here(company)),
        choosable_users(db(), company.id),
        [level_label(level, names) for level in range(actor.sight.clearance + 1)],
        sources_of(company.id) if listing is None else (),
        kept,
    )


def sources_of(company_id: int) -> Sequence[SqlSource]:
    """The databases that a query may be asked of."""
    return list_sources(db(), signed_in_actor(), company_id)


def schedules_of(company_id: int) -> dict[int, list[Schedule]]:
    """The schedules that mail each report, as far as the person may see them."""
    actor, found = signed_in_actor(), defaultdict[int, list[Schedule]](list)
    if actor.can(Permission.SCHEDULES_SEE, company_id):
        for one in list_schedules(db(), actor, company_id, [Reports.id]):
            if one.state is not ScheduleState.ENDED:
                found[one.options.get("report", 0)].append(one)
    return found


def list_values() -> dict[str, Any]:
    """What the list shows."""
    actor, company = signed_in_actor(), company_at_work(Permission.REPORTS_SEE)
    reports, schedules = list_reports(db(), actor, company.id), schedules_of(company.id)
    return {
        "company": company,
        "reports": reports,
        "what": {one.id: criteria_lines(db(), one, asked_here(company)) for one in reports},
        "when": {one.id: [sentence(line) for line in schedules[one.id]] for one in reports},
        "last": last_issues(db(), [one.id for one in reports]),
        "issue_words": lambda state: issue_words(state, say),
        "may_add": actor.can(Permission.REPORTS_EXPORT, company.id),
    }


def show_values(report: SavedReport) -> dict[str, Any]:
    """What a report's page shows."""
    actor, issues = signed_in_actor(), list_issues(db(), report)
    asking = {one.asked_by for one in issues if one.asked_by}
    names = db().execute(select(User.id, User.name).where(User.id.in_(asking)))
    return {
        "report": report,
        "what": criteria_lines(db(), report, asked_here(report.company)),
        "readers": readers_of(db(), report),
        "formats": [format_words(say)[one] for one in report.formats],
        "schedules": schedules_of(report.company_id)[report.id],
        "sentence": sentence,
        "may_change": may_change(actor, report),
        "may_schedule": actor.can(Permission.SCHEDULES_MANAGE, report.company_id),
        "is_own": report.owner_id == actor.user_id,
        "nonce": secrets.token_hex(8),
        "issues": issues,
        "names": {id_: name for id_, name in names},
        "issue_words": lambda state: issue_words(state, say),
        "mail_words": lambda state: mail_words(state, say),
        "is_moving": any(_is_moving(one) for one in issues),
        "schedule_url": url_for("schedules.new_schedule", of=Reports.id, report=report.id, name=report.name),
    }


def _is_moving(issue: ReportIssue) -> bool:
    return issue.state is IssueState.WAITING and not issue.problem
