"""Retention: what is older than its term goes, kind by kind, in small transactions; each run leaves a report."""

import calendar
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.db import now
from crm_mail.document_types import DocumentType
from crm_mail.events.models import EventAction, EventState, InboundEvent
from crm_mail.evidence.models import MailItem
from crm_mail.importers.models import HotFolderFile
from crm_mail.installation import Installation
from crm_mail.outbox.models import LeftOut, Message, Run
from crm_mail.outbox.states import SETTLED
from crm_mail.permissions import INSTALLATION, Actor, Permission
from crm_mail.privacy.models import PrivacyRemain, RetentionRun
from crm_mail.privacy.redacting import ERASED, redact_messages
from crm_mail.privacy.retention_rules import Kind, terms_of
from crm_mail.users.models import LoginAttempt, UserSession

log = logging.getLogger(__name__)

AT_ONCE = 500
EVERY = timedelta(hours=24)


REMAINS = "remains"
"""The step of messages that an erasure had to leave in place, and whose term is over."""


@dataclass(slots=True)
class Step:
    """What one term removed, or would remove.

    Args:
        company_id: 0 for what concerns the whole installation.
        before: everything older than this.
        longer: types with a longer term: a message that carries one of them too goes with that one.
    """

    company_id: int
    company: str
    kind: str
    document_type: str
    before: datetime
    longer: tuple[str, ...] = ()
    count: int = 0

    def as_json(self) -> dict[str, Any]:
        """For reports; no personal value."""
        return {
            "company_id": self.company_id,
            "company": self.company,
            "kind": self.kind,
            "type": self.document_type,
            "before": self.before.date().isoformat(),
            "count": self.count,
        }


@dataclass(slots=True)
class _Removal:
    count: int = 0
    files: list[str] = field(default_factory=list)


def retain(
    home: Installation, actor: Actor = INSTALLATION, *, dry_run: bool = False, is_daily: bool = False
) -> list[Step]:
    """Remove what is older than its term, in every company; every step that found something, in order.

    Args:
        dry_run: count only; nothing is removed and no report is kept.

    Raises:
        PermissionDenied: the right to manage privacy is missing.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    with home.database.read() as session:
        steps = plan_steps(session, now())
    for step in steps:
        if dry_run:
            with home.database.read() as session:
                step.count = _count(session, step)
        else:
            _run(home, step)
    found = [step for step in steps if step.count]
    if not dry_run:
        with home.database.write() as session:
            session.add(RetentionRun(is_daily=is_daily, report=[step.as_json() for step in found]))
            if found:
                removed = sum(step.count for step in found)
                audit.record(session, actor, "privacy.retention.run", removed=removed)
    return found


def retain_daily(home: Installation) -> bool:
    """For the worker's upkeep: `retain` when the last run is a day old; whether it ran. Never raises."""
    try:
        with home.database.read() as session:
            last = session.scalar(select(func.max(RetentionRun.at)))
        if last is not None and last > now() - EVERY:
            return False
        retain(home, is_daily=True)
    except Exception:  # an error here must not stop the sending
        log.exception("Retention failed; the next sweep tries again.")
        return False
    return True


def list_runs(session: Session, limit: int = 20) -> list[RetentionRun]:
    """The newest reports first."""
    return list(session.scalars(select(RetentionRun).order_by(RetentionRun.id.desc()).limit(limit)))


