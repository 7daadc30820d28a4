"""Mail to the office's own people: reports, and errors (PM-19). From an ordinary account, never through PEC.

It stands beside the outbox: nothing here is tried twice, nothing waits, and nothing answers for it.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.blobs import EncodedBlobs
from crm_mail.delivery.connection_check import PATIENCE_SECONDS
from crm_mail.delivery.dkim import signed
from crm_mail.delivery.envelope import Attachment, Cause, Envelope, Outcome, OutcomeKind, new_message_id
from crm_mail.delivery.mime import build
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.service import accounts_for
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed
from crm_mail.installation import Installation, SecretUnreadable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StaffMail:
    """One mail, ready to be sent. ``files``: attachments with their bytes."""

    to: str
    language: str
    subject: str
    text: str
    html: str = ""
    files: tuple[tuple[Attachment, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """The account it leaves from."""

    account_id: int
    company_id: int
    from_name: str
    settings: AccountSettings


def posts_of(session: Session, company_id: int, company_name: str, home: Installation) -> list[Post]:
    """Ordinary accounts of the company that can send, the default one first."""
    found = []
    for view in accounts_for(session, company_id).of(AccountKind.SMTP):
        if not view.is_enabled or view.is_stopped:
            continue
        account = session.get_one(SenderAccount, view.id)
        try:
            settings = account_settings(home, account)
        except SecretUnreadable:
            log.warning("Mail to the staff cannot leave from %s: its secret is unreadable.", view.name)
            continue
        found.append(Post(view.id, company_id, view.from_name or company_name, settings))
    return found


def patient(post: Post) -> Post:
    """A person waits: no longer than for the test of an account."""
    seconds = min(post.settings.timeout_seconds, PATIENCE_SECONDS)
    return replace(post, settings=replace(post.settings, timeout_seconds=seconds))


def deliver(mail: StaffMail, posts: Sequence[Post]) -> tuple[Outcome, int]:
    """Hand the mail to the first account that takes it; what came of it, and the account. Never raises."""
    outcome = Outcome(
        OutcomeKind.PERMANENT,
        None,
        "The company has no ordinary account that can send.",
        None,
        Cause.CONNECTION,
    )
    account_id = 0
    for post in posts:
        account_id = post.account_id
        try:
            outcome = _send(mail, post)
        except Exception as error:  # a notice that cannot be built must not stop the worker
            log.exception("Mail to %s could not be built.", mail.to)
            outcome = Outcome(OutcomeKind.PERMANENT, None, str(error), None, Cause.CONTENT)
        if outcome.kind in (OutcomeKind.SENT, OutcomeKind.UNCERTAIN, OutcomeKind.PERMANENT):
            break
    return outcome, account_id


def _send(mail: StaffMail, post: Post) -> Outcome:
    envelope = Envelope(
        message_id=new_message_id(domain_of(post.settings.from_address), secrets.token_hex(16)),
        date=now().replace(microsecond=0),
        from_name=post.from_name,
        from_address=post.settings.from_address,
        to=mail.to,
        subject=mail.subject,
        body_text=mail.text,
        body_html=mail.html or None,
        attachments=tuple(attachment for attachment, _data in mail.files),
        language=mail.language,
        extra_headers=(("Auto-Submitted", "auto-generated"),),
    )
    stored = {attachment.sha256: data for attachment, data in mail.files}
    blobs = EncodedBlobs(stored.__getitem__)
    data = blobs.flatten(signed(build(envelope), post.settings.dkim, blobs, envelope.date))
    session = SmtpSession(post.settings)
    try:
        session.connect()
    except ConnectionFailed as failed:
        return failed.outcome
    try:
        return session.send(post.settings.from_address, envelope.recipients, data)
    finally:
        session.close()
