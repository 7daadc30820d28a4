"""The process is stopped at any point of an import, a preparation or a commit: all of it happened, or nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_mail.contacts.models import Contact, Party
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.schema import upgrade
from tests.cli.commands import ROOT
from tests.conftest import make_settings
from tests.factories import make_account, make_company, make_document, make_party, make_user

PARTIES = 5
ROWS = "party_code,party_name,contact_name,contact_email\n" + "".join(
    f"N{n},Nuova {n},Ugo {n},ugo{n}@nuova.example\n" for n in range(PARTIES)
)
IMPORT = ("import", "contacts", "contacts.csv", "--company", "ACME", "--json")
PREPARE = ("prepare", "--company", "ACME", "--type", "invoice", "--as", "boss@noi.example", "--json")
COMMIT = ("run", "commit", "1", "--as", "boss@noi.example", "--json")


Command = Callable[..., int]


@pytest.fixture
def office(tmp_path: Path) -> Installation:
    """A company with an account and five invoices that are due."""
    home = Installation(make_settings(tmp_path, database_url=""))
    upgrade(home.database)
    with home.database.write() as session:
        make_user(session, email="boss@noi.example", is_admin=True, clearance=3)
        company = make_company(session, code="ACME")
        make_account(session, company)
        for number in range(PARTIES):
            party = make_party(session, company, email=f"p{number}@x.example", email_kind="ordinary")
            make_document(session, party, files=(("a.pdf", home.store.put(b"%PDF-1.7 " + b"x" * number), 9),))
    (tmp_path / "contacts.csv").write_text(ROWS)
    return home


@pytest.fixture(scope="module")
def runner() -> Iterator[subprocess.Popen[str]]:
    """The process whose forks are the commands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRM_MAIL_")}
    module = [sys.executable, "-m", "tests.failures.killed_process"]
    with subprocess.Popen(
        module, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=kept
    ) as running:
        yield running
        assert running.stdin is not None
        running.stdin.close()
        running.wait(20)


@pytest.fixture
def crm_mail(office: Installation, runner: subprocess.Popen[str]) -> Command:
    """``crm_mail(command, nth)``: the exit status of a command that is killed at its nth writing statement."""

    def run(command: tuple[str, ...], nth: int = 0) -> int:
        assert runner.stdin is not None
        assert runner.stdout is not None
        order = {"nth": nth, "folder": str(office.settings.data_dir), "command": command}
        runner.stdin.write(json.dumps(order) + "\n")
        runner.stdin.flush()
        return int(runner.stdout.readline())

    return run


def points(total: int) -> list[int]:
    """The first writing statement, some in the middle, the last one (the commit itself)."""
    return sorted({1, 2, total // 2, total - 1, total} - {0})


def count(home: Installation, model: Any) -> int:
    with home.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6])
def test_a_killed_import_leaves_nothing_and_can_be_repeated(
    office: Installation, crm_mail: Command, nth: int
) -> None:
    if crm_mail(IMPORT, nth) != 0:
        assert (count(office, Party), count(office, Contact)) == (PARTIES, 0)
        assert crm_mail(IMPORT) == 0
    assert (count(office, Party), count(office, Contact)) == (2 * PARTIES, PARTIES)


def test_a_killed_preparation_is_taken_up_and_no_message_stands_twice(
    office: Installation, crm_mail: Command
) -> None:
    """Whatever the point: the run is absent, whole, or waits for the worker with no message at all."""
    assert crm_mail(PREPARE) == 0
    total = int((office.settings.data_dir / "statements").read_text())
    for nth in points(total):
        before = count(office, Run), count(office, Message)
        assert crm_mail(PREPARE, nth) == -signal.SIGKILL
        with office.database.read() as session:
            waiting = list(session.scalars(select(Run.id).where(Run.state == RunState.PREPARING)))
        assert count(office, Message) == before[1]
        assert count(office, Run) == before[0] + len(waiting)
        for run_id in waiting:
            prepared = fill_one_run(office, run_id)
            assert prepared is not None
            assert prepared.messages == PARTIES


def test_a_killed_commit_sends_nothing_and_can_be_repeated(office: Installation, crm_mail: Command) -> None:
    assert crm_mail(PREPARE) == 0
    for nth in range(1, 60):
        status = crm_mail(COMMIT, nth)
        with office.database.read() as session:
            states = set(session.scalars(select(Message.state)))
            run = session.get_one(Run, 1)
        if status == 0:  # the commit makes fewer statements than nth: it lived
            assert (states, run.state) == ({MessageState.COMMITTED}, RunState.COMMITTED)
            assert nth > 3
            return
        assert status == -signal.SIGKILL
        assert (states, run.state) == ({MessageState.PENDING}, RunState.REVIEW)
    pytest.fail("the commit never came to its end")
