"""The mails of one issue, reader by reader: each sees what the owner and the reader both may see."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.staff_mail import StaffMail
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.reports.saved.criteria import criteria_lines
from crm_mail.reports.saved.files import Heading, Printer, Written, write_report
from crm_mail.reports.saved.models import ReportIssue, ReportMail, ReportMailState, SavedReport
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.reports.saved.reading import Asked, narrowed, read_report, require_content
from crm_mail.reports.saved.tables import Reader, ReportTable, in_zone
from crm_mail.sight import Sight
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from crm_mail.web.translating import translator


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail; ``mail`` is None when there is nothing to show, and then nothing is to be sent."""

    mail_id: int
    mail: StaffMail | None
    row_count: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A report as somebody sees it."""

    table: ReportTable
    heading: Heading
    reader: Reader
    formats: tuple[str, ...]

    def write(self, print_page: Printer) -> Written:
        """Subject, bodies and files.

        Raises:
            RenderFailed: the PDF cannot be drawn.
        """
        return write_report(self.table, self.heading, self.formats, self.reader, print_page)


class Letters:
    """The letters of an issue that still wait; the same rows are read and drawn once for alike readers.

    Raises (on the way, too):
        PermissionDenied, Refusal, RenderFailed: it cannot be made.
    """

    def __init__(self, home: Installation, issue_id: int, print_page: Printer) -> None:
        self._home, self._print_page = home, print_page
        with home.database.read() as session:
            issue = session.get_one(ReportIssue, issue_id)
            report = issue.report
            owner = owner_now(session, report)
            self._report_id, self._sends_empty = report.id, report.sends_empty
            waiting = [mail for mail in issue.mails if mail.state is ReportMailState.WAITING]
            self._readers = [
                (mail.id, report.company.test_address or mail.address, _asked(session, issue, mail, owner))
                for mail in waiting
            ]
        self._known: dict[tuple[Sight, str], tuple[Made, Written]] = {}

    def __iter__(self) -> Iterator[Letter]:
        for mail_id, to, asked in self._readers:
            made, written = self._write(asked)
            count = len(made.table.rows)
            if not count and not self._sends_empty:
                yield Letter(mail_id, None, 0, False)
                continue
            mail = StaffMail(to, asked.language, written.subject, written.text, written.html, written.files)
            yield Letter(mail_id, mail, count, made.table.is_cut)

    def _write(self, asked: Asked) -> tuple[Made, Written]:
        key = asked.actor.sight, asked.language
        if key not in self._known:
            made = make_report(self._home, self._report_id, asked)
            self._known[key] = made, made.write(self._print_page)
        return self._known[key]


def owner_now(session: Session, report: SavedReport) -> Actor:
    """The owner with the rights of this moment.

    Raises:
        ReportRefused, PermissionDenied: inactive, or no longer entitled. Then nothing is made.
    """
    if not report.owner.is_active:
        raise ReportRefused("owner_inactive", report.owner.name)
    actor = build_actor(session, report.owner)
    require_content(actor, report)
    return actor


def _asked(session: Session, issue: ReportIssue, mail: ReportMail, owner: Actor) -> Asked:
    """What this reader sees: the report's level for a typed address; a query knows no levels."""
    report = issue.report
    user = session.get(User, mail.user_id) if mail.user_id else None
    sight = build_actor(session, user).sight if user else Sight(report.clearance)
    actor = narrowed(owner, sight) if report.listing else owner
    language = report.language or (user.language if user else report.company.language)
    return Asked(actor, issue.counted_on, language)


def make_report(home: Installation, report_id: int, asked: Asked, limit: int | None = None) -> Made:
    """Read a report for somebody.

    Raises:
        PermissionDenied, Refusal: see `read_report`.
    """
    table = read_report(home, report_id, asked, limit)
    with home.database.read() as session:
        report = session.get_one(SavedReport, report_id)
        company = report.company
        heading = Heading(
            report.name,
            company.name,
            report.owner.name,
            asked.on,
            in_zone(now(), company.timezone),
            f"{home.settings.resolved_public_url}/reports/{report.id}",
            tuple(criteria_lines(session, report, asked)),
        )
        reader = Reader(asked.language, company.timezone, translator(asked.language))
        return Made(table, heading, reader, tuple(report.formats))
