"""What follows from attempts to send texts: the gateway's numbers are kept, and unspent money is given back."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.models import SmsReceipt
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.segments import measure
from crm_mail.many_rows import insert_many
from crm_mail.outbox.sending import sms_budget
from crm_mail.outbox.sending.attempting import Result
from crm_mail.outbox.sending.claiming import Job

_COSTING = (OutcomeKind.SENT, OutcomeKind.UNCERTAIN)


def settle(session: Session, results: Sequence[Result]) -> None:
    """After attempts: keep the numbers that reports will name, and give back what gateways did not take."""
    rows = [
        {
            "account_id": result.job.account_id,
            "message_id": result.job.id,
            "provider_id": provider_id,
            "at": result.finished_at,
        }
        for result in results
        for provider_id in result.provider_ids
    ]
    if rows:
        insert_many(session, SmsReceipt, rows)
    give_back(session, [result.job for result in results if result.kind not in _COSTING])


def give_back(session: Session, jobs: Iterable[Job]) -> None:
    """Give back what was booked for texts that were not handed over."""
    for job in jobs:
        if job.channel is Channel.SMS:
            sms_budget.give_back(session, job.account_id, job.claimed_at, measure(job.body_text).segments)
