"""Notices of changed and deleted records to preset addresses (GA-6): what the worker does.

The lines of the audit are read in the order of their seals (`audit_chain`): one that was committed late is sealed late,
so none is passed over. Two steps, each safe with any number of workers:

1. `collect`: what a rule has not read yet becomes one notice for each address, and the rule's position moves on, in one
   transaction. The first change starts the rule's minutes; all that comes within them is one notice.
2. `send`: a notice is taken for some minutes, mailed, and deleted when it left. What fails is tried again for a day;
   then the company's error address is told, and the page of the rules says why.

A worker that dies between the server's answer and the deletion leaves a notice that is mailed a second time.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.audit import AuditEvent
from crm_mail.audit_chain import AuditSeal
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.staff_mail import Post, StaffMail, deliver, patient, posts_of
from crm_mail.installation import Installation
from crm_mail.permissions import INSTALLATION
from crm_mail.reports.changes.models import ChangeNotice, ChangeRule
from crm_mail.reports.changes.rules import reader_of
from crm_mail.reports.changes.text import wanted_lines, write_notice
from crm_mail.reports.languages import gettext as _
from crm_mail.reports.languages import words_in

log = logging.getLogger(__name__)

READ_AT_ONCE = 200_000
"""Lines of the audit that one notice may span."""
BEHIND = 500
"""A rule to which nothing fits moves on when it is so many lines behind: an idle one writes nothing."""
LEASE = timedelta(minutes=10)
PATIENCE = timedelta(days=1)
LONGEST_PAUSE = timedelta(hours=2)
SENT_IN_A_SWEEP = 20


def tend(home: Installation) -> None:
    """For the worker's sweep: collect, then send. Never raises."""
    try:
        collect(home)
        send(home)
    except Exception:  # an error here must not stop the sending
        log.exception("The notices of changes could not be looked after; the next sweep tries again.")


def collect(home: Installation, moment: datetime | None = None) -> int:
    """Make notices of what is due; how many."""
    moment, made = moment or now(), 0
    with home.database.read() as session:
        head = session.scalar(select(func.max(AuditSeal.position))) or 0
        query = select(ChangeRule).where(
            ChangeRule.is_on,
            ChangeRule.position < head,
            or_(ChangeRule.due_at.is_(None), ChangeRule.due_at <= moment),
        )
        moving = [rule.id for rule in session.scalars(query) if _is_moving(session, rule, head)]
    for rule_id in moving:
        with home.database.write() as session:
            made += _collect_rule(session, rule_id, head, moment)
    return made


def _is_moving(session: Session, rule: ChangeRule, head: int) -> bool:
    return rule.due_at is not None or head - rule.position >= BEHIND or _has_lines(session, rule, head)


def _has_lines(session: Session, rule: ChangeRule, to: int) -> bool:
    reader = reader_of(session, rule)
    if reader is None:
        return False
    wanted = wanted_lines(rule, reader, rule.position, to)
    return session.scalar(select(AuditEvent.id).where(*wanted).limit(1)) is not None


def _collect_rule(session: Session, rule_id: int, head: int, moment: datetime) -> int:
    """One step of a rule, by whoever locks it first; how many notices were made."""
    rule = session.scalar(
        select(ChangeRule)
        .where(
            ChangeRule.id == rule_id,
            ChangeRule.is_on,
            or_(ChangeRule.due_at.is_(None), ChangeRule.due_at <= moment),
        )
        .with_for_update(skip_locked=True)
    )
    if rule is None or rule.position >= head:
        return 0
    to = min(head, rule.position + READ_AT_ONCE)
    if not _has_lines(session, rule, to):
        rule.position, rule.due_at = to, None
        return 0
    if rule.due_at is None:
        rule.due_at = moment + timedelta(minutes=rule.every_minutes)
        return 0
    readers = [rule.company.test_address] if rule.company.test_address else rule.addresses
    addresses = list(dict.fromkeys(readers))
    session.add_all(
        ChangeNotice(
            rule_id=rule.id, address=one, after_position=rule.position, to_position=to, next_at=moment
        )
        for one in addresses
    )
    rule.position, rule.due_at = to, None
    return len(addresses)


# Sending


@dataclass(frozen=True, slots=True)
class _Taken:
    notice_id: int
    mail: StaffMail
    posts: list[Post]


