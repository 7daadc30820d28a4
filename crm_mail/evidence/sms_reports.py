"""What gateways tell of texts: whether they arrived, and what recipients answered. Services never commit.

A report counts for a message of its own account alone: found by the number that the gateway gave it, else by our own
reference. It adds to the message's proof, as a receipt does, so that order and repetition change nothing.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.bounces.parsed import BounceReason
from crm_mail.delivery.models import AccountKind, SenderAccount, SmsReceipt
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.callback_tokens import account_of, is_genuine
from crm_mail.delivery.sms.gateway import Fate, GatewayConfig
from crm_mail.delivery.sms.http_gateway import look_up
from crm_mail.evidence.applying import add_proof, lock_message
from crm_mail.evidence.proof import Failure, Proof
from crm_mail.outbox.models import Message

LONGEST_DETAIL = 500


def find_account(session: Session, keys: list[bytes], token: str) -> SenderAccount | None:
    """The account that a genuine token speaks of."""
    account = session.get(SenderAccount, account_of(token) or 0)
    if account is None or account.kind is not AccountKind.SMS:
        return None
    version = GatewayConfig.from_dict(account.sms).token_version
    return account if is_genuine(keys, token, account.id, version) else None


def take_report(session: Session, account: SenderAccount, data: Mapping[str, Any]) -> bool:
    """Take one report of an HTTP gateway in; whether it concerned a message of ours."""
    config = GatewayConfig.from_dict(account.sms)
    return apply_report(
        session,
        account,
        config.fate_of(look_up(data, config.status_field)),
        provider_id=look_up(data, config.status_id),
        reference=look_up(data, config.status_reference),
        detail=look_up(data, config.error_field) or look_up(data, config.status_field),
    )


def apply_report(
    session: Session,
    account: SenderAccount,
    fate: Fate,
    *,
    provider_id: str = "",
    reference: str = "",
    detail: str = "",
) -> bool:
    """Let a message follow what its gateway says of it; whether it is one of ours."""
    message = _find(session, account, provider_id, reference)
    if message is None:
        return False
    if fate is Fate.UNDERWAY:
        return True
    lock_message(session, message)
    moment = now()
    proof = Proof(delivered_at=moment)
    if fate is Fate.FAILED:
        proof = Proof(failure=Failure(moment, BounceReason.UNKNOWN.value, detail[:LONGEST_DETAIL]))
    add_proof(session, message, proof)
    return True


def _find(session: Session, account: SenderAccount, provider_id: str, reference: str) -> Message | None:
    mine = [Message.account_id == account.id, Message.channel == Channel.SMS]
    if provider_id:
        query = (
            select(Message)
            .join(SmsReceipt, SmsReceipt.message_id == Message.id)
            .where(SmsReceipt.account_id == account.id, SmsReceipt.provider_id == provider_id[:120], *mine)
        )
        found = session.scalar(query.order_by(SmsReceipt.id.desc()).limit(1))
        if found is not None:
            return found
    if not (reference.isascii() and reference.isalnum()):
        return None
    ids = [f"<{reference}@sms.invalid>"]
    return session.scalar(select(Message).where(Message.message_id.in_(ids), *mine).limit(1))
