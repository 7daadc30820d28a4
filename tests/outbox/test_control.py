"""Pause, resume, cancel, retry, settle: what a person may do with a run that was committed."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery.suppression import suppress
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import CommitRefused, undo_commit
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.sending import control, lanes
from crm_mail.outbox.sending.control import ControlRefused, Resolution
from crm_mail.outbox.sending.sender import Sender
from crm_mail.outbox.states import MessageState, RunState, TransitionRefused
from crm_mail.permissions import Actor, PermissionDenied, Sight
from tests.delivery.servers import Faults
from tests.factories import make_actor
from tests.outbox.sending import (
    ACTOR,
    attempts,
    committed_run,
    events,
    messages,
    run_state,
    send,
    set_state,
    states,
)

STRANGER = make_actor(is_admin=False)


def _do(home: Installation, run_id: int, what: str, actor: Actor = ACTOR) -> object:
    with home.database.write() as session:
        return getattr(control, what)(session, actor, session.get_one(Run, run_id))


def test_a_paused_run_sends_nothing_until_it_is_resumed(home: Installation) -> None:
    with committed_run(home, count=5) as (server, run_id):
        _do(home, run_id, "pause_run")
        send(home)
        assert states(home, run_id) == {"committed": 5}
        _do(home, run_id, "resume_run")
        send(home)
    assert states(home, run_id) == {"sent": 5}
    assert len(server.received) == 5


def test_a_pause_in_the_middle_lets_only_what_is_under_way_finish(home: Installation) -> None:
    """About a fifth of a second of work."""
    with committed_run(home, Faults(pause={"END": 0.05}), count=60) as (server, run_id):

        def pause(tally: object) -> None:
            if run_state(home, run_id) is RunState.SENDING:
                _do(home, run_id, "pause_run")

        send(home, on_progress=pause)
    found = states(home, run_id)
    assert found["committed"] >= 40
    assert found.get("sent", 0) == len(server.received)
    assert run_state(home, run_id) is RunState.PAUSED


def test_cancelling_calls_back_what_has_not_left(home: Installation) -> None:
    with committed_run(home, count=5) as (server, run_id):
        assert _do(home, run_id, "cancel_run") == 5
        send(home)
    assert states(home, run_id) == {"cancelled": 5}
    assert not server.received
    assert events(home, run_id).count("cancelled") == 5
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        assert run.state is RunState.CANCELLED
        assert run.finished_at is not None


def test_a_message_under_way_when_its_run_is_cancelled_is_not_tried_again(home: Installation) -> None:
    with committed_run(home, Faults(replies={"RCPT": "450 4.2.0 Later"}, pause={"RCPT": 0.3})) as (_, run_id):

        def cancel(_tally: object) -> None:
            if states(home, run_id).get("sending"):
                _do(home, run_id, "cancel_run")

        send(home, on_progress=cancel)
    assert states(home, run_id) == {"cancelled": 1}


def test_only_failures_are_tried_again_and_under_the_same_message_id(home: Installation) -> None:
    """RP-13: what arrived is not sent twice."""
    with committed_run(home, Faults(replies={"RCPT": "550 5.1.1 No such user"}, times=2), count=6) as (
        server,
        run_id,
    ):
        send(home)
        before = {m.id: m.message_id for m in messages(home, run_id)}
        failed = states(home, run_id)["failed"]
        assert run_state(home, run_id) is RunState.FINISHED
        assert _do(home, run_id, "retry_failed") == failed
        send(home)
    assert states(home, run_id) == {"sent": 6}
    assert {m.id: m.message_id for m in messages(home, run_id)} == before
    assert len(server.received) == 6
    assert run_state(home, run_id) is RunState.FINISHED


def test_an_address_on_the_suppression_list_is_not_tried_again(home: Installation) -> None:
    """It could only fail, and its true cause would be lost; a test address takes it all the same."""
    with committed_run(home, Faults(replies={"RCPT": "550 5.1.1 No such user"}, times=1)) as (server, run_id):
        send(home)
        (message,) = messages(home, run_id)
        with home.database.write() as session:
            suppress(session, ACTOR, message.company_id, message.to_address.upper(), "left the firm")
        assert _do(home, run_id, "retry_failed") == 0
        assert states(home, run_id) == {"failed": 1}
        with home.database.write() as session:
            session.get_one(Company, message.company_id).test_address = "test@office.example"
        assert _do(home, run_id, "retry_failed") == 1
        send(home)
    assert len(server.received) == 1


def test_what_waits_for_a_server_is_tried_at_once_when_a_person_asks(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a worker itself waits for the server; what failed for good stays so."""
    monkeypatch.setattr(lanes, "PAUSES", (3600.0,))
    with committed_run(sqlite_home, Faults(replies={"MAIL": "421 4.3.2 Closing"}, times=1), count=2) as (
        _server,
        run_id,
    ):
        sender = Sender(sqlite_home, "w", pauses=[timedelta(hours=1)])
        _turn_until(sender, lambda: states(sqlite_home, run_id) == {"retrying": 1, "committed": 1})
        with sqlite_home.database.write() as session:
            other = next(m for m in messages(sqlite_home, run_id) if m.state is MessageState.COMMITTED)
            session.get_one(Message, other.id).state = MessageState.FAILED

        assert _do(sqlite_home, run_id, "hasten_waiting") == 1

        _turn_until(sender, lambda: states(sqlite_home, run_id) == {"sent": 1, "failed": 1})
        sender.stop(3)
        with pytest.raises(ControlRefused, match="is finished"):
            _do(sqlite_home, run_id, "hasten_waiting")


