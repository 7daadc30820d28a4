"""A company that can send, and workers that look and try again ten times as often as those of an office."""

import pytest
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.outbox.sending import lanes, sender
from tests.factories import make_account, make_company


@pytest.fixture
def company(session: Session) -> Company:
    company = make_company(session)
    make_account(session, company)
    return company


@pytest.fixture(autouse=True)
def _eager_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of all waits stays: only their unit changes. Workers in processes of their own keep the office's."""
    for name in ("LOOK_AGAIN", "IDLE_SECONDS"):
        monkeypatch.setattr(sender, name, getattr(sender, name) / 10)
    monkeypatch.setattr(lanes, "PAUSES", (lanes.PAUSES[0] / 10, lanes.PAUSES[1] / 10, *lanes.PAUSES[2:]))