def months_before(moment: datetime, months: int) -> datetime:
    """The same moment so many months earlier; a day that the month lacks becomes its last one."""
    month = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(month, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def plan_steps(session: Session, moment: datetime) -> list[Step]:
    """One step for each term of each company that has an end."""
    found = [Step(0, "", REMAINS, "", moment)]
    logins: list[int] = []
    for company in session.scalars(select(Company).order_by(Company.id)):
        terms = terms_of(session, company.id)
        for term in terms:
            if term.months is None:
                continue
            if term.kind is Kind.LOGINS:
                logins.append(term.months)
                continue
            longer = tuple(
                one.document_type
                for one in terms
                if one.kind is Kind.MESSAGES and (one.months is None or one.months > term.months)
            )
            before = months_before(moment, term.months)
            found.append(Step(company.id, company.code, term.kind.value, term.document_type, before, longer))
    if logins:
        found.append(Step(0, "", Kind.LOGINS.value, "", months_before(moment, min(logins))))
    return found


def _run(home: Installation, step: Step) -> None:
    while True:
        with home.database.write() as session:
            removed = _REMOVE[step.kind](session, step)
        for sha256 in removed.files:
            home.store.remove(sha256)
        step.count += removed.count
        if removed.count < AT_ONCE:
            return


def _count(session: Session, step: Step) -> int:
    models: dict[str, list[Any]] = {
        REMAINS: [Message],
        Kind.MESSAGES.value: [Message],
        Kind.STRAY_MAIL.value: [MailItem],
        Kind.SUGGESTIONS.value: [Contact],
        Kind.FOLDER_LOG.value: [HotFolderFile],
        Kind.EVENTS.value: [InboundEvent],
        Kind.LOGINS.value: [LoginAttempt, UserSession],
    }
    count = 0
    for model in models[step.kind]:
        query = select(func.count()).select_from(model).where(_over(step, model))
        count += session.scalar(query) or 0
    return count


def _over(step: Step, model: Any) -> ColumnElement[bool]:
    """The rows of a step that are older than its term."""
    if step.kind == REMAINS:
        over = select(PrivacyRemain.message_id).where(PrivacyRemain.kept_until_on <= step.before.date())
        return Message.id.in_(over)
    if model is Message:
        return _old_messages(step)
    if model is MailItem:
        stray = and_(MailItem.company_id == step.company_id, MailItem.message_id.is_(None))
        return and_(stray, MailItem.taken_at < step.before)
    if model is Contact:
        return and_(
            Contact.company_id == step.company_id,
            Contact.state == ContactState.SUGGESTED,
            Contact.created_at < step.before,
            ~exists().where(Message.contact_id == Contact.id),
            ~exists().where(LeftOut.contact_id == Contact.id),
        )
    if model is HotFolderFile:
        return and_(HotFolderFile.company_id == step.company_id, HotFolderFile.at < step.before)
    if model is InboundEvent:
        return and_(
            InboundEvent.company_id == step.company_id,
            InboundEvent.received_at < step.before,
            InboundEvent.state != EventState.WAITING,
        )
    moment = LoginAttempt.at if model is LoginAttempt else UserSession.last_seen_at
    return moment < step.before


def _old_messages(step: Step) -> ColumnElement[bool]:
    """Settled messages of the type, sent before the day, or never sent and prepared before it."""
    padded = literal(" ").concat(Message.document_types).concat(" ")
    is_type = padded.contains(f" {step.document_type} ", autoescape=True)
    if step.document_type == DocumentType.GENERIC:
        is_type = or_(is_type, Message.document_types == "")
    old_runs = select(Run.id).where(Run.company_id == step.company_id, Run.created_at < step.before)
    return and_(
        Message.company_id == step.company_id,
        Message.state.in_(SETTLED),
        Message.recipient_name != ERASED,
        is_type,
        *(~padded.contains(f" {one} ", autoescape=True) for one in step.longer),
        or_(Message.sent_at < step.before, and_(Message.sent_at.is_(None), Message.run_id.in_(old_runs))),
    )


def _remove_messages(session: Session, step: Step) -> _Removal:
    ids = list(
        session.scalars(select(Message.id).where(_over(step, Message)).order_by(Message.id).limit(AT_ONCE))
    )
    files = _forget_mail(session, MailItem.message_id.in_(ids))
    redact_messages(session, ids)
    session.execute(delete(PrivacyRemain).where(PrivacyRemain.message_id.in_(ids)))
    return _Removal(len(ids), files)


def _remove_mail(session: Session, step: Step) -> _Removal:
    ids = list(
        session.scalars(select(MailItem.id).where(_over(step, MailItem)).order_by(MailItem.id).limit(AT_ONCE))
    )
    chosen = MailItem.id.in_(ids)
    files = _forget_mail(session, chosen)
    session.execute(delete(MailItem).where(chosen))
    return _Removal(len(ids), files)


def _forget_mail(session: Session, chosen: ColumnElement[bool]) -> list[str]:
    """Stored mails of the chosen items that no other item names."""
    ids = set(session.scalars(select(MailItem.id).where(chosen)))
    hashes = set(session.scalars(select(MailItem.sha256).where(MailItem.id.in_(ids))))
    other = select(MailItem.sha256).where(MailItem.sha256.in_(hashes), MailItem.id.not_in(ids))
    return sorted(hashes - set(session.scalars(other)))


def _remove_suggestions(session: Session, step: Step) -> _Removal:
    contacts = session.scalars(
        select(Contact).where(_over(step, Contact)).order_by(Contact.id).limit(AT_ONCE)
    ).all()
    for contact in contacts:
        session.delete(contact)
    return _Removal(len(contacts))


def _remove_log(session: Session, step: Step) -> _Removal:
    ids = list(session.scalars(select(HotFolderFile.id).where(_over(step, HotFolderFile)).limit(AT_ONCE)))
    session.execute(delete(HotFolderFile).where(HotFolderFile.id.in_(ids)))
    return _Removal(len(ids))


def _remove_events(session: Session, step: Step) -> _Removal:
    """What the rules made of them goes with them."""
    ids = list(session.scalars(select(InboundEvent.id).where(_over(step, InboundEvent)).limit(AT_ONCE)))
    session.execute(delete(EventAction).where(EventAction.event_id.in_(ids)))
    session.execute(delete(InboundEvent).where(InboundEvent.id.in_(ids)))
    return _Removal(len(ids))


def _remove_logins(session: Session, step: Step) -> _Removal:
    ids = list(session.scalars(select(LoginAttempt.id).where(_over(step, LoginAttempt)).limit(AT_ONCE)))
    session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(ids)))
    if len(ids) == AT_ONCE:
        return _Removal(len(ids))
    ended = list(session.scalars(select(UserSession.id).where(_over(step, UserSession)).limit(AT_ONCE)))
    session.execute(delete(UserSession).where(UserSession.id.in_(ended)))
    return _Removal(AT_ONCE if len(ended) == AT_ONCE else len(ids) + len(ended))


_REMOVE: dict[str, Callable[[Session, Step], _Removal]] = {
    REMAINS: _remove_messages,
    Kind.MESSAGES.value: _remove_messages,
    Kind.STRAY_MAIL.value: _remove_mail,
    Kind.SUGGESTIONS.value: _remove_suggestions,
    Kind.FOLDER_LOG.value: _remove_log,
    Kind.EVENTS.value: _remove_events,
    Kind.LOGINS.value: _remove_logins,
}
