"""Errors that a company's error address is told of (PM-19): at most once per cause and hour, with what was held back.

`note` keeps an occurrence in the transaction of what caused it; `send_notices`, in the worker's upkeep, mails what is
due. Many workers may do so at once: whoever sets `told_at` first sends. Mail leaves from the company's ordinary
account, never through PEC; an error about this mail is logged and causes no other (RFC 3834 in spirit: no loops).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import limits, staff_mail
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.models import ErrorNotice, Mailbox
from crm_mail.evidence.notice_words import compose_notice
from crm_mail.installation import Installation
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)

PAUSE = timedelta(hours=1)
MAILBOX_PATIENCE = timedelta(minutes=15)
"""A mailbox that could not be read for so long is told of; shorter trouble of a network is not."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One cause of one company that is due to be told of."""

    company_id: int
    cause: str
    count: int
    detail: str


def note(session: Session, company_id: int, cause: str, detail: str = "", count: int = 1) -> None:
    """Keep one occurrence of an error. Never raises for what it is about; never mails.

    Args:
        cause: at most 100 characters: a kind, or a kind and a number (``account:7``), that is told once an hour.
        detail: what the latest occurrence was about.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    table = ErrorNotice.__table__
    statement = dialect.insert(table).values(
        company_id=company_id, cause=cause[:100], waiting=count, last_detail=detail[:500]
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["company_id", "cause"],
            set_={"waiting": ErrorNotice.waiting + count, "last_detail": detail[:500]},
        )
    )


def send_notices(home: Installation) -> int:
    """Mail what is due; how many mails left. Called again and again, by any number of workers."""
    moment = now()
    with home.database.read() as session:
        due = [(row.company_id, row.cause) for row in session.execute(_due(moment).limit(100))]
    sent = 0
    for company_id, cause in due:
        notice = _take(home, company_id, cause, moment)
        if notice is not None:
            sent += _mail(home, notice)
    return sent


def has_due(session: Session, moment: datetime) -> bool:
    """Whether anything is to be told now."""
    return session.execute(_due(moment).limit(1)).first() is not None


def _is_due(moment: datetime) -> list[ColumnElement[bool]]:
    is_time = or_(ErrorNotice.told_at.is_(None), ErrorNotice.told_at <= moment - PAUSE)
    return [ErrorNotice.waiting > 0, is_time]


def _due(moment: datetime) -> Select[int, str]:
    return (
        select(ErrorNotice.company_id, ErrorNotice.cause)
        .join(Company, Company.id == ErrorNotice.company_id)
        .where(*_is_due(moment), Company.error_address != "")
        .order_by(ErrorNotice.company_id, ErrorNotice.cause)
    )


def _take(home: Installation, company_id: int, cause: str, moment: datetime) -> Notice | None:
    """Take a due cause on: nobody else tells of it in this hour. None: somebody was quicker."""
    with home.database.write() as session:
        row = session.scalar(
            select(ErrorNotice)
            .where(ErrorNotice.company_id == company_id, ErrorNotice.cause == cause, *_is_due(moment))
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        notice = Notice(company_id, cause, row.waiting, row.last_detail)
        row.told_at, row.waiting = moment, 0
        return notice


def _mail(home: Installation, notice: Notice) -> bool:
    with home.database.read() as session:
        company = session.get_one(Company, notice.company_id)
        posts = staff_mail.posts_of(session, company.id, company.name, home)
        to, language, name = company.test_address or company.error_address, company.language, company.name
    subject, text = compose_notice(
        notice.cause, notice.count, notice.detail, name, _page(home, notice.cause), translator(language)
    )
    outcome, account_id = staff_mail.deliver(staff_mail.StaffMail(to, language, subject, text), posts)
    if not outcome.is_sent:
        log.error("The error notice %r was not mailed: %s", notice.cause, outcome.detail)
        return False
    with home.database.write() as session:
        limits.record_usage(session, account_id, now(), 1)
    return True


def _page(home: Installation, cause: str) -> str:
    """Where the error is seen and mended."""
    kind, _, number = cause.partition(":")
    is_of_account = kind in ("account_stopped", "mailbox") and number.isdigit()
    of_receipts = "/evidence?kind=receipt" if kind == "pec_failed" else "/evidence?alarm=open"
    path = f"/accounts/{number}" if is_of_account else of_receipts
    if kind == "send_order":
        path = "/send-orders?state=refused"
    return f"{home.settings.resolved_public_url}{path}"


def note_standing_errors(session: Session) -> None:
    """Keep errors that last: an account that stopped, a mailbox that cannot be read. Each is told once."""
    moment = now()
    stopped = select(SenderAccount).where(SenderAccount.stopped_at.is_not(None), SenderAccount.is_enabled)
    for account in session.scalars(stopped):
        detail = f"{account.name} <{account.from_address}>: {account.stopped_reason}"
        _note_once(session, account.company_id, f"account_stopped:{account.id}", detail, account.stopped_at)
    unread = (
        select(SenderAccount, Mailbox)
        .join(Mailbox, Mailbox.account_id == SenderAccount.id)
        .where(
            Mailbox.failed_at <= moment - MAILBOX_PATIENCE,
            SenderAccount.is_enabled,
            SenderAccount.mailbox_is_read,
        )
    )
    for account, mailbox in session.execute(unread):
        detail = f"{account.name} <{account.from_address}>: {mailbox.failure}"
        _note_once(session, account.company_id, f"mailbox:{account.id}", detail, mailbox.failed_at)


def _note_once(session: Session, company_id: int, cause: str, detail: str, since: datetime | None) -> None:
    row = session.get(ErrorNotice, (company_id, cause))
    is_told = row is not None and (row.waiting > 0 or (row.told_at and since and row.told_at >= since))
    if not is_told:
        note(session, company_id, cause, detail)
