"""Mailing saved reports (GA-3): what the worker does with each time that was asked for.

An issue is a row: (report, key) is unique, so a date of a schedule and a double click are one time. A worker takes it
for some minutes, reads the rows with the owner's rights of that moment, and mails reader by reader. A mail is marked as
leaving before it leaves, in a transaction of its own: a worker that dies leaves a mark that the history shows, and
nobody is written to twice. What a server refuses for now is tried again for a day. Nothing of the rows is kept.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.envelope import Outcome, OutcomeKind
from crm_mail.delivery.staff_mail import Post, deliver, patient, posts_of
from crm_mail.documents.pdf_pool import PageJob, PdfPool
from crm_mail.documents.rendering import RenderFailed
from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.installation import Installation
from crm_mail.permissions import INSTALLATION, PermissionDenied
from crm_mail.refusals import Refusal
from crm_mail.reports.saved.letters import Letter, Letters
from crm_mail.reports.saved.models import IssueState, ReportIssue, ReportMail, ReportMailState
from crm_mail.reports.saved.telling import tell_owner
from crm_mail.reports.saved.words import explain
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
PATIENCE = timedelta(days=1)
LONGEST_PAUSE = timedelta(hours=2)
MOST_TRIES = 4
"""How often a report is made whose database does not answer: about half an hour."""
IN_A_SWEEP = 20
PRINT_SECONDS = 120.0
_PASSING = ("failed", "slow")
"""Problems of a foreign database that may pass."""


def tend(home: Installation) -> None:
    """For the worker's sweep: make and mail what is due. Never raises."""
    try:
        issue_due(home)
    except Exception:  # an error here must not stop the sending
        log.exception("The saved reports could not be looked after; the next sweep tries again.")


def issue_due(home: Installation, moment: datetime | None = None) -> list[int]:
    """Take everything that is due; ids of the issues."""
    done: list[int] = []
    for _one in range(IN_A_SWEEP):
        at = moment or now()
        with home.database.read() as session:
            if session.scalar(_due(at)) is None:
                break
        taken = _take(home, at)
        if taken is None:
            break
        _work(home, *taken, at)
        done.append(taken[0])
    return done


def _due(at: datetime) -> Select[ReportIssue]:
    waiting = select(ReportIssue).where(ReportIssue.state == IssueState.WAITING, ReportIssue.next_at <= at)
    return waiting.order_by(ReportIssue.id).limit(1)


def _take(home: Installation, at: datetime) -> tuple[int, int] | None:
    """The oldest issue that nobody else has: its id, and the number of this attempt."""
    with home.database.write() as session:
        issue = session.scalar(_due(at).with_for_update(skip_locked=True))
        if issue is None:
            return None
        issue.attempts, issue.next_at = issue.attempts + 1, at + LEASE
        for mail in issue.mails:
            if mail.state is ReportMailState.SENDING:  # the worker that was at it ended
                mail.state = ReportMailState.UNCERTAIN
        return issue.id, issue.attempts


def _work(home: Installation, issue_id: int, attempt: int, at: datetime) -> None:
    try:
        with PdfPool(1, timeout=PRINT_SECONDS) as pool:
            letters = Letters(home, issue_id, lambda html: pool.render(PageJob("report", html)))
            posts = _posts(home, issue_id)
            for letter in letters:
                if not _is_ours(home, issue_id, attempt, letter):
                    return
                if letter.mail is not None:
                    _send(home, letter, posts)
    except (PermissionDenied, Refusal, RenderFailed) as error:
        _fail(home, issue_id, attempt, error, at)
    except Exception as error:  # whatever it is, the owner must see it
        log.exception("The report of issue %s could not be made.", issue_id)
        _fail(home, issue_id, attempt, error, at)
    else:
        _settle(home, issue_id, attempt, at)


def _posts(home: Installation, issue_id: int) -> list[Post]:
    with home.database.read() as session:
        company = session.get_one(ReportIssue, issue_id).report.company
        return [patient(one) for one in posts_of(session, company.id, company.name, home)]


def _is_ours(home: Installation, issue_id: int, attempt: int, letter: Letter) -> bool:
    """Mark a mail as leaving, or as having nothing to say; False when another worker is at the issue."""
    with home.database.write() as session:
        issue = _own(session, issue_id, attempt)
        if issue is None:
            return False
        issue.next_at = now() + LEASE
        issue.row_count = max(issue.row_count or 0, letter.row_count)
        issue.is_cut = issue.is_cut or letter.is_cut
        session.execute(
            update(ReportMail)
            .where(ReportMail.id == letter.mail_id, ReportMail.state == ReportMailState.WAITING)
            .values(
                state=ReportMailState.SENDING if letter.mail else ReportMailState.SKIPPED,
                row_count=letter.row_count,
            )
        )
        return True


