"""Servers and accounts that misbehave: each failure says what, where and what to do; nothing is lost or doubled."""

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_mail.db import now
from crm_mail.delivery.models import Security, SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.states import RunState
from tests.delivery.servers import Faults, FaultyServer, certificate_context
from tests.outbox.sending import (
    NO_PAUSES,
    attempts,
    commit,
    committed_run,
    make_run,
    messages,
    on_server,
    run_state,
    send,
    states,
)


@pytest.mark.parametrize(
    ("answer", "state", "cause"),
    [
        ("450 4.2.1 Mailbox busy", "retrying", "recipient"),
        ("550 5.1.1 No such user", "failed", "recipient"),
    ],
)
def test_a_refused_recipient_fails_for_good_or_for_now(
    sqlite_home: Installation, answer: str, state: str, cause: str
) -> None:
    """Law 5: 4xx is tried again, 5xx is final; the server's own words are kept."""
    with committed_run(sqlite_home, Faults(replies={"RCPT": answer}), count=3) as (server, run_id):
        send(sqlite_home)
    assert states(sqlite_home, run_id) == {state: 3}
    assert not server.received
    message = messages(sqlite_home, run_id)[0]
    assert (message.last_cause, message.last_code) == (cause, int(answer[:3]))
    assert answer[4:] in message.last_detail


def test_552_for_the_size_is_final(sqlite_home: Installation) -> None:
    with committed_run(sqlite_home, Faults(replies={"END": "552 5.3.4 Message too big"})) as (_, run_id):
        send(sqlite_home)
    (message,) = messages(sqlite_home, run_id)
    assert (message.state, message.last_cause) == ("failed", "size")


def test_transient_failures_are_tried_again_with_growing_pauses(home: Installation) -> None:
    """Issue section 7: first after a minute, later less often."""
    with committed_run(home, Faults(replies={"RCPT": "450 4.2.0 Later"})) as (_, run_id):
        send(home)
    (message,) = messages(home, run_id)
    assert message.next_attempt_at is not None
    assert timedelta(seconds=50) < message.next_attempt_at - now() <= timedelta(seconds=60)


def test_a_message_fails_when_its_tries_are_used_up(home: Installation) -> None:
    with committed_run(home, Faults(replies={"RCPT": "450 4.2.0 Later"})) as (_, run_id):
        send(home, pauses=NO_PAUSES)
    assert states(home, run_id) == {"failed": 1}
    assert [a.outcome for a in attempts(home, run_id)] == ["transient"] * 4
    assert run_state(home, run_id) is RunState.FINISHED


def test_a_message_that_was_deferred_is_sent_at_the_next_try(home: Installation) -> None:
    faults = Faults(replies={"RCPT": "450 4.2.0 Later"}, times=1)
    with committed_run(home, faults) as (server, run_id):
        send(home, pauses=NO_PAUSES)
    assert states(home, run_id) == {"sent": 1}
    assert [a.outcome for a in attempts(home, run_id)] == ["transient", "sent"]
    assert len(server.received) == 1


def test_421_makes_the_account_pause_and_keeps_the_rest_untried(home: Installation) -> None:
    """A busy server is left alone for a moment; the queue waits and loses nothing."""
    with committed_run(
        home, Faults(replies={"MAIL": "421 4.3.2 Too many connections"}, times=1), count=10
    ) as (
        server,
        run_id,
    ):
        send(home)
    assert states(home, run_id) in ({"sent": 9, "retrying": 1}, {"sent": 8, "retrying": 2})
    assert len(server.received) == states(home, run_id)["sent"]


def test_a_connection_closed_in_the_middle_of_data_is_tried_again(home: Installation) -> None:
    """The server has no complete message: sending again doubles nothing."""
    large = home.store.put(os.urandom(8_000_000))
    faults = Faults(hang_up_after_bytes=100, times=1)
    with committed_run(home, faults, files=(("large.pdf", large, 8_000_000),)) as (server, run_id):
        send(home, pauses=NO_PAUSES)
    assert states(home, run_id) == {"sent": 1}
    assert len(server.received) == 1


def test_an_accepted_message_whose_reply_was_lost_is_uncertain_and_stays_so(home: Installation) -> None:
    """Law 4: never blindly sent again; the run is finished, the decision is a person's."""
    with committed_run(home, Faults(hang_up={"END"})) as (server, run_id):
        send(home)
        send(home)
    assert states(home, run_id) == {"uncertain": 1}
    assert len(server.received) == 1
    (attempt,) = attempts(home, run_id)
    assert attempt.mime is not None
    assert run_state(home, run_id) is RunState.FINISHED


