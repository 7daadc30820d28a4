"""Workers that share, die, are told to stop, or live through a clock that goes back."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bench.sink import running_sink
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now
from crm_mail.delivery.models import AccountUsage, SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox import tasks
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import create_run
from crm_mail.outbox.sending import finishing, reconcile
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState, RunState
from tests.delivery.servers import Faults
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user
from tests.outbox.sending import (
    ACTOR,
    attempts,
    commit,
    committed_run,
    make_run,
    messages,
    on_server,
    run_state,
    send,
    set_state,
    states,
)


def test_two_workers_share_a_run_without_doubles(home: Installation) -> None:
    """Issue section 7: on one machine or on several."""
    with committed_run(home, Faults(pause={"END": 0.01}), count=120) as (server, run_id):
        tallies: list[Any] = []
        workers = [threading.Thread(target=lambda: tallies.append(send(home))) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert states(home, run_id) == {"sent": 120}
    assert max(Counter(to for (to,), _ in server.received).values()) == 1
    assert sum(tally.sent for tally in tallies) == 120
    assert all(tally.sent for tally in tallies)
    assert run_state(home, run_id) is RunState.FINISHED


def _start_worker(home: Installation) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.outbox.worker_process", str(home.settings.data_dir)]
    process = subprocess.Popen([*command, home.settings.database_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _end(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    assert process.stdout is not None
    with process.stdout:
        return process.wait(30)


def _wait_for(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(
    home: Installation, tmp_path: Path
) -> None:
    """Law 4, judged from what the server took: `kill -9` three times, then the rest."""
    record = tmp_path / "taken"
    record.touch()
    with running_sink(record, delay=0.002) as port:
        with home.database.write() as session:
            run_id = commit(session, make_run(session, on_server(session, port), 400))
        for _ in range(3):
            taken = len(record.read_bytes().splitlines())
            process = _start_worker(home)
            _wait_for(lambda taken=taken: len(record.read_bytes().splitlines()) > taken + 20)
            _end(process, signal.SIGKILL)
        run_worker(home, until_idle=True, is_alone=True)
        found = Counter(line.split("\t")[1] for line in record.read_text().splitlines())
    assert max(found.values()) == 1, "sent twice"
    uncertain = 0
    for message in messages(home, run_id):
        assert message.message_id is not None
        if message.state is MessageState.UNCERTAIN:
            uncertain += 1
        else:
            assert (message.state, found[message.message_id]) == (MessageState.SENT, 1)
    assert uncertain < 200
    assert run_state(home, run_id) is RunState.FINISHED


def test_a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(home: Installation) -> None:
    """SIGTERM: nothing becomes uncertain."""
    with committed_run(home, Faults(pause={"END": 0.02}), count=200) as (server, run_id):
        process = _start_worker(home)
        _wait_for(lambda: len(server.received) > 10)
        assert _end(process, signal.SIGTERM) == 0
        found = states(home, run_id)
        assert set(found) == {"sent", "committed"}
        assert found["sent"] == len(server.received)
        send(home)
    assert states(home, run_id) == {"sent": 200}
    assert len(server.received) == 200


def test_a_worker_that_ends_has_closed_its_idle_connections_at_once(home: Installation) -> None:
    """The sign to stop reaches connections that wait for work; else each end takes seconds."""
    with committed_run(home) as (server, run_id):
        send(home)
        assert not [one.name for one in threading.enumerate() if one.name.startswith("account-")]
        assert server.commands[-1] == "QUIT"
    assert states(home, run_id) == {"sent": 1}


def test_messages_of_a_dead_worker_become_uncertain_when_their_lease_ends(home: Installation) -> None:
    with committed_run(home, count=2) as (server, run_id):
        set_state(
            home, run_id, MessageState.SENDING, lease_owner="gone", lease_until=now() + timedelta(minutes=2)
        )
        send(home)
        assert states(home, run_id) == {"sending": 2}
        set_state(home, run_id, MessageState.SENDING, lease_until=now() - timedelta(seconds=1))
        send(home)
    assert states(home, run_id) == {"uncertain": 2}
    assert not server.received
    assert {(a.outcome, a.cause, a.worker) for a in attempts(home, run_id)} == {
        ("uncertain", "crash", "gone")
    }


def test_a_worker_that_lost_its_lease_changes_nothing(home: Installation) -> None:
    """Somebody else settled the message while the server kept us waiting."""
    with committed_run(home, Faults(pause={"END": 0.5})) as (_server, run_id):

        def steal(_tally: object) -> None:
            if states(home, run_id).get("sending"):
                set_state(home, run_id, MessageState.UNCERTAIN, lease_owner=None, lease_until=None)

        send(home, on_progress=steal)
    assert states(home, run_id) == {"uncertain": 1}
    assert [a.outcome for a in attempts(home, run_id)] == ["sent"]


def test_a_clock_that_goes_back_neither_resends_nor_holds_up(home: Installation) -> None:
    """Issue section 12: an hour back in the middle of a run."""
    with committed_run(home, Faults(replies={"RCPT": "450 4.2.0 Later"}, times=3), count=6) as (
        server,
        run_id,
    ):
        with home.database.write() as session:
            session.get_one(Run, run_id).state = RunState.SENDING
        with time_machine.travel(now() - timedelta(hours=1), tick=True):
            send(home, pauses=(timedelta(0),) * 3)
            assert states(home, run_id) == {"sent": 6}
            send(home)
    assert len(server.received) == 6
    assert states(home, run_id) == {"sent": 6}


def test_a_lease_from_before_the_clock_went_back_ends_all_the_same(home: Installation) -> None:
    with committed_run(home) as (_, run_id):
        set_state(
            home, run_id, MessageState.SENDING, lease_owner="gone", lease_until=now() + timedelta(hours=3)
        )
        with home.database.write() as session:
            assert len(reconcile.settle_lost(session, now())) == 1
    assert states(home, run_id) == {"uncertain": 1}


def test_the_limits_of_an_account_are_kept(home: Installation) -> None:
    """PM-14: five in an hour, whatever waits; the rest waits its turn."""
    with committed_run(home, count=12, account={"per_hour": 5}) as (server, run_id):
        send(home)
    assert states(home, run_id) == {"sent": 5, "committed": 7}
    assert len(server.received) == 5


def test_what_is_given_back_is_given_back_to_the_limits(home: Installation) -> None:
    account = {"per_hour": 5, "username": "office"}
    faults = Faults(replies={"AUTH": "535 5.7.8 Wrong"})
    with committed_run(home, faults, count=5, account=account) as (server, run_id):
        send(home)
        server.faults.replies = {}
        with home.database.write() as session:
            used = sum(session.scalars(select(AccountUsage.messages)))
            session.scalars(select(SenderAccount)).one().stopped_at = None
        assert used <= 2
        send(home)
    assert states(home, run_id).get("sent", 0) >= 3


def test_a_locked_database_delays_and_loses_nothing(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue section 12: outcomes wait in the worker until they can be written."""
    failures = iter([True, True, False])
    write = home.database.write

    def sometimes() -> Any:
        if next(failures, False):
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return write()

    with committed_run(home, count=5) as (server, run_id):

        def trouble(_tally: object) -> None:
            monkeypatch.setattr(home.database, "write", sometimes)

        send(home, on_progress=trouble)
    assert states(home, run_id) == {"sent": 5}
    assert len(server.received) == 5


