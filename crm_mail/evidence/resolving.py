"""Uncertain messages, resolved by evidence and without anyone; what is known of those that still wait for a person.

What the reading of the mailbox brings settles most of them (`intake`). A copy in the sent folder, or a receipt in a
folder that was read before, is looked for by our Message-ID: once an hour for three days, and when a person asks.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, literal_column, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.mailbox.failures import MailboxFailed
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox, sent_folder_of
from crm_mail.delivery.mailbox_access import reach_mailbox
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.evidence.applying import follow, lock_message
from crm_mail.evidence.intake import take_in
from crm_mail.evidence.models import Mailbox, MessageProof
from crm_mail.installation import Installation
from crm_mail.outbox.models import Attempt, Message, MessageEvent
from crm_mail.outbox.states import MessageState

log = logging.getLogger(__name__)

SEARCHED = "mailbox_searched"
PAUSE = timedelta(hours=1)
SEARCHED_FOR = timedelta(days=3)
AT_ONCE = 50


_WAITS: ColumnElement[bool] = literal_column("message_proofs.waits_for_sender IS TRUE")  # as the index has it


def apply_waiting(session: Session) -> int:
    """Let messages follow evidence that came while they were still being sent; how many did."""
    query = (
        select(MessageProof)
        .join(Message, Message.id == MessageProof.message_id)
        .where(_WAITS, Message.state != MessageState.SENDING)
        .limit(500)
    )
    done = 0
    for row in session.scalars(query).all():
        message = session.get_one(Message, row.message_id)
        lock_message(session, message)
        done += follow(session, message, row)
    return done


def search_mailboxes(home: Installation) -> int:
    """Look for uncertain messages in the mailboxes they left from; how many mails were found. Never raises."""
    with home.database.write() as session:
        wanted = _claim(session, now())
    found = 0
    for account_id, messages in wanted.items():
        try:
            found += _search(home, account_id, messages)
        except MailboxFailed as failed:
            log.warning("The mailbox of account %s could not be searched: %s", account_id, failed)
        except Exception:
            log.exception("The mailbox of account %s could not be searched.", account_id)
    return found


def search_for(home: Installation, message_id: int) -> int:
    """Look for one message now, because a person asks; how many mails were found.

    Raises:
        MailboxFailed: the mailbox cannot be reached.
    """
    with home.database.write() as session:
        message = session.get_one(Message, message_id)
        if message.account_id is None or message.message_id is None:
            return 0
        session.add(MessageEvent(message_id=message.id, kind=SEARCHED, detail={}))
        account_id, wanted = message.account_id, message.message_id
    return _search(home, account_id, [wanted])


def has_wanted(session: Session, moment: datetime) -> bool:
    """Whether any uncertain message is to be looked for now."""
    return session.execute(_wanted(moment).limit(1)).first() is not None


def _wanted(moment: datetime) -> Select[int, int | None, str | None]:
    asked = exists().where(
        MessageEvent.message_id == Message.id, MessageEvent.kind == SEARCHED, MessageEvent.at > moment - PAUSE
    )
    return (
        select(Message.id, Message.account_id, Message.message_id)
        .join(SenderAccount, SenderAccount.id == Message.account_id)
        .where(
            Message.state == literal_column("'uncertain'"),  # in the very words of ix_messages_uncertain
            Message.message_id.is_not(None),
            Message.claimed_at > moment - SEARCHED_FOR,
            SenderAccount.mailbox_is_read,
            SenderAccount.mailbox_host != "",
            ~asked,
        )
        .order_by(Message.account_id, Message.claimed_at)
    )


def _claim(session: Session, moment: datetime) -> dict[int, list[str]]:
    """Message-IDs to look for by account; noted at once, so that no other worker looks for the same."""
    query = _wanted(moment).limit(AT_ONCE).with_for_update(of=Message, skip_locked=True)
    wanted: dict[int, list[str]] = {}
    for id_, account_id, message_id in session.execute(query).all():
        wanted.setdefault(account_id or 0, []).append(message_id or "")
        session.add(MessageEvent(message_id=id_, kind=SEARCHED, at=moment, detail={}))
    return wanted


def _search(home: Installation, account_id: int, message_ids: Sequence[str]) -> int:
    """Look for the messages in the sent folder, and for their receipts in the inbox of a PEC mailbox; take them in."""
    with home.database.read() as session:
        account = session.get_one(SenderAccount, account_id)
        settings, is_pec = reach_mailbox(home, account), account.kind is AccountKind.PEC
        chosen = account.mailbox_sent_folder
    found = 0
    with ReadOnlyMailbox(settings) as mailbox:
        sent = sent_folder_of(mailbox.folders(), chosen)
        for message_id in message_ids:
            uids = [(sent, uid) for uid in mailbox.search_message_id(sent, message_id)] if sent else []
            if is_pec:
                header = "X-Riferimento-Message-ID"
                uids += [("INBOX", uid) for uid in mailbox.search_header("INBOX", header, message_id)]
            for folder, uid in uids[:20]:
                found += _take(home, account_id, mailbox, folder, uid)
    return found


def _take(home: Installation, account_id: int, mailbox: ReadOnlyMailbox, folder: str, uid: int) -> int:
    if mailbox.examined is None or mailbox.examined.name != folder:
        mailbox.examine(folder)
    mail = mailbox.mail(uid)
    if mail is None:
        return 0
    with home.database.write() as session:
        account = session.get_one(SenderAccount, account_id)
        return int(take_in(session, home, account, mail) is not None)


@dataclass(frozen=True, slots=True)
class Known:
    """What a person who decides about an uncertain message may know.

    ``mailbox_read_at``: the last reading that went well, None when the mailbox is not read or never was.
    ``searched_at``: when its Message-ID was last looked for. ``server_answer``: the last words of the server.
    """

    message_id: int
    began_at: datetime | None
    ended_at: datetime | None
    server_answer: str
    is_mailbox_read: bool
    mailbox_read_at: datetime | None
    mailbox_failure: str
    searched_at: datetime | None


def what_is_known(session: Session, message: Message) -> Known:
    """Gather what is known of an uncertain message."""
    attempt = session.scalar(
        select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.id.desc()).limit(1)
    )
    account = session.get(SenderAccount, message.account_id) if message.account_id else None
    mailbox = session.get(Mailbox, message.account_id) if message.account_id else None
    searched = select(MessageEvent.at).where(
        MessageEvent.message_id == message.id, MessageEvent.kind == SEARCHED
    )
    return Known(
        message.id,
        attempt.started_at if attempt else message.claimed_at,
        attempt.finished_at if attempt else None,
        message.last_detail,
        bool(account and account.mailbox_is_read and account.mailbox_host),
        mailbox.checked_at if mailbox else None,
        mailbox.failure if mailbox and mailbox.failed_at else "",
        session.scalar(searched.order_by(MessageEvent.id.desc()).limit(1)),
    )
