"""Quiet hours: accounts that may not send now, because their company sends nothing by their channel at this time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.send_windows import ALWAYS, read_window
from crm_mail.delivery.models import SenderAccount


def closed_accounts(
    session: Session, accounts: Sequence[SenderAccount], moment: datetime
) -> dict[int, datetime | None]:
    """Accounts whose company lets nothing leave by their channel now, and when it does again (GA-10)."""
    if not accounts:
        return {}
    ids = {account.company_id for account in accounts}
    query = select(Company.id, Company.timezone, Company.send_windows).where(Company.id.in_(ids))
    companies = {row.id: row for row in session.execute(query) if row.send_windows}
    closed: dict[int, datetime | None] = {}
    for account in accounts:
        company = companies.get(account.company_id)
        window = read_window(company.send_windows, account.kind.value) if company else ALWAYS
        if company and not window.is_open(moment, company.timezone):
            closed[account.id] = window.opens_at(moment, company.timezone)
    return closed
