"""``crm-mail report``: saved reports from the shell."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.frame import Answer, Failure, command, find_actor, find_company
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.documents.printed_pages import print_page
from crm_mail.documents.rendering import RenderFailed
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, PermissionDenied
from crm_mail.reports.saved import issuing as saved_issuing
from crm_mail.reports.saved.files import mail_page, pdf_page, workbook
from crm_mail.reports.saved.issues import ask_for, last_issues
from crm_mail.reports.saved.letters import make_report
from crm_mail.reports.saved.models import ReportFormat, ReportIssue, SavedReport
from crm_mail.reports.saved.reading import Asked, require_content
from crm_mail.reports.saved.service import list_reports
from crm_mail.reports.saved.tables import in_zone

AS_USER = click.option("--as", "email", default=None, metavar="EMAIL", help="With the eyes of this user.")
COMPANY = click.option("--company", "company_code", default="", help="Of this company alone.")


@click.group()
def report() -> None:
    """Reports by mail: list, run now, or write one into a file."""


@report.command("list")
@COMPANY
@AS_USER
@command()
def list_all(home: Installation, company_code: str, email: str | None) -> Answer:
    """The saved reports, and what became of them last."""
    with home.database.read() as session:
        found = _reports(session, find_actor(session, email), company_code)
        last = last_issues(session, [one.id for one in found])
        return {"reports": [_line(one, last.get(one.id)) for one in found]}


def _reports(session: Session, actor: Actor, company_code: str) -> list[SavedReport]:
    if company_code:
        return list(list_reports(session, actor, find_company(session, company_code).id))
    ids = session.scalars(select(Company.id).order_by(Company.code))
    return [one for company_id in ids for one in list_reports(session, actor, company_id)]


def _line(one: SavedReport, last: ReportIssue | None) -> dict[str, Any]:
    return {
        "report": one.id,
        "company": one.company.code,
        "name": one.name,
        "shows": one.listing or "query",
        "owner": one.owner.email,
        "recipients": len(one.user_ids) + len(one.addresses),
        "last": last.created_at.isoformat() if last else None,
        "outcome": last.state.value if last else None,
        "rows": last.row_count if last else None,
    }


@report.command("run")
@click.argument("name", metavar="NAME")
@COMPANY
@AS_USER
@click.option(
    "--to-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it there (.pdf, .xlsx or .html) and mail nothing.",
)
@command()
def run(home: Installation, name: str, company_code: str, email: str | None, to_file: Path | None) -> Answer:
    """Make it and mail it to its readers now, with its owner's rights."""
    with home.database.write() as session:
        actor = find_actor(session, email)
        found = _find(session, actor, company_code, name)
        _require(actor, found)
        asked = Asked(actor, in_zone(now(), found.company.timezone).date(), found.company.language)
        report_id, issue_id = found.id, 0
        if to_file is None:
            issue_id = ask_for(session, found, f"shell:{now():%Y%m%dT%H%M%S%f}", asked_by=actor.user_id).id
    if to_file is not None:
        return {"report": report_id, "rows": _write(home, report_id, asked, to_file), "file": str(to_file)}
    saved_issuing.issue_due(home)
    with home.database.read() as session:
        issue = session.get_one(ReportIssue, issue_id)
        return {
            "report": report_id,
            "outcome": issue.state.value,
            "rows": issue.row_count,
            "why": issue.problem,
            "mails": [{"to": one.address, "outcome": one.state.value} for one in issue.mails],
        }


def _find(session: Session, actor: Actor, company_code: str, name: str) -> SavedReport:
    fitting = [
        one
        for one in _reports(session, actor, company_code)
        if one.name.casefold() == name.strip().casefold()
    ]
    if not fitting:
        raise Failure(f"there is no report “{name}”: `crm-mail report list` shows those there are")
    if len(fitting) > 1:
        raise Failure(f"several companies have a report “{name}”: say which with --company")
    return fitting[0]


def _require(actor: Actor, found: SavedReport) -> None:
    try:
        require_content(actor, found)
    except PermissionDenied as denied:
        raise Failure(f"the right {denied.permission.value} is missing") from None


def _write(home: Installation, report_id: int, asked: Asked, path: Path) -> int:
    """Write a report as its reader would see it; how many rows."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in set(ReportFormat):
        raise Failure(f"the name {path.name} must end in .pdf, .xlsx or .html")
    try:
        made = make_report(home, report_id, asked)
        parts = made.table, made.heading, made.reader
        data = {
            ReportFormat.PDF: lambda: print_page(pdf_page(*parts)),
            ReportFormat.XLSX: lambda: workbook(*parts),
            ReportFormat.HTML: lambda: mail_page(*parts).encode(),
        }[ReportFormat(kind)]()
    except RenderFailed as failed:
        raise Failure(str(failed)) from None
    path.write_bytes(data)
    return len(made.table.rows)


COMMANDS = {"report": report}
