"""Reports and answers of SMPP accounts: fetched every minute, as the provider keeps them until a receiver comes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import select

from crm_mail.background import repeating
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.sms.gateway import GatewayConfig, GatewayProtocol
from crm_mail.delivery.sms.smpp_gateway import SmppReport, read_reports
from crm_mail.delivery.transports import ConnectionFailed
from crm_mail.evidence.sms_answers import take_answer
from crm_mail.evidence.sms_reports import apply_report
from crm_mail.installation import Installation, SecretUnreadable

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
QUIET_SECONDS = 3.0
"""Silence after which nothing more waits."""


def fetch_reports(home: Installation, quiet_seconds: float = QUIET_SECONDS) -> int:
    """Fetch what waits for every SMPP account; how much it was. A provider that cannot be reached is logged."""
    query = select(SenderAccount).where(
        SenderAccount.kind == AccountKind.SMS,
        SenderAccount.is_enabled,
        SenderAccount.stopped_at.is_(None),
    )
    with home.database.read() as session:
        accounts = [
            one
            for one in session.scalars(query.order_by(SenderAccount.id))
            if GatewayConfig.from_dict(one.sms).protocol is GatewayProtocol.SMPP
        ]
    count = 0
    for account in accounts:
        try:
            settings = account_settings(home, account)
            count += read_reports(settings, partial(_take, home, account.id), quiet_seconds)
        except (ConnectionFailed, SecretUnreadable) as trouble:
            log.warning("The reports of the SMS account %s could not be fetched: %s", account.name, trouble)
    return count


def _take(home: Installation, account_id: int, told: SmppReport) -> None:
    with home.database.write() as session:
        account = session.get_one(SenderAccount, account_id)
        if told.provider_id:
            fate = GatewayConfig.from_dict(account.sms).fate_of(told.state)
            apply_report(session, account, fate, provider_id=told.provider_id, detail=told.state)
        else:
            take_answer(session, account, told.sender, told.text)


@contextmanager
def fetching_sms_reports(home: Installation) -> Iterator[None]:
    """Fetch them in a thread of this process while the block runs."""
    with repeating(
        "sms-reports", partial(fetch_reports, home), LOOK_SECONDS, first=LOOK_SECONDS, patience=5.0
    ):
        yield
