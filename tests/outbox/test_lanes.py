"""A lane of connections by itself, without a database."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import AccountSettings, Mail, Security
from crm_mail.outbox.sending import attempting, lanes
from crm_mail.outbox.sending.attempting import Ready, Result
from crm_mail.outbox.sending.claiming import Job
from crm_mail.outbox.sending.journal import Journal

AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
SETTINGS = AccountSettings(Channel.SMTP, "127.0.0.1", 25, Security.NONE, "office@office.example")


def job(number: int) -> Job:
    values: dict[str, Any] = dict.fromkeys(Job._fields, "")
    return Job(**(values | {"id": number, "attempt": 1, "claimed_at": AT, "due_at": AT, "files": ()}))


def lane_over(
    folder: Path, transport: Any, done: Callable[[Result], None], connections: int = 1
) -> lanes.Lane:
    identity: Any = type("Identity", (), {"account_id": 1})()
    journal = Journal(folder, "worker")
    return lanes.Lane(
        identity,
        SETTINGS,
        connections,
        timedelta(minutes=1),
        lambda _: b"",
        journal,
        done,
        lambda: None,
        transport,
    )


def test_what_a_short_pause_left_in_the_queue_is_worked_on_when_nobody_took_it_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that is slow to look must not leave messages in hand for ever."""
    monkeypatch.setattr(lanes, "PAUSES", (0.05,))
    done: SimpleQueue[Result] = SimpleQueue()
    answers = iter([Outcome(OutcomeKind.TRANSIENT, 421, "Too many connections", None, Cause.BUSY)])
    sent = Outcome(OutcomeKind.SENT, 250, "Ok")

    def attempt(_self: object, one: Job, *_: object) -> Result:
        outcome = next(answers, sent)
        return Result(
            one,
            outcome.kind,
            outcome.cause,
            outcome.code,
            outcome.detail,
            AT,
            AT,
            is_connection=not outcome.is_sent,
        )

    class Transport:
        is_open = True

        def __init__(self, _settings: AccountSettings) -> None: ...
        def close(self) -> None: ...

    monkeypatch.setattr(attempting.Attempts, "attempt", attempt)
    lane = lane_over(tmp_path, Transport, done.put)
    lane.put([job(number) for number in range(5)])
    deadline = time.monotonic() + 5
    while lane._threads and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.1)  # the pause has ended, and nobody looked
    assert (lane.is_halted, lane.in_hand) == (False, 4)
    lane.go_on()
    assert [done.get(timeout=5).kind for _ in range(5)][1:] == [OutcomeKind.SENT] * 4
    lane.stop()
    assert lane.join(5)


def test_a_message_taken_ahead_goes_back_once_when_a_pause_begins_before_its_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Twice in the queue, it would be sent twice."""

    def ready(one: Job, *_: object) -> Ready:
        return Ready(one, AT, Mail("office@acme.example", ("c@customer.example",), b""), b"", "")

    class Transport:
        is_open = True

        def __init__(self, _settings: AccountSettings) -> None: ...
        def is_usable(self) -> bool:
            return self.is_open

        def close(self) -> None:
            self.is_open = False

        def hand_over(self, _mail: Mail, _following: Mail | None, meanwhile: Callable[[], None]) -> Outcome:
            meanwhile()
            self.close()
            return Outcome(OutcomeKind.UNCERTAIN, None, "No answer came", None, Cause.DROPPED)

    class Login:
        """Another connection found out meanwhile that the server is busy."""

        def __enter__(self) -> None:
            lane._paused_until = time.monotonic() + 60

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(attempting, "make_ready", ready)
    results: list[Result] = []
    lane = lane_over(tmp_path, Transport, results.append)
    lane._login = Login()  # type: ignore[assignment]
    lane.put([job(1), job(2), job(3)])
    assert lane.join(5)
    assert [result.job.id for result in results] == [1]
    assert sorted(one.id for one in lane.take_back()) == [2, 3]
    assert lane.in_hand == 0


def test_a_closed_server_is_tried_by_one_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The others waited for it to sign in, and see the pause that it began."""

    class Transport:
        is_open = False

        def __init__(self, _settings: AccountSettings) -> None: ...
        def close(self) -> None: ...

    def attempt(_self: object, one: Job, *_: object) -> Result:
        time.sleep(0.02)
        refused = Outcome(OutcomeKind.TRANSIENT, None, "Connection refused", None, Cause.BUSY)
        return Result(one, refused.kind, refused.cause, None, refused.detail, AT, AT, is_connection=True)

    class Lock:
        """The one that goes on first is whoever waited for it."""

        def __init__(self) -> None:
            self._lock = threading.Lock()

        def __enter__(self) -> None:
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()
            time.sleep(0.01)

    monkeypatch.setattr(attempting.Attempts, "attempt", attempt)
    results: list[Result] = []
    lane = lane_over(tmp_path, Transport, results.append, connections=4)
    lane._login = Lock()  # type: ignore[assignment]
    lane.put([job(number) for number in range(8)])
    assert lane.join(5)
    assert len(results) == 1
    assert len(lane.take_back()) == 7
