"""Reading the mailbox of one account: what is new in its folders is looked at, and what concerns us is taken in.

Nothing in the mailbox changes. The cursor of a folder moves in the transaction that keeps what was found, so that a
reading that ends half-way, by a kill or a lost connection, goes on where it was. A mail that breaks us is counted, kept
as unreadable when it looks like a receipt, and passed: no mail stops the others.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.mailbox.connection import LARGEST_LITERAL
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed, MailboxFailure
from crm_mail.delivery.mailbox.reader import (
    Examined,
    MailHeader,
    ReadOnlyMailbox,
    ReceivedMail,
    sent_folder_of,
)
from crm_mail.delivery.mailbox.responses import Folder, Quota
from crm_mail.delivery.mailbox.settings import MailboxSettings
from crm_mail.delivery.mailbox_access import reach_mailbox
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence import intake, matching
from crm_mail.evidence.alarms import Alarm
from crm_mail.evidence.due_mailboxes import LeaseLost, claim_mailbox, finish_reading, renew_lease
from crm_mail.evidence.intake import Examined as ExaminedMail
from crm_mail.evidence.intake import Keep
from crm_mail.evidence.models import ItemKind, MailboxFolder, MailItem
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sending.worker import worker_name

log = logging.getLogger(__name__)

BATCH_MAILS = 20
BATCH_BYTES = 4 * 1024 * 1024
"""What is taken in by one transaction, and held in memory; a larger mail is a batch of its own."""
AT_ONCE = 4
"""Mails of a batch that are checked, and files that are written, at the same time."""
EARLIER = timedelta(days=2)
"""Servers compare days of their own zone (RFC 9051 6.4.4, SINCE)."""
_RECEIPT = re.compile(
    rb"^(?:X-Ricevuta|X-Trasporto|X-TipoRicevuta):|report-type=\"?(?:delivery-status|disposition)|^Content-Type:\s*multipart/report"
    rb"|^From:.*(?:posta-certificata@|mailer-daemon)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Intake:
    """What becomes of mails. `is_interesting`: by its header, whether the whole mail is fetched at all."""

    is_interesting: Callable[[bytes], bool] = matching.is_interesting
    examine: Callable[[Installation, bytes], ExaminedMail] = intake.examine
    take_in: Callable[..., MailItem | None] = intake.take_in


@dataclass(slots=True)
class ReadingReport:
    """What one reading came to. `is_taken_by_another`: another worker reads this mailbox at the moment."""

    account_id: int
    looked_at: int = 0
    taken: int = 0
    known: int = 0  # had been taken in before
    unreadable: int = 0  # broke us; kept when they look like receipts
    too_large: int = 0
    folders: list[str] = field(default_factory=list)
    missing_folders: list[str] = field(default_factory=list)
    failure: MailboxFailure | None = None
    is_taken_by_another: bool = False


def looks_like_receipt(header: bytes) -> bool:
    """Whether a mail that cannot be read is worth keeping: a PEC receipt or envelope, or a report on delivery."""
    return _RECEIPT.search(header) is not None


@dataclass(slots=True)
class Reading:
    """One reading of one mailbox, from claim to release.

    Args:
        intake: what becomes of mails.
        stop: set it to end after the batch in hand.
        on_open: told of the connection, so that it can be aborted.
    """

    home: Installation
    account_id: int
    intake: Intake = field(default_factory=Intake)
    stop: threading.Event = field(default_factory=threading.Event)
    on_open: Callable[[ReadOnlyMailbox], object] = lambda _mailbox: None
    _owner: str = field(default_factory=worker_name)
    report: ReadingReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = ReadingReport(self.account_id)

    def read(self) -> ReadingReport:
        """Read everything that is new. Failures of server and network are in the report and beside the account."""
        report = self.report
        with self.home.database.write() as session:
            account = session.get(SenderAccount, self.account_id)
            if account is None or not claim_mailbox(session, self.account_id, self._owner, now()):
                report.is_taken_by_another = True
                return report
        quota, was_read = None, False
        try:
            quota, was_read = self._read_with_a_token(account), not self.stop.is_set()
        except MailboxFailed as failed:
            report.failure = failed.failure
        except LeaseLost:
            report.is_taken_by_another = True
            return report
        except Exception as error:  # an error of ours, or the database is away
            log.exception("The reading of the mailbox of account %s broke off.", self.account_id)
            report.failure = MailboxFailure(MailboxCause.PROTOCOL, f"broke off: {type(error).__name__}")
        with self.home.database.write() as session:
            finish_reading(
                session, account, self._owner, now(), report.failure, was_read=was_read, quota=quota
            )
        return report

    def _read_with_a_token(self, account: SenderAccount) -> Quota | None:
        """A token that is refused although it has not ended is renewed once; a password is tried once."""
        settings = reach_mailbox(self.home, account)
        try:
            return self._read_all(settings)
        except MailboxFailed as failed:
            if failed.failure.cause is not MailboxCause.LOGIN or not settings.access_token:
                raise
        return self._read_all(reach_mailbox(self.home, account, rejected=settings.access_token))

    def _read_all(self, settings: MailboxSettings) -> Quota | None:
        mailbox = ReadOnlyMailbox(settings)
        with mailbox:
            self.on_open(mailbox)
            found = mailbox.folders()
            for name in wanted_folders(settings, found):
                if self.stop.is_set():
                    break
                self._read_folder(mailbox, name)
            return mailbox.quota()

    def _read_folder(self, mailbox: ReadOnlyMailbox, name: str) -> None:
        try:
            folder = mailbox.examine(name)
        except MailboxFailed as failed:
            if failed.failure.cause is not MailboxCause.FOLDER:
                raise
            self.report.missing_folders.append(name)
            detail = f"the folder {name} cannot be opened ({failed.failure.detail})"
            self.report.failure = MailboxFailure(MailboxCause.FOLDER, detail)
            return
        self.report.folders.append(name)
        with self.home.database.read() as session:
            cursor = session.get(MailboxFolder, (self.account_id, name))
            is_same = cursor is not None and cursor.uid_validity == folder.uid_validity
            last_uid = cursor.last_uid if cursor is not None and is_same else 0
            if is_same and folder.uid_next <= last_uid + 1:
                return
            since = first_sent_on(session, self.account_id)
        uids = mailbox.uids_after(last_uid, since - EARLIER)
        for chunk in mailbox.headers(uids):
            self._look_at(mailbox, folder, chunk)
            if self.stop.is_set():
                return
        self._keep(folder, [], folder.uid_next - 1, 0)

    def _look_at(self, mailbox: ReadOnlyMailbox, folder: Examined, chunk: Sequence[MailHeader]) -> None:
        """Fetch of a chunk what is worth it, in batches, and keep each batch with the cursor behind it."""
        done = 0
        for batch in self._batches(chunk):
            last = batch[-1].uid if batch else chunk[-1].uid
            looked_at = sum(1 for header in chunk if header.uid <= last) - done
            done += looked_at
            found = mailbox.mails([header.uid for header in batch]) if batch else []
            headers = {header.uid: header.header for header in batch}
            self._keep(folder, [(mail, headers[mail.uid]) for mail in found], last, looked_at)
            if self.stop.is_set():
                return
        if chunk and done < len(chunk):
            self._keep(folder, [], chunk[-1].uid, len(chunk) - done)

    def _batches(self, chunk: Sequence[MailHeader]) -> Iterator[list[MailHeader]]:
        batch: list[MailHeader] = []
        size = 0
        for header in chunk:
            if not self._is_interesting(header):
                continue
            if batch and (len(batch) >= BATCH_MAILS or size + header.size > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(header)
            size += header.size
        if batch:
            yield batch

    def _is_interesting(self, header: MailHeader) -> bool:
        try:
            if not self.intake.is_interesting(header.header):
                return False
        except Exception:  # a header that breaks us: the whole mail may tell more
            log.exception("The header of mail %s of account %s broke off.", header.uid, self.account_id)
        if header.size > LARGEST_LITERAL:
            self.report.too_large += 1
            return False
        return True

    def _keep(
        self, folder: Examined, mails: Sequence[tuple[ReceivedMail, bytes]], last_uid: int, looked_at: int
    ) -> None:
        """Take a batch in and move the cursor, in one transaction.

        Reading and checking is done before it, and the bytes are on disk before it ends; both several at a time.
        """
        with ThreadPoolExecutor(AT_ONCE, "mailbox") as pool:
            examined = list(pool.map(self._examine, [mail for mail, _ in mails]))
            stored: list[Future[str]] = []
            with self.home.database.write() as session:
                renew_lease(session, self.account_id, self._owner, now())
                account = session.get_one(SenderAccount, self.account_id)
                taken = 0
                for (mail, header), found in zip(mails, examined, strict=True):
                    keep = partial(_store, pool, self.home.store.put, stored)
                    taken += self._take(session, account, mail, header, found, keep)
                self._move_cursor(session, folder, last_uid, looked_at, taken)
                for one in stored:
                    one.result()
        self.report.looked_at += looked_at
        self.report.taken += taken

    def _move_cursor(
        self, session: Session, folder: Examined, last_uid: int, looked_at: int, taken: int
    ) -> None:
        cursor = session.get(MailboxFolder, (self.account_id, folder.name))
        if cursor is None:
            cursor = MailboxFolder(account_id=self.account_id, name=folder.name, seen=0, taken=0)
            session.add(cursor)
        cursor.uid_validity, cursor.last_uid = folder.uid_validity, last_uid
        cursor.seen += looked_at
        cursor.taken += taken

    def _examine(self, mail: ReceivedMail) -> ExaminedMail | None:
        """Read a mail and check its signature; None when it breaks us."""
        try:
            return self.intake.examine(self.home, mail.data)
        except Exception:
            log.exception("Mail %s in %s of account %s broke off.", mail.uid, mail.folder, self.account_id)
            return None

    def _take(
        self,
        session: Session,
        account: SenderAccount,
        mail: ReceivedMail,
        header: bytes,
        examined: ExaminedMail | None,
        keep: Keep,
    ) -> int:
        """Take one mail in; 1 when it was kept."""
        digest = examined.sha256 if examined is not None else sha256(mail.data).hexdigest()
        if _is_known(session, account.id, digest):
            self.report.known += 1
            return 0
        try:
            if examined is not None:
                with session.begin_nested():
                    item = self.intake.take_in(
                        session, self.home, account, mail, examined=examined, keep=keep
                    )
                return int(item is not None)
        except (OperationalError, InterfaceError, OSError):  # the database or the disk: not this mail's fault
            raise
        except Exception:
            log.exception("Mail %s in %s of account %s broke off.", mail.uid, mail.folder, account.id)
        self.report.unreadable += 1
        return self._keep_unreadable(session, account, mail, digest) if looks_like_receipt(header) else 0

    def _keep_unreadable(
        self, session: Session, account: SenderAccount, mail: ReceivedMail, digest: str
    ) -> int:
        self.home.store.put(mail.data)
        session.add(
            MailItem(
                account_id=account.id,
                company_id=account.company_id,
                kind=ItemKind.UNREADABLE,
                sha256=digest,
                size=len(mail.data),
                folder=mail.folder,
                uid_validity=mail.uid_validity,
                uid=mail.uid,
                occurred_at=mail.internal_date,
                alarm=Alarm.UNREADABLE,
            )
        )
        session.flush()
        return 1


def _store(
    pool: ThreadPoolExecutor, put: Callable[[bytes], str], stored: list[Future[str]], data: bytes
) -> None:
    """Have bytes written while the next mail is looked at: a disk takes several at a time."""
    stored.append(pool.submit(put, data))


def read_mailbox(home: Installation, account_id: int) -> ReadingReport:
    """Read one mailbox now, whether it is due or not, unless another worker reads it at the moment."""
    return Reading(home, account_id).read()


def wanted_folders(settings: MailboxSettings, found: Sequence[Folder]) -> list[str]:
    """The folders to read: those chosen, else INBOX and the sent folder. A chosen one may be missing."""
    if settings.folders:
        chosen = [*settings.folders, *([settings.sent_folder] if settings.sent_folder else [])]
    else:
        sent = sent_folder_of(found, settings.sent_folder)
        chosen = ["INBOX", *([sent] if sent else [])]
    return list(dict.fromkeys("INBOX" if name.upper() == "INBOX" else name for name in chosen))


def first_sent_on(session: Session, account_id: int) -> date:
    """The day before which no mail can concern us: that of the first run committed with this account, else today."""
    uses = select(Message.id).where(Message.run_id == Run.id, Message.account_id == account_id).exists()
    company_id = select(SenderAccount.company_id).where(SenderAccount.id == account_id).scalar_subquery()
    query = select(Run.committed_at).where(Run.company_id == company_id, Run.committed_at.is_not(None), uses)
    first = session.scalar(query.order_by(Run.id).limit(1))
    return (first or now()).date()


def _is_known(session: Session, account_id: int, digest: str) -> bool:
    query = select(MailItem.id).where(MailItem.account_id == account_id, MailItem.sha256 == digest)
    return session.scalar(query.limit(1)) is not None
