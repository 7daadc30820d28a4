"""Copies of what is sent, in the folder a packaging names, and what becomes of them afterwards (PM-7, PM-13, PM-14).

The worker's sweep does it beside the sending, one message in one short transaction: a folder that cannot be written
delays no message. It can be repeated: a row says how far it has come.
"""

import logging
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.db import now
from crm_mail.delivery.headers import safe_file_name
from crm_mail.documents.packaging_folders import RECYCLE, FolderRefused, folder_inside
from crm_mail.installation import Installation
from crm_mail.outbox.models import DownloadLink, Message, PackagingCopy
from crm_mail.outbox.states import QUEUED, MessageState
from crm_mail.permissions import INSTALLATION
from crm_mail.storage import StoredFileDamaged, StoredFileMissing

log = logging.getLogger(__name__)

AT_ONCE = 200
_GONE = (MessageState.SENT, MessageState.DELIVERED)


class CopyState(StrEnum):
    """How far the copies of a message have come."""

    WAITING = "waiting"
    PUT = "put"  # in the folder; the message has not left yet
    DONE = "done"
    FAILED = "failed"  # ``detail`` says why


def handle_copies(home: Installation) -> int:
    """Put the copies of messages that are on their way, and settle those of messages that left; how many rows."""
    handled = 0
    while ids := _due(home):
        for id_ in ids:
            with home.database.write() as session:
                row = session.get(PackagingCopy, id_, with_for_update=True)
                if row is not None:
                    _handle(session, home, row)
        handled += len(ids)
    return handled


def _due(home: Installation) -> Sequence[int]:
    on_its_way = and_(PackagingCopy.state == CopyState.WAITING, Message.state.in_(sorted(QUEUED)))
    left = and_(PackagingCopy.state.in_((CopyState.WAITING, CopyState.PUT)), Message.state.in_(_GONE))
    query = (
        select(PackagingCopy.message_id)
        .join(Message, Message.id == PackagingCopy.message_id)
        .where(PackagingCopy.state.in_((CopyState.WAITING, CopyState.PUT)), or_(on_its_way, left))
        .order_by(PackagingCopy.message_id)
        .limit(AT_ONCE)
    )
    with home.database.read() as session:
        return session.scalars(query).all()


def _handle(session: Session, home: Installation, row: PackagingCopy) -> None:
    message = session.get_one(Message, row.message_id)
    has_left = message.state in _GONE
    root = home.settings.copies_dir
    try:
        if row.folder and root:
            _move_on(session, home, row, message, Path(root), has_left)
    except (OSError, FolderRefused, StoredFileMissing, StoredFileDamaged) as problem:
        log.error("The copies of message %s could not be handled: %s", row.message_id, problem)
        row.state, row.detail = CopyState.FAILED.value, str(problem)[:300]
        _record(session, message, "outbox.copies.failed", reason=row.detail)
        return
    row.state = (CopyState.DONE if has_left else CopyState.PUT).value
    if has_left and row.logs_success:
        _record(session, message, "outbox.packaging.sent", to=message.to_address)


def _move_on(
    session: Session, home: Installation, row: PackagingCopy, message: Message, root: Path, has_left: bool
) -> None:
    if not row.names and not (has_left and row.after_sending is AfterSending.DELETE):
        row.names = _put(session, home, row, message, root)
    if not has_left or row.after_sending is AfterSending.KEEP:
        return
    for name in row.names:
        path = root.resolve() / name
        if not path.resolve().is_relative_to(root.resolve()):
            raise FolderRefused(name)
        if row.after_sending is AfterSending.DELETE:
            path.unlink(missing_ok=True)
        elif path.exists():
            folder = folder_inside(root, RECYCLE, f"{now():%Y-%m}", row.folder, _customer(message))
            path.rename(folder / f"{message.id}-{path.name}")


def _put(session: Session, home: Installation, row: PackagingCopy, message: Message, root: Path) -> list[str]:
    """Write the files, those behind a link too; no file that lies there is written over."""
    folder = folder_inside(root, row.folder, _customer(message))
    link = session.scalar(select(DownloadLink).where(DownloadLink.message_id == message.id))
    files = [(file.name, file.sha256) for file in message.files]
    files += [(file[0], file[2]) for file in link.files] if link else []
    written = []
    for name, sha256 in files:
        data = home.store.read(sha256)
        path = _write(folder, safe_file_name(name), message.id, data)
        written.append(path.relative_to(root.resolve()).as_posix())
    return written


def _write(folder: Path, name: str, message_id: int, data: bytes) -> Path:
    for shown in (name, f"{message_id}-{name}"):
        path = folder / shown
        try:
            with path.open("xb") as file:
                file.write(data)
            return path
        except FileExistsError:
            if path.is_file() and path.read_bytes() == data:
                return path
    raise FileExistsError(f"{name} lies in the folder already, with another content")


def _customer(message: Message) -> str:
    return safe_file_name(message.party_code.replace("/", "-").replace("\\", "-"))


def _record(session: Session, message: Message, action: str, **detail: Any) -> None:
    label = f"{message.party_code} {message.subject}"[:200]
    audit.record(
        session, INSTALLATION, action, company_id=message.company_id, subject=message, label=label, **detail
    )
