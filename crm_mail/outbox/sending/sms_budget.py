"""What texts may cost: a cap for each account and day of its company; what does not fit waits for the next day.

Segments are booked when a message is claimed, inside the claim's own transaction and with the account's row locked, so
that no number of workers spends more than the cap. What the gateway did not take is given back when it is recorded.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.delivery.models import AccountKind, SenderAccount, SmsDay
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.delivery.sms.segments import measure
from crm_mail.outbox.models import MessageContent


def _zone(session: Session, company_id: int) -> ZoneInfo:
    return ZoneInfo(session.get_one(Company, company_id).timezone)


def today_of(session: Session, account: SenderAccount, moment: datetime) -> SmsDay | None:
    """What an account sent on the present day of its company; None: nothing yet."""
    day = moment.astimezone(_zone(session, account.company_id)).date()
    return session.get(SmsDay, (account.id, day))


def over_cap(session: Session, accounts: Iterable[SenderAccount], moment: datetime) -> dict[int, datetime]:
    """Accounts whose cap for today is spent, and when their next day begins."""
    found: dict[int, datetime] = {}
    for account in accounts:
        config = _capped(account)
        row = today_of(session, account, moment) if config is not None else None
        if config is None or row is None or config.daily_cap is None:
            continue
        if row.full_at == config.daily_cap or row.cost + config.cost > config.daily_cap:
            zone = _zone(session, account.company_id)
            tomorrow = moment.astimezone(zone).date() + timedelta(days=1)
            found[account.id] = datetime.combine(tomorrow, time(0), tzinfo=zone).astimezone(moment.tzinfo)
    return found


def _capped(account: SenderAccount) -> GatewayConfig | None:
    """The configuration of an account with a cap."""
    if account.kind is not AccountKind.SMS:
        return None
    config = GatewayConfig.from_dict(account.sms)
    return config if config.daily_cap is not None and config.cost > 0 else None


def affordable(session: Session, account: SenderAccount, ids: Sequence[int], moment: datetime) -> list[int]:
    """The first of these messages that today's cap still pays for; the account's row is locked from here on."""
    config = _capped(account)
    if config is None or config.daily_cap is None or not ids:
        return list(ids)
    row = _row(session, account.id, moment.astimezone(_zone(session, account.company_id)).date())
    left = config.daily_cap - row.cost
    fitting: list[int] = []
    for id_, segments in _segments(session, ids):
        left -= segments * config.cost
        if left < 0:
            row.full_at = config.daily_cap
            break
        fitting.append(id_)
    return fitting


def book(session: Session, account: SenderAccount, ids: Sequence[int], moment: datetime) -> None:
    """Count what was claimed."""
    config = GatewayConfig.from_dict(account.sms)
    segments = [count for _id, count in _segments(session, ids)]
    day = moment.astimezone(_zone(session, account.company_id)).date()
    _add(_row(session, account.id, day), len(segments), sum(segments), config.cost)


def _segments(session: Session, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Segments of each message, in the order of the ids."""
    query = select(MessageContent.message_id, MessageContent.body_text)
    rows = session.execute(query.where(MessageContent.message_id.in_(ids)))
    texts = {id_: text for id_, text in rows}
    return [(id_, measure(texts[id_]).segments) for id_ in ids]


def _row(session: Session, account_id: int, day: date) -> SmsDay:
    session.execute(select(SenderAccount.id).where(SenderAccount.id == account_id).with_for_update())
    row = session.get(SmsDay, (account_id, day), populate_existing=True)
    if row is None:
        row = SmsDay(account_id=account_id, day=day, messages=0, segments=0, cost=Decimal(0))
        session.add(row)
        session.flush()
    return row


def give_back(session: Session, account_id: int, claimed_at: datetime, segments: int) -> None:
    """Take back what was booked for one message that was not handed over."""
    account = session.get_one(SenderAccount, account_id)
    row = _row(session, account_id, claimed_at.astimezone(_zone(session, account.company_id)).date())
    _add(row, -1, -segments, GatewayConfig.from_dict(account.sms).cost)
    row.full_at = None


def _add(row: SmsDay, messages: int, segments: int, cost: Decimal) -> None:
    row.messages = max(0, row.messages + messages)
    row.segments = max(0, row.segments + segments)
    row.cost = max(Decimal(0), row.cost + segments * cost)
