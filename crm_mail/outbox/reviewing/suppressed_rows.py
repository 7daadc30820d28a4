"""Rows whose address is on the suppression list: the issue that blocks them, put on and taken off."""

from sqlalchemy.orm import Session

from crm_mail.delivery.suppression import suppressed_as
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageIssue
from crm_mail.outbox.preparing.drafts import suppressed_params


def suppressed_issue(session: Session, message: Message) -> MessageIssue | None:
    """What stands against the row's address on the suppression list as it is now; None when nothing does."""
    known = suppressed_as(session, message.company_id, message.to_address) if message.to_address else None
    if known is None:
        return None
    return MessageIssue(
        run_id=message.run_id,
        code=Issue.SUPPRESSED_ADDRESS.value,
        is_blocker=True,
        params=suppressed_params(message.to_address, known),
    )
