"""Whether somebody sends: the state of the mailer as the database shows it (PD-14), whatever machine it runs on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.limits import next_free_at
from crm_mail.outbox.models import Attempt, Message
from crm_mail.outbox.sending.claiming import accounts_with_work
from crm_mail.outbox.states import MessageState

PATIENCE = timedelta(minutes=2)
"""A message that is due for longer, from an account that may send, has nobody who sends it."""


class Mailer(StrEnum):
    """What the mailer does."""

    SENDING = "sending"
    IDLE = "idle"  # nothing is due
    SILENT = "silent"  # something is due and nobody takes it


@dataclass(frozen=True, slots=True)
class MailerState:
    """``last_at``: when it last tried to send anything."""

    mailer: Mailer
    last_at: datetime | None


def read_mailer_state(session: Session) -> MailerState:
    """Look for a held lease, then for messages that nobody takes."""
    moment = now()
    last_at = session.scalar(select(Attempt.finished_at).order_by(Attempt.id.desc()).limit(1))
    held = (
        select(Message.id).where(Message.state == MessageState.SENDING, Message.lease_until > moment).limit(1)
    )
    if session.scalar(held) is not None:
        return MailerState(Mailer.SENDING, last_at)
    if last_at is not None and last_at > moment - PATIENCE:
        return MailerState(Mailer.IDLE, last_at)
    overdue = accounts_with_work(session, moment - PATIENCE, moment - PATIENCE)
    may_send = any(next_free_at(session, account, moment) <= moment for account in overdue)
    return MailerState(Mailer.SILENT if may_send else Mailer.IDLE, last_at)