def send(home: Installation, moment: datetime | None = None) -> int:
    """Mail what waits; how many were sent."""
    sent = 0
    for _one in range(SENT_IN_A_SWEEP):
        at = moment or now()
        with home.database.read() as session:
            if session.scalar(select(ChangeNotice.id).where(ChangeNotice.next_at <= at).limit(1)) is None:
                break
        taken = _take_next(home, at)
        if taken is not None:
            sent += _send_one(home, taken, at)
    return sent


def _take_next(home: Installation, at: datetime) -> _Taken | None:
    """The oldest notice that is due and that nobody else has taken; one that cannot be written waits."""
    query = select(ChangeNotice).where(ChangeNotice.next_at <= at).order_by(ChangeNotice.id).limit(1)
    with home.database.write() as session:
        notice = session.scalar(query.with_for_update(skip_locked=True))
        if notice is None:
            return None
        try:
            return _take(home, session, notice, at)
        except DBAPIError:
            raise
        except Exception:  # the others must not wait for this one
            log.exception("The notice of changes %s could not be written.", notice.id)
            notice.next_at = at + LONGEST_PAUSE
            return None


def _take(home: Installation, session: Session, notice: ChangeNotice, at: datetime) -> _Taken | None:
    """Take a notice for some minutes; one that says nothing any more is deleted."""
    rule = notice.rule
    reader = reader_of(session, rule)
    written = None
    if rule.is_on and reader is not None:
        url = f"{home.settings.resolved_public_url}/audit"
        written = write_notice(session, rule, reader, notice.after_position, notice.to_position, url)
    if written is None:
        session.delete(notice)
        return None
    notice.attempts += 1
    notice.next_at = at + LEASE
    address = rule.company.test_address or notice.address
    mail = StaffMail(address, rule.language, written.subject, written.text)
    posts = [patient(one) for one in posts_of(session, rule.company_id, rule.company.name, home)]
    return _Taken(notice.id, mail, posts)


def _send_one(home: Installation, taken: _Taken, at: datetime) -> int:
    outcome, account_id = deliver(taken.mail, taken.posts)
    if outcome.is_sent or outcome.kind is OutcomeKind.UNCERTAIN:  # never again blindly
        with home.database.write() as session:
            if account_id:
                limits.record_usage(session, account_id, now(), 1)
            _forget(session, taken.notice_id, at)
        return 1
    log.error("A notice of changes was not delivered to %s: %s", taken.mail.to, outcome.detail)
    with home.database.write() as session:
        notice = session.get(ChangeNotice, taken.notice_id)
        if notice is None:  # the rule was switched off meanwhile
            return 0
        notice.last_detail = outcome.detail[:300]
        notice.next_at = at + min(LONGEST_PAUSE, timedelta(minutes=5 * 2 ** min(notice.attempts - 1, 10)))
        error = _give_up(session, notice) if at - notice.created_at > PATIENCE else None
    if error is not None:
        deliver(error, taken.posts)
    return 0


def _forget(session: Session, notice_id: int, at: datetime) -> None:
    rule_id = session.scalar(select(ChangeNotice.rule_id).where(ChangeNotice.id == notice_id))
    session.execute(delete(ChangeNotice).where(ChangeNotice.id == notice_id))
    session.execute(update(ChangeRule).where(ChangeRule.id == rule_id).values(told_at=at, problem=""))


def _give_up(session: Session, notice: ChangeNotice) -> StaffMail | None:
    """Say that a notice could not be mailed: in the audit, on the page, and to the company's error address."""
    rule, detail = notice.rule, notice.last_detail
    rule.problem = f"{notice.address}: {detail}"[:300]
    audit.record(
        session,
        INSTALLATION,
        "reports.change_notice.given_up",
        company_id=rule.company_id,
        subject=rule,
        label=rule.name,
        to=notice.address,
        reason=detail,
    )
    session.delete(notice)
    company = rule.company
    address = company.test_address or company.error_address
    if not address:
        return None
    with words_in(company.language):
        subject = _("%(company)s: a notice of changes could not be mailed", company=company.name)
        text = _(
            "The notice “%(rule)s” to %(address)s was tried for a day and given up: %(reason)s",
            rule=rule.name,
            address=notice.address,
            reason=detail,
        )
    return StaffMail(address, company.language, subject, text + "\n")