def _own(session: Session, issue_id: int, attempt: int) -> ReportIssue | None:
    issue = session.get(ReportIssue, issue_id, with_for_update=True)
    if issue is None or issue.attempts != attempt or issue.state is not IssueState.WAITING:
        return None
    return issue


def _send(home: Installation, letter: Letter, posts: list[Post]) -> None:
    assert letter.mail is not None  # the caller asked
    outcome, account_id = deliver(letter.mail, posts)
    with home.database.write() as session:
        mail = session.get(ReportMail, letter.mail_id)
        if outcome.is_sent or outcome.kind is OutcomeKind.UNCERTAIN:
            if account_id:
                limits.record_usage(session, account_id, now(), 1)
        else:
            log.error("A report was not delivered to %s: %s", letter.mail.to, outcome.detail)
        if mail is not None:
            mail.state, mail.detail = _state_of(outcome), "" if outcome.is_sent else outcome.detail[:300]
            mail.sent_at = now() if outcome.is_sent else None


def _state_of(outcome: Outcome) -> ReportMailState:
    """A reply that refuses is final; without one (no account, no connection) it may pass."""
    if outcome.is_sent:
        return ReportMailState.SENT
    if outcome.kind is OutcomeKind.UNCERTAIN:
        return ReportMailState.UNCERTAIN
    is_final = outcome.kind is OutcomeKind.PERMANENT and outcome.code is not None
    return ReportMailState.FAILED if is_final else ReportMailState.WAITING


def _settle(home: Installation, issue_id: int, attempt: int, at: datetime) -> None:
    """Done, or once more later; what was given up is told."""
    with home.database.write() as session:
        issue = _own(session, issue_id, attempt)
        if issue is None:
            return
        waiting = [mail for mail in issue.mails if mail.state is ReportMailState.WAITING]
        if waiting and at - issue.created_at <= PATIENCE:
            issue.next_at = at + _pause(issue.attempts)
            issue.problem = waiting[0].detail
            return
        for mail in waiting:
            mail.state = ReportMailState.FAILED
        _finish(issue)
        _record(session, issue)
    if issue.state in (IssueState.FAILED, IssueState.PARTLY):
        tell_owner(home, issue_id)


def _finish(issue: ReportIssue) -> None:
    states = [mail.state for mail in issue.mails]
    unsure = [
        mail for mail in issue.mails if mail.state in (ReportMailState.FAILED, ReportMailState.UNCERTAIN)
    ]
    if ReportMailState.SENT in states or ReportMailState.UNCERTAIN in states:
        issue.state = IssueState.PARTLY if unsure else IssueState.SENT
    elif unsure or not states:
        issue.state = IssueState.FAILED
    else:
        issue.state = IssueState.EMPTY
    issue.problem = f"{unsure[0].address}: {unsure[0].detail}"[:300] if unsure else ""
    issue.finished_at = now()


def _fail(home: Installation, issue_id: int, attempt: int, error: Exception, at: datetime) -> None:
    """It could not be made: later once more where that may help, else the owner is told."""
    may_pass = not isinstance(error, Refusal | PermissionDenied) or (
        isinstance(error, DatabaseRefused) and error.problem in _PASSING
    )
    with home.database.write() as session:
        issue = _own(session, issue_id, attempt)
        if issue is None:
            return
        owner = issue.report.owner
        issue.problem = explain(error, translator(owner.language), owner.name)[:300]
        if may_pass and issue.attempts < MOST_TRIES:
            issue.next_at = at + _pause(issue.attempts)
            return
        for mail in issue.mails:
            if mail.state is ReportMailState.WAITING:
                mail.state = ReportMailState.FAILED
        has_left = any(mail.state is ReportMailState.SENT for mail in issue.mails)
        issue.state = IssueState.PARTLY if has_left else IssueState.FAILED
        issue.finished_at = now()
        _record(session, issue)
    tell_owner(home, issue_id)


def _record(session: Session, issue: ReportIssue) -> None:
    """What left the house stands in the audit: to whom, and how many rows."""
    reached = [mail.address for mail in issue.mails if mail.state is ReportMailState.SENT]
    audit.record(
        session,
        INSTALLATION,
        "reports.saved_report.mailed" if reached else "reports.saved_report.not_mailed",
        company_id=issue.report.company_id,
        subject=issue.report,
        label=issue.report.name,
        to=reached,
        count=issue.row_count or 0,
        reason=issue.problem,
    )


def _pause(attempts: int) -> timedelta:
    return min(LONGEST_PAUSE, timedelta(minutes=5 * 2 ** min(attempts - 1, 10)))
