"""Mail to a user about the own account: links, changes of password and second factor, failed sign-ins.

It leaves from the first company's ordinary account that takes it, directly (`delivery.staff_mail`): never through the
outbox, never by PEC. Nothing here raises for what a server does, and nothing is tried twice.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.staff_mail import Post, StaffMail, deliver, patient, posts_of
from crm_mail.installation import Installation
from crm_mail.users.models import User
from crm_mail.users.notice_words import compose

log = logging.getLogger(__name__)


class Notice(StrEnum):
    """What a user is told by mail."""

    INVITATION = "invitation"
    RESET_LINK = "reset_link"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a code, not a password
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    PROVIDER_BOUND = "provider_bound"
    FAILED_SIGN_INS = "failed_sign_ins"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, composed; its text may hold a link that works once, so it is never written to a log."""

    mail: StaffMail
    posts: tuple[Post, ...]


def write_letter(home: Installation, session: Session, user: User, notice: Notice, link: str = "") -> Letter:
    """Compose a mail to the user in the user's language.

    Args:
        link: the path of the link that the mail is about, if any.
    """
    base = home.settings.resolved_public_url
    subject, text = compose(
        notice.value, user.language, name=user.name, link=f"{base}{link}" if link else base
    )
    companies = session.scalars(select(Company).order_by(Company.id))
    posts = [post for one in companies for post in posts_of(session, one.id, one.name, home)]
    return Letter(StaffMail(user.email, user.language, subject, text), tuple(map(patient, posts)))


def send_letter(home: Installation, letter: Letter) -> bool:
    """Hand a letter to the first account that takes it; whether one did. Never raises. Outside any transaction."""
    outcome, account_id = deliver(letter.mail, letter.posts)
    if not outcome.is_sent:
        log.warning("A mail about an account was not sent: %s", outcome.detail)
        return False
    with home.database.write() as session:
        limits.record_usage(session, account_id, now(), 1)
    return True


def tell(home: Installation, user_id: int, notice: Notice) -> None:
    """Tell a user by mail in a thread of its own: no page waits for a mail server, nor shows by its time that one was
    asked."""

    def work() -> None:
        with home.database.read() as session:
            letter = write_letter(home, session, session.get_one(User, user_id), notice)
        send_letter(home, letter)

    in_background(work)


def in_background(work: Callable[[], object]) -> None:
    """Run something beside the request; what fails is logged, and nothing more."""

    def run() -> None:
        try:
            work()
        except Exception:  # a notice that fails must not be louder than what it tells of
            log.exception("A mail about an account could not be written.")

    threading.Thread(target=run, name="notice", daemon=True).start()
