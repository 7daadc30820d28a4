"""Download links (CO-6): what a token opens, the log of each download, and revoking. Services never commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.outbox.links.link_tokens import fits
from crm_mail.outbox.models import DownloadLink, Message
from crm_mail.outbox.states import LEFT, MessageState
from crm_mail.permissions import INSTALLATION, Actor, Permission

_OPEN = LEFT | {MessageState.SENDING, MessageState.RETRYING}


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file behind a link."""

    name: str
    mime: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What a valid token opens: the files of one message, until a moment; nothing else of it."""

    link: DownloadLink
    files: tuple[OfferedFile, ...]
    until: datetime


def link_of(session: Session, message: Message) -> DownloadLink | None:
    """The link of a message, if its files are offered by one."""
    if "link" not in message.why:
        return None
    return session.scalar(select(DownloadLink).where(DownloadLink.message_id == message.id))


def open_link(session: Session, token: str) -> Offer | None:
    """What the token opens; None when there is no such link, or it is revoked, expired, or its message never left."""
    link = session.scalar(select(DownloadLink).where(DownloadLink.token == token))
    if link is None or link.revoked_at is not None or link.message.state not in _OPEN:
        return None
    left_at = link.message.sent_at or link.message.claimed_at
    if left_at is None or not fits(token, [[file[0], file[2]] for file in link.files]):
        return None
    until = left_at + timedelta(days=link.days)
    if now() > until:
        return None
    return Offer(link, tuple(OfferedFile(*file[:4]) for file in link.files), until)


def log_download(session: Session, offer: Offer, position: int, address: str) -> None:
    """Note that a file was fetched: when, which, and from which network address."""
    link = offer.link
    link.downloads += 1
    link.last_download_at = now()
    audit.record(
        session,
        INSTALLATION,
        "outbox.link.downloaded",
        company_id=link.message.company_id,
        subject=link.message,
        label=f"{link.message.party_code} {link.message.subject}"[:200],
        file=offer.files[position].name,
        address=address,
    )


def revoke_link(session: Session, actor: Actor, message: Message) -> bool:
    """Close a message's link for good; whether it was open.

    Raises:
        PermissionDenied: the actor may not commit messages of these types.
    """
    actor.require(Permission.OUTBOX_COMMIT, message.company_id, *message.document_types.split())
    link = link_of(session, message)
    if link is None or link.revoked_at is not None:
        return False
    link.revoked_at = now()
    audit.record(
        session,
        actor,
        "outbox.link.revoked",
        company_id=message.company_id,
        subject=message,
        label=f"{message.party_code} {message.subject}"[:200],
    )
    return True
