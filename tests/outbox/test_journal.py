"""The journal of a worker: what a dead one told, when it is believed, and when it is not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_mail.db import now
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.installation import Installation
from crm_mail.outbox import tasks
from crm_mail.outbox.sending import journal
from crm_mail.outbox.sending.attempting import Result
from crm_mail.outbox.sending.claiming import Job
from crm_mail.outbox.sending.journal import Journal, Told, of_dead_workers
from crm_mail.outbox.states import MessageState
from tests.delivery.servers import Faults
from tests.outbox.sending import attempts, committed_run, messages, send, set_state, states

pytestmark = pytest.mark.skipif(not journal.boot_id(), reason="this system does not name its runs")
AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
OWNER = "host-1-abc"


def job(number: int) -> Job:
    values: dict[str, Any] = dict.fromkeys(Job._fields, "")
    return Job(**(values | {"id": number, "attempt": 1, "claimed_at": AT, "due_at": AT, "files": ()}))


def result(number: int, kind: OutcomeKind = OutcomeKind.SENT) -> Result:
    return Result(
        job(number), kind, "none", 250, "Grüße\nqueued", AT, AT, b"\x00\n\xff", "ab" * 32, False, ("7",)
    )


def die(one: Journal) -> None:
    """What the kernel does at the end of a process."""
    one._release()


def tell(folder: Path) -> Told:
    (told,) = of_dead_workers(folder)
    told.read()
    return told


def test_what_was_held_begun_and_ended_is_told_apart(tmp_path: Path) -> None:
    one = Journal(tmp_path, OWNER)
    one.held([1, 2, 3, 4])
    one.began(job(1))
    one.ended(result(1))
    one.began(job(2))
    one.held([5])
    one.settled([4])
    assert not list(of_dead_workers(tmp_path))  # it lives
    die(one)
    told = tell(tmp_path)
    assert told.owner == OWNER
    assert told.untouched >= {3, 5}
    assert not told.untouched & {1, 2}
    assert told.results([job(1), job(2), job(3)]) == [result(1)]


def test_a_message_that_is_held_again_begins_anew(tmp_path: Path) -> None:
    """After a passing failure the same worker claims it once more."""
    one = Journal(tmp_path, OWNER)
    one.held([1])
    one.began(job(1))
    one.ended(result(1, OutcomeKind.TRANSIENT))
    one.settled([1])
    one.held([1])
    die(one)
    told = tell(tmp_path)
    assert told.untouched == {1}
    assert not told.ended


def test_a_long_journal_is_written_anew_with_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_BYTES", 10_000)
    one = Journal(tmp_path, OWNER)
    for number in range(1000):
        one.held([number])
        one.began(job(number))
        one.ended(result(number))
        one.settled([number - 3])
    assert (tmp_path / OWNER).stat().st_size < 20_000
    assert not list(of_dead_workers(tmp_path))
    die(one)
    told = tell(tmp_path)
    assert {997, 998, 999} <= told.ended.keys()
    assert not told.untouched


def test_what_was_sent_does_not_stay_in_the_file_of_an_idle_worker(tmp_path: Path) -> None:
    one = Journal(tmp_path, OWNER)
    one.held([1])
    one.began(job(1))
    one.ended(result(1))
    assert b"queued" in (tmp_path / OWNER).read_bytes()
    one.settled([1])
    head, _, rest = (tmp_path / OWNER).read_bytes().partition(b"\n")
    assert head.startswith(b"journal 1 ")
    assert not rest.strip(b"\0")
    one.held([2])
    die(one)
    told = tell(tmp_path)
    assert (told.untouched, told.ended) == ({2}, {})


@pytest.mark.parametrize("head", [b"journal 1 another-run 1:2\n", b"", b"journal"])
def test_another_run_of_the_machine_is_not_believed(tmp_path: Path, head: bytes) -> None:
    """What the kernel had not yet written to the disk is missing from it."""
    path = tmp_path / OWNER
    path.write_bytes(head + b"h 1 2\n")
    assert not list(of_dead_workers(tmp_path))
    assert path.exists()  # perhaps of another machine, in a shared folder
    os.utime(path, (time.time() - 100_000,) * 2)
    assert not list(of_dead_workers(tmp_path))
    assert not path.exists()


def test_a_copy_is_not_believed(tmp_path: Path) -> None:
    """Somebody restored the folder: it tells of what was."""
    one = Journal(tmp_path, OWNER)
    one.held([1, 2])
    shutil.copy(tmp_path / OWNER, tmp_path / "copy")
    assert not list(of_dead_workers(tmp_path))


def test_a_journal_written_anew_while_somebody_opens_it_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of the old file goes, its writer lives."""
    one = Journal(tmp_path, OWNER)
    one.held([1, 2])
    lock = journal.lock_file

    def late(handle: int, *, is_shared: bool = False) -> bool:
        if is_shared:
            one._begin_anew(0)
        return lock(handle, is_shared=is_shared)

    monkeypatch.setattr(journal, "lock_file", late)
    assert not list(of_dead_workers(tmp_path))
    assert one._map is not None


def test_an_outcome_of_an_earlier_attempt_says_nothing_of_the_present_one(tmp_path: Path) -> None:
    one = Journal(tmp_path, OWNER)
    one.held([1])
    one.began(job(1))
    one.ended(result(1, OutcomeKind.TRANSIENT))
    die(one)
    told = tell(tmp_path)
    assert not told.results([job(1)._replace(attempt=2)])
    assert not told.untouched


