"""Uncertain PEC messages that the operator never took, settled by what did not come.

A PEC message has left when its operator gives the acceptance receipt, which it does at once (D.P.R. 68/2005, art. 6;
pec.md section 1, Times): nothing else proves it, and without it the message has no legal existence. So when the mailbox
was read a day later and had neither a receipt nor a copy, also when it was searched for the Message-ID, the message did
not leave. It becomes failed: a person sends it again. Evidence that comes even later still wins (`applying.follow`).
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.evidence.models import Mailbox, MessageProof
from crm_mail.evidence.resolving import SEARCHED
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.outbox.states import MessageState, check_transition
from crm_mail.webhooks.models import Topic
from crm_mail.webhooks.noting import note_messages

WAITED = timedelta(hours=24)
"""As long as the law gives operators for an outcome of any kind."""
NEVER_ACCEPTED = "never_accepted"
AT_ONCE = 500


def settle_never_accepted(session: Session, moment: datetime) -> int:
    """Let what was never accepted be failed; how many messages. Never commits."""
    accounts = (
        select(SenderAccount.id, Mailbox.checked_at)
        .join(Mailbox, Mailbox.account_id == SenderAccount.id)
        .where(
            SenderAccount.kind == AccountKind.PEC,
            SenderAccount.mailbox_is_read,
            Mailbox.checked_at.is_not(None),
            Mailbox.failed_at.is_(None),
        )
    )
    settled = 0
    for account_id, checked_at in session.execute(accounts).all():
        settled += _settle(session, account_id, min(moment, checked_at or moment) - WAITED, moment)
    return settled


def _settle(session: Session, account_id: int, before: datetime, moment: datetime) -> int:
    proof = MessageProof
    searched = exists().where(
        MessageEvent.message_id == Message.id, MessageEvent.kind == SEARCHED, MessageEvent.at > before
    )
    shown = (
        proof.accepted_at,
        proof.in_sent_folder_at,
        proof.taken_over_at,
        proof.delivered_at,
        proof.failed_at,
    )
    query = (
        select(Message.id)
        .where(
            Message.state == literal_column("'uncertain'"),  # in the very words of ix_messages_uncertain
            Message.account_id == account_id,
            Message.claimed_at <= before,
            searched,
            ~exists().where(proof.message_id == Message.id, or_(*(one.is_not(None) for one in shown))),
        )
        .order_by(Message.id)
        .limit(AT_ONCE)
        .with_for_update(of=Message, skip_locked=True)
    )
    ids = session.scalars(query).all()
    if not ids:
        return 0
    check_transition(MessageState.UNCERTAIN, MessageState.FAILED)
    values = {
        "state": MessageState.FAILED,
        "last_cause": NEVER_ACCEPTED,
        "last_code": None,
        "last_detail": "",
    }
    session.execute(update(Message).where(Message.id.in_(ids)).values(**values))
    events = [
        {"message_id": id_, "at": moment, "kind": NEVER_ACCEPTED, "actor_name": "", "detail": {}}
        for id_ in ids
    ]
    session.execute(insert(MessageEvent), events)
    note_messages(session, Topic.MESSAGE_FAILED, ids)
    return len(ids)
