"""The end report by mail: to the person who ran it, with the text log (RP-14, RP-15), and to the company's error
address when something failed (PM-19).

A staff notice: it goes through `delivery` directly, always from an ordinary account of the company, never from PEC. The
reader gets what the reader's own rights show; the error address belongs to nobody in particular, so it gets the totals
and causes of all rows and a log without any contact above level 0. Nothing here raises for what a server does, and
nothing is tried twice: the report can always be read in the product.
"""

import hashlib
import io
import logging
import zipfile
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.envelope import Attachment, Outcome
from crm_mail.delivery.staff_mail import Post, StaffMail, deliver, patient, posts_of
from crm_mail.documents.builtin_texts import RUN_REPORT, builtin_text, compile_message
from crm_mail.documents.context_fields import company_fields
from crm_mail.documents.message_context import build_run_report_context
from crm_mail.documents.texts import RenderedMessage, render_message
from crm_mail.installation import Installation
from crm_mail.outbox.composing.parts import Origin
from crm_mail.outbox.models import Run
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.outbox.sending.answer_words import answer_words
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.standing.service import latest_use
from crm_mail.permissions import INSTALLATION, Actor
from crm_mail.reports.export import text_chunks
from crm_mail.reports.languages import translator
from crm_mail.reports.queries import failure_groups, left_out_reasons, run_totals
from crm_mail.reports.text_log import log_name
from crm_mail.send_orders.models import SendOrder
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

log = logging.getLogger(__name__)

ZIP_FROM = 5_000_000
"""Bytes from which the log is packed: servers refuse large mails."""

_ERROR_DESK = Actor(None, "", clearance=0, is_admin=True)


@dataclass(frozen=True, slots=True)
class Report:
    """One report, ready to be sent: text, log, and to whom."""

    to: str
    language: str
    message: RenderedMessage
    log_name: str
    log_bytes: bytes


def mail_run_report(home: Installation, run_id: int) -> list[Outcome]:
    """Mail the end report of a finished run; what came of each mail, in the order user, error address.

    `outbox.finishing` calls this once per run (it sets ``reported_at`` first).
    """
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        reports = [
            report for report in (_for_user(home, session, run), _for_desk(home, session, run)) if report
        ]
        posts = _posts(home, session, run) if reports else []
    return [_deliver(home, run_id, report, posts) for report in reports]


def mail_report_to(home: Installation, run_id: int, user_id: int) -> Outcome | None:
    """Mail the report to one user who asks for it; None when the run does not exist for that user."""
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        user = session.get_one(User, user_id)
        if not can_see_run(build_actor(session, user), run):
            return None
        report = _compose(home, session, run, build_actor(session, user), user.email, user.language)
        posts = [patient(post) for post in _posts(home, session, run)]
    return _deliver(home, run_id, report, posts)


def _for_user(home: Installation, session: Session, run: Run) -> Report | None:
    user = session.get(User, run.committed_by) if run.committed_by else None
    if user is None or not user.is_active:
        return None
    actor = build_actor(session, user)
    if not can_see_run(actor, run) or _is_routine(session, run):
        return None
    return _compose(home, session, run, actor, user.email, user.language)


def _is_routine(session: Session, run: Run) -> bool:
    """Whether a run of send orders or of an event went out well by a standing authorisation.

    A mail about each of these mails would double them: failures are always told, successes stand in the lists (PM-14).
    """
    use = latest_use(session, run.id)
    if use is None or not use.is_committed:
        return False
    composed = run.criteria.get("composed") or {}
    is_single = composed.get("origin") in (Origin.SEND_ORDER, Origin.EVENT)
    if (
        not is_single
        and session.scalar(select(SendOrder.id).where(SendOrder.run_id == run.id).limit(1)) is None
    ):
        return False
    totals = run_totals(session, INSTALLATION, run)
    return not (totals.failed or totals.uncertain)


def _for_desk(home: Installation, session: Session, run: Run) -> Report | None:
    company = run.company
    totals = run_totals(session, INSTALLATION, run)
    if not company.error_address or not (totals.failed or totals.uncertain):
        return None
    return _compose(home, session, run, _ERROR_DESK, company.error_address, company.language)


def _compose(
    home: Installation, session: Session, run: Run, actor: Actor, address: str, language: str
) -> Report:
    """The error desk is told the totals of all rows, everybody else those of the rows that they may see."""
    company = run.company
    counted = INSTALLATION if actor is _ERROR_DESK else actor
    totals = run_totals(session, counted, run)
    translate = translator(language)
    failures = []
    for group in failure_groups(session, counted, run):
        example = group.examples[0] if group.examples and actor is not _ERROR_DESK else None
        title, remedy = cause_words(group.cause, group.code, group.enhanced, translate)
        said = answer_words(group.answer, group.cause, translate)
        answer = f" — {said}" if said and actor is not _ERROR_DESK else ""
        failures.append(
            {
                "party": f"{example.party_code} {example.party_name}" if example else "",
                "to": example.to if example else "",
                "reason": f"{title}{answer}. {remedy}",
                "count": group.count,
            }
        )
    context = build_run_report_context(
        company_fields(company),
        {
            "number": run.id,
            "name": run.title or f"{company.code} {run.id}",
            "url": f"{home.settings.resolved_public_url}/outbox/{run.id}/report",
            "started_at": run.starts_at or run.committed_at or run.created_at,
            "finished_at": run.finished_at or now(),
            "total": totals.total,
            "sent": totals.sent,
            "failed": totals.failed,
            "uncertain": totals.uncertain,
            "left_out": sum(n for _reason, n in left_out_reasons(session, counted, run)) + totals.not_sent,
        },
        failures[:50],
        {"name": actor.name, "email": actor.email},
        now().date(),
        language,
    )
    message = render_message(compile_message(builtin_text(RUN_REPORT, language), "run_report"), context)
    return Report(
        company.test_address or address,
        language,
        message,
        log_name(run, company),
        b"".join(text_chunks(session, actor, run)),
    )


def _posts(home: Installation, session: Session, run: Run) -> list[Post]:
    return posts_of(session, run.company_id, run.company.name, home)


def _deliver(home: Installation, run_id: int, report: Report, posts: list[Post]) -> Outcome:
    """Hand the mail to the first account that takes it, and keep what came of it; never raises."""
    message = report.message
    outcome, account_id = deliver(
        StaffMail(
            report.to,
            report.language,
            message.subject,
            message.text,
            message.html or "",
            tuple(_attachment(report)),
        ),
        posts,
    )
    if not outcome.is_sent:
        log.error("The report of run %s was not mailed: %s", run_id, outcome.detail)
    _record(home, run_id, report, account_id, outcome)
    return outcome


def _attachment(report: Report) -> list[tuple[Attachment, bytes]]:
    name, mime, data = report.log_name, "text/plain; charset=utf-8", report.log_bytes
    if not data:
        return []
    if len(data) >= ZIP_FROM:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        name, mime, data = name.removesuffix(".txt") + ".zip", "application/zip", packed.getvalue()
    return [(Attachment(name, mime, hashlib.sha256(data).hexdigest(), len(data)), data)]


def _record(home: Installation, run_id: int, report: Report, account_id: int, outcome: Outcome) -> None:
    with home.database.write() as session:
        run = session.get_one(Run, run_id)
        if outcome.is_sent:
            limits.record_usage(session, account_id, now(), 1)
        audit.record(
            session,
            INSTALLATION,
            "reports.run_report.mailed" if outcome.is_sent else "reports.run_report.failed",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
            to=report.to,
            reason="" if outcome.is_sent else outcome.detail,
        )