def test_a_folder_that_cannot_be_read_stops_no_sweep(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = journal.journals_folder(home)
    folder.mkdir()

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert tasks.sweep(home) == 0


@pytest.mark.parametrize("tail", [b"b 1", b"e 2 {", b"h 3", b"b \0 1\n"])
def test_a_line_that_was_not_finished_says_nothing(tmp_path: Path, tail: bytes) -> None:
    """Nothing is begun before its line stands there whole."""
    one = Journal(tmp_path, OWNER)
    one.held([1, 2])
    one.began(job(2))
    with one._lock:
        one._write(tail)
    die(one)
    told = tell(tmp_path)
    assert (told.untouched, told.ended) == ({1}, {})


@pytest.mark.parametrize(
    "damage", [b"h 1 x", b"h 1\nb", b"e 1 1 AAA", b"e 1 1 AAA {}", b"e 1 1 AAA [1]", b"e 1 1 AAA null", b"x"]
)
def test_a_damaged_journal_leaves_everything_in_doubt(tmp_path: Path, damage: bytes) -> None:
    one = Journal(tmp_path, OWNER)
    one.held([2])
    one.settled([2])
    one._write(damage + b"\n")
    die(one)
    told = tell(tmp_path)
    assert not told.untouched
    assert not told.results([job(1)])


def test_a_full_disk_withdraws_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a journal would say of messages that they had not been begun with; the worker goes on without."""

    def full(_file: int, _start: int, _size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_BYTES", 150)
    one = Journal(tmp_path, OWNER)
    one.held([1, 2])
    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(30):
        one.began(job(number))
    one.ended(result(1))
    one.settled([1])
    one.close()
    assert not list(tmp_path.iterdir())
    assert not list(of_dead_workers(tmp_path))


def test_a_withdrawn_journal_is_not_believed_though_it_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Journal(tmp_path, OWNER)
    one.held([1, 2])

    def refuse(_path: Path, **_: bool) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    one.close()
    assert (tmp_path / OWNER).exists()
    assert not list(of_dead_workers(tmp_path))


def test_a_worker_that_ends_leaves_no_journal(home: Installation) -> None:
    with committed_run(home, count=3) as (_server, run_id):
        send(home)
    assert states(home, run_id) == {"sent": 3}
    assert not list((journal.journals_folder(home)).iterdir())


def test_what_a_dead_worker_told_is_recorded_given_back_or_in_doubt(home: Installation) -> None:
    """At once, long before the lease ends; the exact bytes and the server's answer are kept as usual."""
    with committed_run(home, count=4) as (server, run_id):
        set_state(
            home,
            run_id,
            MessageState.SENDING,
            lease_owner=OWNER,
            lease_until=now() + timedelta(minutes=2),
            attempt_count=1,
            claimed_at=now().replace(microsecond=0),
        )
        ids = [message.id for message in messages(home, run_id)]
        one = Journal(journal.journals_folder(home), OWNER)
        one.held(ids[:3])  # of the fourth it tells nothing
        one.began(job(ids[0]))
        one.ended(result(ids[0]))
        one.began(job(ids[1]))
        tasks.sweep(home)
        assert states(home, run_id) == {"sending": 4}  # it lives
        die(one)
        tasks.sweep(home)
        assert states(home, run_id) == {"sent": 1, "uncertain": 2, "committed": 1}
        folder = journal.journals_folder(home)
        tasks.sweep(home)  # it is kept for a while, should the dead worker's last transaction end late
        (kept,) = folder.iterdir()
        os.utime(kept, (time.time() - 100,) * 2)
        tasks.sweep(home)
        assert not list(folder.iterdir())
        (sent,) = (a for a in attempts(home, run_id) if a.outcome == "sent")
        assert (sent.message_id, sent.worker, sent.mime) == (ids[0], OWNER, b"\x00\n\xff")
        send(home)
    assert states(home, run_id) == {"sent": 2, "uncertain": 2}
    assert len(server.received) == 1


def test_a_kill_leaves_in_doubt_what_was_being_sent_and_nothing_else(sqlite_home: Installation) -> None:
    """The server keeps us waiting at the end of the third message: one message is in doubt, of a hundred."""
    home = sqlite_home
    faults = Faults(pause={"END": 0})
    with committed_run(home, faults, count=100, account={"max_connections": 1}) as (server, run_id):
        worker = _start_worker(home)
        _wait_until(lambda: len(server.received) >= 20)
        server.faults.pause["END"] = 30
        _wait_until(lambda: _rests(server.received))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        server.faults.pause["END"] = 0
        tasks.sweep(home)
        found = states(home, run_id)
        assert found["uncertain"] == 1
        assert found["sent"] + found["committed"] == 99
        send(home)
        assert states(home, run_id) == {"sent": 99, "uncertain": 1}
        assert len(server.received) in (99, 100)


def test_a_kill_while_the_server_does_not_answer_leaves_nothing_in_doubt(sqlite_home: Installation) -> None:
    """Nothing can leave before there is a connection."""
    home = sqlite_home
    with committed_run(home, Faults(pause={"GREETING": 30}), count=3) as (server, run_id):
        worker = _start_worker(home)
        _wait_until(lambda: server.connections)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        server.faults.pause["GREETING"] = 0
        tasks.sweep(home)
        assert states(home, run_id) == {"committed": 3}
        send(home)
        assert states(home, run_id) == {"sent": 3}
        assert len(server.received) == 3


def _start_worker(home: Installation) -> subprocess.Popen[bytes]:
    folder, url = home.settings.data_dir, home.settings.resolved_database_url
    return subprocess.Popen([sys.executable, "-m", "tests.outbox.worker_process", str(folder), url])


def _rests(received: Sequence[object]) -> bool:
    before = len(received)
    time.sleep(0.5)
    return len(received) == before


def _wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
