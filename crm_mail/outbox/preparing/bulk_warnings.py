"""Warnings that follow from a whole run, put on its rows in one statement each, when all of them are written."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.domains.pec_ladder import judge_addresses
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageIssue, Run
from crm_mail.outbox.preparing.formal_notices import unproven


def warn_shared_addresses(session: Session, run: Run) -> int:
    """Messages whose address serves several contacts or parties; how many had no warning before."""
    recipient = func.coalesce(Message.contact_id, -Message.party_id)
    shared = (
        select(Message.to_address)
        .where(Message.run_id == run.id, Message.to_address != "")
        .group_by(Message.to_address)
        .having(func.min(recipient) != func.max(recipient))
    )
    return _warn(session, run, Issue.SHARED_ADDRESS, Message.to_address.in_(shared))


def warn_ordinary_answers(session: Session, run: Run) -> int:
    """PEC messages whose answers would go to an address that is not known as PEC: such an answer has no legal value,
    and most PEC mailboxes send none there. How many had no warning before.
    """
    own = select(SenderAccount.reply_to).where(SenderAccount.id == Message.account_id).scalar_subquery()
    answers = func.coalesce(func.nullif(Message.reply_to, ""), own, "")
    by_pec = Message.channel == Channel.PEC
    found = session.scalars(select(answers).where(Message.run_id == run.id, by_pec).distinct())
    ordinary = not_by_pec(session, found)
    if not ordinary:
        return 0
    return _warn(session, run, Issue.PEC_ANSWERS, by_pec, answers.in_(ordinary))


def warn_unproven(session: Session, run: Run) -> int:
    """Formal notices that would leave by ordinary mail; how many had no warning before."""
    return _warn(session, run, Issue.UNPROVEN, *unproven())


def not_by_pec(session: Session, addresses: Iterable[str]) -> list[str]:
    """Those of the addresses that are not known as PEC; empty ones are left aside."""
    verdicts = judge_addresses(session, [address for address in addresses if address], now())
    return [address for address, verdict in verdicts.items() if verdict.kind is not AddressKind.PEC]


def _warn(session: Session, run: Run, issue: Issue, *chosen: ColumnElement[bool]) -> int:
    """Warn on the chosen messages of the run; the conditions, which may look at the whole run, are asked once."""
    connection = session.connection()
    found = select(
        Message.run_id,
        Message.id,
        literal(issue.value),
        literal(False),
        literal({}, MessageIssue.params.type),
    ).where(Message.run_id == run.id, *chosen)
    columns = ["run_id", "message_id", "code", "is_blocker", "params"]
    warn = insert(MessageIssue).from_select(columns, found, include_defaults=False)
    if not connection.execute(warn.execution_options(preserve_rowcount=True)).rowcount:
        return 0
    warned = Message.id.in_(
        select(MessageIssue.message_id).where(MessageIssue.run_id == run.id, MessageIssue.code == issue.value)
    )
    fresh = (
        session.scalar(select(func.count()).select_from(Message).where(warned, Message.warnings == 0)) or 0
    )
    connection.execute(
        update(Message)
        .where(warned)
        .values(
            warnings=Message.warnings + 1,
            first_issue=func.coalesce(func.nullif(Message.first_issue, ""), issue.value),
        )
    )
    return fresh
