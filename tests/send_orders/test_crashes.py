"""A crash after the claim loses nothing and doubles nothing; two processes share a folder (PM-1, PM-26)."""

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from crm_mail.importers.folders.claims import STALE_SECONDS
from crm_mail.installation import Installation
from crm_mail.send_orders.folder import OrderFolder
from crm_mail.send_orders.models import OrderState
from crm_mail.send_orders.recording import Recorder
from crm_mail.send_orders.watching import OrderWatcher
from tests.send_orders.making import drop, look, make_office, messages, names, order_xml, orders, watcher

NAME = "_CFD_MAIL_REQ_0012_20250115103045.XML"


def take_in(settings: Settings) -> None:
    """A process of its own: looks until nothing was there twice."""
    home = Installation(settings)
    one, quiet, deadline = watcher(home), 0, time.monotonic() + 60
    while quiet < 2 and time.monotonic() < deadline:
        quiet = 0 if one.turn() or one.waiting() else quiet + 1
        time.sleep(0.02)
    home.database.dispose()


class Died(BaseException):
    """As a power cut: nothing that comes after is done."""


def die(*_args: Any, **_more: Any) -> None:
    raise Died


def as_if_of_a_dead_process(folder: Path) -> None:
    """The claims in the folder are those of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for claim in (folder / "processing").iterdir():
        host, _pid, rest = claim.name.split("~", 2)
        claim.rename(claim.with_name(f"{host}~{gone.pid}~{rest}"))


@pytest.mark.parametrize("moment", ["before the record", "before the file was moved"])
def test_what_a_dead_worker_had_claimed_is_taken_up_and_acts_once(
    home: Installation, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    drop(folder)
    with monkeypatch.context() as patch:
        if moment == "before the record":
            patch.setattr(Recorder, "record", die)
        else:
            patch.setattr(OrderFolder, "accept", die)
        with pytest.raises(Died):
            look(home)
    assert len(messages(home)) == (0 if moment == "before the record" else 1)
    as_if_of_a_dead_process(folder)
    watcher(home).turn()
    assert [one.state for one in orders(home)] == [OrderState.OUTBOX]
    assert len(messages(home)) == 1
    assert names(folder) == [f"accepted/{NAME}"]


def test_a_living_worker_s_claims_are_its_own_until_it_is_silent_for_long(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        _company, folder = make_office(session, sqlite_home)
    drop(folder)
    first, second = OrderFolder(folder), OrderFolder(folder)
    assert first.ready() == []  # it may still be written
    assert first.ready() == [NAME]
    assert second.ready() == []
    assert second.ready() == [NAME]
    assert first.claim(NAME) is not None
    assert second.claim(NAME) is None
    assert second.take_over(time.time()) == 0
    assert second.take_over(time.time() + STALE_SECONDS + 1) == 1
    assert [claim.name for claim in second.in_hand()] == [NAME]
    assert first.in_hand() == []


def test_a_file_that_is_still_being_written_is_not_taken_for_broken(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        _company, folder = make_office(session, sqlite_home)
    data = order_xml()
    drop(folder, data[:60])
    patient = watcher(sqlite_home, patience=30.0)
    patient.turn()
    patient.turn()
    assert orders(sqlite_home) == []
    claimed = next((folder / "processing").rglob("*.XML"))
    claimed.write_bytes(data)  # the writer goes on in the file that was renamed meanwhile
    patient.turn()
    assert [one.state for one in orders(sqlite_home)] == [OrderState.OUTBOX]


def test_a_file_that_stays_locked_goes_to_quarantine_and_does_not_loop(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PM-26."""
    with sqlite_home.database.write() as session:
        _company, folder = make_office(session, sqlite_home)
    drop(folder)
    opened: list[object] = []

    def locked(*args: Any, **_more: Any) -> int:
        opened.append(args)
        raise PermissionError(13, "held by another program")

    with monkeypatch.context() as patch:
        patch.setattr("crm_mail.send_orders.folder.os.open", locked)
        assert [one.state for one in look(sqlite_home, lock_patience=60.0)] == []
        taken_up = OrderWatcher(sqlite_home, lock_patience=0.0, patience=0.0)
        as_if_of_a_dead_process(folder)
        taken_up.turn()
        taken_up.turn()
    (row,) = orders(sqlite_home)
    assert (row.state, row.problem) == (OrderState.REFUSED, "locked")
    assert f"quarantine/{NAME}" in names(folder)
    assert len(opened) <= 3


def test_two_processes_share_a_folder_and_each_order_becomes_one_message(
    home: Installation,
) -> None:
    """PM-1, PM-21: one process sends on SQLite, but any number may take orders in."""
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    count = 40
    for number in range(count):
        drop(folder, order_xml(title=f"order {number}"), f"{number:03}")
    fork = multiprocessing.get_context("fork")  # no second start of Python: each child opens the office anew
    workers = [fork.Process(target=take_in, args=(home.settings,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = messages(home)
    assert len(found) == count
    assert len({one.subject for one in found}) == count
    assert {one.state for one in orders(home)} == {OrderState.OUTBOX}
    assert len(names(folder)) == count
