"""All that is known of one message: its proof, what was taken in about it, and the timeline they make."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.evidence.applying import proof_of
from crm_mail.evidence.models import MailItem, MessageProof
from crm_mail.evidence.proof import Proof
from crm_mail.evidence.timeline import Came, Step, Story, build_timeline
from crm_mail.outbox.models import Message
from crm_mail.outbox.states import MessageState

MOST_ITEMS = 200
_OUT = (MessageState.SENT, MessageState.DELIVERED, MessageState.BOUNCED)


@dataclass(frozen=True, slots=True)
class MessageEvidence:
    """What is known. ``row``: None while nothing came and nothing is missed."""

    row: MessageProof | None
    proof: Proof
    story: Story
    items: list[MailItem]
    steps: list[Step]


def read_evidence(session: Session, message: Message) -> MessageEvidence:
    """Gather what is known of a message that the reader may see."""
    row = session.get(MessageProof, message.id)
    account = session.get(SenderAccount, message.account_id) if message.account_id else None
    query = select(MailItem).where(MailItem.message_id == message.id).order_by(MailItem.id).limit(MOST_ITEMS)
    items = list(session.scalars(query))
    story = Story(
        to=message.to_address,
        sender=account.from_address if account else "",
        is_pec=message.channel is Channel.PEC,
        is_uncertain=message.state is MessageState.UNCERTAIN,
        sent_at=message.sent_at if message.state in _OUT else None,
        proof=proof_of(row),
        silence=row.alarm if row else "",
        silence_at=row.alarm_at if row else None,
    )
    return MessageEvidence(row, story.proof, story, items, build_timeline(story, map(_came, items)))


def _came(item: MailItem) -> Came:
    facts = item.facts or {}
    return Came(
        id=item.id,
        kind=item.kind.value,
        at=item.occurred_at or item.taken_at,
        receipt_type=item.receipt_type,
        recipient=item.recipient,
        status=item.status,
        reason=item.reason,
        detail=item.detail,
        trust=item.trust,
        alarm=item.alarm,
        provider=str(facts.get("provider", "")),
        is_final=bool(facts.get("is_final")),
    )