def _turn_until(sender: Sender, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_done():
        assert time.monotonic() < deadline
        sender.turn()
        time.sleep(0.02)


def test_a_cancelled_run_is_not_tried_again(sqlite_home: Installation) -> None:
    with committed_run(sqlite_home) as (_, run_id):
        _do(sqlite_home, run_id, "cancel_run")
        with pytest.raises(ControlRefused, match="is cancelled"):
            _do(sqlite_home, run_id, "retry_failed")


def _resolve(home: Installation, run_id: int, resolution: Resolution) -> None:
    with home.database.write() as session:
        message = session.query(Message).filter_by(run_id=run_id).one()
        control.resolve_uncertain(session, ACTOR, message, resolution)


def test_an_uncertain_message_is_settled_by_a_person(home: Installation) -> None:
    """Law 4."""
    with committed_run(home, Faults(hang_up={"END"}, times=1)) as (server, run_id):
        send(home)
        assert states(home, run_id) == {"uncertain": 1}
        _resolve(home, run_id, Resolution.SEND_AGAIN)
        send(home)
        assert states(home, run_id) == {"sent": 1}
        assert len(server.received) == 2
        assert [a.outcome for a in attempts(home, run_id)] == ["uncertain", "sent"]
    set_state(home, run_id, MessageState.UNCERTAIN)
    _resolve(home, run_id, Resolution.SENT)
    assert states(home, run_id) == {"sent": 1}
    assert "resolved_sent" in events(home, run_id)
    with home.database.read() as session:
        assert session.query(AuditEvent).filter_by(action="outbox.message.resolved").count() == 2


def test_what_was_sent_cannot_be_resolved(sqlite_home: Installation) -> None:
    with committed_run(sqlite_home) as (_, run_id):
        send(sqlite_home)
    with pytest.raises(TransitionRefused):
        _resolve(sqlite_home, run_id, Resolution.SEND_AGAIN)


@pytest.mark.parametrize("what", ["pause_run", "resume_run", "cancel_run", "retry_failed", "hasten_waiting"])
def test_steering_a_run_needs_the_right_to_commit(sqlite_home: Installation, what: str) -> None:
    with committed_run(sqlite_home) as (_, run_id), pytest.raises(PermissionDenied):
        _do(sqlite_home, run_id, what, STRANGER)


def test_messages_above_the_clearance_are_not_tried_again(sqlite_home: Installation) -> None:
    """Issue section 9: they do not exist for that user."""
    with committed_run(sqlite_home, count=2) as (_, run_id):
        set_state(sqlite_home, run_id, MessageState.FAILED, privacy_level=2)
        with sqlite_home.database.write() as session:
            session.get_one(Run, run_id).state = RunState.FINISHED
        low = make_actor(clearance=1)
        assert _do(sqlite_home, run_id, "retry_failed", low) == 0
        assert _do(sqlite_home, run_id, "retry_failed") == 2
        with sqlite_home.database.read() as session:
            first = messages(sqlite_home, run_id)[0].id
            assert control.find_uncertain(session, low, first) is None


def test_the_undo_window_holds_the_run_back_and_can_be_used(home: Installation) -> None:
    """BX-8: nothing leaves before its end; after it, it is too late to undo."""
    with committed_run(home, count=3) as (server, run_id):
        with home.database.write() as session:
            run = session.get_one(Run, run_id)
            run.state, run.starts_at = RunState.COMMITTED, now() + timedelta(hours=1)
        send(home)
        assert states(home, run_id) == {"committed": 3}
        with home.database.write() as session:
            session.get_one(Run, run_id).starts_at = now() + timedelta(seconds=1)
        send(home)  # a start within a minute is waited for
        with home.database.write() as session, pytest.raises(CommitRefused, match="has started"):
            undo_commit(session, ACTOR, session.get_one(Run, run_id))
    assert states(home, run_id) == {"sent": 3}
    assert len(server.received) == 3


def test_progress_counts_what_the_reader_may_see(home: Installation) -> None:
    with committed_run(home, Faults(replies={"RCPT r1-1@customer.example": "550 5.1.1 No"}), count=4) as (
        _,
        run_id,
    ):
        send(home)
        set_state(home, run_id, MessageState.COMMITTED, privacy_level=1)
        with home.database.write() as session:
            session.get_one(Run, run_id).state = RunState.SENDING
            message = session.query(Message).filter_by(run_id=run_id).first()
            assert message is not None
            message.state, message.sent_at = MessageState.SENT, now()
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        progress = control.read_progress(session, run, Sight(3))
        nothing = control.read_progress(session, run, Sight(0))
    assert (progress.total, progress.sent, progress.done) == (4, 1, 1)
    assert progress.per_minute > 0
    assert progress.seconds_left is not None
    assert progress.seconds_left > 0
    assert (nothing.total, nothing.sent) == (0, 0)


def test_progress_names_the_account_that_a_run_waits_for(sqlite_home: Installation) -> None:
    faults = Faults(replies={"AUTH": "535 5.7.8 Wrong password"})
    with committed_run(sqlite_home, faults, account={"username": "office"}) as (_, run_id):
        send(sqlite_home)
    with sqlite_home.database.read() as session:
        progress = control.read_progress(session, session.get_one(Run, run_id), Sight(3))
    (account,) = progress.waiting_accounts
    assert "535" in account.reason
    assert progress.seconds_left is None