def test_a_server_that_is_down_leaves_the_queue_waiting(home: Installation) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with home.database.write() as session:
            account = on_server(session, unused.getsockname()[1])
            run_id = commit(session, make_run(session, account, 20))
        send(home)
    found = states(home, run_id)
    assert set(found) == {"committed", "retrying"}
    assert sum(found.values()) == 20
    assert {a.cause for a in attempts(home, run_id)} == {"connection"}


def test_a_slow_server_delays_only_its_own_account(sqlite_home: Installation) -> None:
    """Accounts send beside each other."""
    with FaultyServer(Faults(pause={"END": 0.7})) as slow, FaultyServer() as fast:
        with sqlite_home.database.write() as session:
            slow_run = commit(session, make_run(session, on_server(session, slow.port), 4))
            fast_run = commit(session, make_run(session, on_server(session, fast.port), 20))
        finished: dict[str, Any] = {}

        def look(_tally: Any) -> None:
            if states(sqlite_home, fast_run) == {"sent": 20}:
                finished.setdefault("slow", states(sqlite_home, slow_run).get("sent", 0))

        send(sqlite_home, on_progress=look)
    assert states(sqlite_home, slow_run) == {"sent": 4}
    assert finished["slow"] < 4


def test_a_server_that_does_not_answer_in_time_is_tried_again(sqlite_home: Installation) -> None:
    """IT-19: the account's time-out."""
    faults = Faults(pause={"RCPT": 1.5}, times=1)
    with committed_run(sqlite_home, faults, account={"timeout_seconds": 1}) as (_, run_id):
        send(sqlite_home, pauses=NO_PAUSES)
    assert states(sqlite_home, run_id) == {"sent": 1}
    assert attempts(sqlite_home, run_id)[0].cause == "timeout"


def _stopped(home: Installation, account_id: int) -> str:
    with home.database.read() as session:
        account = session.get_one(SenderAccount, account_id)
        assert account.stopped_at is not None
        return account.stopped_reason


def test_an_account_whose_login_is_refused_stops_alone(home: Installation) -> None:
    """Law 5: its messages wait, untouched; the other account goes on."""
    with (
        FaultyServer(Faults(replies={"AUTH": "535 5.7.8 Wrong password"})) as refusing,
        FaultyServer() as good,
    ):
        with home.database.write() as session:
            login = {"username": "office", "secret": home.encrypt("secret")}
            account = on_server(session, refusing.port, **login)
            waiting = commit(session, make_run(session, account, 10))
            other = commit(session, make_run(session, on_server(session, good.port), 10))
        send(home)
    assert states(home, waiting) == {"committed": 10}
    assert states(home, other) == {"sent": 10}
    assert "535" in _stopped(home, account.id)
    assert "secret" not in _stopped(home, account.id)


def test_a_restarted_account_sends_what_waited(home: Installation) -> None:
    with committed_run(
        home, Faults(replies={"AUTH": "535 5.7.8 Wrong password"}), count=5, account={"username": "office"}
    ) as (server, run_id):
        send(home)
        server.faults.replies = {}
        with home.database.write() as session:
            account = session.get_one(SenderAccount, messages(home, run_id)[0].account_id)
            account.stopped_at = None
        send(home)
    assert states(home, run_id) == {"sent": 5}


def test_a_bad_certificate_stops_the_account(sqlite_home: Installation, tmp_path: Path) -> None:
    """Nothing is ever sent to a server that cannot prove who it is."""
    with FaultyServer(implicit_tls=certificate_context(tmp_path / "tls", "other.example")) as server:
        with sqlite_home.database.write() as session:
            account = on_server(
                session, server.port, security=Security.TLS, ca_file=str(tmp_path / "tls" / "ca.pem")
            )
            run_id = commit(session, make_run(session, account, 2))
        send(sqlite_home)
    assert states(sqlite_home, run_id) == {"committed": 2}
    assert "certificate" in _stopped(sqlite_home, account.id).lower()


def test_a_server_without_starttls_stops_the_account(sqlite_home: Installation) -> None:
    with committed_run(sqlite_home, count=2, account={"security": Security.STARTTLS}) as (_, run_id):
        send(sqlite_home)
    assert states(sqlite_home, run_id) == {"committed": 2}
    account_id = messages(sqlite_home, run_id)[0].account_id
    assert account_id is not None
    assert "STARTTLS" in _stopped(sqlite_home, account_id)


def test_an_unreadable_password_stops_the_account_and_says_why(sqlite_home: Installation) -> None:
    """PM-27: the key was lost or changed."""
    account = {"username": "office", "secret": b"encrypted with another key"}
    with committed_run(sqlite_home, count=2, account=account) as (_, run_id):
        send(sqlite_home)
    account_id = messages(sqlite_home, run_id)[0].account_id
    assert account_id is not None
    assert "CRM_MAIL_SECRET_KEY" in _stopped(sqlite_home, account_id)
    assert states(sqlite_home, run_id) == {"committed": 2}
