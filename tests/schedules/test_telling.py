"""The owner is written to, once, when a run waits or something goes wrong; on a real SMTP server."""

import email
from collections.abc import Iterator
from email import policy

import pytest
from sqlalchemy import select

from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers
from crm_mail.schedules import firing
from crm_mail.schedules.models import Schedule
from crm_mail.schedules.service import run_now
from tests import factories
from tests.schedules.test_firing import EVENING, make_schedule


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("mail")) as info:
        yield info


def subjects(servers: SandboxInfo) -> list[tuple[str, str]]:
    """Recipient and subject of everything that arrived."""
    drop = servers.ordinary.maildrop
    found = [
        (one, email.message_from_bytes(drop.content(one), policy=policy.default)) for one in drop.messages()
    ]
    return sorted((", ".join(one.recipients), str(mail["Subject"])) for one, mail in found)


def test_the_owner_is_told_once_that_a_run_waits_and_the_error_desk_when_the_owner_left(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    schedule_id = make_schedule(sqlite_home, EVENING, options={"types": ["invoice"]})
    with sqlite_home.database.write() as session:
        schedule, server = session.get_one(Schedule, schedule_id), servers.ordinary
        schedule.company.error_address, schedule.company.language = "errors@office.example", "en"
        schedule.company.name, owner = "Officine", schedule.owner.email
        account = session.scalars(select(SenderAccount)).one()
        account.host, account.port, account.security = server.host, server.port, server.security
        account.username = account.from_address = server.username
        account.secret, account.ca_file = sqlite_home.encrypt(server.password), str(server.ca_file)
        run_now(session, factories.make_actor(), schedule)
    firing.tend(sqlite_home)
    firing.tend(sqlite_home)
    waits = (owner, "CRM Mail: Invoices of the month before: waits for a person (Officine)")
    assert subjects(servers) == [waits]
    with sqlite_home.database.write() as session:
        schedule = session.get_one(Schedule, schedule_id)
        schedule.owner.is_active = False
        run_now(session, factories.make_actor(), schedule)
    firing.tend(sqlite_home)
    desk = ("errors@office.example", "CRM Mail: Invoices of the month before: refused (Officine)")
    assert subjects(servers) == sorted([waits, desk])
