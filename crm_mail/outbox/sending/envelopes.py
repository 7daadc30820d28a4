"""A message's row as an Envelope: what the preview shows is what the sender builds (law 3)."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.envelope import Attachment, Envelope, receipt_header
from crm_mail.delivery.mime import build
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.packing import unpack
from crm_mail.delivery.routing import Channel
from crm_mail.outbox.links.unsubscribe_links import unsubscribe_headers
from crm_mail.outbox.models import Attempt, Message, MessageContent, MessageFile
from crm_mail.storage import BlobStore

UNFROZEN_ID = "<not-yet-committed@preview>"


def load_envelope(session: Session, message: Message, date: datetime | None = None) -> Envelope:
    """The envelope of a message as it stands."""
    content = session.get_one(MessageContent, message.id)
    account = session.get(SenderAccount, message.account_id) if message.account_id else None
    return envelope_of(message, content, account, list(message.files), date or message.claimed_at or now())


def envelope_of(
    message: Message,
    content: MessageContent,
    account: SenderAccount | None,
    files: list[MessageFile],
    date: datetime,
) -> Envelope:
    """Join the rows of one message into an Envelope.

    Args:
        date: the Date header; whole seconds.
    """
    return Envelope(
        message_id=message.message_id or UNFROZEN_ID,
        date=date.replace(microsecond=0),
        from_name=account.from_name if account else "",
        from_address=account.from_address if account else "",
        to=message.to_address,
        subject=message.subject,
        body_text=content.body_text,
        body_html=content.body_html or None,
        reply_to=message.reply_to or (account.reply_to if account else "") or None,
        cc=tuple(message.cc),
        bcc=tuple(message.bcc),
        attachments=tuple(Attachment(f.name, f.mime, f.sha256, f.size, f.content_id) for f in files),
        language=message.language,
        extra_headers=(
            *receipt_header(
                message.channel is Channel.PEC and account is not None,
                account.receipt_form if account else "",
            ),
            *unsubscribe_headers(message.unsubscribe_url, is_pec=message.channel is Channel.PEC),
        ),
    )


def raw_headers(session: Session, message: Message) -> tuple[str, bool]:
    """The header lines of a message, and whether they are the very ones that were sent; no file is read.

    Raises:
        HeaderInjection, ValueError: the row cannot be made into a message (no address yet).
    """
    packed = _last_sent(session, message)
    first = (unpack(packed) if packed is not None else build(load_envelope(session, message)))[0]
    head = first.partition(b"\r\n\r\n")[0] if isinstance(first, bytes) else b""
    return head.decode("utf-8", "replace"), packed is not None


def _last_sent(session: Session, message: Message) -> bytes | None:
    query = select(Attempt.mime).where(Attempt.message_id == message.id, Attempt.mime.is_not(None))
    return session.scalar(query.order_by(Attempt.id.desc()).limit(1))


def _text_source(session: Session, message: Message) -> bytes:
    """A text as a file that mail programs open: it has no source of its own."""
    account = session.get(SenderAccount, message.account_id) if message.account_id else None
    source = EmailMessage(policy=SMTP)
    source["From"] = account.from_address if account else ""
    source["To"] = message.to_address
    source["Date"] = format_datetime(message.sent_at or now())
    source["Subject"] = message.subject
    source.set_content(session.get_one(MessageContent, message.id).body_text)
    return source.as_bytes()


def raw_bytes(session: Session, store: BlobStore, message: Message) -> tuple[bytes, bool]:
    """The message's source, and whether these are the very bytes that were sent (CO-1).

    Raises:
        StoredFileMissing, StoredFileDamaged: an attachment is not what it was.
        HeaderInjection, ValueError: the row cannot be made into a message (no address yet).
    """
    if message.channel is Channel.SMS:
        return _text_source(session, message), False
    packed = _last_sent(session, message)
    if packed is not None:
        return flatten(unpack(packed), store.read), True
    return flatten(build(load_envelope(session, message)), store.read), False
