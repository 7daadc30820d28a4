"""The bell, and the guard against a second instance."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crm_mail.background import AlreadyRunning, Bell, hold_instance
from crm_mail.installation import Installation
from tests.conftest import make_settings


def test_a_bell_rung_in_one_place_is_answered_in_another(home: Installation) -> None:
    """House law 2: names and ids only, across processes (here: across two bells on one database)."""
    heard: list[int] = []
    was_heard = threading.Event()

    def answer(id_: int) -> None:
        heard.append(id_)
        was_heard.set()

    there, here = Bell(home.settings), Bell(home.settings)
    with there.answering({"outbox.drain": answer}):
        here.ring("outbox.drain", 7)
        assert was_heard.wait(10)
    here.close()
    assert heard == [7]


def test_an_inline_bell_answers_at_once(tmp_path: Path) -> None:
    heard: list[int] = []
    bell = Bell(make_settings(tmp_path), inline=True)
    with bell.answering({"outbox.fill_run": heard.append}):
        bell.ring("outbox.fill_run", 3)
        bell.ring("unknown", 4)
    assert heard == [3]


def test_ringing_never_fails_the_door(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A queue that cannot be written costs a few seconds, not the commit that was made."""
    bell = Bell(make_settings(tmp_path))
    bell.close()
    (tmp_path / "bell.sqlite3").unlink()
    (tmp_path / "bell.sqlite3").mkdir()
    bell.ring("outbox.drain", 1)
    assert "could not be rung" in caplog.text


def test_a_second_instance_on_the_same_folder_says_who_is_there(tmp_path: Path) -> None:
    """Issue section 7: a second embedded instance names the first one and stops."""
    settings = make_settings(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tests.conftest import make_settings\n"
        "from crm_mail.background import hold_instance\n"
        f"with hold_instance(make_settings(Path({str(tmp_path)!r})), 'http://127.0.0.1:8080'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with (
        pytest.raises(AlreadyRunning, match=rf"process {first.pid} at http://127.0.0.1:8080"),
        hold_instance(settings),
    ):
        pass
    first.kill()  # however it ends, the lock ends with it
    first.wait(10)
    first.stdin.close()
    first.stdout.close()
    with hold_instance(settings) as is_alone:
        assert is_alone
        assert json.loads((tmp_path / "instance.lock").read_text())["address"] == ""


def test_on_postgresql_any_number_of_instances_may_run(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url="postgresql://somewhere/crm")
    with hold_instance(settings) as first, hold_instance(settings) as second:
        assert (first, second) == (False, False)
