"""A message that tries an account out, sent at once and to oneself only; it belongs to no run.

From a PEC account it goes to the account's own address, because PEC mail goes only to PEC addresses (IT-18).
"""

import secrets
from dataclasses import dataclass, replace

from crm_mail.db import now
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.blobs import EncodedBlobs
from crm_mail.delivery.connection_check import PATIENCE_SECONDS
from crm_mail.delivery.dkim import signed
from crm_mail.delivery.envelope import Envelope, Outcome, new_message_id
from crm_mail.delivery.mime import build
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed


@dataclass(frozen=True, slots=True)
class Trial:
    """What is sent: texts already in the reader's language."""

    from_name: str
    to: str
    subject: str
    body: str
    language: str


def recipient_of_trial(settings: AccountSettings, own_address: str) -> str:
    """Who receives the message: the person who asks, or the PEC mailbox itself."""
    return settings.from_address if settings.kind is Channel.PEC else own_address


def send_trial(settings: AccountSettings, trial: Trial) -> Outcome:
    """Send it now; never raises for what a server or a network does. Waits at most as long as a person does."""
    envelope = Envelope(
        message_id=new_message_id(domain_of(settings.from_address), secrets.token_hex(16)),
        date=now(),
        from_name=trial.from_name,
        from_address=settings.from_address,
        to=trial.to,
        subject=trial.subject,
        body_text=trial.body,
        language=trial.language,
        extra_headers=(("Auto-Submitted", "auto-generated"),),
    )
    blobs = EncodedBlobs(_no_file)
    data = blobs.flatten(signed(build(envelope), settings.dkim, blobs, envelope.date))
    patience = min(settings.timeout_seconds, PATIENCE_SECONDS)
    session = SmtpSession(replace(settings, timeout_seconds=patience))
    try:
        session.connect()
    except ConnectionFailed as failed:
        return failed.outcome
    try:
        return session.send(settings.from_address, envelope.recipients, data)
    finally:
        session.close()


def _no_file(sha256: str) -> bytes:
    raise LookupError(sha256)  # cannot be: a trial has no attachments
