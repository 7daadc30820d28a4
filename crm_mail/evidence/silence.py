"""Silence is an alarm: no accettazione in the account's minutes, no outcome after 24 hours (pec.md section 1, Times).

Set-based and bounded: per account one query over the index of PEC messages that are sent and nothing more, and only as
far as its mailbox was read: what was not looked for is not missing. `applying` ends an alarm when evidence comes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, insert, literal_column, or_, select
from sqlalchemy.orm import Session

from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.evidence import error_notices
from crm_mail.evidence.alarms import Silence
from crm_mail.evidence.models import Mailbox, MessageProof
from crm_mail.outbox.models import Message, MessageEvent

OUTCOME_AFTER = timedelta(hours=24)
LOOKED_BACK = timedelta(days=60)
"""Older silence is no news: it was told of when it began, or the mailbox was not read then."""
AT_ONCE = 500

_IS_UNPROVEN = and_(
    Message.channel == literal_column("'pec'"), Message.state == literal_column("'sent'")
)  # in the very words of ix_messages_unproven


def sweep_silence(session: Session, moment: datetime) -> dict[Silence, int]:
    """Raise the alarms that are due; how many of each. Never commits."""
    found = dict.fromkeys(Silence, 0)
    query = (
        select(SenderAccount, Mailbox.checked_at)
        .join(Mailbox, Mailbox.account_id == SenderAccount.id)
        .where(
            SenderAccount.kind == AccountKind.PEC,
            SenderAccount.mailbox_is_read,
            Mailbox.checked_at.is_not(None),
        )
    )
    for account, checked_at in session.execute(query).all():
        known_until = min(moment, checked_at or moment)
        minutes = timedelta(minutes=account.acceptance_minutes)
        for silence, before in (
            (Silence.NO_ACCEPTANCE, known_until - minutes),
            (Silence.NO_OUTCOME, known_until - OUTCOME_AFTER),
        ):
            rows = _silent(session, account.id, silence, before, moment - LOOKED_BACK)
            _raise(session, account, silence, rows, moment)
            found[silence] += len(rows)
    return found


def _silent(
    session: Session, account_id: int, silence: Silence, before: datetime, since: datetime
) -> Sequence[int]:
    """Messages of an account of which that is missing, and that have no such alarm yet."""
    proof = MessageProof
    if silence is Silence.NO_ACCEPTANCE:
        missing = or_(
            proof.message_id.is_(None),
            and_(proof.accepted_at.is_(None), proof.failed_at.is_(None), proof.alarm == ""),
        )
    else:
        missing = and_(
            proof.accepted_at <= before,
            proof.delivered_at.is_(None),
            proof.failed_at.is_(None),
            proof.recipient_is_pec.is_not(False),
            proof.alarm != Silence.NO_OUTCOME.value,
        )
    query = (
        select(Message.id)
        .outerjoin(proof, proof.message_id == Message.id)
        .where(
            _IS_UNPROVEN,
            Message.account_id == account_id,
            Message.sent_at > since,
            Message.sent_at <= before,
            missing,
        )
        .order_by(Message.id)
        .limit(AT_ONCE)
        .with_for_update(of=Message, skip_locked=True)
    )
    return session.scalars(query).all()


def _raise(
    session: Session, account: SenderAccount, silence: Silence, ids: Sequence[int], moment: datetime
) -> None:
    if not ids:
        return
    known = {
        row.message_id: row
        for row in session.scalars(select(MessageProof).where(MessageProof.message_id.in_(ids)))
    }
    for id_ in ids:
        row = known.get(id_)
        if row is None:
            row = MessageProof(message_id=id_, company_id=account.company_id)
            session.add(row)
        row.alarm, row.alarm_at, row.updated_at = silence.value, moment, moment
        row.alarm_settled_at, row.alarm_settled_by, row.alarm_note = None, None, ""
    events = [
        {"message_id": id_, "at": moment, "kind": f"silence_{silence.value}", "actor_name": "", "detail": {}}
        for id_ in ids
    ]
    session.execute(insert(MessageEvent), events)
    error_notices.note(session, account.company_id, silence.value, account.from_address, len(ids))