def test_a_finished_run_is_reported_once(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """IT-8: by whichever worker comes first, and not again."""
    told: list[int] = []
    monkeypatch.setattr(finishing, "_hooks", [lambda _home, run_id: told.append(run_id)])
    with committed_run(home, count=2) as (_, run_id):
        send(home)
        send(home)
    assert told == [run_id]


def test_the_worker_prepares_runs_that_wait_for_it(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell was lost, or the process died while it prepared."""
    monkeypatch.setattr(tasks, "GRACE", timedelta(0))
    with home.database.write() as session:
        user = make_user(session, is_admin=True)
        company = make_company(session)
        make_account(session, company)
        party = make_party(session, company)
        make_contact(session, party, subscriptions=("invoice",))
        make_document(session, party)
        run = create_run(session, ACTOR, Criteria(PartyFilter(company.id)))
        run.created_by = user.id
        run_id = run.id
    assert tasks.fill_waiting_runs(home) == [run_id]
    assert tasks.fill_waiting_runs(home) == []
    assert run_state(home, run_id) is RunState.REVIEW
    assert states(home, run_id) == {"pending": 1}


def test_a_run_that_cannot_be_prepared_says_why(home: Installation) -> None:
    """The person who asked for it lost the right meanwhile."""
    with home.database.write() as session:
        user = make_user(session)
        run = create_run(session, ACTOR, Criteria(PartyFilter(make_company(session).id)))
        run.created_by = user.id
        run_id = run.id
    assert tasks.fill_one_run(home, run_id) is None
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        assert run.state is RunState.CANCELLED
        assert "outbox:prepare" in run.commit_summary["error"]


def test_a_run_is_taken_up_where_a_worker_left_it(home: Installation) -> None:
    """Messages of the same account and of another run do not wait for each other."""
    with committed_run(home, count=3) as (_server, run_id):
        with home.database.write() as session:
            account = session.scalars(select(SenderAccount)).one()
            other = commit(session, make_run(session, account, 3))
        set_state(home, other, MessageState.SENT)
        send(home)
        assert run_state(home, other) is RunState.FINISHED
    assert states(home, run_id) == {"sent": 3}
    with home.database.read() as session:
        assert not session.scalars(select(Message).where(Message.lease_owner.is_not(None))).all()
