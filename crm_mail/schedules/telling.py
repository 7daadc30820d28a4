"""Telling the owner, by mail, once, that a run waits or that something went wrong. A staff notice, not a message.

Whoever sets `told_at` first sends. An owner who is no longer active is not written to: the company's error address is.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery import limits, staff_mail
from crm_mail.installation import Installation
from crm_mail.schedules.models import Firing, FiringState
from crm_mail.schedules.words import compose_notice, reason_words
from crm_mail.users.models import User
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)

TOLD = (FiringState.WAITING, FiringState.REFUSED, FiringState.FAILED, FiringState.INTERRUPTED)
"""What the owner is told of; the rest stands in the history."""
STALE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Notice:
    to: str
    language: str
    state: FiringState
    reason: str
    detail: dict[str, object]
    schedule: str
    company: str
    company_id: int
    url: str


def tell_owners(home: Installation) -> int:
    """Mail what nobody was told of yet; how many mails left. Never raises for what a server does."""
    query = select(Firing.id).where(
        Firing.state.in_(TOLD), Firing.told_at.is_(None), Firing.ended_at > now() - STALE
    )
    with home.database.read() as session:
        waiting = session.scalars(query.order_by(Firing.id).limit(50)).all()
    return sum(_tell(home, firing_id) for firing_id in waiting)


def _tell(home: Installation, firing_id: int) -> bool:
    with home.database.write() as session:
        query = select(Firing).where(Firing.id == firing_id, Firing.told_at.is_(None))
        firing = session.scalar(query.with_for_update(skip_locked=True))
        if firing is None:
            return False
        firing.told_at = now()
        notice = _notice(session, home, firing)
        posts = staff_mail.posts_of(session, notice.company_id, notice.company, home) if notice.to else []
    if not posts:
        return False
    translate = translator(notice.language)
    why = reason_words(notice.reason, notice.detail, translate)
    subject, text = compose_notice(notice.state, why, notice.schedule, notice.company, notice.url, translate)
    mail = staff_mail.StaffMail(notice.to, notice.language, subject, text)
    outcome, account_id = staff_mail.deliver(mail, posts)
    if not outcome.is_sent:
        log.error("The owner of schedule %r was not told: %s", notice.schedule, outcome.detail)
        return False
    with home.database.write() as session:
        limits.record_usage(session, account_id, now(), 1)
    return True


def _notice(session: Session, home: Installation, firing: Firing) -> _Notice:
    schedule = firing.schedule
    company = schedule.company
    owner = session.get_one(User, schedule.owner_id)
    to, language = (
        (owner.email, owner.language) if owner.is_active else (company.error_address, company.language)
    )
    page = f"/outbox/{firing.run_id}" if firing.state is FiringState.WAITING else f"/schedules/{schedule.id}"
    return _Notice(
        company.test_address or to if to else "",
        language,
        firing.state,
        firing.reason,
        firing.detail,
        schedule.name,
        company.name,
        company.id,
        f"{home.settings.resolved_public_url}{page}",
    )
