"""Where the answers to an account's messages go."""

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.domains.pec_ladder import judge_addresses
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import AddressKind


def answers_by_pec(session: Session, account: SenderAccount) -> bool:
    """Whether answers to a PEC account's messages come back by PEC; true where nothing else is asked for."""
    if account.kind is not AccountKind.PEC or not account.reply_to:
        return True
    return judge_addresses(session, [account.reply_to], now())[account.reply_to].kind is AddressKind.PEC
