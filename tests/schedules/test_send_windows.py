"""GA-10: quiet hours. Committed messages wait until the company's window for their channel opens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from crm_mail.companies.models import Company
from crm_mail.companies.send_windows import SendWindow, read_window
from crm_mail.db import now
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sending.claiming import accounts_with_work
from crm_mail.outbox.sending.control import read_progress
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import INSTALLATION
from tests import factories

OFFICE = SendWindow(frozenset(range(5)), 8 * 60, 20 * 60)
NIGHT = SendWindow(frozenset({4}), 22 * 60, 6 * 60)
CASES = [
    ("a weekday", OFFICE, "2026-11-23 07:00", True, "2026-11-23 07:00"),
    ("before it opens", OFFICE, "2026-11-23 06:59", False, "2026-11-23 07:00"),
    ("the end is closed", OFFICE, "2026-11-23 19:00", False, "2026-11-24 07:00"),
    ("Friday evening waits for Monday", OFFICE, "2026-11-27 19:30", False, "2026-11-30 07:00"),
    ("over midnight, from Friday", NIGHT, "2026-11-28 04:59", True, "2026-11-28 04:59"),
    ("over midnight, not from Saturday", NIGHT, "2026-11-29 04:00", False, "2026-12-04 21:00"),
    (
        "clocks go forward while it is closed",
        SendWindow(from_minute=480, to_minute=1200),
        "2027-03-27 20:00",
        False,
        "2027-03-28 06:00",
    ),
]


@pytest.mark.parametrize(("name", "window", "at", "is_open", "opens"), CASES, ids=[case[0] for case in CASES])
def test_a_window_is_open_in_local_hours(
    name: str, window: SendWindow, at: str, is_open: bool, opens: str
) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert window.is_open(moment, "Europe/Rome") is is_open, name
    assert window.opens_at(moment, "Europe/Rome") == datetime.fromisoformat(opens).replace(tzinfo=UTC)
    assert read_window({"smtp": window.to_dict()}, "smtp") == window


def test_nothing_leaves_by_a_channel_in_its_quiet_hours(home: Installation) -> None:
    moment = now()
    closed = SendWindow(frozenset({(moment + timedelta(days=3)).weekday()}), 600, 601)
    with home.database.write() as session:
        company = factories.make_company(session, timezone="UTC", send_windows={"smtp": closed.to_dict()})
        account = factories.make_account(session, company)
        pec = factories.make_account(session, company, kind=AccountKind.PEC)
        party = factories.make_party(session, company)
        run = Run(company_id=company.id, title="", state=RunState.SENDING, starts_at=moment)
        session.add(run)
        session.flush()
        for one in (account, pec):
            session.add(
                Message(
                    run_id=run.id,
                    company_id=company.id,
                    party_id=party.id,
                    party_code="1",
                    party_name="A",
                    language="it",
                    channel=Channel(one.kind.value),
                    account_id=one.id,
                    state=MessageState.COMMITTED,
                    next_attempt_at=moment,
                )
            )
        session.flush()
        assert [one.id for one in accounts_with_work(session, moment, moment)] == [pec.id]
        waiting = read_progress(session, run, INSTALLATION.sight).waiting_accounts
        assert [(one.account_id, one.opens_at) for one in waiting] == [
            (account.id, closed.opens_at(moment, "UTC"))
        ]
        company.send_windows = {}
        session.flush()
        assert len(accounts_with_work(session, moment, moment)) == 2


def test_a_company_says_when_it_sends_and_how_much_advertising_a_contact_gets(
    app: Flask, login_as: Any
) -> None:
    home = app.extensions["crm_mail"]
    with home.database.write() as session:
        company_id = factories.make_company(session).id
        user = factories.make_user(session, is_admin=True)
    client, page = login_as(user), f"/companies/{company_id}/sending-times"
    days = {f"{channel}-weekdays": ["0", "4"] for channel in ("smtp", "pec", "sms")}
    shown = client.get(page)
    assert shown.status_code == 200
    wrong = client.post(page, data={"smtp-weekdays": ["0"], "pressure_messages": "3"})
    assert (wrong.status_code, "Tick at least one day" in wrong.text, "Fill in both" in wrong.text) == (
        422,
        True,
        True,
    )
    kept = {
        "smtp-from_time": "08:00",
        "smtp-to_time": "20:00",
        "pressure_messages": "3",
        "pressure_days": "30",
    }
    assert client.post(page, data=days | kept).status_code == 303
    with home.database.read() as session:
        company = session.get_one(Company, company_id)
        assert read_window(company.send_windows, "smtp") == SendWindow(frozenset({0, 4}), 480, 1200)
        assert (company.pressure_messages, company.pressure_days) == (3, 30)
    assert 'value="08:00"' in client.get(page).text
